# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""What the units make of a boot; tests/device/trial_boot.py says what is real here."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests/device"))

from booted import why_not  # noqa: E402
from trial_boot import TrialBoot  # noqa: E402

needs_systemd = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))
FSTAB_GENERATOR = Path("/lib/systemd/system-generators/systemd-fstab-generator")


@pytest.fixture(name="trial")
def fixture_trial():
    system = TrialBoot()
    system.check("exit 0")
    yield system
    system.stop()


@pytest.fixture(name="good")
def fixture_good():
    system = TrialBoot(trial=False)
    system.check("exit 0")
    yield system
    system.stop()


def assert_rolled_back(system, reason):
    env = system.env()
    assert (env["jota_reason"], env["ustate"], env["boot_slot"]) == (reason, "3", "A")


def test_systemd_analyze_has_nothing_to_say(tmp_path):
    if not shutil.which("systemd-analyze"):
        pytest.skip("needs systemd-analyze")
    units = tmp_path / "lib/systemd/system"
    subprocess.run([TOP / "services/install.sh", "", tmp_path], check=True)
    (tmp_path / "sbin").mkdir()
    for tool in ("jetson-health", "jetson-slot"):
        (tmp_path / "sbin" / tool).symlink_to("/bin/true")
    (units / "swupdate.service").write_text("[Service]\nExecStart=/bin/true\n")
    for file in (tmp_path / "lib/swupdate-jetson/on-trial").iterdir():
        folder = units / f"{file.stem}.d"
        folder.mkdir(exist_ok=True)
        shutil.copy(file, folder)
    done = subprocess.run(["systemd-analyze", "verify", "--man=no",
                           *sorted(p for p in units.iterdir() if p.is_file()),
                           "/lib/systemd/system/emergency.service",
                           "/lib/systemd/system/rescue.service",
                           "/lib/systemd/system/boot-complete.target"],
                          env={**os.environ, "SYSTEMD_UNIT_PATH": f"{units}:/lib/systemd/system"},
                          text=True, capture_output=True, check=False, timeout=60)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.root
@needs_systemd
def test_a_healthy_trial_is_confirmed_after_boot_complete_and_before_swupdate(trial):
    trial.unit("foreign.service", "[Unit]\nBefore=boot-complete.target\n[Service]\nType=oneshot\n"
               "RemainAfterExit=yes\nExecStart=/bin/sleep 1\n"
               f"ExecStart=/bin/sh -c 'echo foreign >>{trial.top}/order'\n")
    trial.enable("foreign.service", "boot-complete.target.requires")
    trial.drop_in("jetson-health-deadline.timer", "[Timer]\nOnBootSec=\nOnActiveSec=3s\n")
    trial.boot()
    assert "60-swupdate-jetson-trial" in trial.show("emergency.service", "DropInPaths")
    trial.wait(lambda: "swupdate" in trial.order())
    assert trial.order() == ["foreign", "confirm", "swupdate"]
    assert trial.state("boot-complete.target") == "active"
    assert (trial.env()["slotB_ok"], trial.env()["ustate"]) == ("1", "2")
    # The deadline comes all the same, and finds nothing to do.
    trial.wait(lambda: trial.show("jetson-health-deadline.service",
                                  "ExecMainExitTimestampMonotonic") not in ("", "0"))
    assert trial.show("jetson-health-deadline.service", "ExecMainStatus") == "0"
    assert not trial.rebooted_by_force() and not trial.asked_to_reboot()


@pytest.mark.root
@needs_systemd
def test_a_failing_check_gives_the_slot_up_and_asks_for_the_reboot(trial):
    trial.check("echo no camera; exit 3")
    trial.boot()
    trial.wait(trial.asked_to_reboot)
    assert_rolled_back(trial, "health:app:exit-status")
    assert trial.order() == [], "neither confirmed, nor told the server anything"
    about = (trial.device.root / "data/swupdate-jetson/failures/1/about").read_text()
    assert "reason health:app:exit-status\n" in about
    assert trial.state("swupdate.service") == "inactive"


