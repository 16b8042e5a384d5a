# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""After the reboot: confirmed, not confirmed, or another update before it."""

from package import Package

GROUP = "Trial, confirmation, second updates"
ON_B = {"boot_slot": "B", "slotA_ok": "1", "slotB_ok": "1"}


def updated(bench):
    run = bench.install(bench.update())
    assert run.code == 0, run.text
    return bench


def test_an_update_is_tried_confirmed_and_followed_by_one_back(bench):
    updated(bench)
    assert bench.reboot()["slot"] == "B"
    run = bench.jetson_slot("mark-success")
    bench.note("jetson-slot mark-success in the first boot", run, 0, "the running slot is good")
    state = bench.state()
    assert state == {**ON_B, "upgrade_available": "0", "update_target": "B", "ustate": "2",
                     "bootcount": "0"}
    assert bench.reboot()["slot"] == "B"
    bench.remember()
    bench.stock.new, kept = bench.stock.newer, bench.stock.new
    try:
        bench.flips("second update, slot B runs", bench.install(bench.update()))
    finally:
        bench.stock.new = kept


def test_confirming_is_one_store_and_repeating_it_none(bench):
    updated(bench)
    bench.reboot()
    bench.remember()
    assert bench.jetson_slot("mark-success").code == 0
    assert bench.stores() == 1
    run = bench.jetson_slot("mark-success")
    bench.note("jetson-slot mark-success again", run, 0, "nothing changed")
    assert bench.stores() == 1


def test_confirming_stores_the_outcome_in_the_same_store(bench):
    updated(bench)
    bench.reboot()
    bench.remember()
    bench.jetson_slot("mark-success")
    assert bench.stores() == 1
    assert bench.state()["upgrade_available"] == "0"
    assert bench.state()["ustate"] == "2"


def test_three_boots_without_a_confirmation_fall_back(bench):
    updated(bench)
    assert [bench.reboot()["slot"] for _ in range(4)] == ["B", "B", "B", "A"]
    assert bench.state()["slotB_ok"] == "0"
    assert bench.reboot()["slot"] == "A"


def test_the_record_survives_a_fall_back(bench):
    """The old slot must be able to say that the update failed: SWUpdate knows nothing of it."""
    updated(bench)
    for _ in range(4):
        bench.reboot()
    state = bench.state()
    assert (state["update_target"], state["ustate"]) == ("B", "1")


def test_an_update_after_a_fall_back_goes_well(bench):
    updated(bench)
    for _ in range(4):
        bench.reboot()
    bench.remember()
    bench.stock.new, kept = bench.stock.newer, bench.stock.new
    try:
        bench.flips("update after a fall-back", bench.install(bench.update()))
    finally:
        bench.stock.new = kept


def test_an_update_during_a_trial_is_refused(bench):
    updated(bench)
    bench.reboot()
    bench.remember()
    run = bench.install(bench.update())
    bench.refuses("update while the running slot is on trial", run, "running slot B is on trial")


def test_a_bad_update_during_a_trial_leaves_the_trial_open(bench):
    """Else it would make an unconfirmed slot permanent and lose the only fall-back."""
    updated(bench)
    bench.reboot()
    bench.remember()
    package = bench.update()
    package.image("bootloader").sha256 = "11" * 32
    run = bench.install(package)
    assert run.code == 1
    bench.check_untouched(boots="B")
    assert bench.state()["upgrade_available"] == "1"


def test_a_second_update_before_the_reboot_replaces_the_first(bench):
    updated(bench)
    bench.remember()
    package = Package.of(bench.stock.newer)
    run = bench.install(package)
    bench.note("second update before the reboot", run, 0, "slot B is selected")
    assert bench.stores() == 2
    assert bench.boots_next() == "B"
    newer = bench.stock.newer.boot
    assert bench.device.read_at("B_kernel", 0, len(newer)) == newer


def test_a_second_update_that_fails_takes_the_first_back(bench):
    """Its target is the slot that was flipped to: half of it is overwritten now."""
    updated(bench)
    bench.remember()
    package = Package.of(bench.stock.newer)
    package.image("boot.img").sha256 = "22" * 32
    run = bench.install(package)
    bench.fails("second update before the reboot, which fails", run, "HASH mismatch",
                bootloader="damaged", kernel="erased")


def test_a_second_update_that_is_refused_leaves_the_first(bench):
    updated(bench)
    bench.remember()
    package = Package.of(bench.stock.newer)
    package.image("bootloader").data = b"x" * (1 << 20)
    run = bench.install(package)
    bench.refuses("second update before the reboot, which is refused", run,
                  "'B_bootloader' (/dev/mmcblk0p", boots="B")


def test_a_flip_can_be_taken_back_before_the_reboot(bench):
    updated(bench)
    run = bench.jetson_slot("switch", "A")
    bench.note("jetson-slot switch to the running slot after the flip", run, 0, "slot A boots next")
    assert bench.state()["slotB_ok"] == "0"
    assert bench.boots_next() == "A"


def test_the_marker_of_the_pending_reboot_follows_the_flip(bench):
    marker = bench.root / "run/swupdate-jetson/reboot-pending"
    updated(bench)
    assert marker.read_text() == "B\n"
    bench.jetson_slot("switch", "A")
    assert not marker.exists()
