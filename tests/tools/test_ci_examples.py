# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""Every line of the pipelines in docs/ci/ is run, from the key to a SIMULATION of hawkBit; tests/hawkbit/
runs them against the real one."""

import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import ci_workflow
import pytest
from hawkbit_simulation import PASSWORD, USER, Simulation
from swu_build import JETSON_SWU, Stock, tool


@pytest.fixture(scope="module")
def parts():
    folder = Path(tempfile.mkdtemp(prefix="jota-ci-"))
    (folder / "stock").mkdir()
    stock = Stock(folder / "stock")
    key = ci_workflow.customer(folder / "customer", stock)
    yield folder / "customer", key, ci_workflow.own_source(folder / "source")
    shutil.rmtree(folder)


@pytest.mark.parametrize("service", [ci_workflow.GitLab, ci_workflow.GitHub])
def test_every_line_of_a_pipeline_works(tmp_path, parts, service):
    with Simulation() as server:
        pipeline = service(tmp_path, *parts, {"url": server.url, "user": USER, "password": PASSWORD})
        summary = json.loads(pipeline.run().read_text())
        assert [(s["name"], s["version"]) for s in server.sets] == [("jetson-demo", "2.3.4")]
        assert server.modules[0]["artifacts"][0]["hashes"]["sha256"] == summary["sha256"]
    for secret in (PASSWORD, ci_workflow.PASSPHRASE, "PRIVATE KEY"):
        assert secret not in pipeline.said
    run = [line.text for line in pipeline.lines if line.ran]
    for verb in ("build", "verify", "inspect", "publish"):
        assert any(f"jetson-swu {verb} " in line for line in run)


@pytest.mark.parametrize("name", ["gitlab-ci.yml", "github-actions.yml"])
def test_the_publishing_job_installs_what_the_program_loads(name):
    text = (ci_workflow.EXAMPLES / name).read_text()
    installed = text.split(ci_workflow.INSTALL)[-1].splitlines()[0].split()
    dynamic = tool("readelf", "-d", JETSON_SWU).decode()
    for library in re.findall(r"NEEDED.*\[(.*)\]", dynamic):
        path = subprocess.run(["ldconfig", "-p"], text=True, capture_output=True, check=True,
                              env={"PATH": "/usr/sbin:/sbin:/usr/bin:/bin"}).stdout
        found = re.search(rf"\s{re.escape(library)} \(.*=> (.*)", path)[1]
        owners = {line.split(":")[0] for line in subprocess.run(
            ["dpkg", "-S", str(Path(found).resolve()), found], text=True,
            capture_output=True).stdout.splitlines()}
        assert owners & {*installed, "libc6"}, f"{library} of {owners} is not installed"
