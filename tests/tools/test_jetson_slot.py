# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""jetson-slot: every verb, every exit code, the members of its JSON report."""

import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests/device"))

from device import Device  # noqa: E402
from uboot_env import OFFSETS_BYTES, SIZE_BYTES  # noqa: E402

BUILD = Path(os.environ.get("JOTA_BUILD", TOP / "build")).resolve()
JETSON_SLOT = BUILD / "bin/jetson-slot"
KIB, MIB = 1 << 10, 1 << 20
SIZES_BYTES = {"bootloader": 256 * KIB, "kernel": MIB, "rootfs": MIB, "userdata": MIB}
DONE, REFUSED, USAGE, UNREADABLE = 0, 1, 2, 3

STEADY = {"boot_slot": "A", "slotA_ok": "1", "slotB_ok": "1", "upgrade_available": "0",
          "bootcount": "0"}
HALF = {**STEADY, "slotB_ok": "0"}
# What an update from A leaves: B is next, on trial.
FLIPPED = {**STEADY, "boot_slot": "B", "upgrade_available": "1", "update_target": "B",
           "ustate": "1"}


@pytest.fixture
def device(tmp_path):
    made = Device.create(tmp_path / "d", sizes=SIZES_BYTES)
    yield made
    made.remove()


class Answer:
    """What one call said. A failure is one line on standard error, a success none."""

    def __init__(self, argv, env):
        done = subprocess.run([JETSON_SLOT, *argv], env=env, text=True, capture_output=True,
                              stdin=subprocess.DEVNULL, timeout=60)
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr
        if self.code == DONE:
            assert self.err == ""
        else:
            assert self.err.startswith("jetson-slot: ") and self.err.count("\n") == 1

    def json(self):
        return json.loads(self.out)


def run(device, *argv, code=DONE):
    env = {"PATH": os.environ["PATH"], "JOTA_ROOT": str(device.root)}
    answer = Answer(argv, env)
    assert answer.code == code, answer.err
    return answer


def stored(device):
    """Both copies: equal before and after means that nothing was stored."""
    return device.environment.copies()


