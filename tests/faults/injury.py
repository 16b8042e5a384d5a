# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""One fault in one update: let it strike, and see what became of the device and of the process."""

import contextlib
import os
import time
from pathlib import Path

from cases import CASES, IN_DOUBT

ROLES = ("rootfs", "kernel", "bootloader")
ORDER = ("bootloader", "kernel", "rootfs")  # of the images in the .swu
SMALL_IMAGE_BYTES = 1  # stands for the bootloader's image: one block, no body
SETTLE_S = 3  # a thread that ends, ends within this time


def every_case():
    """(case, role), for roles whose image has what the case is about."""
    return [(case, role) for case in CASES for role in ROLES
            if role != "bootloader" or case.fits(SMALL_IMAGE_BYTES)]


def is_quick(case, role):
    return case.quick == role


def partition(bench, role):
    return bench.device.partitions[bench.device.label(role, bench.target)]


def arm(bench, case, role):
    bench.faulty.arm(partition(bench, role), case.fault, case.number, case.count,
                     case.offset(len(bench.stock.new.by_role(role))))


def disarm(bench, role):
    """From here on the device works again, so that it can be looked at."""
    fired = bench.faulty.counts(partition(bench, role))["fired"]
    bench.faulty.clear()
    assert fired > 0, "the fault never struck: nothing was tested"


def told(bench, case, role, run):
    """The sentence that names the device and what happened."""
    assert run.code == 1, run.text
    device = f"/dev/{partition(bench, role).name}"
    wanted = case.sentences(device, len(bench.stock.new.by_role(role)))
    found = [sentence for sentence in map(run.says, wanted) if sentence]
    assert found, f"nobody says one of {wanted}:\n{run.text}"
    assert (IN_DOUBT in found[0]) == case.in_doubt, found[0]
    return found[0]


def check_device(bench, case, role):
    """Images before the failing one are there, its first block is zero, later ones never came."""
    expected = {}
    for other in ORDER:
        if other == role:
            break
        expected[other] = "new"
    expected[role] = bench.part(role) if case.in_doubt else "erased"
    bench.check_begun(**expected)


def fail_once(bench, case, role):
    arm(bench, case, role)
    run = bench.install(None, swu=bench.stock.swu)
    disarm(bench, role)
    sentence = told(bench, case, role, run)
    check_device(bench, case, role)
    return run.code, sentence


def holdings(daemon):
    """What a daemon has of the machine: number of threads, and what its descriptors are."""
    process = Path("/proc") / str(daemon.process.pid)
    files = []
    for fd in (process / "fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            files.append(os.readlink(fd))
    return len(list((process / "task").iterdir())), sorted(files)


def check_holdings(daemon, expected):
    """The end of an update is announced a moment before its connection is closed."""
    until = time.monotonic() + SETTLE_S
    while (found := holdings(daemon)) != expected and time.monotonic() < until:
        time.sleep(0.02)
    assert found == expected


def private_kib(daemon):
    """Memory that the process has written to and shares with nobody, as the kernel counts it."""
    rollup = (Path("/proc") / str(daemon.process.pid) / "smaps_rollup").read_text()
    return int(rollup.split("Private_Dirty:")[1].split()[0])


def fail_in_daemon(bench, daemon, case, role):
    """Returns the devices in use and mounted below the bench, which must not become more."""
    arm(bench, case, role)
    run = daemon.install(bench.stock.swu)
    disarm(bench, role)
    told(bench, case, role, run)
    return bench.faulty.left_behind()
