# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""What is remembered of trials: the history, the black box, and the scripts of confirm.d."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests/device"))

from device import BUILD, Device  # noqa: E402
from trial_boot import SIZES_BYTES, TRIAL  # noqa: E402

DATA = "data/swupdate-jetson"
FALLEN = {**TRIAL, "boot_slot": "A", "slotB_ok": "0", "upgrade_available": "0", "bootcount": "0"}
BOX_MAX, FILE_MAX, JOURNAL_MAX, PSTORE_MAX, HISTORY_MAX = 5, 65536, 262144, 8, 65536


@pytest.fixture(name="device")
def fixture_device():
    # Checks run as nobody when the tests run as root, so nobody must get there.
    folder = Path(tempfile.mkdtemp(prefix="jota-history-"))
    folder.chmod(0o755)
    made = Device.create(folder / "d", sizes=SIZES_BYTES)
    (made.root / "data").mkdir(exist_ok=True)
    made.write_text("etc/swupdate-jetson/health.conf", 'stability_s = 0; checks = ( { name = "app"; '
                    'kind = "command"; argv = [ "/opt/app" ]; } );\n')
    program(made, "opt/app", "exit 0")
    yield made
    made.remove()
    shutil.rmtree(folder)


def program(device, path, body, mode=0o755):
    device.write_text(path, f"#!/bin/sh\n{body}\n")
    (device.root / path).chmod(mode)


def script(device, name, body, mode=0o755):
    program(device, f"etc/swupdate-jetson/confirm.d/{name}", body, mode)


def tool(name, device, *argv, code=0):
    done = subprocess.run([BUILD / f"bin/{name}", "--root", device.root, *argv], text=True,
                          capture_output=True, stdin=subprocess.DEVNULL, timeout=120, check=False,
                          env={"PATH": os.environ["PATH"]})
    assert done.returncode == code, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def health(device, *argv, code=0):
    return tool("jetson-health", device, *argv, code=code)


def slot(device, *argv, code=0):
    return tool("jetson-slot", device, *argv, code=code)


def on_trial(device):
    device.environment.change(**TRIAL, jota_reason=None)
    device.boot_into("B")


def events(device):
    return [(e["slot"], e["event"], e["detail"])
            for e in json.loads(slot(device, "history", "--json").stdout)["events"]]


def box(device, number=1):
    return device.root / DATA / "failures" / str(number)


def test_before_anything_happened_there_is_nothing_to_show(device):
    assert slot(device, "history").stdout == "nothing has been noted yet\n"
    assert "no failure is kept" in slot(device, "history", "--last-failure", code=1).stderr


def test_a_confirmed_trial_is_in_the_history(device):
    on_trial(device)
    health(device, "run", "--apply")
    health(device, "run", "--apply")
    assert events(device) == [("B", "boot", "on trial"), ("B", "confirmed", "")]
    assert "confirmed" in slot(device, "history").stdout


def test_confirm_waits_for_a_healthy_run_of_this_very_boot(device):
    on_trial(device)
    assert "is not confirmed" in health(device, "confirm", code=1).stderr
    health(device, "run", "--apply", "--defer-confirm")
    assert device.environment.read()["upgrade_available"] == "1"
    marker = (device.root / "run/swupdate-jetson/healthy").read_text()
    device.boot_into("B")
    device.write_text("run/swupdate-jetson/healthy", marker)
    health(device, "confirm", code=1)
    health(device, "run", "--apply", "--defer-confirm")
    assert "its trial is over" in health(device, "confirm").stdout
    assert device.environment.read()["ustate"] == "2"


def test_rollback_and_on_trial_change_nothing_on_a_good_slot(device):
    before = device.environment.copies()
    assert "it stays" in health(device, "rollback").stdout
    health(device, "on-trial", code=1)
    assert device.environment.copies() == before
    on_trial(device)
    health(device, "on-trial")
    health(device, "rollback", "no-such-reason", code=2)
    health(device, "rollback", "boot-deadline", code=4)
    health(device, "rollback", code=4)
    assert device.environment.read()["jota_reason"] == "health:-:boot-deadline"
    assert [e[1] for e in events(device)] == ["rolled-back"]


