#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""Cut the power of the virtual Jetson, and see what it does when the power is back.

Usage: tests/vm/powercut.py [--build DIR] [-n N] [--seed S] [--jobs N] [--plant early-flip]
QEMU is killed (SIGKILL) in a phase, the phases in turn; every other cut at a chosen moment of the phase,
the others at a random one. The histogram counts the phase that was hit, as the console and the card show
it; tests/vm/README.md defines the phases. With N of 200 and more, a phase that was hit fewer than 10 times
gets more cuts, and so does one whose cut came too late to count. After the cut the machine is switched on
and must come up by itself, within six boots, with a slot that holds a whole release, byte for byte; the
other slot, the one that ran before, must be untouched. Logs are kept in DIR/vm/logs/. The last line is
'N cuts, N violations'. --plant makes the guest store the flip before the images are written, so that cuts
in the phase write must show violations; then the exit code is 0 when they do.
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
import moments
from card import environment, holds
from machine import Machine, Unexpected
from scenarios import FIRST

# In the order of an update. Slots that may run after a cut: before the flip is stored the old one, once
# it is said to be stored the new one, in between either.
MAY_RUN = {"download": "A", "write": "A", "flip": "AB", "trial": "B", "confirm": "B", "rollback": "A"}
# A cut counts between the first byte and the end of the confirmation or of the fallback.
TOO_LATE = "too late"
MANY, SHARE = 200, 10


def comes_back(m):
    """The slot and the release that come up, and how many boots it took."""
    m.seen = len(m.text)
    m.power_on()
    boots = 0
    while boots <= 6:
        match = m.wait_for(FIRST, r"VM-UP release=(\S+) slot=([AB])")
        if match.group(0).startswith(b"VM-UP"):
            return match.group(2).decode(), match.group(1).decode(), boots
        boots += 1
    raise Unexpected("six boots and nothing came up")


def judge(m, phase, build):
    """What is wrong, and what came up; the card is looked at while the machine is off."""
    slot, release, boots = comes_back(m)
    m.run("sync")
    info = json.loads(m.run("jetson-slot info --json 2>/dev/null"))
    blocking = [problem["text"] for problem in info["problems"] if problem["blocks_update"]]
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
    if slot == "A" and state["boot_slot"] == "B" and state["upgrade_available"] != "1":
        wrong.append(f"A runs, but B is chosen: {state}")
    if phase == "rollback" and info["update"]["state"] != "failed":
        wrong.append(f"the update that failed is reported as '{info['update']['state']}'")
    # On trial another update has to wait; anything else must not stand in its way.
    if slot == "A" and blocking:
        wrong.append(f"the next update is refused: {blocking}")
    return wrong, f"{slot} {release}, {boots} boot{'s' if boots > 1 else ''}"


def cut(build, number, phase, seed, start, plant):
    name = f"powercut-{seed}-{number}-{phase}"
    (build / "vm" / "logs" / f"{name}.log").unlink(missing_ok=True)
    began = time.monotonic()
    chance = random.Random(f"{seed}/{number}")
    hit, moment, seen = phase, "?", "nothing"
    try:
        with Machine(build, name, network=moments.NETWORK) as m:
            hit, moment = moments.reach(m, phase, start, chance, number, plant)
            m.kill()
            hit = moments.phase_hit(m, hit, start)
            wrong = []
            if hit != TOO_LATE:
                wrong, seen = judge(m, hit, build)
    except Unexpected as why:
        wrong = [str(why)]
    print(f"{number:4} {hit:9} {moment:42} {'VIOLATION ' + '; '.join(wrong) if wrong else 'ok':4} "
          f"({seen} came up, {time.monotonic() - began:.0f} s; {name}.log)", flush=True)
    return hit, not wrong


def run_cuts(build, options, seed, start):
    """Phases in turn; further ones until N count and, in a big run, every phase has its share."""
    phases = ["write"] if options.plant else list(MAY_RUN)
    results, number = [], 0

    def wanted():
        every = collections.Counter(hit for hit, _ in results if hit != TOO_LATE)
        missing = options.n - sum(every.values())
        poor = [p for p in phases for _ in range(SHARE - every[p])] if options.n >= MANY else []
        turn = [phases[(number + i) % len(phases)] for i in range(max(missing, 0))]
        return turn if missing > 0 else poor

    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        # Twice as many are no question of chance any more.
        while (now := wanted()) and number < 2 * options.n + 60:
            jobs = [pool.submit(cut, build, number + i, phase, seed, start, bool(options.plant))
                    for i, phase in enumerate(now)]
            number += len(jobs)
            results += [job.result() for job in jobs]
    return results


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
    print(f"seed {seed}" + (f", planted defect: {options.plant}" if options.plant else ""), flush=True)
    began = time.monotonic()
    with moments.Start(build, seed) as start:
        results = run_cuts(build, options, seed, start)
    every, good = collections.Counter(p for p, _ in results), collections.Counter(
        p for p, ok in results if ok)
    minutes = (time.monotonic() - began) / 60
    lines = [f"seed {seed}" + (f", planted defect: {options.plant}" if options.plant else "")
             + f", {minutes:.0f} minutes", "phase       cuts  violations"]
    lines += [f"{phase:9} {every[phase]:6} {every[phase] - good[phase]:11}" for phase in MAY_RUN]
    late = every.pop(TOO_LATE, 0)
    violations = len(results) - sum(good.values())
    lines.append(f"{late} came too late to count")
    if options.n >= MANY and (short := [p for p in MAY_RUN if every[p] < SHARE]):
        lines.append(f"fewer than {SHARE} cuts in: {', '.join(short)}")
        violations += 1
    lines.append(f"{sum(every.values())} cuts, {violations} violations")
    if options.plant or options.n >= MANY:
        machine.keep_result(build, "powercut-planted" if options.plant else "powercut", "\n".join(lines))
    else:
        print("\n" + "\n".join(lines))
    return int(not violations) if options.plant else int(violations > 0)


if __name__ == "__main__":
    sys.exit(main())
