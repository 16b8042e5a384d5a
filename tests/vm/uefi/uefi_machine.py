# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""The virtual machine with UEFI firmware: Debian's AAVMF with a variable store of its own, a disk laid out as
an Orin's, and a stand-in for L4TLauncher in the place where the firmware looks for a boot loader."""

import hashlib
import secrets
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from machine import BOOT_S, Machine, Unexpected, copy_card  # noqa: E402

FIRMWARE = Path("/usr/share/AAVMF")
STAND_IN = r"\[stand-in\] not NVIDIA's L4TLauncher"
MIB = 1 << 20
# Name: offset, as build.sh lays them out.
PARTITIONS = {"A_kernel": MIB, "B_kernel": 49 * MIB, "A_rootfs": 113 * MIB, "B_rootfs": 145 * MIB}


def empty_store(machine):
    """As it comes with the firmware: the machine is off."""
    copy_card(FIRMWARE / "AAVMF_VARS.fd", machine.variables)


class UefiMachine(Machine):
    """power_on() after kill() is a power cut: the stand-in is told another word by QEMU then, and forgets
    what a scratch register would. A reset keeps it."""

    def __init__(self, build, name, **options):
        super().__init__(build, name, guest="uefi", **options)
        self.variables = self.folder / "variables.fd"
        empty_store(self)

    def argv(self, console, monitor, *_):
        return ["-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={FIRMWARE}/AAVMF_CODE.fd",
                "-drive", f"if=pflash,unit=1,format=raw,file={self.variables}",
                "-fw_cfg", f"name=opt/org.swupdate-jetson/power-on,string={secrets.token_hex(8)}",
                "-chardev", f"socket,id=console,fd={console}", "-serial", "chardev:console",
                "-chardev", f"socket,id=monitor,fd={monitor}",
                "-mon", "chardev=monitor,mode=control",
                *self.card_drive, "-device", "virtio-blk-pci,drive=card,romfile=",
                "-drive", f"if=none,id=media,file={self.guest}/media.img,format=raw,readonly=on",
                "-device", "virtio-blk-pci,drive=media,romfile=", "-device", "i6300esb",
                # The firmware waits five seconds for a key otherwise.
                "-boot", "menu=on,splash-time=0", *self.extra]

    def reboot(self):
        self.type("sync; reboot -f")
        self.wait_for(STAND_IN)

    def boot_line(self):
        """Slot that the stand-in chose last, and slot and release of user space."""
        slot, release = self.wait_up()
        chosen = self.text[:self.seen].rsplit(b"[stand-in] slot ", 1)[1][:1].decode()
        return chosen, slot, release

    def variable(self, name):
        """Of NVIDIA's GUID: its value, None when the kernel shows none."""
        path = f"/sys/firmware/efi/efivars/{name}-781e084c-a330-417c-b678-38e696380cb9"
        words = self.run(f"[ ! -e {path} ] || od -An -tu4 {path}").split()
        return int(words[1]) if words else None

    def holds(self, slot, release):
        """Names of the partitions of a slot that do not hold this release, byte for byte."""
        wrong = []
        with open(self.card, "rb") as disk:
            for role, path in (("kernel", "boot.img"), ("rootfs", f"rootfs-{release}.ext4")):
                image = (self.guest / path).read_bytes()
                disk.seek(PARTITIONS[f"{slot}_{role}"])
                if hashlib.sha256(disk.read(len(image))).digest() != hashlib.sha256(image).digest():
                    wrong.append(f"{slot}_{role}")
        return wrong


__all__ = ["BOOT_S", "STAND_IN", "UefiMachine", "Unexpected", "copy_card", "empty_store"]
