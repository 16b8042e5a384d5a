#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""Cut the power of the UEFI machine, and see what it does when the power is back.

Usage: tests/vm/uefi/powercut.py [--build DIR] [-n N] [--seed S] [--plant delete-first]
QEMU is killed (SIGKILL). Three cuts of four fall into a loop that changes the boot choice as fast as it can, so nearly all of them hit a store;
the fourth falls anywhere into an update, from its first byte to after the flip. Then, before the power is back, flash.py looks at what the flash holds:

whole      nothing was lost: a record that was ever written is readable. It must still be there after the start.
rewritten  the firmware had erased its block of variables and was filling it again, which its driver does in many writes (docs/virtual-jetson-uefi.md), and
           what came last is lost. No order of writes helps against that, so the record may be gone.
torn       the same, and what is there ends within the header or the name of a variable. edk2 since January 2024 gives such a store up and begins an empty
           one; Debian's may never end its start. So the cutter puts an empty store in its place.

In all cases the machine must come up by itself, in a slot that holds a whole release, with a boot state that is not contradictory and takes the next
change: a switch, or the next update where the record is gone. In the case 'whole' the slots' conditions are those of before the cut, too. A record
whose end was lost must be told of and is deleted, as the message says.
The last line is 'N cuts, N violations'. --plant makes the loop delete the record before it stores it anew; then the exit code is 0 when cuts show violations.
"""

import argparse
import collections
import dataclasses
import random
import sys
import time
from pathlib import Path

import flash
from scenarios import RECORD, expect, first_boot, install, slots
from uefi_machine import UefiMachine, Unexpected, empty_store

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import machine  # noqa: E402

RELEASE = {"A": "1.0", "B": "2.0"}
PACKAGE = {"A": "back-1.0", "B": "good-2.0"}
UPDATE_S = 25.0
ENOUGH = 40


@dataclasses.dataclass
class Result:
    """What became of a cut; filled in as far as it got. store: whole, rewritten or torn. record: kept, lost, damaged, or none yet."""

    kind: str
    store: str = "?"
    record: str = "?"
    details: str = ""
    violation: str = ""


def other_slot(slot):
    return "B" if slot == "A" else "A"


def wait(m, seconds):
    """The console is read meanwhile."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        m.read_some(min(0.2, deadline - time.monotonic()))


def cut(m, result, image, before):
    """Power off; what the flash holds is decided before anybody can mend it. The image is kept when it is not whole."""
    m.kill()
    found = flash.read(m.variables)
    why, torn, record = found.rewriting(before.store.orphans()), found.store.torn(), found.record()
    result.store = "torn" if torn else "rewritten" if why else "whole"
    result.details = why or torn
    if why or torn or not record:
        image.write_bytes(m.variables.read_bytes()[:flash.END])
    if torn and not why:
        raise Unexpected(f"{torn}, and the firmware was not rewriting its store")
    if torn:
        empty_store(m)
        return False
    if record and record[1].end > found.store.filled:
        result.record = "damaged"
        return True
    copies = ", ".join(f"{n} {state}" for state, n in found.record_copies().items())
    if not record and not why and (copies or result.kind == "switching"):
        result.record = "lost"
        raise Unexpected("the flash holds no record, and the firmware was not rewriting its store; copies of it: "
                         + (copies or "none"))
    if record and not why:
        result.details = "change under way" if b"\0t=" in record[1].value else "settled"
    return bool(record)


def come_up(m, result, had_record):
    """Slot that runs after the cut; an error is a violation."""
    m.seen = len(m.text)
    m.power_on()
    m.wait_for(r"VM-UP|\[stand-in\] recovery")
    if b"recovery: no slot" in m.text[m.seen - 200:]:
        raise Unexpected("the firmware is in recovery: no slot may be booted")
    m.seen = m.text.rindex(b"VM-INIT")
    chosen, slot, release = m.boot_line()
    expect("slot chosen and run, release", (slot, slot, RELEASE[slot]), (chosen, slot, release))
    there = m.run(f"[ ! -e {RECORD} ] || echo there").strip() == "there"
    if result.record == "damaged":
        _, output = m.run("jetson-slot info 2>&1", check=False)
        expect(f"the damage is told: {output}", True, "fails its checksum" in output)
        m.run(f"nvbootctrl delete {RECORD}")
        return slot
    result.record = "kept" if there else "lost" if had_record or result.store != "whole" else "none yet"
    if had_record and not there and result.store == "whole":
        raise Unexpected("the record was in the flash at the moment of the cut, and is gone after the start")
    result.details += f"; {slot} runs"
    return slot


def rest(m, slot):
    """Confirm a trial; then both slots' conditions."""
    state, info = slots(m)
    blocking = [p["text"] for p in info["problems"] if p["blocks_update"]]
    expect("problems that block an update", [], blocking)
    if state[2 + "AB".index(slot)] == "trial":
        m.run("jetson-slot mark-success")
    return slots(m)[0]


