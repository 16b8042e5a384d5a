#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""Run the fuzz targets, or prove that they find a planted overflow.

fuzz       each target for some seconds; what it finds is kept in BUILD/fuzz/found/<target>
self-test  the planted builds: the seeds alone pass, fuzzing from them crashes in the planted copy
merge      corpora from seeds and finds, minimised
The last line is 'N passed, N failed'.
"""

import argparse
import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
JOBS = 2
UNIT_BYTES_MAX = 8192
UNITS_MAX = 60
STAT = re.compile(r"^stat::(\w+):\s+(\d+)$", re.MULTILINE)
EDGES = re.compile(r"\bcov: (\d+)")
ALL_EDGES = re.compile(r"Loaded \d+ modules?\s+\((\d+) inline 8-bit counters\)")
# libconfig leaks at a syntax error (lsan.supp), so LeakSanitizer would look through all memory after
# nearly every unit, which is 27 times slower. Here it looks at the units that were kept, at the end.
LEAKS_AT_THE_END = ("config", "health", "swu_description")
COLUMNS = "{:<10}{:>12}{:>9}{:>8}{:>10}{:>11}{:>9}"


def scratch():
    """On a tmpfs where there is one: some targets rewrite files for every input."""
    return tempfile.TemporaryDirectory(prefix="jota-fuzz-",
                                       dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)


def start(program, log, options, folders, seconds):
    """One libFuzzer program to its end; returns its status and what it said."""
    with scratch() as tmp, open(log, "wb") as out:
        # addr2line comes with the compiler, LLVM's own symbolizer does not; the names of functions
        # are what suppressions and the planted overflow are known by.
        env = {**os.environ, "TMPDIR": tmp, "ASAN_SYMBOLIZER_PATH": shutil.which("addr2line"),
               "ASAN_OPTIONS": "detect_leaks=1:allocator_may_return_null=1:handle_abort=2",
               "LSAN_OPTIONS": f"suppressions={HERE}/lsan.supp:print_suppressions=0",
               "UBSAN_OPTIONS": "print_stacktrace=1"}
        try:
            status = subprocess.run([program, *options, *folders], env=env, stdout=out, cwd=tmp,
                                    stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                    timeout=seconds + 120, check=False).returncode
        except subprocess.TimeoutExpired:
            status = "no end"
    return status, Path(log).read_text(errors="replace")


def dictionary(target):
    path = HERE / "dict" / f"{target}.dict"
    return [f"-dict={path}"] if path.exists() else []


def fresh(path):
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path


def fuzz(target, out, seconds):
    found, crashes = out / "found" / target, fresh(out / "crashes" / target)
    found.mkdir(parents=True, exist_ok=True)
    options = [f"-max_total_time={seconds}", "-print_final_stats=1", f"-max_len={UNIT_BYTES_MAX}",
               "-timeout=10", f"-artifact_prefix={crashes}/", *dictionary(target)]
    before = len(list(found.iterdir()))
    late = target in LEAKS_AT_THE_END
    status, said = start(out / "bin" / target, out / f"{target}.log",
                         [*options, *(["-detect_leaks=0"] if late else [])],
                         [found, HERE / "corpus" / target], seconds)
    if late and status == 0:
        status, _ = start(out / "bin" / target, out / f"{target}-leaks.log",
                          ["-runs=0", f"-artifact_prefix={crashes}/"],
                          [found, HERE / "corpus" / target], seconds)
    stats = {name: int(value) for name, value in STAT.findall(said)}
    edges, total = EDGES.findall(said), ALL_EDGES.search(said)
    executed, broken = stats.get("number_of_executed_units", 0), len(list(crashes.iterdir()))
    ok = status == 0 and broken == 0 and executed > 0 and edges
    row = COLUMNS.format(target, executed, edges[-1] if edges else "-", total[1] if total else "-",
                         len(list(found.iterdir())) - before, executed // max(seconds, 1), broken)
    why = "" if ok else f"FAILED: {target}: status {status}, see {out / target}.log and {crashes}"
    return ok, row, why


def self_test(target, out, seconds):
    program, crashes = out / "bin" / f"{target}-planted", fresh(out / "planted" / target)
    seeds = fresh(out / "seeds" / target)
    for seed in (HERE / "corpus" / target).glob("seed-*"):
        shutil.copy(seed, seeds)
    log = out / f"{target}-planted.log"
    status, _ = start(program, log, ["-runs=0"], [seeds], seconds)
    if status != 0:
        return False, "", f"FAILED: {target}: a seed alone ends with {status}, see {log}"
    started = time.monotonic()
    # Leaks have their own builds to be found by, and looking for them is slow at the start.
    options = [f"-max_total_time={seconds}", f"-max_len={UNIT_BYTES_MAX}", "-seed=1", "-detect_leaks=0",
               f"-artifact_prefix={crashes}/", *dictionary(target)]
    status, said = start(program, log, options, [seeds], seconds)
    took = time.monotonic() - started
    ok = (status != 0 and "heap-buffer-overflow" in said and " in fuzz_plant" in said
          and list(crashes.iterdir()))
    row = f"{target:<10} planted overflow found after {took:.1f} s" if ok else ""
    return ok, row, "" if ok else f"FAILED: {target}: not found in {seconds} s, see {log}"


def merge(target, out, seconds):
    corpus, found = HERE / "corpus" / target, out / "found" / target
    found.mkdir(parents=True, exist_ok=True)
    kept = fresh(out / "merged" / target)
    for seed in corpus.glob("seed-*"):
        shutil.copy(seed, kept)
    seeds = len(list(kept.iterdir()))
    # Without counters a unit must reach an edge of its own: few units, all of the code.
    options = ["-merge=1", "-use_counters=0", "-use_value_profile=0", f"-max_len={UNIT_BYTES_MAX}"]
    status, _ = start(out / "bin" / target, out / f"{target}-merge.log", options,
                      [kept, found, corpus], seconds)
    units = sorted(kept.iterdir(), key=lambda unit: (not unit.name.startswith("seed-"), unit.name))
    if status != 0:
        return False, "", f"FAILED: {target}: merge ends with {status}"
    fresh(corpus)
    for unit in units[:UNITS_MAX]:
        shutil.copy(unit, corpus)
    return True, (f"{target:<10} {min(len(units), UNITS_MAX)} units, {seeds} of them seeds"
                  f"{', some left out' if len(units) > UNITS_MAX else ''}"), ""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("fuzz", "self-test", "merge"))
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("targets", nargs="*")
    args = parser.parse_args()
    out = args.build.resolve() / "fuzz"
    targets = args.targets or sorted(f.stem[5:] for f in HERE.glob("fuzz_*.c"))
    work = {"fuzz": fuzz, "self-test": self_test, "merge": merge}[args.what]

    if args.what == "fuzz":
        print(COLUMNS.format("target", "executions", "edges", "of", "new units", "exec/s", "crashes"))
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        for ok, row, why in pool.map(lambda target: work(target, out, args.seconds), targets):
            failed += not ok
            print("\n".join(filter(None, (row, why))), flush=True)
    print(f"{len(targets) - failed} passed, {failed} failed")
    return 1 if failed or not targets else 0


if __name__ == "__main__":
    sys.exit(main())
