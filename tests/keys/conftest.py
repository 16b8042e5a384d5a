# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""A clean place for each test; one with a root and a signer in it that tests copy."""

import shutil
import subprocess

import pytest
from jetson_keys import Place


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path / "place")


@pytest.fixture(scope="session")
def ready(tmp_path_factory):
    made = Place(tmp_path_factory.mktemp("ready") / "place")
    made.make_root()
    made.make_signer()
    for soc, kind in (("t186", "rsa2048"), ("t194", "rsa2048"), ("t234", "rsa3072"),
                      ("t264", "p521")):
        made.do("boot", f"boot-{soc}", "--soc", soc, "--type", kind)
    made.do("uefi", "uefi", "--name", "Example")
    made.do("dev", "dev")
    made.do("aes", "secrets/aes.key")
    return made


@pytest.fixture
def stocked(ready, tmp_path):
    """A copy of all of it, to be spoilt."""
    return copied(ready, tmp_path / "stocked")


def copied(place, folder):
    shutil.copytree(place.folder, folder, copy_function=shutil.copy2)
    return Place(folder)


@pytest.fixture
def repository(stocked):
    """The same place, as a git work tree."""
    subprocess.run(["git", "init", "-q", stocked.folder], check=True)
    return stocked
