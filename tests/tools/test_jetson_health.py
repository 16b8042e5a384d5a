# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""jetson-health: what it finds, what it makes of a boot, what it remembers; every exit status."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests/device"))

import swu  # noqa: E402
from device import Device  # noqa: E402

BUILD = Path(os.environ.get("JOTA_BUILD", TOP / "build")).resolve()
JETSON_HEALTH, JETSON_SLOT = BUILD / "bin/jetson-health", BUILD / "bin/jetson-slot"
KIB, MIB = 1 << 10, 1 << 20
SIZES_BYTES = {"bootloader": 256 * KIB, "kernel": MIB, "rootfs": MIB, "userdata": MIB}
WELL, UNWELL, USAGE, UNREADABLE, ROLLED_BACK, NOT_STORED = range(6)
OLD_BOOT = "11111111-2222-3333-4444-555555555555"
STEADY = {"boot_slot": "A", "slotA_ok": "1", "slotB_ok": "1", "upgrade_available": "0",
          "bootcount": "0"}
# B was flipped to and runs its first boot.
TRIAL = {**STEADY, "boot_slot": "B", "upgrade_available": "1", "bootcount": "1",
         "update_target": "B", "ustate": "1", "jota_boot_id": OLD_BOOT}
# What altbootcmd leaves of it.
FALLEN = {**TRIAL, "boot_slot": "A", "slotB_ok": "0", "upgrade_available": "0", "bootcount": "0"}
CONF = "etc/swupdate-jetson/health.conf"
APP = '{ name = "app"; kind = "command"; argv = [ "/opt/app" ]; }'
LINK = '{ name = "link"; kind = "command"; argv = [ "/opt/link" ]; baseline = true; }'


@pytest.fixture(name="device")
def fixture_device():
    # Programs run as nobody when the tests run as root, so nobody must get there: not below tmp_path.
    folder = Path(tempfile.mkdtemp(prefix="jota-health-"))
    folder.chmod(0o755)
    made = Device.create(folder / "d", sizes=SIZES_BYTES)
    (made.root / "data").mkdir(exist_ok=True)
    configure(made, APP)
    program(made, "app", "exit 0")
    yield made
    made.remove()
    shutil.rmtree(folder)


def configure(device, checks, head="stability_s = 0; deadline_s = 200;"):
    device.write_text(CONF, f"{head}\nchecks = ( {checks} );\n")


def program(device, name, body):
    device.write_text(f"opt/{name}", f"#!/bin/sh\n{body}\n")
    (device.root / "opt" / name).chmod(0o755)


def run(device, *argv, code=WELL):
    env = {"PATH": os.environ["PATH"], "JOTA_ROOT": str(device.root)}
    done = subprocess.run([JETSON_HEALTH, *argv], env=env, text=True, capture_output=True,
                          stdin=subprocess.DEVNULL, timeout=120)
    assert done.returncode == code, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
    for line in done.stderr.splitlines():
        assert line.startswith("jetson-health: ")
    return done


def on_trial(device):
    device.environment.change(**TRIAL)
    device.boot_into("B")


def stored(device):
    return device.environment.copies()


def serial(device):
    return device.environment.copies()[device.environment.current()][4]


