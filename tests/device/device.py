# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""A folder that is a device for the programs of this project when JOTA_ROOT names it.

It has what they read of a board: etc, proc, sys, dev and run, with regular files as partitions, or
with loop devices (root only). Sizes are those of a real board; the files are sparse.
"""

import dataclasses
import json
import os
import shutil
import stat
import subprocess
import uuid
from pathlib import Path

from uboot_env import OFFSETS_BYTES, SIZE_BYTES, UbootEnv
from uefi_vars import UefiVars

TOP = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("JOTA_BUILD", TOP / "build")).resolve()
MIB = 1 << 20
SECTOR_BYTES = 512
BLOCK_BYTES = MIB  # what the writer erases before it writes a slot
FIRST_PARTITION_BYTES = 16 * MIB
DISK = "mmcblk0"
DISK_MAJOR = 179
BOARD = "devices/platform/3460000.mmc/mmc_host/mmc0/mmc0:0001"
ROLES = ("bootloader", "kernel", "rootfs")
SIZES_BYTES = {"bootloader": 8 * MIB, "kernel": 64 * MIB, "rootfs": 8192 * MIB,
               "userdata": 4096 * MIB}
_PREFIXED = {role: (f"A_{name}", f"B_{name}")
             for role, name in (("bootloader", "bootloader"), ("kernel", "kernel"),
                                ("rootfs", "APP"))}
_SUFFIXED = {"kernel": ("kernel", "kernel_b"), "rootfs": ("APP", "APP_b")}
_MIXED = {"kernel": ("A_kernel", "B_kernel"), "rootfs": ("APP", "APP_b")}
LAYOUTS = {"mission": _PREFIXED, "t186": _SUFFIXED, "t194": _SUFFIXED, "t234": _MIXED,
           "t264": _MIXED}
UEFI_LAYOUTS = ("t234", "t264")


def parse_size(text):
    """'64M' to bytes; K, M and G are binary."""
    factor = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}.get(text[-1:].upper())
    return int(text[:-1]) * factor if factor else int(text)


@dataclasses.dataclass
class Partition:
    label: str
    number: int
    start_bytes: int
    size_bytes: int
    major: int = DISK_MAJOR
    minor: int = 0
    loop: str = ""  # "/dev/loop3" when the partition is a loop device

    @property
    def name(self):
        return f"{DISK}p{self.number}"


class Device:
    """Device(root) opens one that exists, Device.create(root, ...) makes one."""

    def __init__(self, root):
        self.root = Path(root).resolve()
        note = json.loads((self.root / ".device.json").read_text())
        self.layout = note["layout"]
        self.disk_loop = note["disk_loop"]
        self.partitions = {p["label"]: Partition(**p) for p in note["partitions"]}
        self.environment = UbootEnv(self.root / "dev" / DISK)
        self.uefi = UefiVars(self.root) if self.layout in UEFI_LAYOUTS else None

    @classmethod
    def create(cls, root, layout="mission", running="A", sizes=None, loops=False, env=True,
               config=""):
        """sizes: bytes by role. loops: partitions are loop devices; a function that makes one of a
        file's path, or True for what losetup makes. env: store the environment a
        factory would. config: more lines for swupdate-jetson.conf."""
        root = Path(root).resolve()
        # The library keeps the prefix in 256 bytes.
        if len(os.fsencode(root)) > 255:
            raise ValueError(f"'{root}' is too long for JOTA_ROOT")
        root.mkdir(parents=True, exist_ok=True)
        if any(root.iterdir()):
            raise FileExistsError(f"'{root}' is not empty")
        for name in ("etc", "run", "data", "tmp", "dev", "proc/self",
                     "proc/sys/kernel/random", "sys/block", "sys/class/block", "sys/dev/block"):
            (root / name).mkdir(parents=True)
        partitions = plan_partitions(LAYOUTS[layout], {**SIZES_BYTES, **(sizes or {})})
        disk_loop = make_storage(root, partitions, loops)
        (root / ".device.json").write_text(json.dumps({
            "layout": layout, "disk_loop": disk_loop,
            "partitions": [dataclasses.asdict(p) for p in partitions]}))
        device = cls(root)
        try:
            device._write_sysfs()
            device._write_etc(config)
            if device.uefi:
                device._write_uefi()
            device.boot_into(running)
            if env:
                device.init_env()
        except BaseException:
            device.remove()
            raise
        return device

    def _write_etc(self, config):
        copies = "".join(f"/dev/{DISK}\t0x{at:x}\t0x{SIZE_BYTES:x}\n" for at in OFFSETS_BYTES)
        self.write_text("etc/fw_env.config", "# device\toffset\tsize\n" + copies)
        self.write_text("etc/swupdate-jetson.conf", f'layout = "{self.layout}";\n{config}')
        self.write_text("etc/hwrevision", "jetson-demo 1.0\n")

    def _write_uefi(self):
        """Variables, and the file of NVIDIA's tool, which the preflight wants to see."""
        self.uefi.create()
        self.write_text("usr/sbin/nvbootctrl", "#!/bin/sh\n")
        (self.root / "usr/sbin/nvbootctrl").chmod(0o755)

    def _write_sysfs(self):
        # Numbers as the kernel gives them with 32 minors per eMMC area.
        last = max(self.partitions.values(), key=lambda p: p.start_bytes)
        disk = f"{BOARD}/block/{DISK}"
        numbers = device_numbers(self.disk_loop) if self.disk_loop else (DISK_MAJOR, 0)
        self._add_block(disk, DISK, numbers, last.start_bytes + last.size_bytes + MIB, "disk", "")
        for number, area in enumerate(("boot0", "boot1"), start=1):
            self._add_block(f"{disk}/{DISK}{area}", DISK + area, (DISK_MAJOR, 32 * number), 4 * MIB,
                            "disk", "")
        for p in self.partitions.values():
            where = f"{disk}/{p.name}"
            self._add_block(where, p.name, (p.major, p.minor), p.size_bytes, "partition",
                            f"PARTN={p.number}\nPARTNAME={p.label}\n")
            self.write_text(f"sys/{where}/partition", f"{p.number}\n")
            self.write_text(f"sys/{where}/start", f"{p.start_bytes // SECTOR_BYTES}\n")

    def _add_block(self, where, name, numbers, size_bytes, kind, more):
        major, minor = numbers
        self.write_text(f"sys/{where}/uevent", f"MAJOR={major}\nMINOR={minor}\nDEVNAME={name}\n"
                        f"DEVTYPE={kind}\nDISKSEQ=9\n{more}")
        self.write_text(f"sys/{where}/dev", f"{major}:{minor}\n")
        self.write_text(f"sys/{where}/size", f"{size_bytes // SECTOR_BYTES}\n")
        self.write_text(f"sys/{where}/ro", "0\n")
        (self.root / "sys" / where / "holders").mkdir()
        if kind == "disk":
            (self.root / "sys" / where / "slaves").mkdir()
            self.write_text(f"sys/{where}/removable", "0\n")
            self.write_text(f"sys/{where}/queue/logical_block_size", "512\n")
            (self.root / "sys/block" / name).symlink_to(f"../{where}")
        (self.root / "sys/class/block" / name).symlink_to(f"../../{where}")
        (self.root / "sys/dev/block" / f"{major}:{minor}").symlink_to(f"../../{where}")

    def write_text(self, path, text):
        """Make or replace a file below the root."""
        path = self.root / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def label(self, role, slot):
        return LAYOUTS[self.layout][role]["AB".index(slot)]

    def node(self, label):
        """The file, or the link to the loop device, that stands for a partition."""
        return self.root / "dev" / self.partitions[label].name

    def storage(self, label):
        """The regular file with a partition's bytes: what was flushed to a loop device is in it."""
        p = self.partitions[label]
        return self.root / "backing" / p.name if p.loop else self.node(label)

    def boot_into(self, slot):
        """What a reboot changes: command line, mounts, boot id; what stood in run is gone."""
        root_label = self.label("rootfs", slot)
        self.write_text("proc/cmdline", "console=ttyS0,115200 panic=10 "
                        f"root=PARTLABEL={root_label} rootwait jota.slot={slot}\n")
        root, data = self.partitions[root_label], self.partitions["userdata"]
        # A kernel without initramfs calls the source of its root mount /dev/root.
        self.write_text("proc/self/mountinfo", (
            f"21 1 {root.major}:{root.minor} / / rw,relatime shared:1 - ext4 /dev/root rw\n"
            "22 21 0:5 / /dev rw,nosuid shared:2 - devtmpfs devtmpfs rw,size=4096k\n"
            "23 21 0:20 / /proc rw,nosuid,nodev,noexec shared:3 - proc proc rw\n"
            "24 21 0:21 / /sys rw,nosuid,nodev,noexec shared:4 - sysfs sysfs rw\n"
            "25 21 0:22 / /run rw,nosuid,nodev shared:5 - tmpfs tmpfs rw,mode=755\n"
            f"26 21 {data.major}:{data.minor} / /data rw,noatime shared:6 - ext4 "
            f"/dev/{data.name} rw\n"))
        self.write_text("proc/sys/kernel/random/boot_id", f"{uuid.uuid4()}\n")
        if self.uefi:
            self.uefi.set_running(slot)
        shutil.rmtree(self.root / "run")
        (self.root / "run").mkdir()

    def running(self):
        """The slot of the last boot_into, from the command line."""
        return (self.root / "proc/cmdline").read_text().split("jota.slot=")[1][0]

    def add_mount(self, label, where="/mnt"):
        """Let a partition look mounted until the next boot."""
        p = self.partitions[label]
        with open(self.root / "proc/self/mountinfo", "a", encoding="ascii") as file:
            file.write(f"99 21 {p.major}:{p.minor} / {where} rw shared:9 - ext4 /dev/{p.name} rw\n")

    def add_holder(self, label, holder="dm-0"):
        """Let another block device stand on a partition."""
        p = self.partitions[label]
        holders = self.root / "sys/class/block" / p.name / "holders"
        (holders / holder).symlink_to(f"../../../../../../../../../virtual/block/{holder}")

    def init_env(self):
        """Store the environment of a new board, joined from the project's boot script."""
        model = Path(os.environ.get("UBOOT_MODEL", BUILD / "bin/uboot-model"))
        joined = subprocess.run([TOP / "boot/uboot/join-env.sh"], check=True, text=True,
                                capture_output=True).stdout
        self.write_text(".default.env", joined)
        subprocess.run([model, *self.model_options(), "init"], check=True,
                       stdout=subprocess.DEVNULL)

    def model_options(self):
        """What tells uboot-model about this device; it knows regular partitions only."""
        parts = [word for label in self.partitions
                 for word in ("--part", f"{label}={self.storage(label)}")]
        return ["--env", str(self.root / "dev" / DISK), "--default-env",
                str(self.root / ".default.env"), *parts]

    def write_image(self, label, image):
        """Put a file at the start of a partition, as a factory would; zeroes stay holes."""
        with open(image, "rb") as source, open(self.node(label), "r+b") as target:
            while block := source.read(MIB):
                if block.count(0) == len(block):
                    target.seek(len(block), os.SEEK_CUR)
                else:
                    target.write(block)

    def read_at(self, label, offset_bytes, size_bytes):
        with open(self.node(label), "rb") as file:
            return os.pread(file.fileno(), size_bytes, offset_bytes)

    def is_erased(self, label):
        """The first block, without which nothing boots, is zero."""
        block = self.read_at(label, 0, BLOCK_BYTES)
        return block.count(0) == len(block)

    def remove(self):
        """Detach loop devices and delete the folder."""
        detach_loops([p.loop for p in self.partitions.values()] + [self.disk_loop])
        shutil.rmtree(self.root)


