# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""Many failing updates in one daemon: memory, descriptors and threads stay what they were."""

import re
import signal
from pathlib import Path

import host
import pytest
from faulty import TOP
from injury import check_holdings, every_case, fail_in_daemon, holdings, private_kib

pytestmark = pytest.mark.root

WARM_UPDATES = 4
FAILING_UPDATES = 24
# Freed memory goes back at once, so that what is left is what is held.
EXACT_MALLOC = {"MALLOC_ARENA_MAX": 1, "MALLOC_MMAP_THRESHOLD_": 65536,
                "MALLOC_TRIM_THRESHOLD_": 65536}
# SWUpdate 2022.12 itself loses the signers' certificates, 5 KiB an update. One of the writer's
# blocks would be 1024 KiB; what is smaller is for the other test.
GROWTH_MAX_KIB = 16 * FAILING_UPDATES
CHECKED_UPDATES = 10
LOSS = re.compile(r"(?:definitely|indirectly|possibly) lost in loss record")
OUR_FILES = {path.name for folder in ("lib/*", "handlers") for path in TOP.glob(f"{folder}/*.c")}


def kinds():
    return [(case, role) for case, role in every_case() if case.quick and role != "bootloader"]


@pytest.mark.quick
def test_many_failing_updates_leave_nothing_behind_in_a_daemon(bench, records):
    cases, memory = kinds(), []
    with bench.daemon(**EXACT_MALLOC) as daemon:
        for number in range(WARM_UPDATES + FAILING_UPDATES):
            fail_in_daemon(bench, daemon, *cases[number % len(cases)])
            if number == WARM_UPDATES - 1:
                threads, files = held = holdings(daemon)
                memory.append(private_kib(daemon))
        check_holdings(daemon, held)
        memory.append(private_kib(daemon))
        run = daemon.install(bench.stock.swu)
        assert run.code == 0, run.text
    records.figure(f"{FAILING_UPDATES} failing updates in one daemon: {len(files)} descriptors and "
                   f"{threads} threads before and after, private memory {memory[0]} KiB before, "
                   f"{memory[1]} KiB after (at most {GROWTH_MAX_KIB} more are allowed)")
    assert memory[1] - memory[0] <= GROWTH_MAX_KIB, memory


def losses(report):
    """Valgrind's records of lost memory: [(first line, stack)]."""
    records = re.split(r"\n==\d+== *\n", report)
    return [record for record in records if LOSS.search(record)]


def is_ours(record):
    return any(f"({name}:" in record for name in OUR_FILES)


def test_valgrind_finds_no_memory_lost_by_us_in_a_daemon(bench, records, tmp_path):
    """Under another name, because the plugin takes itself out of LD_PRELOAD, and the first program
    that it meets is valgrind's script."""
    plugin, program = tmp_path / "handlers.so", tmp_path / "swupdate"
    plugin.symlink_to(host.PLUGIN)
    program.write_text(f'#!/bin/sh\nLD_PRELOAD={plugin} exec valgrind --leak-check=full '
                       '--show-leak-kinds=definite,indirect,possible --num-callers=30 '
                       f'--log-file={tmp_path}/%p.log {host.SWUPDATE} -B jetson "$@"\n')
    program.chmod(0o755)
    cases = kinds()
    with bench.daemon(program=program) as daemon:
        for number in range(CHECKED_UPDATES):
            fail_in_daemon(bench, daemon, *cases[number * len(cases) // CHECKED_UPDATES])
        run = daemon.install(bench.stock.swu)
        assert run.code == 0, run.text
        daemon.process.send_signal(signal.SIGTERM)
        daemon.process.wait(host.TIMEOUT_S)
        report = Path(tmp_path, f"{daemon.process.pid}.log").read_text()
    found = losses(report)
    assert "LEAK SUMMARY" in report and found, "valgrind reported nothing, not even the host's own"
    ours = [record for record in found if is_ours(record)]
    assert not ours, "\n".join(ours)
    records.figure(f"{CHECKED_UPDATES} failing updates and a good one under valgrind: "
                   f"{len(found)} records of lost memory, {len(ours)} of ours")