def test_help_and_version_need_no_device(tmp_path):
    done = subprocess.run([JETSON_HEALTH, "--help"], capture_output=True, text=True, check=True,
                          env={"JOTA_ROOT": str(tmp_path)})
    for word in ("run", "status", "explain", "check-config", "--apply", "--phase", "Exit codes"):
        assert word in done.stdout
    done = subprocess.run([JETSON_HEALTH, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("jetson-health ")


@pytest.mark.parametrize("argv", [
    [], ["reboot"], ["run", "now"], ["run", "--phase", "never"], ["run", "--phase"],
    ["status", "--apply"], ["explain", "a", "b"], ["explain", "--json"], ["status", "x"],
    ["run", "--apply", "--phase", "baseline"], ["run", "--slot", "B"],
    ["run", "--phase", "preflip", "--slot", "C"], ["run", "--target-device", "/dev/x"],
    ["run", "--phase", "preflip", "--target-device", "x"], ["--colour", "run"],
    ["--root", "relative", "status"], ["explain", "no-such-thing"]])
def test_wrong_usage_is_code_2(device, argv):
    on_trial(device)
    before = stored(device)
    run(device, *argv, code=USAGE)
    assert stored(device) == before


def test_a_healthy_trial_is_confirmed_in_one_store(device):
    on_trial(device)
    before = serial(device)
    assert "slot B is good, its trial is over" in run(device, "run", "--apply").stdout
    assert serial(device) == before + 1
    env = device.environment.read()
    assert (env["slotB_ok"], env["upgrade_available"], env["ustate"]) == ("1", "0", "2")
    run(device, "run", "--apply")
    assert serial(device) == before + 1


def test_without_apply_nothing_is_stored(device):
    on_trial(device)
    before = stored(device)
    assert "healthy" in run(device, "run").stdout
    program(device, "app", "exit 1")
    run(device, "run", code=UNWELL)
    assert stored(device) == before


def test_an_unhealthy_trial_is_rolled_back_with_its_reason(device):
    on_trial(device)
    program(device, "app", "echo no GPU; exit 3")
    before = serial(device)
    done = run(device, "run", "--apply", code=ROLLED_BACK)
    assert "slot A boots next, reboot now" in done.stdout and "no GPU" in done.stdout
    assert serial(device) == before + 1
    env = device.environment.read()
    assert (env["boot_slot"], env["slotB_ok"], env["ustate"]) == ("A", "0", "3")
    assert env["jota_reason"] == "health:app:exit-status"
    # Until the reboot the answer stays, and nothing is checked any more.
    program(device, "app", "exit 0")
    assert "reboot now" in run(device, "run", "--apply", code=ROLLED_BACK).stdout
    assert serial(device) == before + 1


def test_the_old_slot_knows_why(device):
    on_trial(device)
    program(device, "app", "echo no GPU; exit 3")
    run(device, "run", "--apply", code=ROLLED_BACK)
    device.boot_into("A")
    program(device, "app", "exit 0")
    run(device, "run", "--apply")
    env = device.environment.read()
    assert (env["ustate"], env["jota_reason"]) == ("3", "health:app:exit-status")
    text = run(device, "explain").stdout
    for words in ("health:app:exit-status", "The program said no.", "in that trial: check 'app'",
                  "exit status 3: no GPU", "of slot A was healthy"):
        assert words in text
    status = run(device, "status", "--json")
    report = json.loads(status.stdout)
    assert report["reason"] == "health:app:exit-status"
    assert report["reports"]["failed"]["slot"] == "B"
    assert report["reports"]["failed"]["action"] == "rollback"
    assert report["reports"]["postboot"]["healthy"] is True
    slot = subprocess.run([JETSON_SLOT, "info"], env={"JOTA_ROOT": str(device.root)}, text=True,
                          capture_output=True, check=True)
    assert "health:app:exit-status" in slot.stdout


def test_a_fallback_of_the_firmware_is_recorded_once(device):
    device.environment.change(**FALLEN)
    device.boot_into("A")
    before = serial(device)
    done = run(device, "run", "--apply")
    assert "firmware-fallback" in done.stderr
    env = device.environment.read()
    assert (env["ustate"], env["jota_reason"]) == ("3", "firmware:-:firmware-fallback")
    assert serial(device) == before + 1
    done = run(device, "run", "--apply")
    assert done.stderr == "" and serial(device) == before + 1
    assert "The new slot was not confirmed" in run(device, "explain").stdout


def test_before_the_reboot_nothing_happens(device):
    boot_id = device.root / "proc/sys/kernel/random/boot_id"
    device.environment.change(**{**TRIAL, "bootcount": "0",
                                 "jota_boot_id": boot_id.read_text().strip()})
    program(device, "app", "touch \"${0%/opt/app}/data/ran\"; exit 1")
    (device.root / "data").chmod(0o777)
    before = stored(device)
    for _ in range(3):
        assert "waits for its reboot" in run(device, "run", "--apply").stdout
    assert stored(device) == before and not (device.root / "data/ran").exists()
    report = json.loads(run(device, "run", "--apply", "--json").stdout)
    assert report["action"] == "reboot-pending" and report["checks"] == []


def test_a_good_slot_is_never_left_because_of_a_check(device):
    device.environment.change(**STEADY)
    program(device, "app", "exit 1")
    before = stored(device)
    assert "slot A is good and stays" in run(device, "run", "--apply", code=UNWELL).stdout
    assert stored(device) == before


def test_a_trial_without_a_way_back_stays(device):
    device.environment.change(**{**TRIAL, "slotA_ok": "0"})
    device.boot_into("B")
    program(device, "app", "exit 1")
    before = stored(device)
    done = run(device, "run", "--apply", code=UNWELL)
    assert "not rolled back" in done.stderr and "no way back" in done.stderr
    assert stored(device) == before
    report = json.loads(run(device, "status", "--json").stdout)["reports"]["postboot"]
    assert report["action"] == "no-way-back"


def test_success_that_was_not_stored_is_stored_by_a_later_boot(device):
    device.environment.change(**{**STEADY, "boot_slot": "B", "update_target": "B", "ustate": "1",
                                 "jota_boot_id": OLD_BOOT})
    device.boot_into("B")
    run(device, "run", "--apply")
    assert device.environment.read()["ustate"] == "2"


@pytest.mark.parametrize("text,words", [
    ("checks = ( { name = \"x\"; kind = \"ping\"; } );\n", "line 1: check 'x': kind 'ping'"),
    ("checks = (\n", "line 2: syntax error"), ("", "every image would be confirmed")])
def test_a_trial_that_cannot_be_judged_is_not_confirmed(device, text, words):
    on_trial(device)
    device.write_text(CONF, text)
    assert words in run(device, "run", code=UNREADABLE).stderr
    done = run(device, "run", "--apply", code=ROLLED_BACK)
    assert words in done.stderr
    env = device.environment.read()
    assert (env["boot_slot"], env["jota_reason"]) == ("A", "health:-:configuration")


def test_a_missing_or_foreign_configuration_is_refused(device):
    on_trial(device)
    (device.root / CONF).chmod(0o666)
    assert "0666" in run(device, "check-config", code=UNREADABLE).stderr
    assert "0666" in run(device, "run", code=UNREADABLE).stderr
    (device.root / CONF).unlink()
    assert "health.conf" in run(device, "check-config", code=UNREADABLE).stderr
    run(device, "run", "--apply", code=ROLLED_BACK)


def test_a_refused_configuration_on_a_good_slot_is_code_3(device):
    device.environment.change(**STEADY)
    device.write_text(CONF, "checks = (")
    before = stored(device)
    run(device, "run", "--apply", code=UNREADABLE)
    assert stored(device) == before
    assert "refused" in run(device, "status").stdout


def test_an_unreadable_boot_state_is_code_3(device):
    device.write_text("proc/cmdline", "root=PARTLABEL=A_APP rootwait jota.slot=B\n")
    before = stored(device)
    assert "jota.slot" in run(device, "run", "--apply", code=UNREADABLE).stderr
    assert stored(device) == before
    run(device, "run")
    assert "running     unknown" in run(device, "status", code=UNREADABLE).stdout


def test_a_decision_that_cannot_be_stored_is_code_5(device):
    on_trial(device)
    (device.root / "run/swupdate-jetson").mkdir()
    device.write_text("run/swupdate-jetson/session.lock", "a running update pid 4711\n")
    with open(device.root / "run/swupdate-jetson/session.lock", "r+b") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = run(device, "run", "--apply", code=NOT_STORED)
        assert "the confirmation is not stored" in done.stderr and "4711" in done.stderr
        program(device, "app", "exit 1")
        done = run(device, "run", "--apply", code=NOT_STORED)
        assert "the rollback is not stored" in done.stderr
    report = json.loads(run(device, "status", "--json").stdout)["reports"]["postboot"]
    assert report["action"] == "not-stored"
    run(device, "run", "--apply", code=ROLLED_BACK)


def test_a_full_or_missing_data_partition_keeps_nobody_from_confirming(device):
    on_trial(device)
    (device.root / "data").rmdir()
    done = run(device, "run", "--apply")
    assert "the report is not kept" in done.stderr
    assert device.environment.read()["ustate"] == "2"


def test_baseline_excuses_what_did_not_work_before(device):
    configure(device, f"{APP}, {LINK}")
    program(device, "link", "echo unplugged; exit 1")
    assert "kept as what works" in run(device, "run", "--phase", "baseline").stdout
    on_trial(device)
    report = json.loads(run(device, "run", "--apply", "--json").stdout)
    assert [(c["name"], c["status"], c["reason"]) for c in report["checks"]] == [
        ("app", "pass", "ok"), ("link", "skipped", "not-in-baseline")]
    assert device.environment.read()["ustate"] == "2"


def test_baseline_counts_what_worked_before(device):
    configure(device, f"{APP}, {LINK}")
    program(device, "link", "exit 0")
    run(device, "run", "--phase", "baseline")
    on_trial(device)
    program(device, "link", "echo unplugged; exit 1")
    run(device, "run", "--apply", code=ROLLED_BACK)
    assert device.environment.read()["jota_reason"] == "health:link:exit-status"


def test_a_damaged_baseline_is_told_and_counts_as_absent(device):
    configure(device, f"{APP}, {LINK}")
    program(device, "link", "exit 0")
    run(device, "run", "--phase", "baseline")
    kept = device.root / "data/swupdate-jetson/health-baseline"
    kept.write_text(kept.read_text().replace("pass", "fail"))
    program(device, "link", "exit 1")
    on_trial(device)
    done = run(device, "run", "--apply")
    assert "health-baseline' is damaged" in done.stderr and "no-baseline" in done.stdout


def test_baseline_that_cannot_be_kept_is_code_5(device):
    (device.root / "data").rmdir()
    run(device, "run", "--phase", "baseline", code=NOT_STORED)


def test_preflip_runs_its_own_checks_with_slot_and_device(device):
    configure(device, APP + ', { name = "new"; kind = "command"; argv = [ "/opt/new" ];'
              ' phase = "preflip"; }')
    program(device, "new", '[ "$JOTA_SLOT$JOTA_TARGET_DEVICE" = B/dev/mmcblk0p6 ]')
    before = stored(device)
    options = ["--phase", "preflip", "--slot", "B", "--target-device", "/dev/mmcblk0p6"]
    report = json.loads(run(device, "run", *options, "--json").stdout)
    assert [c["name"] for c in report["checks"]] == ["new"]
    assert (report["phase"], report["slot"]) == ("preflip", "B")
    run(device, "run", "--phase", "preflip", code=UNWELL)
    assert stored(device) == before


def test_json_has_every_member(device):
    report = json.loads(run(device, "run", "--json").stdout)
    assert list(report) == ["schema", "phase", "slot", "boot_id", "time", "duration_ms", "healthy",
                            "action", "checks"]
    assert (report["schema"], report["phase"], report["slot"]) == (1, "postboot", "A")
    assert uuid.UUID(report["boot_id"])
    assert list(report["checks"][0]) == ["name", "kind", "severity", "status", "reason", "attempts",
                                         "duration_ms", "message"]
    status = json.loads(run(device, "status", "--json").stdout)
    assert list(status) == ["schema", "running", "situation", "reason", "reports"]
    assert list(status["reports"]) == ["postboot", "failed", "baseline", "preflip"]
    assert status["reports"]["postboot"]["checks"] == report["checks"]
    assert status["reports"]["failed"] is None


def test_explain_knows_checks_kinds_and_reasons(device):
    run(device, "run")
    text = run(device, "explain", "app").stdout
    for words in ("check app", "kind command", "argv", "/opt/app", "postboot: check 'app'"):
        assert words in text
    assert "(needed)" in run(device, "explain", "http").stdout
    assert "kill" in run(device, "explain", "killed-by-signal").stdout
    assert "No check has been run" not in run(device, "explain").stdout


def test_status_before_any_run_says_so(device):
    assert "running     A" in run(device, "status").stdout
    assert "No check has been run" in run(device, "explain").stdout


def test_control_characters_do_not_reach_the_terminal(device):
    program(device, "app", "printf '\\033[2J\\007'; exit 1")
    for argv in (["run"], ["run", "--json"], ["status"], ["explain"]):
        done = run(device, *argv, code=UNWELL if argv[0] == "run" else WELL)
        assert "\x1b" not in done.stdout + done.stderr
    device.environment.change(**{**STEADY, "jota_reason": "\x1b[2J"})
    assert "\x1b" not in run(device, "status").stdout + run(device, "explain").stdout


def test_full_output_is_an_error(device):
    with open("/dev/full", "w", encoding="ascii") as full:
        done = subprocess.run([JETSON_HEALTH, "status"], stdout=full, stderr=subprocess.PIPE,
                              text=True, env={"JOTA_ROOT": str(device.root)}, timeout=60)
    assert done.returncode == UNREADABLE and done.stderr.count("\n") == 1


def test_killed_while_a_check_hangs_leaves_no_process(device):
    program(device, "app", "echo $$ > \"${0%/opt/app}/data/pid\"; while :; do sleep 60; done")
    (device.root / "data").chmod(0o777)
    with subprocess.Popen([JETSON_HEALTH, "run"], env={"JOTA_ROOT": str(device.root)},
                          stdout=subprocess.DEVNULL) as process:
        pid = device.root / "data/pid"
        wait_for(lambda: pid.exists() and pid.read_text().strip())
        process.kill()
    number = int(pid.read_text())
    wait_for(lambda: not Path(f"/proc/{number}").exists())


def wait_for(holds):
    for _ in range(6000):
        if holds():
            return
        subprocess.run(["sleep", "0.02"], check=True)
    pytest.fail("waited for two minutes")


@pytest.mark.parametrize("example", sorted((TOP / "docs/examples").glob("health-*.conf")),
                         ids=lambda path: path.stem)
def test_examples_are_well_formed(example):
    done = subprocess.run([JETSON_HEALTH, "check-config", example], text=True, capture_output=True)
    assert done.returncode == 0, done.stderr


def test_the_examples_are_for_a_small_device_and_one_with_a_gpu():
    small, inference = ((TOP / f"docs/examples/health-{name}.conf").read_text()
                        for name in ("small", "inference"))
    for kind in ("kernel-modules", "mount", "systemd-unit", "http", "update-path", "update-server"):
        assert f'kind = "{kind}"' in small and f'kind = "{kind}"' in inference
    assert "/dev/nvhost-gpu" in inference and "gpu" not in small.lower()
    assert 'groups = [ "video", "render" ]' in inference and "baseline = true" in inference


# The real swupdate of Debian, looking at a real signed sample.
SWUPDATE = BUILD / "host/debian/usr/bin/swupdate"
DESCRIPTION = """software = {{ version = "0.0.1"; hardware-compatibility: [ "1.0" ];
 files: ( {{ filename = "hello"; path = "/dev/null"; sha256 = "{sha256}"; }} ); }}"""
UPDATE_PATH = ('{ name = "update"; kind = "update-path"; program = "/opt/swupdate";'
               ' sample = "/opt/sample.swu"; deadline_s = 60;'
               ' args = [ "-H", "board:1.0", "-k", "%s" ]; }')


@pytest.fixture(name="sample")
def fixture_sample(device):
    """A device with swupdate, its certificate and a sample; returns the files that signed it."""
    opt = device.root / "opt"
    for name in ("mine", "other"):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                        "-subj", f"/CN={name}", "-addext", "extendedKeyUsage=emailProtection",
                        "-keyout", opt / f"{name}.key", "-out", opt / f"{name}.pem"], check=True,
                       capture_output=True)
    (opt / "hello").write_text("hello\n")
    sha256 = subprocess.run(["sha256sum", opt / "hello"], check=True, text=True,
                            capture_output=True).stdout.split()[0]
    swu.pack(DESCRIPTION.format(sha256=sha256).encode(), opt, ["hello"],
             (opt / "mine.key", opt / "mine.pem"), opt / "sample.swu")
    program(device, "swupdate", f'ls -A "$TMPDIR" > /dev/null || exit 9\nexec {SWUPDATE} "$@"')
    configure(device, UPDATE_PATH % (opt / "mine.pem"))
    return opt