def test_a_failed_trial_leaves_its_evidence(device):
    program(device, "opt/app", "echo no camera; exit 3")
    program(device, "usr/bin/journalctl", 'echo "said with $*"')
    device.write_text("sys/fs/pstore/dmesg-ramoops-0", "Oops: \x1b[2J last words\n")
    on_trial(device)
    health(device, "run", "--apply", code=4)
    assert ("B", "rolled-back", "health:app:exit-status") in events(device)
    shown = slot(device, "history", "--last-failure").stdout
    for text in ("reason health:app:exit-status", "no camera", "said with", "-n 500",
                 "Oops: ?[2J last words"):
        assert text in shown
    assert "\x1b" not in shown
    doc = json.loads(slot(device, "history", "--last-failure", "--json").stdout)
    assert {f["name"] for f in doc["files"]} == {"about", "journal", "pstore-dmesg-ramoops-0",
                                                 "report"}


def test_a_fallback_of_the_firmware_is_told_with_the_journal_of_the_trial(device):
    program(device, "usr/bin/journalctl", 'echo "asked for $*"')
    device.write_text("sys/fs/pstore/console-ramoops-0", "panic\n")
    on_trial(device)
    health(device, "run", "--apply", "--defer-confirm")
    trial_id = (device.root / "proc/sys/kernel/random/boot_id").read_text().strip()
    device.environment.change(**FALLEN)
    device.boot_into("A")
    health(device, "run", "--apply")
    assert ("A", "fallback", "firmware:-:firmware-fallback") in events(device)
    assert trial_id.replace("-", "") in (box(device) / "journal").read_text()
    assert f"boot_id {trial_id}\n" in (box(device) / "about").read_text()
    assert (box(device) / "pstore-console-ramoops-0").read_text() == "panic\n"


@pytest.mark.parametrize("body", ["yes the journal is long", "exec sleep 1000"])
def test_a_journal_without_end_keeps_nobody_from_rolling_back(device, body):
    program(device, "usr/bin/journalctl", body)
    on_trial(device)
    began = time.monotonic()
    health(device, "rollback", code=4)
    assert time.monotonic() - began < 15
    assert not (box(device) / "journal").exists() or \
        (box(device) / "journal").stat().st_size <= JOURNAL_MAX


def test_the_black_box_is_bounded_in_number_and_bytes(device):
    for i in range(20):
        device.write_text(f"sys/fs/pstore/dmesg-{i:02}", "x" * (2 * FILE_MAX))
    for _ in range(BOX_MAX + 2):
        on_trial(device)
        health(device, "rollback", code=4)
    failures = device.root / DATA / "failures"
    assert sorted(int(p.name) for p in failures.iterdir()) == list(range(3, BOX_MAX + 3))
    kept = [p.stat().st_size for p in box(device, 7).iterdir() if p.name.startswith("pstore")]
    assert len(kept) == PSTORE_MAX and max(kept) <= FILE_MAX


def test_a_folder_that_a_power_cut_left_half_done_is_replaced(device):
    (device.root / DATA / "failures/new").mkdir(parents=True)
    device.write_text(f"{DATA}/failures/new/about", "half")
    on_trial(device)
    health(device, "rollback", code=4)
    assert [p.name for p in (device.root / DATA / "failures").iterdir()] == ["1"]
    assert "boot-incomplete" in (box(device) / "about").read_text()


def test_a_failures_folder_that_is_a_link_is_not_followed(device, tmp_path):
    (device.root / DATA).mkdir(parents=True)
    (device.root / DATA / "failures").symlink_to(tmp_path)
    on_trial(device)
    assert "not kept" in health(device, "rollback", code=4).stderr
    assert not list(tmp_path.iterdir())


def test_the_history_is_bounded(device):
    device.write_text(f"{DATA}/history", "x" * HISTORY_MAX + "\n")
    on_trial(device)
    health(device, "run", "--apply")
    sizes = {p.name: p.stat().st_size for p in (device.root / DATA).glob("history*")}
    assert sizes["history.1"] < HISTORY_MAX + 1024 and sizes["history"] < 1024
    assert ("B", "confirmed", "") in events(device)


def test_a_line_torn_by_a_power_cut_spoils_no_other(device):
    on_trial(device)
    health(device, "run", "--apply")
    path = device.root / DATA / "history"
    whole = path.read_bytes()
    for cut in range(len(whole) - 1, whole.index(b"\n"), -1):
        path.write_bytes(whole[:cut])
        if cut % 16 == 0:
            doc = json.loads(slot(device, "history", "--json").stdout)
            assert (len(doc["events"]), doc["damaged_lines"]) == (1, int(cut != whole.index(b"\n")
                                                                          + 1))
    path.write_bytes(whole[:-9])
    on_trial(device)
    health(device, "rollback", code=4)
    assert [e[1] for e in events(device)] == ["boot", "rolled-back"]


