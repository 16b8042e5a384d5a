#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""Make the seeds of the fuzz targets: what the real tools write, and our own examples.

Usage: tests/fuzz/seeds.py FOLDER
Writes FOLDER/<target>/seed-*; the same input gives the same bytes.
"""

import os
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
ENV_BYTES = 4096
KERNEL = bytes(56) + b"ARM\x64" + bytes(68)
GZIP_KERNEL = b"\x1f\x8b\x08\x00" + bytes(60)
BOOT_ID = "01234567-89ab-cdef-0123-456789abcdef"
ON_TRIAL = {"boot_slot": "B", "slotA_ok": "1", "slotB_ok": "1", "upgrade_available": "1",
            "bootcount": "1", "update_target": "B", "ustate": "1", "jota_boot_id": BOOT_ID}
STEADY = {"boot_slot": "A", "slotA_ok": "1", "slotB_ok": "0", "upgrade_available": "0",
          "bootcount": "0", "ustate": "7"}
MOUNTS = ("21 1 179:{0} / / rw,relatime shared:1 - ext4 /dev/root rw\n"
          "22 21 0:5 / /dev rw,nosuid shared:2 - devtmpfs devtmpfs rw,size=4096k\n")
OVERLAY = ("30 1 0:40 / / rw - overlay overlay rw,lowerdir=/sysroot/b:/sysroot/a\\134:x,upperdir=/u\n"
           "31 30 179:5 / /sysroot rw - ext4 /dev/root rw\n")
LOOP = "21 1 7:0 / / rw - squashfs /dev/loop0 ro\n31 21 179:5 / /media rw - ext4 /dev/p5 rw\n"
UEVENT = ("MAJOR=179\nMINOR=6\nDEVNAME=mmcblk0p6\nDEVTYPE=partition\nDISKSEQ=1\nPARTN=6\n"
          "PARTNAME=B_APP\n")


def run(*argv):
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)


def mkbootimg(work, kernel, version, *extra):
    """The last 4 bytes are the target's control: two pages of zeros follow, fed in small pieces."""
    (work / "kernel").write_bytes(kernel)
    (work / "ramdisk").write_bytes(b"\x1f\x8b" + bytes(30))
    run("mkbootimg", "--kernel", work / "kernel", "--ramdisk", work / "ramdisk", "--pagesize",
        "2048", "--header_version", str(version), *extra, "-o", work / "boot.img")
    return (work / "boot.img").read_bytes().rstrip(b"\0") + bytes((2, 0, 0, 3))


def bootimg(work):
    (work / "dtb").write_bytes(b"\xd0\x0d\xfe\xed" + bytes(36))
    cmdline = ("--cmdline", "console=ttyS0 root=PARTLABEL=A_APP")
    yield "v0", mkbootimg(work, KERNEL, 0, *cmdline)
    yield "v0-second", mkbootimg(work, KERNEL, 0, "--second", work / "dtb")
    yield "v1-gzip", mkbootimg(work, GZIP_KERNEL, 1, *cmdline)
    yield "v2-dtb", mkbootimg(work, KERNEL, 2, "--dtb", work / "dtb", *cmdline)


def mkenvimage(work, variables, redundant=True):
    text = "".join(f"{name}={value}\n" for name, value in variables.items())
    (work / "env.txt").write_text(text)
    flags = ["-r"] if redundant else []
    run("mkenvimage", *flags, "-s", str(ENV_BYTES), "-o", work / "env.bin", work / "env.txt")
    return (work / "env.bin").read_bytes()


def env(work):
    whole = dict(line.split("=", 1) for line in subprocess.run(
        [TOP / "boot/uboot/join-env.sh", TOP / "boot/uboot/jetson-ab.env"], check=True,
        capture_output=True, text=True).stdout.splitlines() if "=" in line)
    # The target makes the CRC right when bit 0 of its first byte is set, so that data may change.
    repaired = lambda copy, control: bytes((control,)) + copy[1:200]
    yield "script", mkenvimage(work, whole)
    yield "on-trial", repaired(mkenvimage(work, {"bootlimit": 3, **ON_TRIAL}), 5)
    yield "steady", repaired(mkenvimage(work, {"bootlimit": 3, **STEADY}), 3)
    yield "factory", repaired(mkenvimage(work, {"bootcmd": "run jota_boot"}), 1)
    yield "not-redundant", mkenvimage(work, STEADY, redundant=False)[:200]


