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
import json
import sys
import time
import traceback
from pathlib import Path

import hawkbit  # noqa: F401 (adds its scenarios)
import machine
import scenarios
import terminal  # noqa: F401 (adds its scenario)
import units  # noqa: F401 (adds its scenarios)
import web  # noqa: F401 (adds its scenario)


WORDS = {True: "passed", False: "FAILED", None: "MISSING"}


def run_one(build, entry):
    name, title, _, function = entry
    (build / "vm" / "logs" / f"{name}.log").unlink(missing_ok=True)
    started = time.monotonic()
    try:
        seen, passed = function(build, name), True
    except machine.Missing as why:
        seen, passed = str(why), None
    except machine.Unexpected as why:
        seen, passed = str(why), False
    except Exception:  # a defect of the test itself must not hide the other results
        seen, passed = traceback.format_exc(), False
    seconds = time.monotonic() - started
    print(f"{WORDS[passed]:7} {name} ({seconds:.0f} s)"
          + ("" if passed else f"\n{seen}"), flush=True)
    return name, title, passed, seconds, seen


def chains(entries):
    """`back` starts from the card that `there` leaves: one after the other."""
    pair = [entry for entry in entries if entry[0] in ("there", "back")]
    return ([pair] if pair else []) + [[entry] for entry in entries if entry not in pair]


def table(results, missing):
    lines = [f"{'scenario':22} {'result':8} {'seconds':>7}  what was seen"]
    for name, _, passed, seconds, seen in results:
        words = " ".join(seen.split())
        lines.append(f"{name:22} {WORDS[passed]:8} {seconds:7.0f}  {words[:140]}")
    lines += [f"{title}: MISSING ({why})" for title, why in missing]
    counts = [[result[2] for result in results].count(what) for what in (True, False, None)]
    absent = counts[2] + len(missing)
    lines.append(f"{counts[0]} passed, {counts[1]} failed" + (f", {absent} missing" if absent else ""))
    return "\n".join(lines), counts[0] and not counts[1]


def keep(build, results, missing):
    """For the page: the last result of each scenario, whether they ran together or one by one."""
    folder = build / "vm" / "results"
    folder.mkdir(exist_ok=True)
    file = folder / "scenarios.json"
    last = json.loads(file.read_text()) if file.exists() else {}
    last.update({result[0]: result for result in results})
    file.write_text(json.dumps(last, indent=1))
    text, _ = table([last[entry[0]] for entry in scenarios.SCENARIOS if entry[0] in last], missing)
    (folder / "scenarios.txt").write_text(text + "\n")


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
    for card in scenarios.LEFT_FOR_OTHERS:
        (build / "vm" / "run" / card).unlink(missing_ok=True)
    missing = [] if options.short else scenarios.MISSING
    text, good = table(results, missing)
    print(f"\n{text}")
    if not options.short:
        keep(build, results, missing)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
