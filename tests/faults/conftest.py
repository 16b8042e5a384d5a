# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""Benches of the integration tests whose partitions go wrong on demand."""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../integration"))

import report  # noqa: E402
from bench import Bench  # noqa: E402
from faulty import Faulty  # noqa: E402
from package import Keys, Package, Release  # noqa: E402

_records = report.Records()


class Stock:
    """What the whole run shares: keys, releases, and one .swu of the new release."""

    def __init__(self, folder):
        self.keys = Keys(folder)
        self.old = Release.make(folder, "old")
        self.new = Release.make(folder, "new")
        self.swu = Package.of(self.new).build(folder / "swu", self.keys.good)

    def note(self, case, code, sentence, root):
        """A Bench notes each sentence; here report.Records does."""


@pytest.fixture(scope="session")
def stock():
    folder = Path(tempfile.mkdtemp(prefix="jota-keys-"))
    yield Stock(folder)
    shutil.rmtree(folder)


@pytest.fixture
def make_bench(stock):
    """make(direct_io) gives a bench with bench.faulty. Whatever was made goes with the test."""
    if not os.path.exists("/dev/fuse"):
        pytest.skip("needs /dev/fuse")
    folder = Path(tempfile.mkdtemp(prefix="jota-"))
    made, undo = [], []

    def make(direct_io=True, **options):
        faulty = Faulty(direct_io)
        made.append(faulty)
        undo.append(faulty.close)
        bench = Bench(folder / f"device{len(undo)}", stock, loops=faulty.attach, **options)
        undo.append(bench.close)
        bench.faulty = faulty
        return bench

    yield make
    try:
        for step in reversed(undo):
            step()
    finally:
        shutil.rmtree(folder)
    assert [faulty.left_behind() for faulty in made] == [[]] * len(made)


@pytest.fixture
def bench(make_bench):
    return make_bench()


@pytest.fixture
def plain_bench(stock):
    """Regular files as partitions, for tests that need no root."""
    folder = Path(tempfile.mkdtemp(prefix="jota-"))
    bench = Bench(folder / "device", stock)
    yield bench
    bench.close()
    shutil.rmtree(folder)


@pytest.fixture
def records():
    return _records


def pytest_configure(config):
    config.addinivalue_line("markers", "quick: part of the short form that `make check` runs")


def pytest_deselected(items):
    _records.partial = True


def pytest_sessionfinish(session):
    _records.save()
