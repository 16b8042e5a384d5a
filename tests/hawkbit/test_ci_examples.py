# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""The pipelines of docs/ci/ publish to the real hawkBit, and a device installs what they made."""

import json
import shutil
import tempfile
from pathlib import Path

import ci_workflow
import device_side
import pytest
import server as server_of
import swu_build


@pytest.fixture(scope="module")
def parts():
    folder = Path(tempfile.mkdtemp(prefix="jota-ci-"))
    (folder / "stock").mkdir()
    stock = swu_build.Stock(folder / "stock")
    key = ci_workflow.customer(folder / "customer", stock)
    yield stock, folder / "customer", key, ci_workflow.own_source(folder / "source")
    shutil.rmtree(folder)


@pytest.mark.parametrize("service", [ci_workflow.GitLab, ci_workflow.GitHub])
def test_what_a_pipeline_publishes_is_installed_and_reported(server, tmp_path, parts, make_device,
                                                            service, monkeypatch):
    stock, *repositories = parts
    # A version of its own for each pipeline: they pack different bytes.
    monkeypatch.setattr(ci_workflow, "TAG", f"v2.3.{1 + (service is ci_workflow.GitHub)}")
    pipeline = service(tmp_path, *repositories, {"url": server.url, "user": server_of.USER,
                                                 "password": server.password})
    summary = json.loads(pipeline.run().read_text())
    assert server.get(f"distributionsets/{summary['set']['id']}")["complete"]
    assert server.password not in pipeline.said

    device = make_device()
    server.add_target(device.name)
    server.post(f"distributionsets/{summary['set']['id']}/assignedTargets",
                [{"id": device.name, "type": "forced"}])
    device.bench.stock.keys.ca, kept = stock.folder / "keys/ca.pem", device.bench.stock.keys.ca
    try:
        with device.suricatta() as daemon:
            daemon.wait_for(r"slot B is selected")
    finally:
        device.bench.stock.keys.ca = kept
    image = (stock.folder / "rootfs.ext4").read_bytes()
    assert device.bench.device.read_at("B_APP", 0, len(image)) == image
    assert device_side.Device and device.bench.state()["boot_slot"] == "B"
