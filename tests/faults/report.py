#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""The table fault x role -> sentence, as a run of the fault tests has seen it.

A run leaves it in build/test-logs/faults.md. This program prints it, or, given a page, puts it
there between the lines '<!-- faults: begin -->' and '<!-- faults: end -->'.
"""

import argparse
import os
import re
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("JOTA_BUILD", TOP / "build"))
TABLE = BUILD / "test-logs/faults.md"
SOME_ROWS = TABLE.with_name("faults-some.md")  # of a run that left cases out
BEGIN, END = "<!-- faults: begin -->", "<!-- faults: end -->"
# What differs from run to run, or from image to image.
NORMAL = (
    (re.compile(r"XXH3 [0-9a-f]{16}, expected [0-9a-f]{16}"), "XXH3 ..., expected ..."),
    (re.compile(r"0x[0-9a-f]{2}\b"), "0x.."),
    (re.compile(r"\\?\|"), r"\\|"),
)


def normal(sentence):
    for pattern, word in NORMAL:
        sentence = pattern.sub(word, sentence)
    return sentence


class Records:
    """Rows and figures in the order of the run."""

    def __init__(self):
        self.rows = []
        self.partial = False  # not every test was run
        self.figures = []

    def add(self, case, role, code, sentence):
        self.rows.append(f"| {case} | {role} | {code} | {normal(sentence)} |")

    def figure(self, text):
        self.figures.append(text)

    def text(self):
        return "\n".join(["| fault | role | exit | sentence |", "|---|---|---|---|", *self.rows, "",
                          *(f"- {figure}" for figure in self.figures), ""])

    def save(self):
        if self.rows:
            TABLE.parent.mkdir(parents=True, exist_ok=True)
            (SOME_ROWS if self.partial else TABLE).write_text(self.text())


def insert(page, text):
    old = page.read_text()
    if old.count(BEGIN) != 1 or old.count(END) != 1:
        sys.exit(f"report.py: '{page}' has no lines '{BEGIN}' and '{END}'")
    head, rest = old.split(BEGIN)
    page.write_text(f"{head}{BEGIN}\n{text}{END}{rest.split(END)[1]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("page", type=Path, nargs="?", help="where to put the table")
    page = parser.parse_args().page
    if not TABLE.exists():
        sys.exit(f"report.py: no '{TABLE}': run 'make check-faults' first")
    if page:
        insert(page, TABLE.read_text())
    else:
        print(TABLE.read_text(), end="")


if __name__ == "__main__":
    main()
