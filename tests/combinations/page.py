#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""The table of combinations, as a whole run has seen it.

Usage: tests/combinations/page.py BUILD PAGE
Puts build/test-logs/combinations.md into the page between the lines '<!-- combinations: begin -->' and
'<!-- combinations: end -->'.
"""

import itertools
import sys
from pathlib import Path

import axes

BEGIN, END = "<!-- combinations: begin -->", "<!-- combinations: end -->"
COLUMNS = list(itertools.product((False, True), axes.COMPRESSIONS))


def cell(cases, results):
    """Layouts that were installed, or the letter of the reason."""
    assert cases, "an empty cell"
    if any(results[case] for case in cases):
        return "FAILED: " + ", ".join(case.layout for case in cases if results[case])
    reasons = {case.reason for case in cases if case.reason}
    if reasons:
        return "n/a " + " ".join(f"({letter})" for letter in sorted(reasons))
    return " ".join(case.layout for case in cases)


def row(words):
    return "| " + " | ".join(words) + " |"


def text(results):
    head = ["signature", "split", "host"] + [
        compress + (" + AES" if secret else "") for secret, compress in COLUMNS]
    lines = [row(head), "|---" * len(head) + "|"]
    others = [case for case in results if case.layout in axes.OTHER_LAYOUTS]
    for split, (signature, hosts) in itertools.product(axes.SPLITS, axes.SIGNATURES.items()):
        mine = [case for case in results if (case.signature, case.split) == (signature, split) and
                case not in others]
        for name in hosts if split == "whole" else ("in turns",):
            here = [case for case in mine if split == "parts" or case.host == name]
            shown = name if split == "whole" else ", ".join(dict.fromkeys(c.host for c in here))
            lines.append(row([signature, split, shown] + [
                cell([c for c in here if (c.encrypt, c.compress) == column], results)
                for column in COLUMNS]))
    lines += ["", "A cell names the layouts that were installed. Not applicable:", ""]
    lines += [f"- ({letter}) {reason}" for letter, reason in axes.REASONS.items()]
    failed = [case.layout for case in others if results[case]]
    lines += ["", f"Layouts {' and '.join(axes.OTHER_LAYOUTS)}: "
              + (f"FAILED: {', '.join(failed)}" if failed else
                 "installed, by UEFI variables: CMS on debian-plugin, whole, uncompressed.")]
    count = sum(not case.reason and results[case] is None for case in results)
    refused = sum(bool(case.reason) and results[case] is None for case in results)
    lines += ["", axes.INTERMEDIATE]
    lines += ["", f"{count} packages installed, {refused} refused, "
              f"{len(results) - count - refused} failed.", ""]
    return "\n".join(lines)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__.strip())
    table, target = Path(sys.argv[1]) / "test-logs/combinations.md", Path(sys.argv[2])
    if not table.exists():
        sys.exit(f"page.py: no '{table}': run 'make check-combinations' first")
    if "FAILED" in table.read_text():
        sys.exit(f"page.py: not everything in '{table}' went well")
    old = target.read_text()
    if old.count(BEGIN) != 1 or old.count(END) != 1:
        sys.exit(f"page.py: '{target}' has no lines '{BEGIN}' and '{END}'")
    head, rest = old.split(BEGIN)
    target.write_text(f"{head}{BEGIN}\n{table.read_text()}{END}{rest.split(END)[1]}")


if __name__ == "__main__":
    main()
