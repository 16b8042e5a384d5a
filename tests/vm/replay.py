#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""Replay every write of an update to the card, one after the other.

Usage: tests/vm/replay.py [--build DIR] [--plant] [--sample N [--seed S]]
The virtual Jetson installs a package, boots the trial and confirms, while QEMU keeps a log of every write
to the card (blklogwrites; the card writes sectors of 512 bytes in order). Then each write is put onto a
copy of the card, and after each one that says something about booting (environment, or a partition of a
slot while the environment chooses that slot) Debian's fw_printenv must find an environment, and the slot
that it chooses must hold a whole release. With --sample the machine is switched on with the card as it was
after N of the prefixes, half of them torn environments: it must come up in the slot that fw_printenv's
environment chooses. The last line is 'N prefixes (..), N violations'.
"""

import argparse
import collections
import random
import struct
import sys
from pathlib import Path

import machine
from card import ENVIRONMENT, PARTITIONS, environment, holds
from machine import Machine, Unexpected, copy_card
from powercut import comes_back
from scenarios import boot_line, expect, first_boot, install

MAGIC = 0x6A736677736872
DISCARD = 4
MANY = 10
ENTRY = struct.Struct("<QQQQ")


def record(build, log):
    """An update from A to B, trial and confirmation, with every write in the log."""
    log.unlink(missing_ok=True)
    log.touch()
    with Machine(build, "replay") as m:
        start = build / "vm" / "run" / "replay-start.img"
        copy_card(m.card, start)
        m.card_drive = ["-blockdev", f"driver=file,node-name=file,filename={m.card}",
                        "-blockdev", "driver=blklogwrites,node-name=card,file=file,log.driver=raw,"
                        f"log.file.driver=file,log.file.filename={log},log-sector-size=512"]
        first_boot(m)
        install(m, "good-2.0")
        m.reboot()
        expect("first boot of the trial", ("2.0", "B", "2.0"), boot_line(m))
        m.run("jetson-slot mark-success; sync")
        # A tidy end, so that QEMU completes its log.
        m.type("poweroff -f")
        m.qemu.wait(timeout=600)
    return start


def writes(log):
    """(offset, data) of each write, in order."""
    with open(log, "rb") as file:
        magic, _, entries, sector = struct.unpack("<QQQI", file.read(28))
        if magic != MAGIC:
            raise Unexpected(f"'{log}' is no log of writes")
        file.seek(sector)
        for _ in range(entries):
            header = file.read(sector)
            first, count, flags, _ = ENTRY.unpack_from(header)
            if flags & DISCARD:
                raise Unexpected("the card was told to discard, which is not replayed here")
            if count:
                yield first * sector, file.read(count * sector)


def part_of(offset):
    for name, (start, size) in PARTITIONS.items():
        if start <= offset < start + size:
            return name
    start, size = ENVIRONMENT
    return "environment" if start <= offset < start + size else "elsewhere"


class Judge:
    """Which slot a boot would take after each prefix, and whether that slot is whole."""

    def __init__(self, build, card):
        self.build, self.card = build, card
        self.looked, self.violations = 0, 0
        self.touched = collections.Counter()
        self.states = []
        self.read_state()

    def read_state(self):
        state = environment(self.card)
        if not self.states or self.states[-1] != state:
            self.states.append(state)
        # Absent is the factory: A, as nothing is in B.
        self.chosen = state["boot_slot"] or "A"

    def whole(self):
        release = {"A": "1.0", "B": "2.0"}[self.chosen]
        return holds(self.card, self.chosen, self.build, release)

    def look(self, number, part):
        self.touched[part] += 1
        try:
            before = self.chosen
            if part == "environment":
                self.looked += 1
                self.read_state()
                if self.chosen == before:
                    return
            elif part[0] != self.chosen or part == "elsewhere":
                return
            else:
                self.looked += 1
            wrong = self.whole()
            if wrong:
                raise Unexpected(f"slot {self.chosen} is chosen and not whole: {wrong}")
        except Unexpected as why:
            self.violations += 1
            print(f"after write {number} (to {part}): {why}")


def choose_sample(every, count, seed):
    """Numbers of prefixes: half of them within writes of the environment."""
    chance = random.Random(seed)
    of_environment = [n for n, (offset, _) in enumerate(every) if part_of(offset) == "environment"]
    half = min(count // 2, len(of_environment))
    return sorted(chance.sample(of_environment, half) + chance.sample(range(len(every)), count - half))


def replay(judge, every, sample, folder):
    """Put the writes onto the card; the cards of the sample, as (number, slot that must boot, card)."""
    kept = []
    with open(judge.card, "r+b", buffering=0) as disk:
        for number, (offset, data) in enumerate(every):
            disk.seek(offset)
            disk.write(data)
            judge.look(number, part_of(offset))
            if judge.violations == MANY:
                print(f"stopped after {MANY} violations")
                break
            if number in sample:
                card = folder / f"replay-{number}.img"
                copy_card(judge.card, card)
                kept.append((number, part_of(offset), judge.chosen, card))
    return number + 1, kept


def boot_prefix(build, number, part, slot, card):
    """Whether the machine comes up from that card in the slot that was foretold."""
    name = f"replay-{number}"
    (build / "vm" / "logs" / f"{name}.log").unlink(missing_ok=True)
    try:
        with Machine(build, name, card=card) as m:
            came, release, boots = comes_back(m)
        wrong = "" if (came, release) == (slot, {"A": "1.0", "B": "2.0"}[slot]) else "VIOLATION "
        return not wrong, (f"prefix {number} (in {part}): {wrong}slot {slot} foretold, {came} {release} "
                           f"came up ({boots} boot{'s' if boots > 1 else ''})")
    except Unexpected as why:
        return False, f"prefix {number} (in {part}): VIOLATION {why}"
    finally:
        card.unlink()


def counted(judge):
    lines = [f"{name:14} {count:7} writes" for name, count in sorted(judge.touched.items())]
    for state in judge.states:
        lines.append("state: " + " ".join(f"{name}={value}" for name, value in state.items() if value))
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=machine.TOP / "build")
    parser.add_argument("--plant", action="store_true",
                        help="put the flip in front of everything: there must be violations")
    parser.add_argument("--sample", type=int, default=0, help="so many prefixes are booted")
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args()
    build = options.build.resolve()
    _lock = machine.hold_image(build)
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(10**6)
    log = build / "vm" / "run" / "writes.log"
    card = record(build, log)
    every = list(writes(log))
    if options.plant:
        flips = [w for w in every if part_of(w[0]) == "environment"]
        every = flips + [w for w in every if part_of(w[0]) != "environment"]
    judge = Judge(build, card)
    count, kept = replay(judge, every, choose_sample(every, options.sample, seed), build / "vm" / "run")
    card.unlink()
    log.unlink()
    booted = [boot_prefix(build, *prefix) for prefix in kept]
    violations = judge.violations + [good for good, _ in booted].count(False)
    lines = counted(judge) + ([f"sample of {options.sample}, seed {seed}"] if options.sample else [])
    lines += [words for _, words in booted]
    lines.append(f"{count} prefixes ({judge.looked} looked at, {len(booted)} booted), {violations} violations")
    machine.keep_result(build, "replay-planted" if options.plant else "replay", "\n".join(lines))
    return int(not violations) if options.plant else int(violations > 0)


if __name__ == "__main__":
    sys.exit(main())
