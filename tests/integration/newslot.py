# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""A release whose slot passes the checks before the flip, a device with jetson-health to install it, and what becomes of both."""

import copy
import dataclasses
import gzip
from pathlib import Path

import host
from package import KIB, Keys, Package, Release, make_kernel, run

PROGRAM = "usr/sbin/jetson-health"
HEALTH = host.BUILD / "bin/jetson-health"
KERNEL = "5.10.120-tegra"
LOADERS = ("/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1")
UNITS = ("swupdate.service", "jetson-health.service")
PASSED = "the new slot passed the checks before its first boot"
# Which of what was written is there when the hook refuses.
WRITTEN = {"kernel": "new", "rootfs": "new", "bootloader": "new"}


class Stock:
    """Keys and releases for tests elsewhere; the table of failures belongs to the integration tests."""

    def __init__(self, folder):
        self.keys = Keys(folder)
        self.old, self.new = Release.make(folder, "old"), Release.make(folder, "new")
        self.newer, self.group = None, ""

    def note(self, *_):
        pass


def put(path, data="", mode=0o644):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    path.chmod(mode)


def put_units(tree):
    for unit in UNITS:
        put(tree / "usr/lib/systemd/system" / unit,
            "[Unit]\nDescription=x\n[Service]\nExecStartPre=-/nowhere\nExecStart=-/usr/bin/program -x\n")
        wants = tree / "etc/systemd/system/multi-user.target.wants"
        wants.mkdir(parents=True, exist_ok=True)
        (wants / unit).symlink_to(f"/usr/lib/systemd/system/{unit}")


def make_tree(tree, keys, version="2.0.0"):
    """A root file system in which nothing is wrong."""
    program = Path("/bin/true").read_bytes()
    put(tree / "usr/bin/program", program, 0o755)
    put(tree / "usr/lib/systemd/systemd", program, 0o755)
    (tree / "sbin").mkdir()
    (tree / "sbin/init").symlink_to("../usr/lib/systemd/systemd")
    for loader in LOADERS:
        if Path(loader).exists():
            put(tree / loader[1:], Path(loader).read_bytes(), 0o755)
    put(tree / "usr/lib/os-release", f'ID=jetson-demo\nVERSION_ID="{version}"\n')
    (tree / "etc").mkdir(exist_ok=True)
    (tree / "etc/os-release").symlink_to("../usr/lib/os-release")
    put(tree / f"lib/modules/{KERNEL}/modules.dep")
    put(tree / "etc/swupdate.cfg", 'globals: { public-key-file = "/etc/swupdate/ca.pem"; };\n')
    put(tree / "etc/swupdate/ca.pem", keys.ca.read_bytes())
    put_units(tree)
    put_checks(tree)
    return tree


def pack_tree(tree, out, size_kib=5 * KIB):
    run("mke2fs", "-q", "-F", "-t", "ext4", "-d", tree, "-L", "APP", out, f"{size_kib}k")
    return out.read_bytes()


def make_boot(folder, cmdline="quiet", release=KERNEL, packed=False):
    kernel = bytearray(make_kernel("preflip", 600 * KIB))
    if release:
        banner = f"Linux version %s\0Linux version {release} (builder@host) #1 SMP\n".encode()
        kernel[400 * KIB:400 * KIB + len(banner)] = banner
    file = folder / "kernel"
    file.write_bytes(gzip.compress(bytes(kernel), 1) if packed else kernel)
    run("mkbootimg", "--header_version", "0", "--kernel", file, "--pagesize", "2048", "--cmdline",
        cmdline, "-o", folder / "boot.img")
    return (folder / "boot.img").read_bytes()


def furnish(made):
    made.tree = make_tree(made.work / "tree", made.stock.keys)
    put(made.root / "etc/os-release", 'ID=jetson-demo\nVERSION_ID="1.0.0"\n')
    put_units(made.root)
    (made.root / PROGRAM).parent.mkdir(parents=True, exist_ok=True)
    (made.root / PROGRAM).symlink_to(HEALTH)
    return made


def prepare(bench, boot=None, rootfs=None):
    """The package of the bench's tree, which is what the device must hold then."""
    release = dataclasses.replace(bench.stock.new)
    release.boot = boot or make_boot(bench.work)
    release.rootfs = rootfs or pack_tree(bench.tree, bench.work / "rootfs.ext4")
    bench.stock = copy.copy(bench.stock)
    bench.stock.new = release
    bench.remember()
    return Package.of(release, bench.roles)


def install(bench, boot=None, rootfs=None, **more):
    return bench.install(prepare(bench, boot, rootfs), **more)


def check_refused(bench, ran, *says):
    assert ran.code == 1, ran.text
    for words in says:
        assert ran.says(words) is not None, f"nobody says '{words}':\n{ran.text}"
    bench.check_begun(**WRITTEN)


def check_passed(bench, ran):
    assert ran.code == 0 and ran.says(PASSED), ran.text
    bench.check_flipped()


def replace_program(bench, script):
    (bench.root / PROGRAM).unlink()
    put(bench.root / PROGRAM, f"#!/bin/sh\n{script}\n", 0o755)


def configure(bench, text):
    with open(bench.root / "etc/swupdate-jetson.conf", "a", encoding="ascii") as file:
        file.write(text + "\n")


def put_checks(root, checks="", head=""):
    folder = root / "etc/swupdate-jetson"
    put(folder / "health.conf", f'{head}checks = (\n{{ name = "k"; kind = "kernel-modules"; }}'
        f"{',' if checks else ''}\n{checks} );\n")
    folder.chmod(0o755)


def set_checks(bench, checks):
    put_checks(bench.root, checks)
