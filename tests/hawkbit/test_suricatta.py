# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""From jetson-swu publish through the real hawkBit and swupdate's own daemon into the other slot, and
back to what the server says of it. The reboots are acted by the model of U-Boot."""

import itertools

import pytest

_versions = (f"5.{n}" for n in itertools.count())


def assign(device, publish, signer=None):
    """An update of the new release, assigned to the device; returns its action."""
    package = device.bench.update()
    package.version = next(_versions)
    device.server.add_target(device.name)
    publish(device.bench.build(package, signer), "--assign", device.name)
    return device.server.actions(device.name)[0]["id"]


def said(device, action):
    return [text for _, messages in device.server.status(device.name, action) for text in messages]


def test_a_device_registers_itself_with_its_attributes(server, make_device):
    device = make_device()
    with device.suricatta(board="jetson-demo", serial="4711"):
        server.wait_for("the device", lambda: any(t["controllerId"] == device.name
                                                  for t in server.all("targets")))
        found = server.wait_for("attributes", lambda: server.attributes(device.name))
    assert (found["board"], found["serial"]) == ("jetson-demo", "4711")


def test_a_good_update_is_a_success_only_after_it_was_confirmed(server, make_device, publish):
    device = make_device()
    action = assign(device, publish)
    with device.suricatta() as daemon:
        daemon.wait_for("slot B is selected")
        server.wait_for("the end of the installation",
                        lambda: "All Chunks Installed." in str(said(device, action)))
    device.bench.check_flipped()
    # Installed, not tried: nobody may call that a success.
    assert server.actions(device.name)[0]["status"] == "pending"
    assert device.bench.reboot()["slot"] == "B"
    assert device.bench.jetson_slot("mark-success").code == 0
    with device.suricatta():
        server.wait_for("the success",
                        lambda: server.actions(device.name)[0]["status"] == "finished")
    assert server.status(device.name, action)[-1][0] == "finished"
    target = server.get(f"targets/{device.name}")
    assert target["updateStatus"] == "in_sync"
    assert device.bench.state()["ustate"] == "0"
    assert device.bench.boots_next() == "B"


@pytest.mark.parametrize("signer", ["foreign", "expired"])
def test_a_signature_that_the_device_does_not_trust_is_an_error_on_the_server(
        server, make_device, publish, stock, signer):
    device = make_device()
    package = device.bench.update()
    package.version = next(_versions)
    swu = device.bench.build(package, getattr(stock.keys, signer))
    assert "not published" in publish(swu, refused=True)
    # Somebody uploads it by hand.
    module = server.post("softwaremodules", [{"name": "by-hand", "version": package.version,
                                              "type": "os"}])[0]
    server.upload(module["id"], swu)
    made = server.post("distributionsets", [{"name": "by-hand", "version": package.version,
                                             "type": "os", "modules": [{"id": module["id"]}]}])[0]
    server.add_target(device.name)
    server.post(f"distributionsets/{made['id']}/assignedTargets",
                [{"id": device.name, "type": "forced"}])
    with device.suricatta():
        server.wait_for("the failure", lambda: server.actions(device.name)[0]["status"] == "finished"
                        and server.get(f"targets/{device.name}")["updateStatus"] == "error")
    device.bench.check_untouched("A")


def test_an_update_that_was_cancelled_is_not_installed(server, make_device, publish):
    device = make_device()
    action = assign(device, publish)
    server.cancel(device.name, action)
    assert server.outcome(device.name, action) == ""
    with device.suricatta():
        server.wait_for("the cancellation",
                        lambda: server.outcome(device.name, action) == "canceled")
    device.bench.check_untouched("A")


def test_a_server_that_comes_back_is_polled_again(server, make_device, publish):
    device = make_device()
    assign(device, publish)
    server.stop()
    try:
        with device.suricatta() as daemon:
            daemon.wait_for("(?i)connect")
            server.start()
            daemon.wait_for("slot B is selected", timeout_s=120)
    finally:
        if not server.process:
            server.start()
    device.bench.check_flipped()
