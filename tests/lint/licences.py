#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""Every file says its licence in its first line, or REUSE.toml says it for files that cannot.

handlers/ is compiled into SWUpdate and shares its licence; the rest is under the LGPL.
"""

import fnmatch
import re
import subprocess
import sys
import tomllib
from pathlib import Path

# Start of the path -> licence. The first match counts.
LICENCE = (
    ("handlers/", "GPL-2.0-only"),
    ("tests/handlers/", "GPL-2.0-only"),
    ("meta-swupdate-jetson/", "MIT"),
    ("", "LGPL-2.1-or-later"),
)
# In two parts, or this file would hold tags of its own that other tools read.
TAG = re.compile("SPDX-License-" + r"Identifier: ([A-Za-z0-9.+-]+)")
OWNER = "SPDX-File" + "CopyrightText: 2026 The swupdate-jetson authors"


def annotated():
    table = tomllib.loads(Path("REUSE.toml").read_text())
    for entry in table["annotations"]:
        paths = entry["path"]
        for pattern in [paths] if isinstance(paths, str) else paths:
            yield pattern, entry["SPDX-License-" + "Identifier"]


def check_file(path, patterns):
    want = next(licence for start, licence in LICENCE if path.startswith(start))
    for pattern, licence in patterns:
        # fnmatch lets '*' cross a slash, so '**/' only has to be allowed to be empty.
        if fnmatch.fnmatch(path, pattern) or fnmatch.fnmatch(path, pattern.replace("**/", "")):
            return "" if licence == want else f"REUSE.toml says {licence}, expected {want}"
    lines = Path(path).read_text(errors="replace").splitlines()[:6]
    tagged = lines[1:2] if lines and lines[0].startswith("#!") else lines[:1]
    found = TAG.search(tagged[0]) if tagged else None
    if not found:
        return "no licence tag in the first line (second after '#!')"
    if found[1] != want:
        return f"licence {found[1]}, expected {want}"
    if not Path("LICENSES", f"{want}.txt").exists():
        return f"LICENSES/{want}.txt is missing"
    return "" if any(OWNER in line for line in lines) else f"no line '{OWNER}'"


def main():
    files = subprocess.run(["tests/lint/files.sh"], check=True, text=True,
                           capture_output=True).stdout.splitlines()
    patterns = list(annotated())
    bad = 0
    for path in files:
        if path.startswith("LICENSES/"):
            continue
        if problem := check_file(path, patterns):
            print(f"{path}: {problem}")
            bad = 1
    return bad


if __name__ == "__main__":
    sys.exit(main())