@pytest.mark.parametrize("content", [
    b"\x00\x01\x02\n", b"{}\n", b"[[[[[[[[\n", b'{"time":"x"}\n', b"\xff" * 3000 + b"\n",
    b'{"time":1,"event":"\\u001b[2J","slot":"B","boot_id":"","detail":"\\u0007\\n\\u202e"}\n',
    b'{"time":99999999999999999999,"event":"boot","slot":"","boot_id":"","detail":""}\n'])
def test_a_hostile_history_is_printed_safely(device, content):
    (device.root / DATA).mkdir(parents=True)
    (device.root / DATA / "history").write_bytes(content)
    for argv in (["history"], ["history", "--json"]):
        out = slot(device, *argv).stdout
        assert all(c == "\n" or " " <= c <= "~" for c in out)


def test_no_data_partition_keeps_nobody_from_anything(device):
    shutil.rmtree(device.root / "data")
    on_trial(device)
    assert "the history is not kept" in health(device, "run", "--apply").stderr
    assert device.environment.read()["ustate"] == "2"
    on_trial(device)
    assert "evidence" in health(device, "rollback", code=4).stderr


def lose_data(device):
    """As in emergency mode, when the data partition is not mounted."""
    (device.root / "data").rename(device.root / "unmounted")


def find_data(device):
    (device.root / "unmounted").rename(device.root / "data")


def give_up_without_data(device, reason="emergency-mode", flip=None):
    on_trial(device)
    if flip:
        device.environment.change(jota_boot_id=flip)
    lose_data(device)
    assert "the history is not kept" in health(device, "rollback", reason, code=4).stderr
    find_data(device)


EMERGENCY = ("B", "rolled-back", "health:-:emergency-mode")


def test_a_rollback_that_could_not_be_noted_is_noted_by_the_old_slot_once(device):
    device.write_text("sys/fs/pstore/dmesg-ramoops-0", "last words\n")
    give_up_without_data(device)
    assert events(device) == []
    for _ in range(3):
        device.boot_into("A")
        health(device, "run", "--apply")
    assert events(device) == [EMERGENCY] + [("A", "boot", "steady")] * 3
    doc = json.loads(slot(device, "history", "--json").stdout)
    assert doc["events"][0]["boot_id"] == TRIAL["jota_boot_id"]
    shown = slot(device, "history", "--last-failure").stdout
    assert "reason health:-:emergency-mode" in shown and "last words" in shown
    assert [path.name for path in (device.root / DATA / "failures").iterdir()] == ["1"]


def test_a_rollback_that_was_noted_is_not_noted_again(device):
    on_trial(device)
    health(device, "rollback", "emergency-mode", code=4)
    device.boot_into("A")
    health(device, "run", "--apply")
    assert events(device) == [EMERGENCY, ("A", "boot", "steady")]


def test_two_trials_that_end_alike_are_two_entries(device):
    for flip in ("aaaaaaaa-0000-4000-8000-000000000001", "aaaaaaaa-0000-4000-8000-000000000002"):
        give_up_without_data(device, flip=flip)
        device.boot_into("A")
        health(device, "run", "--apply")
    assert [event for event in events(device) if event[1] != "boot"] == [EMERGENCY, EMERGENCY]


def test_the_entry_waits_for_the_data_partition(device):
    give_up_without_data(device)
    lose_data(device)
    device.boot_into("A")
    assert "the history is not kept" in health(device, "run", "--apply").stderr
    find_data(device)
    device.boot_into("A")
    health(device, "run", "--apply")
    assert events(device) == [EMERGENCY, ("A", "boot", "steady")]


@pytest.mark.parametrize("left", [1, 40, 150])
def test_an_entry_torn_by_a_power_cut_is_made_again(device, left):
    give_up_without_data(device)
    device.boot_into("A")
    health(device, "run", "--apply")
    history = device.root / DATA / "history"
    first = history.read_text().splitlines()[0]
    assert EMERGENCY[2] in first
    history.write_text(first[:left])
    device.boot_into("A")
    health(device, "run", "--apply")
    assert events(device) == [EMERGENCY, ("A", "boot", "steady")]


def test_a_fallback_that_could_not_be_noted_is_noted_later(device):
    device.environment.change(**FALLEN, jota_reason=None)
    lose_data(device)
    device.boot_into("A")
    assert "the history is not kept" in health(device, "run", "--apply").stderr
    find_data(device)
    for _ in range(2):
        device.boot_into("A")
        health(device, "run", "--apply")
    assert [event for event in events(device) if event[1] != "boot"] == \
        [("A", "fallback", "firmware:-:firmware-fallback")]


