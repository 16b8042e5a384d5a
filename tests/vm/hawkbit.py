# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""Updates that the machine's own suricatta fetches from a real hawkBit on the host's loopback interface,
which the guest reaches as 10.0.2.2. What a server says of many hosts and cases: make hawkbit."""

import os
import sys

from machine import BOOT_S, TOP, Machine, Missing, Unexpected, sh
from moments import NETWORK
from scenarios import FIRST, boot_line, expect, expect_slots, fell_back, first_boot, scenario

sys.path.append(str(TOP / "tests" / "hawkbit"))
import server as hawkbit_server  # noqa: E402

NAME = "virtual-jetson"
CONFIG = ('suricatta: {{ tenant = "DEFAULT"; id = "%s"; url = "http://10.0.2.2:{port}"; '
          'gatewaytoken = "{token}"; polldelay = 2; retry = 3; retrywait = 2; }};' % NAME)


def start_server(build):
    os.environ.setdefault("JOTA_BUILD", str(build))
    hawkbit_server.BUILD = build
    try:
        server = hawkbit_server.HawkBit()
    except hawkbit_server.NoJar as why:
        raise Missing(str(why)) from None
    try:
        server.start()
    except hawkbit_server.NoServer as why:
        server.close()
        raise Unexpected(str(why)) from None
    return server


def assign(build, server, package):
    """As a pipeline does it; the number of the action."""
    server.add_target(NAME)
    sh("env", f"HAWKBIT_URL={server.url}", f"HAWKBIT_USER={hawkbit_server.USER}",
       f"HAWKBIT_PASSWORD={server.password}", "no_proxy=*",
       str(build / "bin" / "jetson-swu"), "publish", "-k", str(build / "vm" / "keys" / "good" / "ca.pem"),
       "--quiet", "--assign", NAME, str(build / "vm" / "guest" / "packages" / f"{package}.swu"))
    return server.wait_for("an action", lambda: server.actions(NAME), BOOT_S)[0]["id"]


def suricatta(machine, server):
    config = CONFIG.format(port=server.port, token=server.gateway_token)
    machine.run("mkdir -p -m 0700 /run/update; cp /etc/swupdate.cfg /run/suricatta.cfg; "
                f"echo '{config}' >>/run/suricatta.cfg")
    # As systemd starts a service: SWUpdate 2022.12 answers a question of suricatta that was given up after
    # 100 ms, and without this it ends by the signal on a machine that is slow.
    machine.run("{ (trap '' PIPE; TMPDIR=/run/update exec swupdate -f /run/suricatta.cfg -u '' "
                ">/run/suricatta.log 2>&1) & }")


def poll_and_install(machine, server, action):
    first_boot(machine)
    suricatta(machine, server)
    machine.run("for i in $(seq 900); do ! grep -q 'is selected: the next boot' /run/suricatta.log || break; "
                "sleep 1; done")
    expect_slots(machine, "after the flip", "A", "B", "good", "trial")
    expect("the action while the reboot is due", "", server.outcome(NAME, action))
    machine.reboot()


def wait_outcome(machine, server, action, wanted):
    try:
        server.wait_for("the end of the action", lambda: server.outcome(NAME, action), BOOT_S)
    except AssertionError as why:
        raise Unexpected(f"{why}; the device: {machine.run('tail -n 20 /run/suricatta.log')}") from None
    expect("how the action ended", wanted, server.outcome(NAME, action))


@scenario("suricatta installs from a real hawkBit: success only after the confirmation")
def hawkbit_success(build, name):
    server = start_server(build)
    try:
        with Machine(build, name, network=NETWORK) as machine:
            action = assign(build, server, "good-2.0")
            poll_and_install(machine, server, action)
            expect("first boot of the trial", ("2.0", "B", "2.0"), boot_line(machine))
            expect("the action on trial", "", server.outcome(NAME, action))
            machine.run("jetson-health run --apply")
            suricatta(machine, server)
            wait_outcome(machine, server, action, "finished")
            expect_slots(machine, "confirmed", "B", "B", "good", "good")
        return f"{server.program.name}: action finished, B runs 2.0"
    finally:
        server.close()


@scenario("suricatta installs a release that crashes: after the fallback hawkBit hears of the failure")
def hawkbit_failure(build, name):
    server = start_server(build)
    try:
        with Machine(build, name, network=NETWORK) as machine:
            action = assign(build, server, "crash-3.0")
            poll_and_install(machine, server, action)
            for _ in (1, 2, 3):
                machine.wait_for(r"mode=crash slot=B")
                machine.wait_for(FIRST)
            seen = fell_back(machine)
            suricatta(machine, server)
            wait_outcome(machine, server, action, "error")
        return f"{server.program.name}: action in error; {seen}"
    finally:
        server.close()
