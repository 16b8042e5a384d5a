# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""Checks of kind systemd-unit, asked of a real systemd and a real system bus.

A systemd of the machine's own is started as process 1 of new namespaces (processes, mounts, control
groups, host name), with a /run of its own and units made for the test. It needs root, and a kernel
that lets root make a control group; where that is not so, the tests are not run and say why.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests/device"))

from booted import Booted, why_not  # noqa: E402

BUILD = Path(os.environ.get("JOTA_BUILD", TOP / "build")).resolve()
JETSON_HEALTH = BUILD / "bin/jetson-health"
UNITS = {
    "steady.service": "[Service]\nExecStart=/bin/sleep 1000\n",
    "oneshot.service": "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n",
    "broken.service": "[Service]\nExecStart=/bin/false\n",
    "idle.service": "[Service]\nExecStart=/bin/sleep 1000\n",
    # Runs for less than a window, comes back, and looks active at most moments.
    "flapping.service": "[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart=/bin/sleep 1.2\n"
                        "Restart=always\nRestartSec=0\n",
    "slow.service": "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/sleep 1000\n"
                    "TimeoutStartSec=infinity\n",
    "some.target": "[Unit]\nDescription=a target\n",
}
WANTED = ["steady.service", "oneshot.service", "broken.service", "flapping.service", "slow.service",
          "some.target"]

pytestmark = [pytest.mark.root,
              pytest.mark.skipif(why_not() is not None, reason=str(why_not()))]


@pytest.fixture(name="system", scope="module")
def fixture_system():
    system = Booted(UNITS, WANTED)
    yield system
    system.stop()


def check(system, unit, more="", head="stability_s = 0;", code=0):
    system.write("etc/swupdate-jetson/health.conf", f"{head}\nchecks = ( {{ name = \"it\"; "
                 f"kind = \"systemd-unit\"; unit = \"{unit}\"; {more} }} );\n")
    done = system.run([JETSON_HEALTH, "--root", system.root, "run", "--json"])
    assert done.returncode == code, done.stdout + done.stderr
    return json.loads(done.stdout)["checks"][0]


@pytest.mark.parametrize("unit", ["steady.service", "oneshot.service", "some.target"])
def test_an_active_unit_passes(system, unit):
    assert check(system, unit, "retries = 20; interval_s = 0.5;")["status"] == "pass"


@pytest.mark.parametrize("unit,reason", [("broken.service", "unit-failed"),
                                         ("idle.service", "unit-not-active"),
                                         ("slow.service", "unit-not-active"),
                                         ("none.service", "unit-not-found")])
def test_a_unit_that_is_not_active_fails_with_its_reason(system, unit, reason):
    result = check(system, unit, code=1)
    assert (result["status"], result["reason"]) == ("fail", reason)
    assert unit in result["message"]


def test_a_steady_unit_passes_the_stability_window(system):
    result = check(system, "steady.service", head="stability_s = 2;")
    assert (result["status"], result["attempts"]) == ("pass", 2)


def test_a_flapping_unit_does_not(system):
    result = check(system, "flapping.service", "retries = 3; interval_s = 0.1;",
                   head="stability_s = 2.5;", code=1)
    assert (result["status"], result["reason"]) == ("fail", "unit-restarted")
    assert "stability window" in result["message"]


def test_restarts_can_be_limited(system):
    time.sleep(3)
    result = check(system, "flapping.service", "max_restarts = 0; retries = 3; interval_s = 0.1;",
                   code=1)
    assert result["reason"] == "unit-restarts"


def test_a_unit_that_is_restarted_by_hand_in_the_window_is_noticed(system):
    system.write("opt/restart", "#!/bin/sh\nexec systemctl restart steady.service\n", mode=0o755)
    system.write("etc/swupdate-jetson/health.conf",
                 'stability_s = 1; checks = ('
                 '{ name = "unit"; kind = "systemd-unit"; unit = "steady.service"; },'
                 '{ name = "restart"; kind = "command"; argv = [ "/opt/restart" ]; user = "root"; '
                 'once = true; } );\n')
    done = system.run([JETSON_HEALTH, "--root", system.root, "run", "--json"])
    results = {c["name"]: c for c in json.loads(done.stdout)["checks"]}
    assert results["restart"]["status"] == "pass", results
    assert results["unit"]["reason"] == "unit-restarted"


def test_a_bus_that_stops_answering_ends_at_the_deadline(system):
    bus = system.main_pid("dbus.service")
    os.kill(bus, signal.SIGSTOP)
    try:
        result = check(system, "steady.service", "deadline_s = 0.5;", code=1)
        assert (result["status"], result["reason"]) == ("timeout", "deadline")
    finally:
        os.kill(bus, signal.SIGCONT)
    assert check(system, "steady.service", "retries = 9; interval_s = 0.5;")["status"] == "pass"