@pytest.mark.root
@needs_systemd
def test_a_rollback_that_cannot_be_stored_is_tried_again_then_the_device_reboots(trial):
    trial.check("exit 3")
    trial.unit("holder.service", "[Service]\nExecStartPre=/bin/mkdir -p /run/swupdate-jetson\n"
               "ExecStart=/usr/bin/flock /run/swupdate-jetson/session.lock sleep 1000\n")
    trial.unit("jetson-health.service", (trial.units / "jetson-health.service").read_text()
               + "[Unit]\nRequires=holder.service\nAfter=holder.service\n")
    trial.drop_in("jetson-health.service", "[Service]\nExecStartPre=/bin/sleep 0.3\n")
    trial.drop_in("jetson-health-rollback.service", "[Service]\nRestartSec=100ms\n")
    trial.boot()
    trial.wait(trial.asked_to_reboot)
    assert int(trial.show("jetson-health-rollback.service", "NRestarts")) >= 2
    assert len(list((trial.device.root / "data/swupdate-jetson/failures").iterdir())) == 1
    assert trial.env()["upgrade_available"] == "1", "the firmware counts this boot"
    assert trial.order() == [], "the server hears nothing of an unconfirmed slot"


@pytest.mark.root
@needs_systemd
def test_a_check_that_hangs_ends_at_its_deadline(trial):
    trial.check("exec sleep 1000", deadline_s=1)
    trial.boot()
    trial.wait(trial.asked_to_reboot)
    assert_rolled_back(trial, "health:app:deadline")


@pytest.mark.root
@needs_systemd
def test_a_check_of_others_has_its_say(trial):
    trial.unit("foreign.service", "[Unit]\nBefore=boot-complete.target\n[Service]\nType=oneshot\n"
               "ExecStart=/bin/false\n")
    trial.enable("foreign.service", "boot-complete.target.requires")
    trial.boot()
    trial.wait(trial.asked_to_reboot)
    assert_rolled_back(trial, "health:-:boot-incomplete")
    assert "confirm" not in trial.order()


@pytest.mark.root
@needs_systemd
def test_a_check_of_others_that_hangs_ends_in_a_reboot_by_force(trial):
    trial.unit("foreign.service", "[Unit]\nBefore=boot-complete.target\n[Service]\nType=oneshot\n"
               "ExecStart=/bin/sleep 1000\nTimeoutStartSec=infinity\n")
    trial.enable("foreign.service", "boot-complete.target.requires")
    trial.drop_in("boot-complete.target", "[Unit]\nJobTimeoutSec=2s\n")
    trial.boot()
    trial.wait(trial.rebooted_by_force)
    assert trial.process.returncode == -signal.SIGHUP, "how the kernel tells of a reboot in there"
    assert trial.env()["upgrade_available"] == "1", "still on trial: the firmware counts"


@pytest.mark.root
@needs_systemd
def test_a_masked_health_unit_ends_at_the_deadline_of_the_boot(trial):
    (trial.top / "etc/jetson-health.service").symlink_to("/dev/null")
    trial.drop_in("jetson-health-deadline.timer", "[Timer]\nOnBootSec=\nOnActiveSec=2s\n")
    trial.boot()
    trial.wait(trial.rebooted_by_force)
    assert trial.process.returncode == -signal.SIGHUP
    assert_rolled_back(trial, "health:-:boot-deadline")
    assert trial.order() == [], "swupdate does not run on a slot that nobody confirmed"


