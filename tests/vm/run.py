#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""Run scenarios on the virtual Jetson.

Usage: tests/vm/run.py [--build DIR] [--short] [--jobs N] [SCENARIO...]
Everything on the consoles is kept in DIR/vm/logs/. The table at the end names what is missing, too. The
last line is 'N passed, N failed', followed by ', N missing'.
"""

import argparse
import concurrent.futures
import shutil
import sys
import time
import traceback
from pathlib import Path

import machine
import scenarios
import web  # noqa: F401 (adds its scenario)


def run_one(build, entry):
    name, title, _, function = entry
    (build / "vm" / "logs" / f"{name}.log").unlink(missing_ok=True)
    started = time.monotonic()
    try:
        seen, passed = function(build, name), True
    except machine.Unexpected as why:
        seen, passed = str(why), False
    except Exception:  # a defect of the test itself must not hide the other results
        seen, passed = traceback.format_exc(), False
    seconds = time.monotonic() - started
    print(f"{'ok' if passed else 'FAILED':7} {name} ({seconds:.0f} s)"
          + ("" if passed else f"\n{seen}"), flush=True)
    return name, title, passed, seconds, seen


def chains(entries):
    """`back` starts from the card that `there` leaves: one after the other."""
    pair = [entry for entry in entries if entry[0] in ("there", "back")]
    return ([pair] if pair else []) + [[entry] for entry in entries if entry not in pair]


def print_table(results):
    print(f"\n{'scenario':24} {'result':8} {'seconds':>7}  what was seen")
    for name, _, passed, seconds, seen in results:
        words = " ".join(seen.split())
        print(f"{name:24} {'passed' if passed else 'FAILED':8} {seconds:7.0f}  {words[:100]}")
    for title, why in scenarios.MISSING:
        print(f"{title}: MISSING ({why})")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=machine.TOP / "build")
    parser.add_argument("--short", action="store_true", help="only the scenarios of the short form")
    parser.add_argument("--jobs", type=int, default=1, help="machines at the same time")
    parser.add_argument("scenario", nargs="*", help="names; default: all")
    options = parser.parse_args()
    build = options.build.resolve()
    _lock = machine.hold_image(build)
    known = {entry[0]: entry for entry in scenarios.SCENARIOS}
    unknown = [name for name in options.scenario if name not in known]
    if unknown:
        parser.error(f"no scenario {', '.join(unknown)}; there are: {', '.join(known)}")
    chosen = [known[name] for name in options.scenario] or [
        entry for entry in scenarios.SCENARIOS if entry[2] or not options.short]
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        lists = list(pool.map(lambda chain: [run_one(build, entry) for entry in chain], chains(chosen)))
    done = {result[0]: result for results in lists for result in results}
    results = [done[entry[0]] for entry in chosen]
    if not options.scenario:
        shutil.rmtree(build / "vm" / "run")
    print_table(results)
    passed = sum(result[2] for result in results)
    failed = len(results) - passed
    print(f"{passed} passed, {failed} failed, {len(scenarios.MISSING)} missing")
    return 1 if failed or not results else 0


if __name__ == "__main__":
    sys.exit(main())
