#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""Includes point in one direction only; docs/architecture.md has the map that this table repeats."""

import re
import subprocess
import sys
from pathlib import Path

INCLUDE = re.compile(r'^\s*#\s*(?:include|if.*__has_include\s*\()\s*([<"])([^>"]+)[>"]', re.MULTILINE)
LIBRARY = {"base", "slot", "write", "update", "health", "swu", "fleet"}
# Folder of the including file -> folders of lib/ it may see. The first match counts.
MAY_SEE = (
    ("lib/base/", {"base"}),
    ("lib/slot/", {"base", "slot"}),
    ("lib/write/", {"base", "slot", "write"}),
    ("lib/update/", {"base", "slot", "write", "update"}),
    ("lib/health/", {"base", "write", "swu", "health"}),
    ("lib/swu/", {"base", "slot", "write", "swu"}),
    ("fleet/", {"base", "fleet"}),
    ("handlers/", {"base", "slot", "write", "update", "health"}),
    ("tools/", LIBRARY),
    ("tests/models/", set()),
    ("tests/", LIBRARY),
)
# Headers of others -> folders that may include them, among the product's own code and the models.
RESERVED = (
    (re.compile(r"^libuboot\.h$"), ("lib/slot/",)),
    (re.compile(r"^openssl/"), ("lib/swu/", "fleet/")),
    (re.compile(r"^curl/"), ("fleet/", "tools/jetson-swu/", "lib/health/",
                               "tools/jetson-health/hawkbit_http.c")),
    (re.compile(r"^systemd/"), ("lib/health/",)),
)
HOST_HEADERS = Path("build/host/swupdate-2022.12/include")


def complain(path, line, text):
    print(f"{path}:{line}: {text}")
    return 1


def check_own(path, line, name, allowed):
    folder = name.split("/")[0]
    if ".." in Path(name).parts:
        return complain(path, line, f"'{name}': name the folder instead of going up with '..'")
    if folder == "lib":
        return complain(path, line, f"'{name}': write it as '{name[4:]}', from lib/ on")
    if folder in LIBRARY and "/" in name and folder not in allowed:
        seen = ", ".join(sorted(allowed)) or "none"
        return complain(path, line, f"'{name}': this folder may see of lib/: {seen}")
    if folder == "handlers" or (folder == "tools" and not str(path).startswith("tests/")):
        return complain(path, line, f"'{name}': nothing includes handlers/ or tools/")
    return 0


def check_foreign(path, line, name, host):
    text = str(path)
    if name in host and not (path.parent / name).exists():
        if not text.startswith(("handlers/", "tests/handlers/")):
            return complain(path, line, f"'{name}': only handlers/ sees SWUpdate's headers")
    if text.startswith("tests/") and not text.startswith("tests/models/"):
        return 0
    for pattern, folders in RESERVED:
        if pattern.match(name) and not text.startswith(folders):
            return complain(path, line, f"'{name}': only for {' '.join(folders)}")
    return 0


def check_file(path, host):
    text = path.read_text(errors="replace")
    folder = str(path)
    allowed = next((seen for start, seen in MAY_SEE if folder.startswith(start)), None)
    if allowed is None:
        return complain(path, 1, "no include rule for this folder: add one to tests/lint/includes.py")
    bad = 0
    for match in INCLUDE.finditer(text):
        line = text.count("\n", 0, match.start(1)) + 1
        bad += check_own(path, line, match[2], allowed)
        bad += check_foreign(path, line, match[2], host)
    return bad


def main():
    host = {p.name for p in HOST_HEADERS.glob("*.h")} | {"swupdate_image.h"}
    if len(host) < 10:
        print(f"'{HOST_HEADERS}' is missing: run 'make' first")
        return 1
    files = subprocess.run(["tests/lint/files.sh", "*.c", "*.h"], check=True, text=True,
                           capture_output=True).stdout.split()
    return 1 if sum(check_file(Path(name), host) for name in files) else 0


if __name__ == "__main__":
    sys.exit(main())
