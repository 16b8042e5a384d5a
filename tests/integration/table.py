#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""The table of cases: what a user sees in each.

A run of the integration tests notes them in build/test-logs/cases.md; this program copies that file
to docs/failures.md, for a reader to judge.
"""

import os
import re
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("JOTA_BUILD", TOP / "build"))
PAGE = TOP / "docs/failures.md"
HOST = os.environ.get("JOTA_HOST") or "debian-plugin"
CASES = BUILD / "test-logs" / ("cases.md" if HOST == "debian-plugin" else f"cases-{HOST}.md")
HEAD = """<!-- SPDX-License-Identifier: LGPL-2.1-or-later -->
<!-- SPDX-FileCopyrightText: 2026 The swupdate-jetson authors -->
<!-- Made by tests/integration/table.py from a run of the integration tests; edit those. -->
# Cases, exit codes, sentences

What `swupdate-jetson -i` (or a daemon) answers in each case that the integration tests try, with
Debian's unmodified swupdate, taken from a run. Numbers that differ from run to run are written as
`N`, digests as `...`. [troubleshooting.md](troubleshooting.md) says what to do.
"""
PARTIAL = "<!-- not all tests were run, or one failed -->\n"
# As a reader wants them; the tests run in the order of their files.
GROUPS = ("Updates that go well", "Trial, confirmation, second updates",
          "Refused by SWUpdate before our code runs", "How swupdate was started", "The plugin",
          "The device", "The U-Boot environment", "UEFI variables", "What sw-description asks for",
          "Boot images",
          "Sizes", "Root filesystems in parts", "Images that arrive damaged",
          "swupdate killed in the middle",
          "Daemon: several updates in one process", "Clients of the daemon", "Update states set by others",
          "Block devices (loop devices, root only)")
# What differs from run to run or from device to device.
NORMAL = (
    (re.compile(r"/tmp/j[a-z0-9_]{8}(?=/)"), "$TMPDIR"),
    (re.compile(r"/tmp/jota-[a-z0-9_]+/device\d+-work"), "$WORK"),
    (re.compile(r"\b[0-9a-f]{40,64}\b"), "..."),
    (re.compile(r"\b(pid|process) \d+"), r"\1 N"),
    (re.compile(r"\b7:\d+"), "7:N"),  # loop devices
    (re.compile(r"at least \d+ more"), "at least N more"),
    (re.compile(r"\\?\|"), r"\\|"),
)


def normal(sentence, root):
    sentence = sentence.replace(str(root), "$JOTA_ROOT")
    for pattern, word in NORMAL:
        sentence = pattern.sub(word, sentence)
    return sentence


class Records:
    """Rows in the order of the run, by group."""

    def __init__(self):
        self.groups = {}
        self.partial = False  # not every test was run, or one failed
        self.begin()

    def begin(self):
        """A new list of what is noted from now on."""
        self.noted = []

    def add(self, group, case, code, sentence, root):
        rows = self.groups.setdefault(group, {})
        row = f"| {case} | {code} | {normal(sentence, root)} |"
        assert rows.get(case, row) == row, f"the case '{case}' is noted twice, differently"
        self.noted.append((group, case, code, sentence, str(root)))
        rows[case] = row

    def rows(self):
        return [row for rows in self.groups.values() for row in rows.values()]

    def text(self):
        lines = [HEAD]
        for group, rows in sorted(self.groups.items(), key=lambda item: GROUPS.index(item[0])):
            lines += [f"## {group}", "", "| case | exit | sentence |", "|---|---|---|",
                      *rows.values(), ""]
        return "\n".join(lines)

    def save(self):
        if self.groups:
            CASES.parent.mkdir(parents=True, exist_ok=True)
            CASES.write_text(self.text() + (PARTIAL if self.partial else ""))


def main():
    if not CASES.exists():
        sys.exit(f"table.py: no '{CASES}': run 'make check-integration' first")
    if PARTIAL in CASES.read_text():
        sys.exit("table.py: the last run was not a whole one: run all integration tests, as root")
    PAGE.write_text(CASES.read_text())
    print(f"{PAGE.relative_to(TOP)}: {CASES.read_text().count('| case |')} groups, "
          f"{len(re.findall(r'^[|] (?!case)', CASES.read_text(), re.M))} cases")


if __name__ == "__main__":
    main()
