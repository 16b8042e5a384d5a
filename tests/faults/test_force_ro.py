# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""The write protection of an eMMC boot area around a whole update, on a FAKE: the target's rootfs
partition is a regular file, and its force_ro is another one. What a kernel and an eMMC make of the
attribute cannot be shown without them; tests/write/test_force_ro.c looks at each single write."""

import contextlib

import pytest

pytestmark = pytest.mark.quick

TAIL_BYTES = 1 << 20  # of the .swu, held back: the rootfs, its last image, is being written then


@pytest.fixture
def attribute(plain_bench):
    """Stands where a kernel has it for a disk."""
    partition = plain_bench.device.partitions[plain_bench.device.label("rootfs", "B")]
    plain_bench.device.write_text(f"sys/block/{partition.name}/force_ro", "1\n")
    return plain_bench.root / "sys/block" / partition.name / "force_ro"


@contextlib.contextmanager
def writing(bench, attribute):
    """An update in a daemon, up to where the fake is lifted: (daemon, connection, rest)."""
    data = bench.stock.swu.read_bytes()
    with bench.daemon() as daemon, daemon.begin() as connection:
        assert attribute.read_text() == "1\n"
        connection.sendall(data[:-TAIL_BYTES])
        daemon.wait_for(lambda: attribute.read_text() == "0\n", "lifted force_ro")
        yield daemon, connection, data[-TAIL_BYTES:]


def test_the_fake_is_lifted_while_it_is_written_and_restored_after_a_good_update(
        plain_bench, attribute):
    with writing(plain_bench, attribute) as (daemon, connection, rest):
        connection.sendall(rest)
        run = daemon.ended()
    assert run.code == 0, run.text
    plain_bench.check_flipped()
    assert attribute.read_text() == "1\n"


def test_the_fake_is_restored_when_the_stream_breaks_off(plain_bench, attribute):
    with writing(plain_bench, attribute) as (daemon, connection, _):
        connection.close()
        run = daemon.ended()
    assert run.code == 1
    assert plain_bench.part("rootfs") == "erased"
    assert attribute.read_text() == "1\n"


def test_the_fake_stays_lifted_until_the_next_boot_when_swupdate_is_killed(plain_bench, attribute):
    with writing(plain_bench, attribute) as (daemon, _, __):
        daemon.close()
    assert attribute.read_text() == "0\n"
    # The next update finds it so and leaves it so: it cannot know who lifted it.
    assert plain_bench.install(None, swu=plain_bench.stock.swu).code == 0
    assert attribute.read_text() == "0\n"


def test_a_strange_fake_is_refused_before_the_first_byte(plain_bench, attribute):
    attribute.write_text("maybe\n")
    run = plain_bench.install(None, swu=plain_bench.stock.swu)
    assert run.code == 1
    assert run.says("rootfs slot B") and run.says("holds 'maybe"), run.text
    assert plain_bench.part("rootfs") == "old"
    assert attribute.read_text() == "maybe\n"
