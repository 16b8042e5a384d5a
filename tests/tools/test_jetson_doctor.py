# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""jetson-slot doctor: would a trial that hangs end by itself?

Units and drop-ins are those that the project installs, enabled by the real systemctl. /proc/sys and /dev/watchdog are a simulation: files
of the folder that stands for the device, which the doctor itself says in its first line."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests/device"))

from device import Device  # noqa: E402

BUILD = Path(os.environ.get("JOTA_BUILD", TOP / "build")).resolve()
JETSON_SLOT = BUILD / "bin/jetson-slot"
KIB, MIB = 1 << 10, 1 << 20
SIZES_BYTES = {"bootloader": 256 * KIB, "kernel": MIB, "rootfs": MIB, "userdata": MIB}
STEADY = {"boot_slot": "A", "slotA_ok": "1", "slotB_ok": "1", "upgrade_available": "0",
          "bootcount": "0"}
KERNEL = {"panic": "10", "panic_on_oops": "1", "hung_task_panic": "1", "hung_task_timeout_secs": "120",
          "watchdog": "1", "softlockup_panic": "1"}
UNITS = ("jetson-health.service", "jetson-health-confirm.service", "jetson-slot-count.service",
         "swupdate.service")
STATIC = ("jetson-health-rollback.service", "jetson-health-reboot.service", "jetson-health-deadline.timer")
SYSTEM_CONF = "usr/lib/systemd/system.conf.d/50-swupdate-jetson.conf"


def systemctl(root, *argv):
    subprocess.run(["systemctl", f"--root={root}", *argv], check=True, capture_output=True)


@pytest.fixture(name="device")
def fixture_device(tmp_path):
    """In which nothing is wrong."""
    made = Device.create(tmp_path / "d", sizes=SIZES_BYTES)
    made.environment.change(**STEADY)
    for name, value in KERNEL.items():
        made.write_text(f"proc/sys/kernel/{name}", f"{value}\n")
    made.write_text("dev/watchdog0", "")
    made.write_text("etc/swupdate-jetson/health.conf", "")
    subprocess.run([TOP / "services/install.sh", made.root, "/usr"], check=True)
    made.write_text("usr/lib/systemd/system/swupdate.service",
                    "[Service]\nExecStart=/usr/bin/swupdate\n[Install]\nWantedBy=multi-user.target\n")
    systemctl(made.root, "enable", *UNITS)
    yield made
    made.remove()


def doctor(device, *argv, code=0):
    done = subprocess.run([JETSON_SLOT, "doctor", *argv], text=True, capture_output=True,
                          env={"JOTA_ROOT": str(device.root)}, stdin=subprocess.DEVNULL, timeout=60)
    assert done.returncode == code, done.stdout + done.stderr
    return done


def findings(device, code=0):
    report = json.loads(doctor(device, "--json", code=code).stdout)
    assert list(report) == ["schema", "well", "findings"] and report["schema"] == 1
    assert report["well"] == (code == 0)
    for finding in report["findings"]:
        assert list(finding) == ["name", "status", "found", "advice"]
        assert (finding["advice"] == "") == (finding["status"] == "ok")
    return {finding["name"]: finding for finding in report["findings"]}


def test_a_device_with_everything_is_well(device):
    found = findings(device)
    assert {finding["status"] for finding in found.values()} == {"ok"}
    assert {"boot state", "RuntimeWatchdogSec", "hardware watchdog", "emergency mode on trial",
            "rescue mode on trial", "boot deadline on trial", "generator for trials", "health checks",
            "boot-complete.target", *UNITS, *STATIC, *(f"kernel.{name}" for name in KERNEL)} == set(found)
    text = doctor(device).stdout
    assert "kernel settings there are files of that folder" in text.splitlines()[0]
    assert "-> " not in text


def test_nothing_is_written(device):
    before = {path: path.stat().st_mtime_ns for path in device.root.rglob("*") if not path.is_symlink()}
    doctor(device)
    assert before == {path: path.stat().st_mtime_ns for path in device.root.rglob("*")
                      if not path.is_symlink()}


@pytest.mark.parametrize("name, value, status, words", [
    ("panic", "0", "bad", "stays so for ever"), ("panic", "-1", "ok", "-1"),
    ("panic", "3600", "warning", "waits so many seconds"), ("panic", "soon", "bad", "is no number"),
    ("panic_on_oops", "0", "warning", "fault in a driver"),
    ("hung_task_panic", "0", "warning", "only logged"),
    ("hung_task_timeout_secs", "0", "warning", "not looked for"),
    ("watchdog", "0", "warning", "not looked for"),
    ("softlockup_panic", "0", "warning", "only logged"),
    ("panic", None, "bad", "cannot be read"), ("hung_task_panic", None, "warning", "cannot be read"),
])
def test_kernel_settings_that_let_a_trial_hang_are_told(device, name, value, status, words):
    path = device.root / "proc/sys/kernel" / name
    path.unlink()
    if value is not None:
        path.write_text(f"{value}\n")
    finding = findings(device, code=1 if status == "bad" else 0)[f"kernel.{name}"]
    assert finding["status"] == status and words in finding["found"]
    assert status == "ok" or finding["advice"]


