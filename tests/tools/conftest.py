# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""What the tests of jetson-swu share; a file that needs more of its stock makes its own."""

import shutil
import tempfile
from pathlib import Path

import pytest
from swu_build import Stock, Work


@pytest.fixture(scope="module")
def stock():
    folder = Path(tempfile.mkdtemp(prefix="jota-swu-"))
    yield Stock(folder)
    shutil.rmtree(folder)


@pytest.fixture
def work(tmp_path, stock):
    return Work(tmp_path / "work", stock)
