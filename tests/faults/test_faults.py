# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""Storage that fails under a whole update through the real swupdate.

Each fault in each partition of the target slot: the update fails with a sentence that names the
device and what happened, the target is EMPTY, the running slot and its boot choice are as before,
nothing stays behind in a daemon, and its next update succeeds.
"""

import pytest
from cases import CASES, Case
from injury import (ROLES, check_holdings, every_case, fail_in_daemon, fail_once, holdings,
                    is_quick)

pytestmark = pytest.mark.root


def matrix():
    return [pytest.param(case, role, id=f"{case.name}-{role}".replace(" ", "_"),
                         marks=[pytest.mark.quick] if is_quick(case, role) else [])
            for case, role in every_case()]


@pytest.mark.parametrize("case, role", matrix())
def test_a_fault_empties_the_target_and_spares_the_rest(bench, records, case, role):
    records.add(case.name, role, *fail_once(bench, case, role))
    at_first = bench.before
    bench.settle()
    attached = bench.faulty.left_behind()
    with bench.daemon() as daemon:
        # The first update of a process opens what it then keeps.
        assert fail_in_daemon(bench, daemon, case, role) == attached
        held = holdings(daemon)
        assert fail_in_daemon(bench, daemon, case, role) == attached
        check_holdings(daemon, held)
        bench.remember()
        bench.before = at_first
        run = daemon.install(bench.stock.swu)
        assert run.code == 0, run.text
        check_holdings(daemon, held)
    # The failed updates left the target marked bad: one store is enough.
    bench.check_flipped(stores=1)


@pytest.mark.quick
@pytest.mark.parametrize("role", ["kernel", "bootloader"])
def test_a_short_write_that_nobody_is_told_of_is_found(make_bench, records, role):
    """A loop device without direct I/O keeps quiet about it: only reading back can tell. Not for
    the rootfs: the end of its first MiB is zero, as the erase left it, so nothing need be lost."""
    bench = make_bench(direct_io=False)
    case = Case("short write of the first block, loop device without direct I/O", "short", 2, 1,
                "first", next(c for c in CASES if c.fault == "short" and c.number == 2).says)
    records.add(case.name, role, *fail_once(bench, case, role))


@pytest.mark.quick
def test_a_fault_elsewhere_on_the_disk_does_not_matter(bench):
    """The running slot's partitions may fail as they like: an update does not even read them."""
    at_first = bench.before
    for role in ROLES:
        running = bench.device.partitions[bench.device.label(role, bench.running)]
        bench.faulty.arm(running, "gone", 1, 0)
        run = bench.install(None, swu=bench.stock.swu)
        counts = bench.faulty.counts(running)
        bench.faulty.clear()
        assert run.code == 0, run.text
        assert counts["writes"] == 0, counts
        bench.check_flipped()
        bench.settle()
        bench.before = at_first


@pytest.mark.quick
def test_what_the_tests_make_goes_with_them(make_bench):
    """Loop devices and the mount, also when the file system dies before them."""
    bench = make_bench()
    assert len(bench.faulty.left_behind()) == 9
    bench.faulty.process.kill()
    bench.faulty.close()
    assert bench.faulty.left_behind() == []
