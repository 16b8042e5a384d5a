#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""Cut the power of the virtual Jetson, and see what it does when the power is back.

Usage: tests/vm/powercut.py [--build DIR] [-n N] [--seed S] [--jobs N] [--plant early-flip]
QEMU is killed (SIGKILL) at a random moment of a phase, the phases in turn: write, flip, trial, confirm,
rollback. The histogram counts the phase that the console shows to be the one that was hit: flip before
swupdate said that the slot is selected, flipped after that. After the cut the machine is switched on, and must come up by itself, within six boots, with a slot
that holds a whole release, byte for byte; the other slot, the one that ran before, must be untouched. Logs
are kept in DIR/vm/logs/. The last line is 'N cuts, N violations'. --plant makes the guest store the flip
before the images are written, so that cuts in the phase write must show violations; then the exit code is 0
when they do.
"""

import argparse
import collections
import concurrent.futures
import json
import random
import sys
import time
from pathlib import Path

import machine
from card import environment, holds
from machine import Machine, Unexpected
from scenarios import FIRST, first_boot, install

PHASES = ("write", "flip", "trial", "confirm", "rollback")
HIT = ("write", "flip", "flipped", "trial", "confirm", "rollback")
# Slots that may run after a cut: before the flip is stored the old one, once it is said to be stored the
# new one, in between either.
MAY_RUN = {"write": "A", "flip": "AB", "flipped": "B", "trial": "B", "confirm": "B", "rollback": "A"}
START = "TMPDIR=/run/swupdate swupdate -f /etc/swupdate.cfg -i /run/media/{}.swu"
# Not on trial, and chosen: what a flip in the wrong place would be.
PLANT = ("printf 'boot_slot=B\\nslotB_ok=1\\nslotA_ok=1\\nupgrade_available=0\\n' >/run/data/early;"
         " fw_setenv -s /run/data/early")
STREAMS = (r"Installing STREAM second-2\.0\.itb", r"Installing STREAM boot\.img",
           r"Installing STREAM rootfs-2\.0")


def pause(machine_, seconds):
    """Let the machine run; its console is read, or it would stand still."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not machine_.read_some(min(0.02, deadline - time.monotonic())):
            raise Unexpected("the machine went off before the cut")


def to_phase(m, phase, chance, plant):
    """Bring the machine into the phase and a random while into it."""
    first_boot(m)
    package = "crash-3.0" if phase == "rollback" else "good-2.0"
    if phase in ("write", "flip"):
        m.type(START.format(package) + " &")
        if phase == "flip":
            m.wait_for(r"is complete and will be selected")
            return pause(m, chance.uniform(0, 0.03))
        m.wait_for(STREAMS[2] if plant else chance.choice(STREAMS))
        if plant:
            m.run(PLANT)
        return pause(m, chance.uniform(0, 1 if plant else 4))
    install(m, package)
    m.reboot()
    if phase == "rollback":
        for _ in (1, 2, 3):
            m.wait_for(r"mode=crash slot=B")
            m.wait_for(FIRST)
        return pause(m, chance.uniform(0, 3))
    if phase == "trial":
        return pause(m, chance.uniform(0, 6))
    m.wait_up()
    m.type("jetson-slot mark-success && echo CONF''IRMED")
    return pause(m, chance.uniform(0, 0.4))


def phase_hit(m, phase):
    """What the console showed before the power went."""
    if phase not in ("write", "flip"):
        return phase
    if b"slot B is selected" in m.text:
        return "flipped"
    return "flip" if b"is complete and will be selected" in m.text else "write"


def comes_back(m):
    """The slot and the release that come up, and how many boots it took."""
    start = len(m.text)
    m.seen = start
    m.power_on()
    boots = 0
    while boots <= 6:
        match = m.wait_for(FIRST, r"VM-UP release=(\S+) slot=([AB])", seconds=120)
        if match.group(0).startswith(b"VM-UP"):
            return match.group(2).decode(), match.group(1).decode(), boots
        boots += 1
    raise Unexpected("six boots and nothing came up")


def judge(m, phase, build):
    """What is wrong, or what came up; the card is looked at while the machine is off."""
    confirmed = b"\nCONFIRMED" in m.text
    slot, release, boots = comes_back(m)
    m.run("sync")
    problems = json.loads(m.run("jetson-slot info --json 2>/dev/null"))["problems"]
    blocking = [problem["text"] for problem in problems if problem["blocks_update"]]
    m.kill()
    allowed = MAY_RUN[phase]
    state = environment(m.card)
    wrong = []
    if slot not in allowed:
        wrong.append(f"slot {slot} runs, allowed after a cut in '{phase}': {' or '.join(allowed)}")
    if release != {"A": "1.0", "B": "2.0"}[slot]:
        wrong.append(f"slot {slot} runs release {release}")
    if holds(m.card, "A", build, "1.0"):
        wrong.append(f"changed in the slot that ran before: {holds(m.card, 'A', build, '1.0')}")
    if slot == "B" and holds(m.card, "B", build, "2.0"):
        wrong.append(f"not whole: {holds(m.card, 'B', build, '2.0')}")
    if confirmed and state["upgrade_available"] != "0":
        wrong.append(f"confirmed before the cut, on trial after it: {state}")
    if slot == "A" and state["boot_slot"] == "B" and state["upgrade_available"] != "1":
        wrong.append(f"A runs, but B is chosen: {state}")
    # On trial another update has to wait; anything else must not stand in its way.
    if slot == "A" and blocking:
        wrong.append(f"the next update is refused: {blocking}")
    return wrong, f"{slot} {release}, {boots} boot{'s' if boots > 1 else ''}"


def cut(build, number, phase, seed, plant):
    name = f"powercut-{seed}-{number}-{phase}"
    (build / "vm" / "logs" / f"{name}.log").unlink(missing_ok=True)
    chance = random.Random(f"{seed}/{number}")
    try:
        with Machine(build, name) as m:
            to_phase(m, phase, chance, plant)
            m.kill()
            phase = phase_hit(m, phase)
            wrong, seen = judge(m, phase, build)
    except Unexpected as why:
        wrong, seen = [str(why)], "nothing"
    print(f"{number:4} {phase:9} {'VIOLATION ' + '; '.join(wrong) if wrong else 'ok':4} "
          f"({seen} came up; {name}.log)", flush=True)
    return phase, not wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=machine.TOP / "build")
    parser.add_argument("-n", type=int, default=10)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--plant", choices=["early-flip"])
    options = parser.parse_args()
    build = options.build.resolve()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(10**6)
    _lock = machine.hold_image(build)
    phases = ("write",) if options.plant else PHASES
    print(f"seed {seed}" + (f", planted defect: {options.plant}" if options.plant else ""))
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        jobs = [pool.submit(cut, build, i, phases[i % len(phases)], seed, bool(options.plant))
                for i in range(options.n)]
        results = [job.result() for job in jobs]
    every, good = collections.Counter(p for p, _ in results), collections.Counter(
        p for p, ok in results if ok)
    print("\nphase       cuts  violations")
    for phase in HIT:
        print(f"{phase:9} {every[phase]:6} {every[phase] - good[phase]:11}")
    violations = len(results) - sum(good.values())
    print(f"{len(results)} cuts, {violations} violations")
    return int(not violations) if options.plant else int(violations > 0)


if __name__ == "__main__":
    sys.exit(main())