def update_result(device, code):
    return json.loads(run(device, "run", "--json", code=code).stdout)["checks"][0]


def test_update_path_is_well_when_the_real_swupdate_takes_the_sample(device, sample):
    before = {path for path in Path("/tmp").iterdir() if path.name.startswith("jetson-health-")}
    result = update_result(device, WELL)
    assert result["status"] == "pass" and result["message"].startswith("the sample is accepted")
    assert sample.exists()
    assert before == {p for p in Path("/tmp").iterdir() if p.name.startswith("jetson-health-")}


def test_update_path_refuses_a_trust_anchor_that_signed_nothing(device, sample):
    configure(device, UPDATE_PATH % (sample / "other.pem"))
    result = update_result(device, UNWELL)
    assert (result["status"], result["reason"]) == ("fail", "sample-refused")


@pytest.mark.parametrize("spoil", ["payload", "description", "empty", "absent", "garbage"])
def test_update_path_notices_a_sample_that_is_not_whole(device, sample, spoil):
    path = sample / "sample.swu"
    if spoil == "absent":
        path.unlink()
    elif spoil == "empty":
        path.write_bytes(b"")
    elif spoil == "garbage":
        path.write_bytes(os.urandom(4096))
    else:
        packed = swu.Swu(path)
        packed.flip("hello" if spoil == "payload" else "sw-description", 0)
        packed.save(path)
    result = update_result(device, UNWELL)
    assert result["status"] == "fail"
    assert result["reason"] == ("missing" if spoil == "absent" else "sample-refused")


