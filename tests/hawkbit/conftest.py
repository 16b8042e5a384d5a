# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""One real hawkBit for the whole run. Where it cannot be had, its tests count as not run."""

import itertools
import json
import shutil
import tempfile
from pathlib import Path

import device_side
import pytest
import server as server_of

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
    print(f"\n{running.program.name} was ready after {running.seconds:.0f} s")
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
        done = device_side.run_publish(server, stock.keys.ca, swu, *options, password=password)
        if refused:
            assert done.returncode == 1, done.stdout
            return done.stderr
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run
