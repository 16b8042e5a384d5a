#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""Make docs/hosts.md, and its summary in docs/testing.md, from what a whole `make check-hosts` left in
build/test-logs/hosts.md. A run with a failure, or with a test that was not run, is refused."""

import os
import re
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("JOTA_BUILD", TOP / "build"))
TABLES = BUILD / "test-logs/hosts.md"
PAGE = TOP / "docs/hosts.md"
SUMMARY = TOP / "docs/testing.md"
BEGIN, END = "<!-- hosts: begin -->\n", "<!-- hosts: end -->\n"
HEAD = """<!-- SPDX-License-Identifier: LGPL-2.1-or-later -->
<!-- SPDX-FileCopyrightText: 2026 The swupdate-jetson authors -->
<!-- Made by `make hosts-table` from a run of `make check-hosts`. -->
# Every case on every host

What `make check-hosts` found: each integration test on each host, as root. A case that a host
cannot have is `n.a.` with its reason. [compiled-in.md](compiled-in.md) says what the hosts are,
[failures.md](failures.md) what a user reads in each case.

"""


def main():
    if not TABLES.exists():
        sys.exit(f"page.py: no '{TABLES}': run 'make check-hosts' first")
    text = TABLES.read_text()
    bad = [line for line in text.splitlines() if re.search(r"\| (failed|not run: )", line)
           and not line.startswith("| host ")]
    if bad:
        sys.exit("page.py: the last run was not a good one:\n" + "\n".join(bad))
    PAGE.write_text(HEAD + text)
    before, rest = SUMMARY.read_text().split(BEGIN)
    SUMMARY.write_text(before + BEGIN + text.split("\n\n")[0] + "\n" + END + rest.split(END)[1])
    cases = text.split("\n\n")[1].count("\n") - 2
    print(f"{PAGE.relative_to(TOP)}: {cases} cases")


if __name__ == "__main__":
    main()
