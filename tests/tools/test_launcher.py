# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""The launcher: how the program that it starts begins. What swupdate makes of it is in tests/integration/."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("JOTA_BUILD", TOP / "build")).resolve()
LAUNCHER = BUILD / "bin/swupdate-jetson"


@pytest.fixture(name="program")
def fixture_program(tmp_path):
    """Says how it was started; grep is no shell, which could change it."""
    path = tmp_path / "program"
    path.write_text('#!/bin/sh\nexec grep SigIgn: /proc/self/status\n')
    path.chmod(0o755)
    return path


def ignored(argv, program, **options):
    """Names of the signals that the program ignores."""
    env = {"PATH": "/usr/bin:/bin", "SWUPDATE": str(program),
           "JETSON_HANDLERS": str(BUILD / "plugin/jetson-handlers.so")}
    done = subprocess.run([str(word) for word in argv], env=env, text=True, capture_output=True,
                          timeout=60, check=True, **options)
    mask = int(done.stdout.split()[1], 16)
    return {one.name for one in signal.Signals if mask >> (one - 1) & 1}


def test_the_program_starts_with_sigpipe_ignored(program):
    """Not so without the launcher: otherwise this would show nothing."""
    assert "SIGPIPE" not in ignored([program], program)
    assert "SIGPIPE" in ignored([LAUNCHER, "-i", "a.swu"], program)


def test_other_signals_are_as_the_caller_left_them(program):
    assert ignored([LAUNCHER], program) == ignored([program], program) | {"SIGPIPE"}
    ignore = {"preexec_fn": lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)}
    assert ignored([LAUNCHER], program, **ignore) >= {"SIGPIPE", "SIGHUP"}
