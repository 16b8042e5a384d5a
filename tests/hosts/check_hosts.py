#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""The integration tests on every host, as one table: case by host, no cell empty.

Usage: tests/hosts/check_hosts.py [--build DIR] [--core] [HOST...]
A host is a swupdate with our handlers in one of their two forms. --core: only the cases of core.txt,
and only on the hosts that the handlers are compiled into. The tables, of hosts and of cases, are
written to DIR/test-logs/hosts.md (hosts-core.md; hosts-some.md when PYTEST_ARGS or HOST left some
out); what pytest says is kept beside it, per host. A case that was not even collected on one host
counts as failed there. The last line is 'N passed, N failed'.
"""

import argparse
import concurrent.futures
import dataclasses
import hashlib
import os
import shlex
import subprocess
import sys
import time
import xml.etree.ElementTree
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
TIMEOUT_S = 1700
NA = "n.a.: "


@dataclasses.dataclass
class Host:
    name: str
    form: str
    version: str
    binary: Path
    cells: dict = dataclasses.field(default_factory=dict)
    trouble: str = ""
    seconds: float = 0.0

    def digest(self):
        return hashlib.sha256(self.binary.read_bytes()).hexdigest()


def known_hosts(build):
    debian = build / "host/debian.stamp"
    version = debian.read_text().strip() if debian.exists() else "?"
    hosts = [Host("debian-plugin", "Debian's binary, with the plugin", version,
                  build / "host/debian/usr/bin/swupdate")]
    for name, form in (("luafree-plugin-2022.12", "without Lua, exporting its symbols; plugin"),
                       ("builtin-2022.12", "without Lua, handlers compiled in"),
                       ("builtin-2024.12.1", "without Lua, handlers compiled in")):
        hosts.append(Host(name, form, name.rpartition("-")[2], build / "hosts" / name / "swupdate"))
    return hosts


def run_pytest(host, build, core, logs):
    """Fills in host.cells from pytest's report, or host.trouble."""
    stem = f"hosts-core-{host.name}" if core else f"hosts-{host.name}"
    report = logs / f"{stem}.xml"
    report.unlink(missing_ok=True)
    argv = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "needs_root", "-p",
            "host_cases", "-o", "junit_family=xunit2", f"--junitxml={report}", "-q",
            *(["-m", "core"] if core else []), *shlex.split(os.environ.get("PYTEST_ARGS", "")),
            "tests/integration"]
    path = [str(TOP / "tests"), str(TOP / "tests/hosts"), os.environ.get("PYTHONPATH", "")]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, path)), "JOTA_HOST": host.name,
           "PYTHONDONTWRITEBYTECODE": "1", "JOTA_BUILD": str(build)}
    if not os.access(host.binary, os.X_OK):
        host.trouble = f"'{host.binary}' is missing: run 'make hosts'"
        return
    started = time.monotonic()
    with open(logs / f"{stem}.log", "wb") as log:
        try:
            status = subprocess.run(argv, cwd=TOP, env=env, stdout=log, stderr=subprocess.STDOUT,
                                    stdin=subprocess.DEVNULL, timeout=TIMEOUT_S).returncode
        except subprocess.TimeoutExpired:
            status = f"no end after {TIMEOUT_S} s"
    host.seconds = time.monotonic() - started
    if report.exists():
        host.cells = read_report(report)
    if not host.cells or status not in (0, 1) or (status and "failed" not in host.cells.values()):
        host.trouble = f"pytest ended with {status}, see {stem}.log"


def read_report(report):
    cells = {}
    for case in xml.etree.ElementTree.parse(report).iter("testcase"):
        name = f"{case.get('classname').rpartition('.')[2]}::{case.get('name')}"
        skip = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            cells[name] = "failed"
        elif skip is not None:
            reason = skip.get("message", "no reason given")
            cells[name] = reason if reason.startswith(NA) else f"not run: {reason}"
        else:
            cells.setdefault(name, "passed")
    return cells


def row(first, cells):
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in (first, *cells)) + " |"


def summary(hosts):
    words = ("passed", "failed", NA, "not run")
    return [row("host", ("form", "SWUpdate", "sha256 of the binary", "passed", "failed", "n.a.",
                         "not run")), "|---" * 8 + "|",
            *(row(host.name, (host.form, host.version, host.digest(),
                              *(count([host], word) for word in words))) for host in hosts)]


def table(hosts):
    # Not in the order of the run, which several forks share.
    names = sorted({name for host in hosts for name in host.cells})
    for host in hosts:
        for name in names:
            host.cells.setdefault(name, "failed (not collected)")
    lines = [row("case", (host.name for host in hosts)), "|---" * (len(hosts) + 1) + "|"]
    return lines + [row(name, (host.cells[name] for host in hosts)) for name in names]


def count(hosts, word):
    return sum(cell.startswith(word) for host in hosts for cell in host.cells.values())


def show(hosts):
    print(f"{'host':<26}{'passed':>8}{'failed':>8}{'n.a.':>7}{'not run':>9}{'seconds':>9}")
    for host in hosts:
        print(f"{host.name:<26}" + "".join(f"{count([host], word):>{width}}" for word, width in (
            ("passed", 8), ("failed", 8), (NA, 7), ("not run", 9))) + f"{host.seconds:>9.0f}")
        for name, cell in host.cells.items():
            if cell.startswith("failed"):
                print(f"FAILED: {host.name}: {name}")
        if host.trouble:
            print(f"FAILED: {host.name}: {host.trouble}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, default=TOP / "build")
    parser.add_argument("--core", action="store_true")
    parser.add_argument("hosts", nargs="*", metavar="HOST")
    args = parser.parse_args()
    build = args.build.resolve()
    hosts = known_hosts(build)
    known = [host.name for host in hosts]
    if not set(args.hosts) <= set(known):
        parser.error(f"hosts are {', '.join(known)}")
    hosts = [host for host in hosts if host.name in args.hosts or not args.hosts and
             (not args.core or host.name.startswith("builtin-"))]
    logs = build / "test-logs"
    logs.mkdir(parents=True, exist_ok=True)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        list(pool.map(lambda host: run_pytest(host, build, args.core, logs), hosts))
    some = args.hosts or os.environ.get("PYTEST_ARGS")
    page = logs / f"hosts{'-core' if args.core else '-some' if some else ''}.md"
    if not any(host.trouble and not host.cells for host in hosts):
        cases = table(hosts)
        page.write_text("\n".join([*summary(hosts), "", *cases]) + "\n")
        print(f"{page}: {len(hosts[0].cells)} cases on {len(hosts)} hosts")
    show(hosts)
    for name in sorted({name for host in hosts for name, cell in host.cells.items()
                        if cell.startswith("not run")}):
        print(f"NOT RUN: {name}")
    failed = count(hosts, "failed") + sum(bool(host.trouble) for host in hosts)
    passed, not_run = count(hosts, "passed"), count(hosts, "not run")
    print(f"{passed} passed, {failed} failed" + (f", {not_run} skipped" if not_run else ""))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