def fw_env(_):
    yield "disk", (b"# device\toffset\tsize\n/dev/mmcblk0\t0x700000\t0x20000\n"
                   b"/dev/mmcblk0\t0x720000\t0x20000\n")
    yield "boot", b"/dev/mmcblk0boot0 0 0x1000 0x200 8\n/dev/mmcblk0boot1 4096 0x1000 0x200 8\n"
    yield "one", b"/dev/mmcblk0 0x0 0x20000\n"
    yield "negative", b"/dev/mmcblk0 -0x20000 0x20000\n/dev/mmcblk0 -0x40000 0x20000\n"
    yield "yaml", b"uboot:\n  size : 0x4000\n  lockfile : /var/lock/fw_printenv.lock\n"


def config(_):
    example = (TOP / "tools/swupdate-jetson/swupdate-jetson.conf.example").read_text()
    yield "example", example.encode()
    yield "every-key", example.replace("\n#layout", "\nlayout").replace("\n#backend", "\nbackend") \
        .replace("\n#env", "\nenv").replace("\n#boot", "\nboot").replace("\n#root", "\nroot").encode()
    yield "t186", b'layout = "t186";\nroot_disk = "/dev/nvme0n1";\n'
    yield "nested", b'layout : { a = ( 1, 2L, [ true, 0x1F ] ); b = "x" "y"; };\n/* */ // c\n'
    yield "include", b'layout = "mission";\n@include "/etc/passwd"\n'


def evidence(_):
    def join(cmdline, mounts, backing="/media/a_file\n"):
        return "\0".join((cmdline, mounts, UEVENT, backing)).encode()
    line = "console=ttyS0,115200 root=PARTLABEL={0}_APP rootwait jota.slot={0} {1}\n"
    yield "slot-a", join(line.format("A", ""), MOUNTS.format(5))
    yield "slot-b", join(line.format("B", '"quoted x" -- jota.slot=A'), MOUNTS.format(6))
    yield "cboot", join("boot.slot_suffix= root=/dev/x\n", MOUNTS.format(5))
    yield "overlay", join("quiet\n", OVERLAY)
    yield "loop", join("jota.slot=A jota.slot=A\n", LOOP)
    yield "contradiction", join(line.format("A", "jota.slot=B"), MOUNTS.format(6))


def policy(_):
    # factory, A runs; begin, flip for 3 boots, boot, confirm
    yield "update", bytes((2, 0, 3, 0, 0, 55, 8, 2))
    yield "steady", bytes((0, 8, 3, 0, 5, 8, 3))
    yield "cancel", bytes((2, 0, 3, 0, 0, 55, 4, 7))


def uefi(_):
    def record(facts, *texts):
        return bytes((facts | 64, 0, 0, 0, 0, 1)) + b"".join(t.encode() + b"\0" for t in texts) + b"\0"

    begun, packed = "i=Age7-0000", BOOT_ID.replace("-", "")
    flipped = f"t=Bgt1B0203{packed}"
    yield "begun", record(0, begun)
    yield "arming", record(0, begun, flipped, "c=01234567")
    yield "flipped", record(6, begun, flipped, "c=01234567")
    yield "void", record(46, begun, flipped)
    yield "factory", record(1, "i=Fee--0000", "v.colour=red", "w.colour=green")
    yield "failed", record(16, "i=Age3B0003", "ir=firmware:-:boot-limit", "v.a=1")


def swu_container(work):
    """What cpio packs, in both formats, without the zeros that fill its last block."""
    (work / "sw-description").write_text('software = { version = "1"; };\n')
    (work / "sw-description.sig").write_bytes(bytes(range(50)))
    (work / "boot.img").write_bytes(KERNEL)

    def cpio(form, *names):
        done = subprocess.run(["cpio", "-o", "-H", form, "-R", "0:0", "--reproducible", "--quiet"],
                              input="".join(f"{name}\n" for name in names).encode(), cwd=work,
                              check=True, capture_output=True)
        return done.stdout.rstrip(b"\0") + bytes(8)
    for path in work.iterdir():
        os.utime(path, (0, 0))
    yield "crc", cpio("crc", "sw-description", "sw-description.sig", "boot.img")
    yield "newc", cpio("newc", "sw-description", "boot.img")
    yield "lone", cpio("crc", "sw-description")
    yield "another-first", cpio("crc", "boot.img", "sw-description")


def swu_description(_):
    for path in sorted((TOP / "sw-description").glob("*.sw-description")):
        text = path.read_text().splitlines()
        yield path.stem, "\n".join(line for line in text if not line.strip().startswith("#")).encode()
    yield "selections", (b'software = { version = "1"; stable = { copy1 = { images: ( { filename = "a"; '
                         b'device = "/dev/x"; compressed = true; } ); }; }; };')
    yield "links", (b'software = { common = { images: ( { filename = "a"; } ); }; '
                    b'one = { ref = "#./common"; }; two = { images: ( { ref = "#../common"; } ); }; };')
    yield "parts", (b'software = { version = "1"; images: ( { filename = "p1"; type = "jetson-rootfs"; '
                    b'properties: { part = "1"; offset = "0"; total = "4294967297"; }; } ); };')


