# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""One real hawkBit for the whole run. Where it cannot be had, its tests count as not run."""

import itertools
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import device_side
import pytest
import server as server_of
from swu_build import JETSON_SWU

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def server():
    try:
        running = server_of.HawkBit()
        running.start()
    except server_of.NoServer as reason:
        # Not there is one thing, not starting is a failure.
        if isinstance(reason, server_of.NoJar):
            pytest.skip(str(reason))
        raise
    print(f"\n{running.jar.name} was ready after {running.seconds:.0f} s")
    yield running
    running.close()


@pytest.fixture(scope="session")
def stock():
    folder = Path(tempfile.mkdtemp(prefix="jota-keys-"))
    yield device_side.Stock(folder)
    shutil.rmtree(folder)


@pytest.fixture
def make_device(stock, server):
    """Makes devices whose slots hold the old release, each with a name of its own."""
    folder = Path(tempfile.mkdtemp(prefix="jota-"))
    made = []

    def make():
        number = next(_numbers)
        made.append(device_side.Device(folder / f"device{number}", stock, server, f"d{number}"))
        return made[-1]

    yield make
    for device in made:
        device.close()
    shutil.rmtree(folder)


@pytest.fixture
def publish(server, stock):
    """jetson-swu publish; returns what --json says, or with code= the exit code and the sentence."""

    def run(swu, *options, refused=False, password=None):
        env = {"PATH": os.environ["PATH"], "HAWKBIT_URL": server.url,
               "HAWKBIT_USER": server_of.USER, "HAWKBIT_PASSWORD": password or server.password,
               "no_proxy": "*"}
        argv = [JETSON_SWU, "publish", "-k", stock.keys.ca, "--json", "--quiet", *options, swu]
        done = subprocess.run([str(word) for word in argv], env=env, text=True, timeout=300,
                              capture_output=True, stdin=subprocess.DEVNULL)
        if refused:
            assert done.returncode == 1, done.stdout
            return done.stderr
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run