def test_a_slot_given_up_by_the_early_count_is_noted_later(device):
    """jetson-slot count-boot runs before anything is mounted; what it leaves in the boot state."""
    device.environment.change(**{**FALLEN, "ustate": "3"}, jota_reason="firmware:-:boot-limit")
    device.boot_into("A")
    health(device, "run", "--apply")
    assert events(device) == [("B", "rolled-back", "firmware:-:boot-limit"), ("A", "boot", "steady")]


def test_an_update_that_follows_leaves_nothing_to_note(device):
    """Its begin clears the reason."""
    give_up_without_data(device)
    device.environment.change(jota_reason=None)
    device.boot_into("A")
    health(device, "run", "--apply")
    assert events(device) == [("A", "boot", "steady")]


@pytest.mark.parametrize("content", [b"\xff" * 300, b'{"flip":"x"}\n' * 9, b"\0\n\0"])
def test_a_hostile_history_does_not_stop_the_entry(device, content):
    give_up_without_data(device)
    history = device.root / DATA / "history"
    history.parent.mkdir(parents=True, exist_ok=True)
    history.write_bytes(content)
    for _ in range(2):
        device.boot_into("A")
        health(device, "run", "--apply")
    assert [event for event in events(device) if event[1] != "boot"] == [EMERGENCY]


def test_scripts_run_in_order_once_after_the_confirmation(device):
    note = device.root / "data/ran"
    script(device, "20-b", f"echo b $1 >>{note}")
    script(device, "10-a", f"echo a $1 >>{note}")
    script(device, "readme", "echo wrong", mode=0o644)
    script(device, "10-a.bak", f"echo wrong >>{note}")
    on_trial(device)
    health(device, "run", "--apply", "--defer-confirm")
    assert not note.exists()
    health(device, "confirm")
    assert note.read_text() == "a B\nb B\n"
    for _ in range(2):
        device.boot_into("B")
        health(device, "run", "--apply", "--defer-confirm")
        health(device, "confirm")
    assert note.read_text() == "a B\nb B\n"


def test_a_failing_script_is_told_and_tried_again_but_rolls_nothing_back(device):
    note = device.root / "data/ran"
    script(device, "10-a", f"echo a >>{note}")
    script(device, "20-b", f"echo b >>{note}; echo no table; test -e {device.root}/data/ok")
    script(device, "30-c", f"echo c >>{note}")
    on_trial(device)
    done = health(device, "run", "--apply")
    assert "20-b: exit status 1: no table" in done.stderr
    assert device.environment.read()["slotB_ok"] == "1"
    assert ("B", "confirm-script", "20-b: exit status 1: no table.") in events(device)
    (device.root / "data/ok").touch()
    device.boot_into("B")
    health(device, "run", "--apply", "--defer-confirm")
    health(device, "confirm")
    assert note.read_text() == "a\nb\nb\nc\n"


def test_a_power_cut_after_the_store_repeats_only_what_had_not_ended_well(device):
    note = device.root / "data/ran"
    for name in ("10-a", "20-b"):
        script(device, name, f"echo {name} >>{note}")
    device.environment.change(**{**TRIAL, "upgrade_available": "0", "ustate": "2"})
    device.boot_into("B")
    device.write_text(f"{DATA}/confirm-due", f"B {TRIAL['jota_boot_id']}\n10-a\n")
    health(device, "run", "--apply", "--defer-confirm")
    health(device, "confirm")
    assert note.read_text() == "20-b\n"
    assert not (device.root / DATA / "confirm-due").exists()


def test_scripts_of_a_slot_that_was_given_up_never_run(device):
    note = device.root / "data/ran"
    script(device, "10-a", f"echo a >>{note}")
    device.environment.change(**FALLEN)
    device.boot_into("A")
    device.write_text(f"{DATA}/confirm-due", f"B {TRIAL['jota_boot_id']}\n")
    health(device, "run", "--apply", "--defer-confirm")
    health(device, "confirm")
    assert not note.exists() and not (device.root / DATA / "confirm-due").exists()


@pytest.mark.parametrize("target,mode", [("confirm.d/10-a", 0o777), ("confirm.d", 0o777)])
def test_what_others_may_write_is_not_run(device, target, mode):
    note = device.root / "data/ran"
    script(device, "10-a", f"echo a >>{note}")
    (device.root / "etc/swupdate-jetson" / target).chmod(mode)
    on_trial(device)
    assert "refused" in health(device, "run", "--apply").stderr
    assert not note.exists() and device.environment.read()["ustate"] == "2"