def test_the_failure_is_one_line_that_counts(device):
    (device.root / "proc/sys/kernel/panic").write_text("0\n")
    (device.root / "dev/watchdog0").unlink()
    done = doctor(device, code=1)
    assert done.stderr == "jetson-slot: 2 of these findings could leave a device without help.\n"
    assert "bad      kernel.panic" in done.stdout and "-> set 'kernel.panic = 10'" in done.stdout


def without(path):
    def spoil(device):
        (device.root / path).unlink()
    return spoil


def conf(path, text):
    def spoil(device):
        device.write_text(path, text)
    return spoil


def both(*spoils):
    def spoil(device):
        for one in spoils:
            one(device)
    return spoil


def run(*argv):
    return lambda device: systemctl(device.root, *argv)


TRIAL = "usr/lib/swupdate-jetson/on-trial"


@pytest.mark.parametrize("spoil, name, status, words", [
    (without(SYSTEM_CONF), "RuntimeWatchdogSec", "bad", "not set"),
    (conf("etc/systemd/system.conf.d/99-x.conf", "[Manager]\nRuntimeWatchdogSec=off\n"),
     "RuntimeWatchdogSec", "bad", "off"),
    (conf("etc/systemd/system.conf.d/50-swupdate-jetson.conf", "[Manager]\n"),
     "RuntimeWatchdogSec", "bad", "not set"),
    (conf("etc/systemd/system.conf", "[Manager]\nRuntimeWatchdogSec=off\n"),
     "RuntimeWatchdogSec", "ok", "60s"),
    (both(conf("etc/systemd/system.conf", "[Manager]\n RuntimeWatchdogSec=2min\n"),
          without(SYSTEM_CONF)), "RuntimeWatchdogSec", "ok", "2min"),
    (without("dev/watchdog0"), "hardware watchdog", "bad", "nothing resets"),
    (run("mask", "jetson-health-rollback.service"), "jetson-health-rollback.service", "bad", "masked by"),
    (run("mask", "jetson-health-deadline.timer"), "jetson-health-deadline.timer", "bad", "masked by"),
    (run("disable", "jetson-health.service"), "jetson-health.service", "bad", "is not enabled"),
    (run("disable", "swupdate.service"), "swupdate.service", "warning", "is not enabled"),
    (run("mask", "jetson-health-confirm.service"), "jetson-health-confirm.service", "bad",
     "masked by /etc/systemd/system/jetson-health-confirm.service"),
    (conf("etc/systemd/system/jetson-health.service", ""), "jetson-health.service", "bad", "masked"),
    (without("usr/lib/systemd/system/jetson-health-confirm.service"),
     "jetson-health-confirm.service", "bad", "there is no such unit"),
    (without(f"{TRIAL}/emergency.service.conf"), "emergency mode on trial", "bad", "wait for a person"),
    (conf(f"{TRIAL}/rescue.service.conf", "[Unit]\n#SuccessAction=reboot-force\n"),
     "rescue mode on trial", "bad", "wait for a person"),
    (without(f"{TRIAL}/boot-complete.target.conf"), "boot deadline on trial", "bad", "wait"),
    (without("usr/lib/systemd/system-generators/swupdate-jetson-trial"), "generator for trials", "bad",
     "is missing"),
    (without("usr/lib/systemd/system/boot-complete.target.d/50-swupdate-jetson.conf"),
     "boot-complete.target", "bad", "starts no rollback"),
    (without("etc/swupdate-jetson/health.conf"), "health checks", "bad", "No such file"),
    (without("etc/swupdate-jetson.conf"), "boot state", "bad", "there is no configuration file"),
])
def test_what_is_missing_is_told(device, spoil, name, status, words):
    spoil(device)
    finding = findings(device, code=1 if status == "bad" else 0)[name]
    assert finding["status"] == status and words in finding["found"], finding


def test_hostile_names_and_values_do_not_reach_the_terminal(device):
    device.write_text("etc/systemd/system.conf.d/99-\x1b[2J.conf",
                      "RuntimeWatchdogSec=\x1b[2J" + 9000 * "x" + "\n")
    for number in range(200):
        device.write_text(f"etc/systemd/system.conf.d/{number}.conf", "\0\xff\n")
    done = doctor(device, code=1)
    assert "\x1b" not in done.stdout
