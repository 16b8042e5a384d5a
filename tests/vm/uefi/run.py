#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""Run scenarios on the UEFI machine.

Usage: tests/vm/uefi/run.py [--build DIR] [--jobs N] [SCENARIO...]
Everything on the consoles is kept in DIR/vm/logs/uefi-*.log. The last line is 'N passed, N failed'.
"""

import argparse
import concurrent.futures
import sys
import time
import traceback
from pathlib import Path

from scenarios import SCENARIOS
from uefi_machine import Unexpected

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import machine  # noqa: E402


def run_one(build, entry):
    name, _, function = entry
    log = f"uefi-{name}"
    (build / "vm" / "logs" / f"{log}.log").unlink(missing_ok=True)
    started = time.monotonic()
    try:
        seen, passed = function(build, log), True
    except Unexpected as why:
        seen, passed = str(why), False
    except Exception:  # a defect of the test itself must not hide the other results
        seen, passed = traceback.format_exc(), False
    seconds = time.monotonic() - started
    print(f"{'ok' if passed else 'FAILED':7} {name} ({seconds:.0f} s)" + ("" if passed else f"\n{seen}"),
          flush=True)
    return name, passed, seconds, seen


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=machine.TOP / "build")
    parser.add_argument("--jobs", type=int, default=1, help="machines at the same time")
    parser.add_argument("scenario", nargs="*", help="names; default: all")
    options = parser.parse_args()
    build = options.build.resolve()
    _lock = machine.hold_image(build)
    known = {entry[0]: entry for entry in SCENARIOS}
    unknown = [name for name in options.scenario if name not in known]
    if unknown:
        parser.error(f"no scenario {', '.join(unknown)}; there are: {', '.join(known)}")
    chosen = [known[name] for name in options.scenario] or SCENARIOS
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        results = list(pool.map(lambda entry: run_one(build, entry), chosen))
    print(f"\n{'scenario':24} {'result':8} {'seconds':>7}  what was seen")
    for name, passed, seconds, seen in results:
        print(f"{name:24} {'passed' if passed else 'FAILED':8} {seconds:7.0f}  "
              f"{' '.join(seen.split())[:120]}")
    failed = sum(not passed for _, passed, _, _ in results)
    print(f"{len(results) - failed} passed, {failed} failed")
    return 1 if failed or not results else 0


if __name__ == "__main__":
    sys.exit(main())