def test_update_path_does_not_touch_the_sockets_of_a_running_daemon(device, sample):
    run_dir = device.root / "run/swupdate"
    run_dir.mkdir()
    (run_dir / "sockinstctrl").write_text("in use")
    # The program may write there as root, but what it sees is a directory of its own.
    program(device, "swupdate", f'rm -f {run_dir}/sockinstctrl "$TMPDIR/x"; exec {SWUPDATE} "$@"')
    update_result(device, WELL)
    if os.geteuid() == 0:
        assert (run_dir / "sockinstctrl").read_text() == "in use"


def test_update_path_asks_again_when_swupdate_ends_without_a_word(device, sample):
    program(device, "swupdate", f"""mark={sample}/asked
[ -e $mark.2 ] && exec {SWUPDATE} "$@"
[ -e $mark.1 ] && : > $mark.2
: > $mark.1
exit 1""")
    sample.chmod(0o777)
    update_result(device, WELL)
    assert (sample / "asked.2").exists()


def test_update_path_does_not_ask_for_ever(device, sample):
    program(device, "swupdate", f"echo x >> {sample}/asked; exit 1")
    sample.chmod(0o777)
    result = update_result(device, UNWELL)
    assert (result["status"], result["reason"]) == ("fail", "sample-refused")
    assert 1 < len((sample / "asked").read_text().split()) < 20


def test_the_table_of_kinds_and_situations_is_that_of_its_test():
    """`make checks-table` makes it anew."""
    table = subprocess.run([BUILD / "tests/health/test_cells", "--table"], text=True, check=True,
                           capture_output=True).stdout
    page = (TOP / "docs/testing.md").read_text()
    assert f"<!-- checks: begin -->\n```\n{table}```\n<!-- checks: end -->" in page


def test_the_man_page_has_every_field_of_every_kind(device):
    page = (TOP / "docs/man/swupdate-jetson-health.conf.5").read_text().replace("\\-", "-")
    configure(device, '{ name = "it"; kind = "ping"; }')
    known = run(device, "run", code=UNREADABLE).stderr.split("there are: ")[1].rstrip(".\n")
    for kind in known.split(", "):
        section = page.split(f".SS {kind}\n")[1].split("\n.S")[0]
        for line in run(device, "explain", kind).stdout.splitlines()[1:]:
            assert f".B {line.split()[0]}\n" in section, (kind, line)
