# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""pytest plugin, loaded by tests/run.py: the marker 'root' for tests that only root can run.

Such a test is skipped for an ordinary user, and the runner names it as not run.
"""

import os

import pytest


def pytest_configure(config):
    config.addinivalue_line("markers", "root: only root can run this test (mounts, loop devices)")


def pytest_collection_modifyitems(items):
    if os.geteuid() == 0:
        return
    for item in items:
        if item.get_closest_marker("root"):
            item.add_marker(pytest.mark.skip(reason="needs root"))
