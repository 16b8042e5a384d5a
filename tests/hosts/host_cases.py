# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""pytest plugin for the integration tests on every host: which tests do not apply to the host that
JOTA_HOST names, and the marker 'core' for those of core.txt."""

import os
from pathlib import Path

import pytest

CORE = Path(__file__).with_name("core.txt")
HOST = os.environ.get("JOTA_HOST") or "debian-plugin"
# hosts that it does not apply to, start of the test's name, reason
NOT_APPLICABLE = (
    ("builtin", "test_plugin.py", "plugin only"),
    ("builtin", "test_host.py::test_without_the_plugin_the_package_is_refused", "plugin only"),
    ("builtin", "test_host.py::test_our_interface_without_the_plugin_ends_the_start",
     "plugin only"),
    ("builtin", "test_host.py::test_the_launcher_", "launcher of the plugin only"),
    ("builtin", "test_table.py", "the page shows Debian's words"),
    ("luafree", "test_table.py", "the page shows Debian's words"),
    ("luafree", "test_plugin.py::test_the_plugin_sleeps_in_other_tools_of_swupdate",
     "only Debian's package brings them"),
)


def name_of(item):
    return item.nodeid.rpartition("tests/integration/")[2] or item.nodeid


def pytest_configure(config):
    config.addinivalue_line("markers", "core: part of the short run on every host")


def core_names():
    lines = (line.partition("#")[0].strip() for line in CORE.read_text().splitlines())
    return [line for line in lines if line]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    names = [name_of(item) for item in items]
    for hosts, start, reason in NOT_APPLICABLE:
        matching = [item for item, name in zip(items, names) if name.startswith(start)]
        if not matching:
            raise pytest.UsageError(f"host_cases.py: no test is named '{start}'")
        if HOST.startswith(hosts):
            for item in matching:
                item.add_marker(pytest.mark.skip(reason=f"n.a.: {reason}"))
    for core in core_names():
        matching = [item for item, name in zip(items, names)
                    if name == core or name.startswith(core + "[")]
        if not matching:
            raise pytest.UsageError(f"core.txt: no test is named '{core}'")
        for item in matching:
            item.add_marker(pytest.mark.core)
