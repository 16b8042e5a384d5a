# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""Updates of boards whose boot choice is in UEFI variables, through the real swupdate, against a fake efivarfs."""

import measure
import pytest

GROUP = "UEFI variables"
LAYOUTS = pytest.mark.parametrize("layout", ["t234", "t264"])


@pytest.fixture
def orin(make_bench):
    return make_bench(layout="t234")


def partitions(bench):
    """Digests of the slots' partitions; what is around them is the other tests' business."""
    return {label: measure.digest(bench.device.node(label)) for label in bench.device.partitions}


def expect_written(bench, before):
    """The target holds the new release, and nothing else changed."""
    assert bench.parts() == {role: "new" for role in bench.roles}
    targets = {bench.device.label(role, bench.target) for role in bench.roles}
    now = partitions(bench)
    assert {label for label in now if now[label] != before[label]} == targets


def expect_untouched(bench, before, variables):
    assert partitions(bench) == before
    assert snapshot(bench) == variables


def snapshot(bench):
    return {path.name: path.read_bytes() for path in bench.device.uefi.folder.iterdir()}


def boot(bench):
    """Power on: what the firmware does with the request, and a new boot of the slot that it chose."""
    slot = bench.device.uefi.boot()
    bench.device.boot_into(slot)
    bench.remember()
    return slot


@LAYOUTS
def test_an_update_is_flipped_tried_confirmed_and_followed_by_one_back(make_bench, layout):
    bench = make_bench(layout=layout)
    uefi, before = bench.device.uefi, partitions(bench)
    run = bench.install(bench.update())
    bench.note(f"good update of a {layout}", run, 0, "is selected: the next boot tries it")
    expect_written(bench, before)
    assert (uefi.next(), uefi.get("RootfsStatusSlotB"), uefi.record()["B"]) == ("B", 0, "trial")
    assert boot(bench) == "B"
    assert "boot 1 of 3" in bench.jetson_slot("count-boot").text
    assert bench.jetson_slot("mark-success").code == 0
    assert (uefi.record()["B"], uefi.record()["ustate"]) == ("good", "2")
    assert uefi.get("BootChainFwStatus") is None
    bench.stock.new, newer = bench.stock.newer, bench.stock.new
    try:
        before = partitions(bench)
        assert bench.install(bench.update()).code == 0
        expect_written(bench, before)
        assert boot(bench) == "A"
    finally:
        bench.stock.new = newer


def test_a_trial_that_is_booted_too_often_is_given_up(orin):
    assert orin.install(orin.update()).code == 0
    assert boot(orin) == "B"
    for number in (1, 2, 3):
        assert f"boot {number} of 3" in orin.jetson_slot("count-boot").text
        assert f"boot {number} of 3" in orin.jetson_slot("count-boot").text  # once per boot_id
        orin.device.boot_into("B")
    last = orin.jetson_slot("count-boot")
    assert last.code == 4 and last.says("slot A boots next, reboot now"), last.text
    assert boot(orin) == "A"
    record = orin.device.uefi.record()
    assert (record["ustate"], record["reason"]) == ("3", "firmware:-:boot-limit")
    assert orin.device.uefi.get("RootfsStatusSlotB") == 0xFF
    assert "no boot is to be counted" in orin.jetson_slot("count-boot").text


def test_a_slot_that_the_firmware_gave_up_is_empty(orin):
    assert orin.install(orin.update()).code == 0
    assert boot(orin) == "B"
    orin.device.uefi.set("RootfsStatusSlotB", 0xFF)
    orin.device.uefi.set("BootChainFwNext", 0)
    orin.device.uefi.delete("BootChainFwStatus")
    assert boot(orin) == "A"
    info = orin.jetson_slot("info", "--json").text
    assert '"empty"' in info, info
    assert orin.install(orin.update()).code == 0


def refuses(bench, case, says):
    before, variables = partitions(bench), snapshot(bench)
    bench.note(case, bench.install(bench.update()), 1, says)
    expect_untouched(bench, before, variables)


@pytest.mark.parametrize("case, name, value, attributes, says", [
    ("no redundancy of the root file system", "RootfsRedundancyLevel", 0, 6, "RootfsRedundancyLevel is 0"),
    ("firmware in the middle of a change", "BootChainFwStatus", 1, 7, "reboot first"),
    ("a slot's status that is none", "RootfsStatusSlotB", 7, 7, "is 0x7, expected 0 or 0xff"),
    ("a variable with other attributes", "RootfsStatusSlotA", 0, 3, "attributes 0x3, expected 0x7"),
    ("firmware and root device disagree", "BootChainOsCurrent", 1, 6, "it is unclear which slot runs"),
])
def test_variables_that_forbid_an_update_are_named(orin, case, name, value, attributes, says):
    orin.device.uefi.set(name, value, attributes)
    refuses(orin, case, says)


@pytest.mark.parametrize("case, name, says", [
    ("efivarfs not mounted", "BootChainFwCurrent", "efivarfs is not mounted"),
    ("a slot without a status", "RootfsStatusSlotB", "'RootfsStatusSlotB' is absent"),
])
def test_variables_that_are_missing_are_named(orin, case, name, says):
    orin.device.uefi.delete(name)
    refuses(orin, case, says)


def test_a_board_that_nobody_verifies_is_refused(orin):
    (orin.root / "usr/sbin/nvbootctrl").unlink()
    refuses(orin, "no nvbootctrl", "nvbootctrl is missing")


def test_a_damaged_record_is_refused(orin):
    path = orin.device.uefi.folder / "JotaSlots-a7ddbf9b-3207-4644-bbf4-c336d94f12e6"
    path.write_bytes(b"\7\0\0\0" + b"no record" * 9)
    refuses(orin, "a damaged record", "fails its checksum")