def health(_):
    for path in sorted((TOP / "docs/examples").glob("health-*.conf")):
        lines = [line for line in path.read_text().splitlines() if not line.strip().startswith("#")]
        yield path.stem[7:], "\n".join(filter(None, lines)).encode()
    yield "preflip", (b'stability_s = 0; checks = ( { name = "a"; kind = "file"; path = "/x"; matches = "^[a-z]{1,3}$"; },'
                      b'{ name = "b"; kind = "new-release"; phase = "preflip"; version = "^2"; },'
                      b'{ name = "c"; kind = "new-units"; phase = "preflip"; units = [ "a.service" ]; } );')
    yield "twice", b'checks = ( { name = "a"; kind = "mount"; path = "/"; }, { name = "a"; kind = "esrt"; } );'


def extlinux(_):
    yield "board", (b"TIMEOUT 30\nDEFAULT primary\n\nMENU TITLE L4T boot options\n\nLABEL primary\n      MENU LABEL primary kernel\n"
                    b"      LINUX /boot/Image\n      INITRD /boot/initrd\n      FDT /boot/dtb/a.dtb\n"
                    b"      APPEND ${cbootargs} root=/dev/mmcblk0p1 rw rootwait\n")
    yield "two", (b"label a\n\tkernel /a\n# label b\nlabel b\n\tlinux /b\n\tappend quiet\n")
    yield "includes", b"INCLUDE /other\nLABEL a\nLINUX /a\n"


def unit(_):
    yield "plain", (b"[Unit]\nDescription=x\nConditionPathExists=/etc/x\n[Service]\nType=oneshot\n"
                    b"ExecStartPre=-/bin/true\nExecStart=/usr/bin/a \\\n ; remark\n  b\n[Install]\nWantedBy=a.target\n")
    yield "drop-ins", (b"[Service]\nExecStart=/a\n\0[Service]\nExecStart=\nExecStart=@/b c\n\0"
                       b"[Unit]\nConditionPathExists=\nAssertPathExists=|!/usr/x\n")


def records(image):
    """As the target wants it: size, then what is not zero, in pieces of at most 192 bytes."""
    packed = bytes((len(image) // 1024 - 64,))
    for at in range(0, len(image), 192):
        piece = image[at:at + 192].rstrip(b"\0")
        # Padding of the bitmaps, which nobody reads.
        if piece and piece.count(0xff) != len(piece):
            packed += struct.pack("<HB", at // 64, len(piece)) + piece
    return packed


def newroot(work):
    tree = work / "tree"
    for folder in ("etc/systemd/system/a.target.wants", "sbin", "usr"):
        (tree / folder).mkdir(parents=True)
    (tree / "etc/os-release").write_text("ID=demo\nVERSION_ID=\"1.0\"\n")
    (tree / "sbin/init").write_text("#!/usr/x\n")
    (tree / "sbin/init").chmod(0o755)
    (tree / "usr/x").write_bytes(b"\x7fELF\x02\x01\x01")
    (tree / "etc/up").symlink_to("../../etc")
    (tree / "etc/link").symlink_to("/etc/os-release")
    (tree / "etc/long").symlink_to("x/" * 40)
    (tree / "etc/systemd/system/a.target.wants/app.service").symlink_to("/usr/lib/app.service")
    for path in sorted(tree.rglob("*"), reverse=True):
        os.utime(path, (0, 0), follow_symlinks=False)
    for name, options in (("ext2", ("-O", "none")), ("ext4", ("-O", "extents,^has_journal,^metadata_csum"))):
        image = work / f"{name}.img"
        subprocess.run(["mke2fs", "-q", "-F", "-t", name, "-b", "1024", "-N", "24", "-m", "0", "-U",
                        BOOT_ID, "-E", f"hash_seed={BOOT_ID},root_owner=0:0", *options, "-d", tree, image,
                        "96k"], check=True, stdout=subprocess.DEVNULL,
                       env={**os.environ, "E2FSPROGS_FAKE_TIME": "1",
                            "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"})
        yield name, records(image.read_bytes())


def main():
    folder = Path(sys.argv[1])
    for target in (bootimg, env, fw_env, config, evidence, policy, uefi, swu_container, swu_description,
                   health, newroot, extlinux, unit):
        out = folder / target.__name__
        out.mkdir(parents=True, exist_ok=True)
        for old in out.glob("seed-*"):
            old.unlink()
        with tempfile.TemporaryDirectory() as work:
            for name, data in target(Path(work)):
                (out / f"seed-{name}").write_bytes(data)


if __name__ == "__main__":
    main()
