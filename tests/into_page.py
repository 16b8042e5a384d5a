#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""Put a table from standard input between the marks NAME of docs/testing.md, as it was printed.

Usage: into_page.py NAME <TABLE
"""

import sys
from pathlib import Path

PAGE = Path(__file__).resolve().parents[1] / "docs/testing.md"


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    begin, end = (f"<!-- {sys.argv[1]}: {word} -->\n" for word in ("begin", "end"))
    table = sys.stdin.read().strip("\n")
    if not table:
        sys.exit(f"into_page.py: no table '{sys.argv[1]}' on standard input: run its target first")
    before, rest = PAGE.read_text().split(begin)
    PAGE.write_text(f"{before}{begin}```\n{table}\n```\n{end}{rest.split(end)[1]}")


if __name__ == "__main__":
    main()
