# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""swupdate ends before each single write and sync of an update, in turn: the running slot boots
until the flip is stored, the new one from then on, and the same update then goes well."""

import contextlib
import signal
import subprocess
from pathlib import Path

import pytest
from host import TIMEOUT_S

GROUP = "swupdate killed in the middle"
ENVIRONMENT = "mmcblk0"
STORES = 2  # of an update
PARTS = 4  # so that several processors share the steps


@pytest.fixture(scope="session")
def library(run_stock):
    path = run_stock.keys.folder / "interrupt.so"
    subprocess.run(["gcc", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", path,
                    Path(__file__).with_name("interrupt.c")], check=True)
    return path


class Steps:
    """Updates that note each write and sync of the device, and end before one of them."""

    def __init__(self, make_bench, library):
        self.make_bench = make_bench
        self.library = library
        self.swu = None

    def build(self, bench):
        """One file for all devices."""
        self.swu = self.swu or bench.build(bench.update())
        return self.swu

    def options(self, bench, number, by):
        return {"LD_PRELOAD": self.library, "INTERRUPT_BELOW": f"{bench.root}/dev/",
                "INTERRUPT_LOG": bench.work / "steps", "INTERRUPT_AT": number,
                "INTERRUPT_SIGNAL": int(by)}

    def noted(self, bench):
        return [tuple(line.split()) for line in (bench.work / "steps").read_text().splitlines()]

    def whole(self):
        bench = self.make_bench()
        with bench.daemon(**self.options(bench, 0, signal.SIGKILL)) as daemon:
            run = daemon.install(self.build(bench))
            assert run.code == 0, run.text
        bench.check_flipped()
        return self.noted(bench)

    def ended_before(self, number, by):
        """(bench, steps that were done)"""
        bench = self.make_bench()
        with bench.daemon(**self.options(bench, number, by)) as daemon:
            with daemon.begin() as connection:
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    connection.sendall(self.build(bench).read_bytes())
                daemon.process.wait(TIMEOUT_S)
            if by == signal.SIGKILL:
                assert daemon.process.returncode == -by
        noted = self.noted(bench)
        assert len(noted) == number, f"ended before step {len(noted)}"
        return bench, noted[:-1]


@pytest.fixture
def steps(make_bench, library):
    return Steps(make_bench, library)


def check_device(bench, done):
    """Whatever was on its way: no image is there by half without its slot being marked."""
    stores = done.count(("write", ENVIRONMENT))
    parts = bench.parts()
    assert "damaged" not in parts.values(), parts
    if stores == 0:
        bench.check_untouched(boots="A")
    elif stores < STORES:
        bench.check_begun(**parts)
    else:
        bench.check_flipped()
    return stores


def check_each(bench_steps, part, by, case):
    steps = bench_steps.whole()
    assert steps.count(("write", ENVIRONMENT)) == STORES
    assert {name for _, name in steps} == {ENVIRONMENT, "mmcblk0p2", "mmcblk0p4", "mmcblk0p6"}
    for number in range(1 + part, len(steps) + 1, PARTS):
        bench, done = bench_steps.ended_before(number, by)
        stores = check_device(bench, done)
        with bench.daemon() as daemon:
            run = daemon.install(bench_steps.build(bench))
        bench.note(case, run, 0, "slot B is selected")
        # The mark of the target that the first one stored need not be stored again.
        bench.check_flipped(stores=STORES + (stores if stores == STORES else 0))


@pytest.mark.parametrize("part", range(PARTS))
def test_killed_before_each_write_and_sync(steps, part):
    check_each(steps, part, signal.SIGKILL,
               "update after swupdate was killed before a write or sync")


def test_stopped_before_a_quarter_of_them(steps):
    """By SIGTERM, as systemd does it: the same end by another way, so fewer will do."""
    check_each(steps, 0, signal.SIGTERM,
               "update after swupdate was stopped by SIGTERM before a write or sync")
