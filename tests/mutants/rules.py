#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""Take one rule after the other out of the program and see that its tests notice.

Each R*.toml beside this file names a rule and mutants of it: edits (a text that stands exactly once in
a file, and what replaces it) and the tests that must then fail. A mutant is made in a copy of the tree
below BUILD/mutants/, and its plugin and tools are built there. A mutant that is not noticed, an edit
that does not fit any more and a copy that does not build are failures.

Usage: rules.py [--build DIR] [RULE...]
"""

import argparse
import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
import xml.etree.ElementTree
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOP = HERE.parents[1]
COPIED = ("Makefile", "mk", "lib", "handlers", "tools", "deps", "boot", "tests", "keys")
BUILT = ("obj", "lib", "bin", "plugin", "prefix")
PROGRAMS = ("plugin/jetson-handlers.so", "bin/jetson-slot", "bin/swupdate-jetson")
TIMEOUT_S = 300


def read_mutants(wanted):
    for path in sorted(HERE.glob("R*.toml")):
        rule = tomllib.loads(path.read_text())
        if not wanted or rule["rule"] in wanted:
            for number, mutant in enumerate(rule["mutant"], start=1):
                yield f"{rule['rule']}.{number}", mutant


def copy_tree(build, tree):
    """The sources and what was built from them, with their times, so that make builds what changed."""
    shutil.rmtree(tree, ignore_errors=True)
    tree.mkdir(parents=True)
    for name in COPIED:
        source = TOP / name
        if source.is_dir():
            shutil.copytree(source, tree / name, symlinks=True)
        else:
            shutil.copy2(source, tree / name)
    (tree / "build").mkdir()
    for name in BUILT:
        source = build / name
        if source.is_dir():
            shutil.copytree(source, tree / "build" / name)
        elif source.exists():
            shutil.copy2(source, tree / "build" / name)
    (tree / "build/host").symlink_to(build / "host")


def apply_edit(tree, edit):
    path = tree / edit["file"]
    text = path.read_text()
    count = text.count(edit["old"])
    if count != 1:
        raise ValueError(f"{edit['file']}: the text to replace stands there {count} times, "
                         f"expected once: {edit['old'].strip().splitlines()[0]!r}")
    path.write_text(text.replace(edit["old"], edit["new"]))


def run(argv, tree, log, **env):
    with open(log, "ab") as out:
        return subprocess.run(argv, cwd=tree, env={**os.environ, **env}, stdout=out,
                              stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, check=False,
                              timeout=TIMEOUT_S).returncode


def first_failure(report):
    """Name of the first test that failed by itself; an error in a fixture proves nothing."""
    for case in xml.etree.ElementTree.parse(report).iter("testcase"):
        if case.find("failure") is not None:
            return case.get("name")
    return None


def try_mutant(name, mutant, build):
    """(noticed, what the table says)"""
    tree = build / "mutants" / name
    log = build / "test-logs" / f"mutant-{name}.log"
    log.unlink(missing_ok=True)
    copy_tree(build, tree)
    try:
        for edit in mutant["edit"]:
            apply_edit(tree, edit)
    except (OSError, ValueError) as error:
        return False, str(error)
    # Of several mutants at once each gets one job.
    if run(["make", "-s", "DEPS=no", "BUILD=build", *(f"build/{name}" for name in PROGRAMS)], tree,
           log, MAKEFLAGS=""):
        return False, f"does not build, see {log}"
    report = tree / "report.xml"
    tests = [f"tests/integration/{test}" for test in mutant["tests"]]
    run([sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "needs_root", "-q", "-x",
         f"--junitxml={report}", *tests], tree, log, PYTHONPATH="tests",
        PYTHONDONTWRITEBYTECODE="1", JOTA_BUILD=str(tree / "build"),
        UBOOT_MODEL=str(tree / "build/bin/uboot-model"))
    found = first_failure(report) if report.exists() else None
    if found is None:
        return False, f"NOT NOTICED, see {log}"
    shutil.rmtree(tree)
    return True, re.sub(r"^test_", "", found)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, default=TOP / "build")
    parser.add_argument("rule", nargs="*")
    args = parser.parse_args()
    build = args.build.resolve()
    (build / "test-logs").mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    mutants = list(read_mutants(args.rule))
    results = []
    print(f"{'mutant':<7}{'without the rule':<62} first test that fails")
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        tried = pool.map(lambda item: try_mutant(*item, build), mutants)
        for (name, mutant), (noticed, text) in zip(mutants, tried):
            print(f"{name:<7}{mutant['what']:<62} {text}", flush=True)
            results.append(noticed)
    print(f"{time.monotonic() - started:.0f} s")
    print(f"{results.count(True)} passed, {results.count(False)} failed")
    sys.exit(0 if results and all(results) else 1)


if __name__ == "__main__":
    main()