@pytest.mark.root
@needs_systemd
def test_a_mount_of_fstab_that_never_appears_ends_in_a_rollback(trial, tmp_path):
    (tmp_path / "fstab").write_text("/dev/disk/by-label/never /mnt ext4 "
                                    "defaults,x-systemd.device-timeout=1s 0 2\n")
    for name in "nel":
        (tmp_path / name).mkdir()
    subprocess.run([FSTAB_GENERATOR, *(tmp_path / name for name in "nel")], check=True,
                   env={"SYSTEMD_FSTAB": str(tmp_path / "fstab")}, timeout=30)
    assert (tmp_path / "n/mnt.mount").exists()
    shutil.copytree(tmp_path / "n", trial.units, dirs_exist_ok=True, symlinks=True,
                    ignore=shutil.ignore_patterns("local-fs.target.*"))
    trial.unit("local-fs.target", "[Unit]\nDefaultDependencies=no\nRequires=mnt.mount\n"
               "After=mnt.mount\nOnFailure=emergency.target\nOnFailureJobMode=replace-irreversibly\n")
    trial.unit("sysinit.target", "[Unit]\nDefaultDependencies=no\nWants=local-fs.target\n"
               "After=local-fs.target\n")
    trial.boot()
    trial.wait(trial.rebooted_by_force)
    assert trial.process.returncode == -signal.SIGHUP
    assert_rolled_back(trial, "health:-:emergency-mode")


@pytest.mark.root
@needs_systemd
def test_an_unhealthy_good_slot_stays_and_can_be_updated(good):
    good.check("exit 3")
    good.boot()
    good.wait(lambda: "swupdate" in good.order())
    good.wait(lambda: good.show("jetson-health-rollback.service",
                                "ExecMainExitTimestampMonotonic") not in ("", "0"))
    assert good.show("jetson-health-rollback.service", "ExecMainStatus") == "0"
    assert not good.asked_to_reboot() and not good.rebooted_by_force()
    assert "60-swupdate" not in good.show("emergency.service", "DropInPaths"), "for a trial only"
    assert "jota_reason" not in good.env()


@pytest.mark.root
@needs_systemd
def test_the_server_is_told_after_the_confirmation_and_before_swupdate(trial):
    for name in ("attributes", "identify"):
        unit = f"jetson-health-{name}.service"
        trial.enable(unit, "swupdate.service.wants")
        # swupdate's socket is not here: that unit only has its place in the order.
        program = "ExecStart=\nExecStart=/bin/true\n" if name == "identify" else ""
        trial.drop_in(unit, f"[Service]\n{program}"
                      f"ExecStartPost=/bin/sh -c 'echo {name} >>{trial.top}/order'\n")
    trial.boot()
    trial.wait(lambda: "identify" in trial.order())
    assert trial.order() == ["confirm", "attributes", "swupdate", "identify"]


@pytest.mark.root
@needs_systemd
def test_a_server_that_does_not_answer_keeps_nobody_from_swupdate(trial):
    trial.device.write_text("etc/swupdate.cfg", 'suricatta: { url = "http://127.0.0.1:1"; id = "x"; '
                            'tenant = "x"; };\n')
    text = (trial.units / "jetson-health-attributes.service").read_text()
    trial.unit("jetson-health-attributes.service", text.replace("--wait 30", "--wait 1"))
    trial.enable("jetson-health-attributes.service", "swupdate.service.wants")
    trial.boot()
    trial.wait(lambda: "swupdate" in trial.order())
    # Not given up either: it is tried again.
    trial.wait(lambda: trial.show("jetson-health-attributes.service", "SubState") == "auto-restart")


@pytest.mark.root
@needs_systemd
def test_of_a_slot_that_is_given_up_the_server_hears_nothing(trial):
    trial.check("exit 3")
    trial.enable("jetson-health-attributes.service", "swupdate.service.wants")
    trial.drop_in("jetson-health-attributes.service",
                  f"[Service]\nExecStartPost=/bin/sh -c 'echo attributes >>{trial.top}/order'\n")
    trial.boot()
    trial.wait(trial.asked_to_reboot)
    assert trial.order() == []
