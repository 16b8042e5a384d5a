# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""Completion in bash: what it offers is what --help says and what the program takes."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests/integration"))

import host  # noqa: E402

BUILD = host.BUILD
FOLDER = TOP / "tools/completion"
OPTION = re.compile(r"(?<![\w-])--?[A-Za-z][-A-Za-z0-9]*")


def offered(program, *words, name=None, folder=FOLDER, **env):
    """What a person gets who types the words and then the tab key."""
    name = name or Path(program).name
    script = (f'. "{folder / name}"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); '
              f'_{name.replace("-", "_")}; printf "%s\\n" "${{COMPREPLY[@]}}"')
    said = subprocess.run(["bash", "-euc", script, "bash", program, *words], check=True, text=True,
                          capture_output=True, timeout=60, env={**os.environ, **env})
    assert said.stderr == ""
    return set(said.stdout.split())


def help_of(*argv):
    return subprocess.run([*argv, "--help"], check=True, text=True, capture_output=True,
                          timeout=60).stdout


def options_in(text):
    """In the column of options, and in the lines of usage."""
    found = set()
    for line in text.splitlines():
        if line.lstrip().startswith(("usage: ", "jetson-")):
            found |= set(OPTION.findall(line.split("jetson-", 1)[1].split(" ", 1)[1]))
        elif re.match(r" {2,}-", line):
            found |= set(OPTION.findall(re.split(r" {2,}", line.strip())[0]))
    return found


SWU, SLOT = BUILD / "bin/jetson-swu", BUILD / "bin/jetson-slot"


def verbs_in(text):
    return set(re.findall(r"^  ([a-z][-a-z]*) ", text, re.MULTILINE))


def test_verbs_are_those_of_the_programs():
    assert offered(SWU, "") == verbs_in(help_of(SWU)) >= {"build", "verify", "extract"}
    assert offered(SLOT, "") == verbs_in(help_of(SLOT)) >= {"info", "switch"}
    assert offered(SWU, "ver") == {"verify"}


@pytest.mark.parametrize("verb", sorted(verbs_in(help_of(SWU))) if SWU.exists() else [])
def test_options_of_a_verb_are_those_of_its_help(verb):
    expected = options_in(help_of(SWU, verb))
    assert offered(SWU, verb, "-") == expected and expected
    assert offered(SWU, verb, "file", "--") == {word for word in expected if word.startswith("--")}
    for option in expected:
        said = subprocess.run([SWU, verb, option], text=True, capture_output=True, timeout=60,
                              stdin=subprocess.DEVNULL, cwd="/", check=False).stderr
        assert "unknown option" not in said, (option, said)


def test_options_before_a_verb():
    assert offered(SWU, "-") == options_in(help_of(SWU)) >= {"--help"}
    assert offered(SLOT, "--") == {"--root", "--help", "--version"}
    assert offered(SLOT, "info", "") == {"--json"}
    assert offered(SLOT, "--root", "/x", "switch", "") == {"A", "B"}


def test_values_are_those_that_the_program_takes():
    layouts = offered(SWU, "verify", "--layout", "")
    said = subprocess.run([SWU, "lint", "--layout", "mars", "x"], text=True, capture_output=True,
                          timeout=60, check=False).stderr
    assert layouts == set(re.search(r"there are:? ([a-z0-9, ]+)", said)[1].replace(",", "").split()), said
    for option in ("--method", "--purpose"):
        for value in offered(SWU, "verify", option, ""):
            done = subprocess.run([SWU, "verify", "--no-trust", option, value, "/nonexistent"],
                                  capture_output=True, timeout=60, check=False)
            assert done.returncode == 3, (option, value, done.stderr)


def test_files_are_left_to_bash():
    for words in (["verify", ""], ["verify", "-k", ""], ["build", "-c", "up"]):
        assert offered(SWU, *words) == set()


def test_the_launcher_has_the_options_of_its_swupdate():
    words = offered("swupdate-jetson", "-", SWUPDATE=str(host.SWUPDATE))
    assert words >= {"--handlers-help", "-i", "--image", "-K", "--key-aes", "--cert-purpose", "-H",
                     "--hwrevision", "--dry-run", "-c", "--check", "-B", "--bootloader", "--max-version"}
    assert offered("swupdate-jetson", "-B", "") == {"jetson"}


def test_install_puts_them_where_bash_looks(tmp_path):
    env = {name: value for name, value in os.environ.items()
           if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    subprocess.run(["make", "DEPS=no", f"BUILD={os.path.relpath(BUILD, TOP)}", f"DESTDIR={tmp_path}",
                    "install"], cwd=TOP, check=True, capture_output=True, timeout=300, env=env)
    folder = tmp_path / "usr/share/bash-completion/completions"
    assert sorted(path.name for path in folder.iterdir()) == sorted(p.name for p in FOLDER.iterdir())
    assert offered(SWU, "", folder=folder) == verbs_in(help_of(SWU))
