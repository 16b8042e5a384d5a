#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""Plant defects in copies of the tree and see that something notices each.

defects.toml beside this file has them. Every processor works on a copy of its own below
BUILD/defects/, where one defect after the other is made, what it concerns is built, and the tests
that should notice run: first those that the table names, then all suites and the power cuts, until one
fails. A defect that nothing notices, an edit that does not fit and a copy that does not build are
failures. Before that everything runs once in a copy without a defect, where nothing may fail.

Usage: defects.py [--build DIR] [--short] [--list] [NAME...]
"""

import argparse
import concurrent.futures
import os
import queue
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOP = HERE.parents[1]
COPIED = ("Makefile", "mk", "lib", "deps", "boot", "tests")
BUILT = ("obj", "lib", "tests")
MADE = ("build/lib", "build/tests", "build/bin")
TIMEOUT_S = 600
# A defect may end a test program in the middle: what it leaves behind is removed with this folder.
FAST = "/dev/shm"
# One cut on each way is enough to notice. "powercut NAME" in the table: this scenario alone.
POWERCUT = ("build/bin/powercut", "--stop", "--no-self-test", "--cuts", "1", "--jobs", "1")
CHECK_FAILURE = re.compile(r"^[^ ]+:\d+:[FE]:[^:]*:([^:]+):\d+: ?(.*)$", re.MULTILINE)
POWERCUT_FAILURE = re.compile(r"^  (\w.*)$", re.MULTILINE)
FINGERPRINT = re.compile(r"^jota_env=.*$", re.MULTILINE)


class Trouble(Exception):
    """The defect could not be tried."""


def read_defects(wanted, short):
    defects = tomllib.loads((HERE / "defects.toml").read_text())["defect"]
    names = [defect["name"] for defect in defects]
    for name in wanted:
        if name not in names:
            sys.exit(f"defects.py: no defect is called '{name}'")
    if len(set(names)) != len(names):
        sys.exit("defects.py: a name stands twice in defects.toml")
    return [defect for defect in defects
            if (not wanted or defect["name"] in wanted) and (not short or defect.get("short"))]


def all_suites():
    return [str(path.relative_to(TOP / "tests").with_suffix(""))
            for path in sorted((TOP / "tests").glob("*/test_*.c"))
            if path.parent.name not in ("swu", "fuzz")]


def copy_folder(source, to):
    shutil.copytree(source, to, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))


class Tree:
    """A copy of the sources and of what was built from them, with their times."""

    def __init__(self, top, build, log):
        self.top, self.log = top, log
        shutil.rmtree(top, ignore_errors=True)
        top.mkdir(parents=True)
        for name in COPIED:
            if (TOP / name).is_dir():
                copy_folder(TOP / name, top / name)
            else:
                shutil.copy2(TOP / name, top / name)
        for name in BUILT:
            if (build / name).is_dir():
                copy_folder(build / name, top / "build" / name)
        self.edited = {}

    def edit(self, defect):
        for edit in defect["edit"]:
            path = self.top / edit["file"]
            text = path.read_text()
            if text.count(edit["old"]) != 1:
                raise Trouble(f"{edit['file']}: the text to replace stands there "
                              f"{text.count(edit['old'])} times, expected once: "
                              f"{edit['old'].strip().splitlines()[0]!r}")
            self.edited.setdefault(path, (text, path.stat()))
            path.write_text(text.replace(edit["old"], edit["new"]))
        self.sign_script()

    def sign_script(self):
        script = self.top / "boot/uboot/jetson-ab.env"
        if script not in self.edited:
            return
        made = subprocess.run(["boot/uboot/join-env.sh", "--fingerprint"], cwd=self.top, text=True,
                              capture_output=True, check=True).stdout.strip()
        script.write_text(FINGERPRINT.sub(f"jota_env={made}", script.read_text(), count=1))

    def restore(self):
        """The object of an edited file must be made again, and so is all that was linked from it."""
        for path, (text, _) in self.edited.items():
            path.write_text(text)
        self.edited = {}

    def run(self, argv, **env):
        with open(self.log, "a+", encoding="utf-8", errors="replace") as out:
            out.seek(0, os.SEEK_END)
            at = out.tell()
            try:
                status = subprocess.run(argv, cwd=self.top, env={**os.environ, **env}, stdout=out,
                                        stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                        timeout=TIMEOUT_S, check=False).returncode
            except subprocess.TimeoutExpired:
                status = f"no end after {TIMEOUT_S} s"
            out.seek(at)
            return status, out.read()

    def make(self, test):
        name = f"build/{'bin' if test.startswith('powercut') else 'tests'}/{test.split()[0]}"
        status, _ = self.run(["make", "-s", "DEPS=no", "BUILD=build", "WERROR=", "SAN=", name],
                             MAKEFLAGS="")
        if status:
            raise Trouble(f"{name} does not build, see {self.log}")

    def failure(self, test):
        """What failed first in a test program; None when nothing did."""
        self.make(test)
        program, *scenario = test.split()
        argv = [f"build/tests/{test}"]
        if program == "powercut":
            argv = [*POWERCUT, *(["--scenario", *scenario] if scenario else [])]
        with tempfile.TemporaryDirectory(dir=FAST if os.access(FAST, os.W_OK) else None) as scratch:
            status, text = self.run(argv, TMPDIR=scratch)
        if status in (0, 77):
            return None
        if program == "powercut":
            found = POWERCUT_FAILURE.findall(text)
            violations = [line for line in found if "; " in line or "FAILED" in line]
            return f"powercut: {violations[0] if violations else f'ended with {status}'}"
        found = CHECK_FAILURE.search(text)
        return f"{test}: {found[1] if found else f'ended with {status}'}"


def try_defect(tree, defect, suites):
    """(noticed, first failing check, seconds)"""
    started = time.monotonic()
    order = list(dict.fromkeys([*defect["tests"], "powercut", *suites]))
    noticed, text = False, "NOTHING NOTICES IT"
    try:
        tree.edit(defect)
        for test in order:
            failure = tree.failure(test)
            if failure:
                noticed, text = True, failure
                break
    except (Trouble, OSError, subprocess.CalledProcessError) as error:
        text = str(error)
    finally:
        tree.restore()
    return noticed, text, time.monotonic() - started


def check_sound(tree, tests):
    """Without a defect nothing fails."""
    for test in tests:
        failure = tree.failure(test)
        if failure:
            return f"without any defect: {failure}"
    return None


def worker_trees(count, build, logs):
    trees = queue.Queue()
    for number in range(count):
        log = logs / f"defects-{number}.log"
        log.unlink(missing_ok=True)
        trees.put(Tree(build / "defects" / str(number), build, log))
    return trees


def run_defects(defects, build, suites):
    logs = build / "test-logs"
    logs.mkdir(parents=True, exist_ok=True)
    count = os.cpu_count() or 1
    trees = worker_trees(min(count, len(defects)), build, logs)

    def with_tree(work, *args):
        tree = trees.get()
        try:
            return work(tree, *args)
        finally:
            trees.put(tree)

    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        named = dict.fromkeys(test for defect in defects for test in defect["tests"])
        unsound = [text for text in pool.map(lambda test: with_tree(check_sound, [test]), named)
                   if text]
        if unsound:
            sys.exit("\n".join([*unsound, "0 passed, 1 failed"]))
        tried = pool.map(lambda defect: with_tree(try_defect, defect, suites), defects)
        results = []
        for defect, result in zip(defects, tried):
            show(defect, result)
            results.append((defect, result))
    shutil.rmtree(build / "defects", ignore_errors=True)
    return results


def show(defect, result):
    noticed, text, seconds = result
    word = "" if noticed else "FAILED "
    print(f"{defect['name']:<40} {seconds:5.1f}  {word}{text[:160]}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, default=TOP / "build")
    parser.add_argument("--short", action="store_true", help="only those marked short in the table")
    parser.add_argument("--list", action="store_true", help="show the defects and end")
    parser.add_argument("name", nargs="*")
    args = parser.parse_args()
    defects = read_defects(args.name, args.short)
    if args.list:
        for defect in defects:
            print(f"{defect['name']:<40} {defect['what']}")
        return 0
    started = time.monotonic()
    print(f"{'defect':<40} {'s':>5}  first check that fails")
    results = run_defects(defects, args.build.resolve(), all_suites())
    passed = sum(noticed for _, (noticed, _, _) in results)
    if passed < len(results):
        print("not noticed: " + ", ".join(f"{defect['name']} ({defect['what']}): {text}"
                                          for defect, (noticed, text, _) in results if not noticed))
    print(f"{len(results)} defects, {time.monotonic() - started:.0f} s")
    print(f"{passed} passed, {len(results) - passed} failed")
    return 0 if results and passed == len(results) else 1


if __name__ == "__main__":
    sys.exit(main())
