# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""The card seen from outside, while the machine is off: partitions, and the environment as Debian's
fw_printenv reads it (not with this project's code)."""

import hashlib
import subprocess
import tempfile
from pathlib import Path

from machine import Unexpected

MIB = 1 << 20
# Name: (offset, size), as build-guest.sh lays them out.
PARTITIONS = {"A_bootloader": (8 * MIB, MIB), "B_bootloader": (9 * MIB, MIB),
              "A_kernel": (10 * MIB, 16 * MIB), "B_kernel": (26 * MIB, 16 * MIB),
              "A_APP": (42 * MIB, 32 * MIB), "B_APP": (74 * MIB, 32 * MIB)}
ENVIRONMENT = (0x700000, 0x40000)
STATE = ("boot_slot", "slotA_ok", "slotB_ok", "upgrade_available", "bootcount", "ustate",
         "update_target")


def environment(card):
    """The variables of the state; an error when neither copy can be read."""
    with tempfile.NamedTemporaryFile("w", suffix=".config") as config:
        config.write(f"{card} 0x700000 0x20000\n{card} 0x720000 0x20000\n")
        config.flush()
        done = subprocess.run(["fw_printenv", "-c", config.name], capture_output=True, text=True,
                              check=False)
    values = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    if done.returncode != 0 or "bootcmd" not in values:
        raise Unexpected(f"the environment is lost: {done.stderr.strip()}")
    return {name: values.get(name) for name in STATE}


def images(build, release):
    """What the three partitions of a slot with this release begin with."""
    guest = Path(build) / "vm" / "guest"
    bootloader = {"5.0": "hang"}.get(release, release if release in ("1.0", "2.0") else "1.0")
    return {"bootloader": Path(build) / "vm" / "uboot" / f"second-{bootloader}.itb",
            "kernel": guest / "boot.img", "APP": guest / f"rootfs-{release}.ext4"}


def holds(card, slot, build, release):
    """Names of the partitions of a slot that do not hold this release, byte for byte."""
    wrong = []
    with open(card, "rb") as disk:
        for role, path in images(build, release).items():
            disk.seek(PARTITIONS[f"{slot}_{role}"][0])
            image = path.read_bytes()
            if hashlib.sha256(disk.read(len(image))).digest() != hashlib.sha256(image).digest():
                wrong.append(f"{slot}_{role}")
    return wrong
