# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""What the tests of verify, inspect, diff, lint and extract stand on: packages and calls of jetson-swu."""

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TOP / "tests/integration"), str(TOP / "tests/device")]

from package import MIB, Keys, Package, Release  # noqa: E402

BUILD = Path(os.environ.get("JOTA_BUILD", TOP / "build")).resolve()
JETSON_SWU = BUILD / "bin/jetson-swu"
GOOD, REFUSED, USAGE, UNREADABLE = 0, 1, 2, 3
MEMORY_BYTES = 64 * MIB
# Shadow memory has other measures.
SANITIZED = BUILD.name == "asan"


def limit_memory():
    """For every call: more than 64 MiB of data are not to be had."""
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))


class Answer:
    def __init__(self, *argv, cwd=None):
        done = subprocess.run([JETSON_SWU, *argv], capture_output=True, cwd=cwd,
                              stdin=subprocess.DEVNULL, timeout=120,
                              preexec_fn=None if SANITIZED else limit_memory)
        self.code = done.returncode
        # No byte of a file moves the cursor of whoever reads this.
        for byte in done.stdout + done.stderr:
            assert byte == 0x0a or 0x20 <= byte < 0x7f, done.stdout + done.stderr
        self.out, self.err = done.stdout.decode(), done.stderr.decode()

    def json(self):
        return json.loads(self.out)

    def codes(self):
        return {finding["code"] for finding in self.json()["findings"]}


def run(*argv, code=GOOD, **options):
    answer = Answer(*argv, **options)
    assert answer.code == code, answer.out + answer.err
    return answer


class Stock:
    """One release and its keys, for all tests of this file."""

    def __init__(self, folder):
        self.keys = Keys(folder / "keys")
        self.release = Release.make(folder, "one")
        self.other = Release.make(folder, "two")


class Maker:
    def __init__(self, stock, folder):
        self.stock, self.folder, self.count = stock, folder, 0
        self.ca = stock.keys.ca

    def package(self, release=None):
        return Package.of(release or self.stock.release)

    def build(self, package=None, signer=None):
        self.count += 1
        return (package or self.package()).build(self.folder / f"p{self.count}",
                                                 signer or self.stock.keys.good)

    def build_by_hand(self, package=None, signer=None):
        """By cpio and openssl, without jetson-swu."""
        self.count += 1
        return (package or self.package()).build_by_hand(self.folder / f"p{self.count}",
                                                         signer or self.stock.keys.good)

    def verify(self, swu, *argv, code=GOOD):
        return run("verify", "--json", "-k", self.ca, *argv, swu, code=code)
