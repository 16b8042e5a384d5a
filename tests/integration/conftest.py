# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""What every integration test stands on: keys and releases, and a device for each test."""

import shutil
import tempfile
from pathlib import Path

import pytest
import table
import workers as workers_of
from bench import Bench
from package import Keys, Release

_records = table.Records()


class Stock:
    """What the whole run shares."""

    def __init__(self, folder):
        self.keys = Keys(folder)
        self.old = Release.make(folder, "old")
        self.new = Release.make(folder, "new")
        self.newer = Release.make(folder, "newer")
        self.group = ""

    def note(self, case, code, sentence, root):
        _records.add(self.group, case, code, sentence, root)


@pytest.fixture(scope="session")
def run_stock():
    folder = Path(tempfile.mkdtemp(prefix="jota-keys-"))
    yield Stock(folder)
    shutil.rmtree(folder)


@pytest.fixture
def stock(run_stock, request):
    run_stock.group = getattr(request.module, "GROUP", "")
    return run_stock


@pytest.fixture
def make_bench(stock):
    """Makes devices; they go at the end of the test, loop devices too."""
    folder = Path(tempfile.mkdtemp(prefix="jota-"))
    made = []

    def make(**options):
        made.append(Bench(folder / f"device{len(made)}", stock, **options))
        return made[-1]

    yield make
    for bench in made:
        bench.close()
    shutil.rmtree(folder)


@pytest.fixture
def bench(make_bench):
    return make_bench()


@pytest.fixture
def records():
    return _records


def pytest_collection_modifyitems(session, config, items):
    """The table is compared with the page at the end, when all cases have been noted."""
    items.sort(key=lambda item: item.path.name == "test_table.py")
    here = {item.path.name for item in items}
    if not here >= {path.name for path in Path(__file__).parent.glob("test_*.py")}:
        _records.partial = True


def pytest_runtestloop(session):
    """Most tests in forks; what must be last, and a handful, pytest's own way."""
    workers = workers_of.count(session)
    items = [item for item in session.items if item.path.name != "test_table.py"]
    if workers < 2 or len(items) < 2 * workers or session.testsfailed:
        return None
    workers_of.run(session, items, _records, workers)
    for item in session.items:
        if item not in items and not session.shouldfail:
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
    return True


def pytest_deselected(items):
    if any(item.path.name != "test_table.py" for item in items):
        _records.partial = True


def pytest_runtest_logreport(report):
    if (report.skipped or report.failed) and "test_table.py" not in report.nodeid:
        _records.partial = True


def pytest_sessionfinish(session):
    _records.save()
