# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""The built hosts are what they are called: else a table of hosts would compare a host with itself."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests/integration"))

import host  # noqa: E402

BUILD = Path(os.environ.get("JOTA_BUILD", TOP / "build"))
PLUGIN = BUILD / "plugin/jetson-handlers.so"
OURS = ["jetson-bootimg", "jetson-bootloader", "jetson-rootfs", "jetson-postinstall"]
BUILTIN = ["builtin-2022.12", "builtin-2024.12.1"]
PLAIN = "luafree-plugin-2022.12"


def binary(name):
    return BUILD / "hosts" / name / "swupdate"


@pytest.fixture(scope="module")
def folder():
    """Short, for sockets are made in it."""
    with tempfile.TemporaryDirectory(prefix="j", dir="/tmp") as path:
        subprocess.run([TOP / "keys/make-dev-keys.sh", Path(path, "keys")], check=True,
                       capture_output=True, timeout=60)
        yield Path(path)


def handlers(name, folder, **env):
    """What swupdate says that it has, before it finds that there is no update."""
    config = folder / "swupdate.cfg"
    config.write_text("globals: {};\n")
    for _ in host.turns():
        done = subprocess.run([binary(name), "-f", config, "-l", "3", "-k", folder / "keys/ca.pem",
                               "-H", "a:1", "-i", folder / "none.swu"], text=True,
                              timeout=host.TIMEOUT_S, capture_output=True,
                              env={"TMPDIR": str(folder), "PATH": "/usr/bin:/bin", **env})
        text = done.stdout + done.stderr
        if host.NO_TURN not in text:
            break
    return [line.split()[-1] for line in text.splitlines() if "print_registered_handlers" in line
            and "\t" in line], text


def exported(name):
    out = subprocess.run(["nm", "-D", "--defined-only", binary(name)], check=True, text=True,
                         capture_output=True).stdout
    return {line.split()[-1] for line in out.splitlines()}


@pytest.mark.parametrize("name", [*BUILTIN, PLAIN])
def test_no_host_of_ours_has_lua(name):
    out = subprocess.run(["ldd", binary(name)], check=True, text=True, capture_output=True).stdout
    assert "liblua" not in out
    assert "libubootenv" in out or name == PLAIN


@pytest.mark.parametrize("name", BUILTIN)
def test_the_handlers_are_compiled_in_and_nothing_is_exported(name):
    assert "register_handler" not in exported(name)
    assert not any(symbol.startswith("jota_") for symbol in exported(name))


def test_the_host_of_the_plugin_exports_what_it_needs():
    assert {"register_handler", "copyimage", "register_bootloader", "loglevel"} <= exported(PLAIN)


def test_the_newest_host_uses_the_newer_libubootenv():
    out = subprocess.run(["ldd", binary("builtin-2024.12.1")], check=True, text=True,
                         capture_output=True).stdout
    assert str(BUILD / "hosts/libubootenv-0.3.5/lib") in out


@pytest.mark.parametrize("name", BUILTIN)
def test_compiled_in_handlers_register_once(name, folder):
    names, text = handlers(name, folder)
    assert sorted(one for one in names if one in OURS) == sorted(OURS), text


def test_the_other_host_has_them_only_with_the_plugin(folder):
    names, text = handlers(PLAIN, folder)
    assert names and not set(names) & set(OURS), text
    names, text = handlers(PLAIN, folder, LD_PRELOAD=str(PLUGIN))
    assert sorted(one for one in names if one in OURS) == sorted(OURS), text


@pytest.mark.parametrize("name", BUILTIN)
def test_the_plugin_does_no_harm_where_the_handlers_are_compiled_in(name, folder):
    names, text = handlers(name, folder, LD_PRELOAD=str(PLUGIN))
    assert sorted(one for one in names if one in OURS) == sorted(OURS), text