def plan_partitions(layout, sizes):
    """Numbers and places. APP comes first by number and last by place where stock boards have it."""
    labels = [(label, sizes[role]) for role in ROLES for label in layout.get(role, ())]
    labels.append(("userdata", sizes["userdata"]))
    numbered = sorted(labels, key=lambda item: not item[0].startswith("APP"))
    placed, at_bytes = [], FIRST_PARTITION_BYTES
    for label, size_bytes in labels:
        number = 1 + numbered.index((label, size_bytes))
        placed.append(Partition(label, number, at_bytes, size_bytes, minor=number))
        at_bytes += -(-size_bytes // MIB) * MIB
    return sorted(placed, key=lambda p: p.number)


def make_storage(root, partitions, loops):
    """Files for the disk and its partitions. The disk's file ends where the first partition begins:
    all that is read and written there is the environment."""
    if not loops:
        make_sparse(root / "dev" / DISK, FIRST_PARTITION_BYTES)
        for p in partitions:
            make_sparse(root / "dev" / p.name, p.size_bytes)
        return ""
    (root / "backing").mkdir()
    try:
        for p in partitions:
            p.loop = make_loop(root, p.name, p.size_bytes, loops)
            p.major, p.minor = device_numbers(p.loop)
        return make_loop(root, DISK, FIRST_PARTITION_BYTES, loops)
    except BaseException:
        detach_loops(p.loop for p in partitions)
        raise


def make_sparse(path, size_bytes):
    with open(path, "wb") as file:
        file.truncate(size_bytes)


def make_loop(root, name, size_bytes, loops):
    backing = root / "backing" / name
    make_sparse(backing, size_bytes)
    loop = loops(backing) if callable(loops) else attach_loop(backing)
    (root / "dev" / name).symlink_to(loop)
    return loop


def attach_loop(path, *options):
    return subprocess.run(["losetup", "--show", "-f", *options, path], check=True, text=True,
                          capture_output=True).stdout.strip()


def detach_loops(loops):
    for loop in filter(None, loops):
        subprocess.run(["losetup", "-d", loop], check=False)


def device_numbers(path):
    status = os.stat(path)
    if not stat.S_ISBLK(status.st_mode):
        raise ValueError(f"'{path}' is not a block device")
    return os.major(status.st_rdev), os.minor(status.st_rdev)
