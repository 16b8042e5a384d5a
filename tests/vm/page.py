#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""Put what the last runs printed into a page.

Usage: tests/vm/page.py [--build DIR] PAGE
Between '<!-- NAME: begin -->' and '<!-- NAME: end -->' stands what DIR/vm/results/NAME.txt holds, or, for
the consoles, the telling lines of DIR/vm/logs/. What was not run stays as it is in the page, and is named.
"""

import argparse
import re
import sys
from pathlib import Path

import machine

RESULTS = ("scenarios", "powercut", "powercut-planted", "replay", "replay-planted")
CONSOLES = {"update": "there", "fallback": "crash", "health": "units-sick", "units": "units-confirm"}
COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
TELLING = re.compile(
    r"--- power|--- units|U-Boot 2023|\[first\]|\[jota\]|VM-INIT|VM-UP|bytes written to slot|is complete and will"
    r"|\[flip\]|SWUPDATE success|Saving Env|Kernel panic|Bootlimit|jetson-health: |the running slot is good"
    r"|^The last trial was|in that trial|app\.service is|healthy|its trial is over|FAILED")
# Of the environment when it is printed, and of commands that are echoed.
NOISE = re.compile(r"^jota_\w+=|U-Boot code|^\s*$")


def console(build, name):
    """The telling lines, with the second in front."""
    path = build / "vm" / "logs" / f"{name}.log"
    if not path.exists():
        return None
    lines = []
    for line in path.read_text(errors="replace").splitlines():
        match = re.match(r"(\[ *\d+\.\d\d\]) (.*)", re.sub(r"(/ )?# .*|echo .*", "", COLOUR.sub("", line)))
        if not match or not TELLING.search(match.group(2)) or NOISE.search(match.group(2)):
            continue
        text = match.group(2).replace("[INFO ] : SWUPDATE running :  ", "").strip()
        text = re.sub(r"(\[INFO \] : |SWUPDATE successful ! (?=SWUP))", "", text)
        text = re.sub(r"^(--- power on): .*", r"\1", text)
        text = re.sub(r"^(VM-INIT .*?) boot=\S+", r"\1", text)
        lines.append(f"{match.group(1)} {text[:150]}")
    return "\n".join(lines)


def fill(page, name, text):
    begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->"
    if begin not in page or end not in page:
        raise SystemExit(f"page.py: the page has no place for '{name}'")
    before, rest = page.split(begin, 1)
    return f"{before}{begin}```\n{text.rstrip()}\n```\n{end}{rest.split(end, 1)[1]}"


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=machine.TOP / "build")
    parser.add_argument("page", type=Path)
    options = parser.parse_args()
    build = options.build.resolve()
    page = options.page.read_text()
    results = build / "vm" / "results"
    for name in (*RESULTS, *CONSOLES):
        file = results / f"{name}.txt"
        text = console(build, CONSOLES[name]) if name in CONSOLES else (
            file.read_text() if file.exists() else None)
        if text is None:
            print(f"not run, left as it is: {name}")
        else:
            page = fill(page, name, text)
    options.page.write_text(page)


if __name__ == "__main__":
    sys.exit(main())
