#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""Cut the power of the UEFI machine, and see what it does when the power is back.

Usage: tests/vm/uefi/powercut.py [--build DIR] [-n N] [--seed S]
QEMU is killed (SIGKILL). Three cuts of four fall into a loop that changes the boot choice as fast as it can, so nearly all of them hit a store;
the fourth falls anywhere into an update, from its first byte to after the flip. Then the machine is switched on: it must come up by itself, in a slot
that holds a whole release, with a boot state that is not contradictory and takes the next change. A slot that comes up on trial is confirmed. What a
store had left is counted by the record that was found. The last line is 'N cuts, N violations'.
"""

import argparse
import collections
import json
import random
import re
import shutil
import sys
import time
from pathlib import Path

from scenarios import expect, first_boot, install, slots
from uefi_machine import UefiMachine, Unexpected

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import machine  # noqa: E402

RECORD = "/sys/firmware/efi/efivars/JotaSlots-a7ddbf9b-3207-4644-bbf4-c336d94f12e6"
RELEASE = {"A": "1.0", "B": "2.0"}
UPDATE_S = 25.0


def wait(m, seconds):
    """The console is read meanwhile."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        m.read_some(min(0.2, deadline - time.monotonic()))


def come_up(m):
    """Slot that runs after the cut, and what the record looked like; an error is a violation."""
    m.seen = len(m.text)
    m.power_on()
    m.wait_for(r"VM-UP|\[stand-in\] recovery")
    if b"recovery: no slot" in m.text[m.seen - 200:]:
        raise Unexpected("the firmware is in recovery: no slot may be booted")
    m.seen = m.text.rindex(b"VM-INIT")
    chosen, slot, release = m.boot_line()
    expect("slot chosen and run, release", (slot, slot, RELEASE[slot]), (chosen, slot, release))
    record = m.run(f"tail -c +10 {RECORD} | tr '\\000' '\\n'; true")
    return slot, "under way" if re.search(r"^t=", record, re.MULTILINE) else "settled"


def rest(m, slot):
    """Confirm a trial; then both slots' conditions."""
    state, info = slots(m)
    blocking = [p["text"] for p in info["problems"] if p["blocks_update"]]
    expect("problems that block an update", [], blocking)
    if state[2 + "AB".index(slot)] == "trial":
        m.run("jetson-slot mark-success")
    return slots(m)[0]


def cut(m):
    """The store as the cut left it is kept, for when somebody wants to know why."""
    m.kill()
    shutil.copy(m.variables, m.log_path.with_suffix(".fd"))


def cut_switching(m, chance):
    """The loop begins and ends with a choice that stands; nobody knows which write the cut falls before."""
    other = "B" if slots(m)[0][0] == "A" else "A"
    mine = "A" if other == "B" else "B"
    m.run(f"(while :; do jetson-slot switch {other}; jetson-slot switch {mine}; done >/dev/null 2>&1) & true")
    wait(m, chance.uniform(0.3, 4.0))
    cut(m)
    slot, record = come_up(m)
    expect("slot A, slot B after the cut", ["good", "good"], rest(m, slot)[2:])
    return f"switching, {record}, {slot} runs"


def cut_update(build, chance, number):
    with UefiMachine(build, f"uefi-cut-update-{number}") as m:
        first_boot(m)
        m.type("update good-2.0 >/run/update.log 2>&1; echo UPDATE''-ENDED")
        wait(m, chance.uniform(0.0, UPDATE_S))
        cut(m)
        slot, record = come_up(m)
        state = rest(m, slot)
        if slot == "A" and state[3] not in ("empty",):
            raise Unexpected(f"A runs, B is {state[3]}")
        if slot == "A":
            install(m, "good-2.0")
        m.run("sync")
        m.kill()
        expect("partitions of A that changed", [], m.holds("A", "1.0"))
        expect("partitions of B that are not whole", [], m.holds("B", "2.0"))
    return f"update, {record}, {slot} runs"


def prepare(build):
    """Both slots good, A runs."""
    m = UefiMachine(build, "uefi-cut-switching")
    first_boot(m)
    install(m, "good-2.0")
    m.reboot()
    expect("trial", ("B", "B", "2.0"), m.boot_line())
    m.run("jetson-slot mark-success")
    expect("both slots", ["good", "good"], slots(m)[0][2:])
    return m


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=machine.TOP / "build")
    parser.add_argument("-n", type=int, default=20, help="cuts")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    options = parser.parse_args()
    build = options.build.resolve()
    _lock = machine.hold_image(build)
    print(f"seed {options.seed}", flush=True)
    chance = random.Random(options.seed)
    seen, violations, switching = collections.Counter(), 0, None
    for number in range(options.n):
        try:
            if number % 4 == 3:
                what = cut_update(build, chance, number)
            else:
                switching = switching or prepare(build)
                what = cut_switching(switching, chance)
        except Unexpected as why:
            violations += 1
            what = f"VIOLATION: {why}"
            if switching and number % 4 != 3:
                switching.__exit__()
                switching = None
        seen[what.split(":")[0]] += 1
        print(f"{number + 1:4}  {what}", flush=True)
    if switching:
        switching.__exit__()
    for what, count in sorted(seen.items()):
        print(f"{count:4} x {what}")
    print(f"{options.n} cuts, {violations} violations")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