def next_update(m, slot):
    """Into the other slot, which comes up and is confirmed: then both are good again."""
    target = other_slot(slot)
    install(m, PACKAGE[target])
    m.reboot()
    expect("after the next update", (target, target, RELEASE[target]), m.boot_line())
    m.run("jetson-slot mark-success")
    return slots(m)[0]


def cut_switching(m, chance, result, image, plant):
    """The loop begins and ends with a choice that stands; nobody knows which write the cut falls before."""
    mine = slots(m)[0][0]
    step = f"jetson-slot switch {other_slot(mine)}; jetson-slot switch {mine}"
    if plant:
        step = f"cat {RECORD} >/run/record; nvbootctrl delete {RECORD}; sleep 0.3; dd if=/run/record of={RECORD} bs=1024"
    before = flash.read(m.variables)
    m.run(f"(while :; do {step}; done >/dev/null 2>&1) & true")
    wait(m, chance.uniform(0.3, 4.0))
    slot = come_up(m, result, cut(m, result, image, before))
    state = rest(m, slot)
    if result.store != "whole" and state[2:] != ["good", "good"]:
        state = next_update(m, slot)
    expect("slot A, slot B after the cut", ["good", "good"], state[2:])


def cut_update(build, chance, number, result, image):
    with UefiMachine(build, f"uefi-cut-update-{number}") as m:
        first_boot(m)
        before = flash.read(m.variables)
        m.type("update good-2.0 >/run/update.log 2>&1; echo UPDATE''-ENDED")
        wait(m, chance.uniform(0.0, UPDATE_S))
        slot = come_up(m, result, cut(m, result, image, before))
        state = rest(m, slot)
        if slot == "A":
            expect("slot B, left or never taken", "empty", state[3])
            install(m, "good-2.0")
        m.run("sync")
        m.kill()
        expect("partitions of A that changed", [], m.holds("A", "1.0"))
        expect("partitions of B that are not whole", [], m.holds("B", "2.0"))


def prepare(build):
    """Both slots good, B runs. The reader of the flash must see what the kernel sees."""
    m = UefiMachine(build, "uefi-cut-switching")
    first_boot(m)
    expect("slots after an update", ["good", "good"], next_update(m, "A")[2:])
    shown = m.run(f"tail -c +5 {RECORD} | od -An -v -tx1").split()
    where, record = flash.read(m.variables).record() or ("nowhere", None)
    expect("the record in the flash", ("store", shown), (where, record and [f"{b:02x}" for b in record.value]))
    return m


class Campaign:
    def __init__(self, build, seed, plant):
        self.build, self.seed, self.plant = build, seed, plant
        self.chance = random.Random(seed)
        self.switching = None
        self.results = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.switching:
            self.switching.__exit__()
            self.switching = None

    def cut(self, number):
        result = Result("update" if number % 4 == 3 and not self.plant else "switching")
        image = self.build / "vm" / "logs" / f"uefi-cut-{self.seed}-{number}.fd"
        try:
            if result.kind == "update":
                cut_update(self.build, self.chance, number, result, image)
            else:
                self.switching = self.switching or prepare(self.build)
                cut_switching(self.switching, self.chance, result, image, self.plant)
        except Unexpected as why:
            result.violation = str(why)
            if result.kind == "switching":
                self.__exit__()
        self.results.append(result)
        print(f"{number + 1:4}  {result.kind:9}  store {result.store:9}  record {result.record:8}  {result.details}"
              + (f"  VIOLATION: {result.violation}" if result.violation else ""), flush=True)

    def table(self):
        lines = ["cut in     store      cuts  record kept  lost  damaged  none yet  violations"]
        rows = collections.defaultdict(list)
        for result in self.results:
            rows[result.kind, result.store].append(result)
        for (kind, store), some in sorted(rows.items()):
            fate = collections.Counter(r.record for r in some)
            lines.append(f"{kind:9}  {store:9}  {len(some):4}  {fate['kept']:11}  {fate['lost']:4}  {fate['damaged']:7}  "
                         f"{fate['none yet']:8}  {sum(bool(r.violation) for r in some):10}")
        return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=machine.TOP / "build")
    parser.add_argument("-n", type=int, default=20, help="cuts")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--plant", choices=["delete-first"])
    options = parser.parse_args()
    build = options.build.resolve()
    _lock = machine.hold_image(build)
    title = f"seed {options.seed}" + (f", planted defect: {options.plant}" if options.plant else "")
    print(title, flush=True)
    began = time.monotonic()
    with Campaign(build, options.seed, options.plant) as campaign:
        for number in range(options.n):
            campaign.cut(number)
    violations = sum(bool(result.violation) for result in campaign.results)
    lines = [f"{title}, {(time.monotonic() - began) / 60:.0f} minutes", *campaign.table(),
             f"{options.n} cuts, {violations} violations"]
    if options.plant or options.n >= ENOUGH:
        machine.keep_result(build, "uefi-powercut-planted" if options.plant else "uefi-powercut", "\n".join(lines))
    else:
        print("\n" + "\n".join(lines))
    return int(not violations) if options.plant else int(violations > 0)


if __name__ == "__main__":
    sys.exit(main())
