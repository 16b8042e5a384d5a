# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""The U-Boot environment: damaged copies, garbage in it, stores that fail."""

import os
import shlex

import pytest
from bench import MODEL
from uboot_env import OFFSETS_BYTES, SIZE_BYTES, is_valid

GROUP = "The U-Boot environment"


@pytest.mark.parametrize("which", ["in use", "not in use"])
def test_one_bad_copy_is_lived_with_and_mended(bench, which):
    bench.settle()
    number = bench.env.current()
    bench.env.spoil(number if which == "in use" else 1 - number)
    bench.remember()
    run = bench.install(bench.update())
    bench.flips(f"the copy of the environment {which} is bad", run)
    assert bench.env.current() is not None
    assert all(is_valid(copy) for copy in bench.env.copies())


def test_two_bad_copies_stop_the_update(bench):
    bench.env.spoil(0)
    bench.env.spoil(1)
    bench.remember()
    bench.refuses("both copies of the environment are bad", bench.install(bench.update()),
                  "environment")


def test_an_empty_environment_stops_the_update(bench):
    for number in (0, 1):
        bench.env.write_copy(number, b"\xff" * SIZE_BYTES)
    bench.remember()
    bench.refuses("environment never written (0xff)", bench.install(bench.update()), "environment")


def test_an_environment_device_that_is_too_short_stops_the_update(bench):
    node = bench.root / "dev/mmcblk0"
    keep = node.read_bytes()
    os.truncate(node, OFFSETS_BYTES[1] + 1000)
    run = bench.install(bench.update())
    node.write_bytes(keep)
    bench.refuses("environment device ends inside a copy", run, "/dev/mmcblk0")


@pytest.mark.parametrize("name, value", [
    ("boot_slot", "C"), ("boot_slot", None), ("slotA_ok", "yes"), ("slotB_ok", None),
    ("upgrade_available", "2"), ("update_target", "AB"), ("ustate", "x"), ("bootcount", "three"),
    ("bootlimit", "0x3"),
])
def test_a_variable_with_garbage_in_it_stops_the_update(bench, name, value):
    bench.settle(**{name: value})
    boots = bench.boots_next()
    shown = f"{name}={value}" if value else f"{name} missing"
    run = bench.install(bench.update())
    bench.refuses(f"environment with {shown}", run, f"'{name}'", boots=boots)


@pytest.mark.parametrize("name, value, says", [
    ("altbootcmd", None, "altbootcmd"),
    ("bootlimit", None, "bootlimit"),
    ("bootlimit", "0", "bootlimit"),
])
def test_an_environment_that_could_not_fall_back_stops_the_update(bench, name, value, says):
    bench.settle(**{name: value})
    shown = f"{name}={value}" if value else f"{name} missing"
    bench.refuses(f"environment with {shown}", bench.install(bench.update()), says)


def test_a_script_between_hook_and_flip_that_changes_the_state_stops_the_flip(bench):
    """Compare and swap: whoever stored meanwhile is not overwritten."""
    package = bench.update()
    package.add_script("other.sh", f"""#!/bin/sh
[ "$1" = postinst ] || exit 0
{bench_command(bench)} set bootlimit=5
""")
    run = bench.install(package)
    bench.note("boot state changed by somebody else before the flip", run, 1,
               "changed by somebody else during this update")
    assert bench.stores() == 2
    state = bench.state()
    assert (state["boot_slot"], state["slotB_ok"], state["ustate"]) == ("A", "0", "7")
    assert bench.boots_next() == "A"


def test_a_flip_that_cannot_be_stored_leaves_nothing(bench):
    """The environment's device disappears after the hook: an eMMC that failed."""
    package = bench.update()
    package.bootenv = {"release_note": "never seen"}
    disk = bench.root / "dev/mmcblk0"
    package.add_script("fail.sh", f"""#!/bin/sh
[ "$1" = postinst ] || exit 0
mv {disk} {disk}.gone
""")
    run = bench.install(package)
    (bench.root / "dev/mmcblk0.gone").rename(disk)
    bench.fails("the flip cannot be stored", run, "Cannot persistently store INSTALLED",
                bootloader="new", kernel="new", rootfs="new")
    assert "release_note" not in bench.env.read()


def bench_command(bench):
    return shlex.join([str(MODEL), *bench.device.model_options()])