def flip_bits(device, number):
    data = bytearray(device.environment.copies()[number])
    data[SIZE_BYTES // 2] ^= 0xff
    device.environment.write_copy(number, bytes(data))


def test_help_and_version_need_no_device(tmp_path):
    env = {"JOTA_ROOT": str(tmp_path)}
    text = Answer(["--help"], env).out
    for word in ("info", "get-slot", "switch", "mark-success", "--json", "--root", "Exit codes"):
        assert word in text
    assert Answer(["--version"], env).out.startswith("jetson-slot ")


@pytest.mark.parametrize("argv", [
    [], ["reboot"], ["info", "A"], ["get-slot", "--json"], ["switch"], ["switch", "C"],
    ["switch", "A", "B"], ["mark-success", "now"], ["--root"], ["--colour", "info"],
    ["--root", "relative", "info"], ["-x", "info"]])
def test_wrong_usage_is_code_2(device, argv):
    before = stored(device)
    run(device, *argv, code=USAGE)
    assert stored(device) == before


def test_get_slot_prints_the_running_slot(device):
    assert run(device, "get-slot").out == "A\n"
    device.boot_into("B")
    assert run(device, "get-slot").out == "B\n"


def test_root_option_wins_over_the_environment(device, tmp_path):
    env = {"JOTA_ROOT": str(tmp_path / "nothing")}
    assert Answer(["--root", str(device.root), "get-slot"], env).out == "A\n"
    assert Answer(["get-slot", f"--root={device.root}"], env).out == "A\n"
    assert Answer(["get-slot"], env).code == UNREADABLE


def test_json_has_every_member(device):
    device.environment.change(**FLIPPED)
    report = run(device, "info", "--json").json()
    assert list(report) == ["schema", "layout", "backend", "running", "evidence", "situation",
                            "next", "slots", "update", "problems"]
    assert report["schema"] == 1
    assert (report["layout"], report["backend"]) == ("mission", "uboot")
    assert (report["running"], report["next"]) == ("A", "B")
    assert report["situation"] == "flip pending"
    assert report["problems"] == []
    for witness in report["evidence"]:
        assert list(witness) == ["source", "slot", "detail"]
    spoken = {w["source"]: w["slot"] for w in report["evidence"]}
    assert spoken["root device"] == "A"
    assert None in spoken.values()
    assert report["slots"] == [
        {"slot": "A", "running": True, "state": "good", "bootable": True, "successful": True,
         "tries_left": None, "pending": False},
        {"slot": "B", "running": False, "state": "trial", "bootable": True, "successful": False,
         "tries_left": 3, "pending": True}]
    assert list(report["update"]) == ["target", "state", "boot_id", "rebooted_since",
                                      "reason"]
    assert (report["update"]["target"], report["update"]["state"]) == ("B", "installed")


def test_tries_left_counts_down(device):
    for count, left in (("1", 2), ("3", 0), ("7", 0)):
        device.environment.change(**{**FLIPPED, "bootcount": count})
        device.boot_into("B")
        report = run(device, "info", "--json").json()
        assert report["slots"][1]["tries_left"] == left
        assert report["situation"] == "on trial"
        assert report["slots"][1]["pending"] is False


def test_table_shows_what_the_json_says(device):
    device.environment.change(**HALF)
    text = run(device, "info").out
    for words in ("mission (backend uboot)", "root=PARTLABEL=A_APP", "steady", "problems     none"):
        assert words in text
    rows = [line.split() for line in text.splitlines() if line.startswith(("A", "B"))]
    assert rows == [["A", "runs", ">", "good", "yes", "yes", "-"],
                    ["B", "empty", "no", "no", "-"]]


def test_factory_device_is_shown_without_being_changed(device):
    before = stored(device)
    report = run(device, "info", "--json").json()
    assert report["situation"] == "factory"
    assert [slot["state"] for slot in report["slots"]] == ["good", "empty"]
    run(device, "mark-success")
    assert stored(device) == before


def test_info_writes_nothing(device):
    device.environment.change(**FLIPPED)
    files = {path: path.stat().st_mtime_ns for path in device.root.rglob("*") if path.is_file()}
    run(device, "info")
    run(device, "info", "--json")
    run(device, "get-slot")
    assert files == {path: path.stat().st_mtime_ns for path in device.root.rglob("*")
                     if path.is_file()}


def test_one_bad_copy_is_a_warning(device):
    flip_bits(device, 1)
    report = run(device, "info", "--json").json()
    assert [p["blocks_update"] for p in report["problems"]] == [False]
    assert "cop" in report["problems"][0]["text"]


def test_two_bad_copies_are_code_3_and_are_not_repaired(device):
    flip_bits(device, 0)
    flip_bits(device, 1)
    before = stored(device)
    answer = run(device, "info", "--json", code=UNREADABLE)
    report = answer.json()
    assert report["running"] == "A"
    assert report["slots"] is None and report["next"] is None and report["update"] is None
    assert any(p["blocks_update"] for p in report["problems"])
    for argv in (["mark-success"], ["switch", "B"], ["info"]):
        run(device, *argv, code=UNREADABLE)
    assert stored(device) == before


def test_contradicting_evidence_is_code_3_and_names_who_says_what(device):
    device.write_text("proc/cmdline", "root=PARTLABEL=A_APP rootwait jota.slot=B\n")
    before = stored(device)
    report = run(device, "info", "--json", code=UNREADABLE).json()
    assert report["running"] is None
    assert {w["slot"] for w in report["evidence"]} == {"A", "B", None}
    for argv in (["get-slot"], ["mark-success"], ["switch", "A"], ["info"]):
        answer = run(device, *argv, code=UNREADABLE)
        assert "A_APP" in answer.err and "jota.slot" in answer.err
    assert stored(device) == before


def test_contradicting_state_is_code_3(device):
    device.environment.change(**{**HALF, "slotA_ok": "0"})
    report = run(device, "info", "--json", code=UNREADABLE).json()
    assert report["situation"] == "broken"
    run(device, "mark-success", code=UNREADABLE)


def test_value_that_does_not_belong_there_is_code_3(device):
    device.environment.change(**{**STEADY, "boot_slot": "C"})
    answer = run(device, "info", code=UNREADABLE)
    assert "boot_slot" in answer.err and "'C'" in answer.err


def test_missing_or_wrong_configuration_is_code_3(device):
    for text, words in (("layout = \"t999\";\n", "t999"), ("layout = ;\n", "line 1"), ("", "layout")):
        device.write_text("etc/swupdate-jetson.conf", text)
        for argv in (["info"], ["get-slot"], ["mark-success"], ["switch", "B"]):
            assert words in run(device, *argv, code=UNREADABLE).err
    (device.root / "etc/swupdate-jetson.conf").unlink()
    assert "mission" in run(device, "get-slot", code=UNREADABLE).err


def test_layout_of_another_backend_is_refused_with_a_sentence(device):
    device.write_text("etc/swupdate-jetson.conf", "layout = \"t194\";\n")
    assert "smd" in run(device, "mark-success", code=REFUSED).err


def test_a_board_whose_firmware_counts_has_no_boot_to_count(device):
    before = device.environment.copies()
    assert "no boot is to be counted" in run(device, "count-boot").out
    assert device.environment.copies() == before


def test_problem_that_blocks_updates_is_named(device):
    device.environment.change(altbootcmd=None)
    report = run(device, "info", "--json").json()
    assert any(p["blocks_update"] and "altbootcmd" in p["text"] for p in report["problems"])


def test_control_characters_do_not_reach_the_terminal(device):
    device.write_text("proc/cmdline", "root=PARTLABEL=\x1b[2JA_APP rootwait jota.slot=A\n")
    for argv in (["info"], ["info", "--json"]):
        answer = Answer(argv, {"JOTA_ROOT": str(device.root)})
        assert "\x1b" not in answer.out + answer.err


def test_mark_success_ends_the_trial_in_one_store(device):
    device.environment.change(**{**FLIPPED, "bootcount": "1"})
    device.boot_into("B")
    flags = [copy[4] for copy in stored(device)]
    run(device, "mark-success")
    after = [copy[4] for copy in stored(device)]
    assert max(after) == max(flags) + 1 and sum(a != b for a, b in zip(after, flags)) == 1
    env = device.environment.read()
    assert (env["slotB_ok"], env["upgrade_available"], env["ustate"]) == ("1", "0", "2")


def test_mark_success_stores_nothing_when_already_good(device):
    device.environment.change(**STEADY)
    before = stored(device)
    assert "nothing changed" in run(device, "mark-success").out
    assert stored(device) == before


def test_switch_puts_a_good_slot_on_trial_once(device):
    device.environment.change(**STEADY)
    assert "slot B boots next, on trial" in run(device, "switch", "B").out
    env = device.environment.read()
    assert (env["boot_slot"], env["upgrade_available"], env["bootcount"]) == ("B", "1", "0")
    assert (device.root / "run/swupdate-jetson/reboot-pending").read_text() == "B\n"
    before = stored(device)
    assert "nothing changed" in run(device, "switch", "b").out
    assert stored(device) == before


def test_switch_to_an_incomplete_slot_is_refused(device):
    device.environment.change(**HALF)
    before = stored(device)
    assert "slot B" in run(device, "switch", "B", code=REFUSED).err
    assert stored(device) == before


def test_switch_to_the_running_slot_cancels(device):
    device.environment.change(**FLIPPED)
    (device.root / "run/swupdate-jetson").mkdir()
    device.write_text("run/swupdate-jetson/reboot-pending", "B\n")
    run(device, "switch", "A")
    env = device.environment.read()
    assert (env["boot_slot"], env["slotB_ok"], env["upgrade_available"]) == ("A", "0", "0")
    assert not (device.root / "run/swupdate-jetson/reboot-pending").exists()
    before = stored(device)
    run(device, "switch", "A")
    assert stored(device) == before


def test_switch_from_a_trial_slot_gives_it_up(device):
    device.environment.change(**{**FLIPPED, "bootcount": "1"})
    device.boot_into("B")
    run(device, "switch", "A")
    env = device.environment.read()
    assert (env["boot_slot"], env["slotB_ok"], env["ustate"]) == ("A", "0", "3")
    run(device, "mark-success", code=REFUSED)


def test_change_during_an_update_names_the_holder(device):
    device.environment.change(**STEADY)
    before = stored(device)
    (device.root / "run/swupdate-jetson").mkdir()
    device.write_text("run/swupdate-jetson/session.lock", "a running update pid 4711\n")
    with open(device.root / "run/swupdate-jetson/session.lock", "r+b") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for argv in (["switch", "B"], ["switch", "A"], ["mark-success"]):
            answer = run(device, *argv, code=REFUSED)
            assert "a running update" in answer.err and "4711" in answer.err
        run(device, "info")
        run(device, "get-slot")
    assert stored(device) == before
    run(device, "mark-success")


def test_partitions_and_boot_area_are_never_written(device):
    device.environment.change(**STEADY)
    paths = [device.node(label) for label in device.partitions]
    before = [(path.stat().st_mtime_ns, path.stat().st_blocks) for path in paths]
    for argv in (["switch", "B"], ["switch", "A"], ["mark-success"]):
        run(device, *argv)
    assert before == [(path.stat().st_mtime_ns, path.stat().st_blocks) for path in paths]
    with open(device.root / "dev/mmcblk0", "rb") as disk:
        head = disk.read(OFFSETS_BYTES[0])
    assert head.count(0) == len(head)


def test_full_output_is_an_error(device):
    with open("/dev/full", "w", encoding="ascii") as full:
        done = subprocess.run([JETSON_SLOT, "info"], stdout=full, stderr=subprocess.PIPE, text=True,
                              env={"JOTA_ROOT": str(device.root)}, timeout=60)
    assert done.returncode == UNREADABLE and done.stderr.count("\n") == 1
