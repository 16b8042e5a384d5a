#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""Server and device after the same update, scenario by host, on a real hawkBit.

Usage: table.py [--build DIR] [--short | --into-page] [--host HOST]... [SCENARIO...]
Every scenario runs on every host; a cell says what the server says, what the device says and whether they
agree. "cannot" is what a host cannot do, with its reason: it counts neither way. The table is kept in
DIR/test-logs/hawkbit.md, what failed beside it. --short: Debian's swupdate and four scenarios, for
`make check`. --into-page: run nothing, put the table of the last whole run into docs/hawkbit.md, if it was a good
one. The last line is 'N passed, N failed'.
Exit codes: 0 all agree, 77 hawkBit cannot be had here, 1 everything else.
"""

import argparse
import concurrent.futures
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import scenarios
import server as server_of

PAGE = server_of.TOP / "docs/hawkbit.md"
BEGIN, END = "<!-- table: begin -->\n", "<!-- table: end -->\n"
HOSTS = ("debian-plugin", "builtin-2022.12", "builtin-2024.12.1")
TIMEOUT_S = 3000


def run_host(name, shared, chosen, build, jobs):
    """Cells of one host, by scenario; a host that says nothing has none."""
    with tempfile.TemporaryDirectory(prefix="jota-") as folder:
        out = Path(folder) / "cells"
        env = {**os.environ, "JOTA_HOST": name, "JOTA_BUILD": str(build)}
        argv = [sys.executable, "-B", Path(__file__).with_name("scenarios.py"), "--server", shared,
                "--out", out, "--jobs", str(jobs), *chosen]
        said = subprocess.run([str(word) for word in argv], env=env, text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=TIMEOUT_S,
                              stdin=subprocess.DEVNULL)
        cells = json.loads(out.read_text()) if out.exists() else {}
    for scenario in chosen:
        cells.setdefault(scenario, {"agree": "no", "why": f"did not end: {said.stdout[-2000:]}",
                                    "log": said.stdout})
    return cells


def text_of(cell):
    if cell["agree"] in ("cannot", "not run"):
        word = "this host cannot" if cell["agree"] == "cannot" else "not run"
        return f"{word}: {cell['why']}"
    text = f"server: {cell.get('server', '')}; device: {cell.get('device', '')}; agree: {cell['agree']}"
    return text + (f" ({cell['why']})" if cell["why"] else "")


def table(hosts, found):
    def row(words):
        return "| " + " | ".join(" ".join(str(w).split()).replace("|", "\\|") for w in words) + " |"

    lines = [row(("scenario", *hosts)), "|---" * (len(hosts) + 1) + "|"]
    names = [s.__name__ for s in scenarios.SCENARIOS if s.__name__ in found[hosts[0]]]
    for name in names:
        title = getattr(scenarios, name).__doc__
        lines.append(row((title, *(text_of(found[host][name]) for host in hosts))))
    return lines


def put_into_page(kept):
    if not kept.exists():
        sys.exit(f"table.py: no '{kept}': run 'make hawkbit' first")
    text = kept.read_text()
    if "agree: no" in text or "| not run:" in text:
        sys.exit(f"table.py: the last whole run was not a good one, see '{kept}'")
    before, rest = PAGE.read_text().split(BEGIN)
    PAGE.write_text(before + BEGIN + text + END + rest.split(END)[1])


def show(hosts, found, logs):
    """The counts; what failed is kept in a file."""
    count = {word: 0 for word in ("yes", "no", "cannot", "not run")}
    for host in hosts:
        for name, cell in found[host].items():
            count[cell["agree"]] += 1
            print(f"{host:<20}{name:<22}{cell['agree']:<9}{cell.get('seconds', 0):>4} s")
            if cell["agree"] == "no":
                log = logs / f"hawkbit-{host}-{name}.log"
                log.write_text(cell.get("log", ""))
                print(f"FAILED: {host}: {name}: {cell['why']} ({log})")
            if cell["agree"] == "not run":
                print(f"NOT RUN: hawkbit, {name} on {host}: {cell['why']}")
            if cell["agree"] == "cannot":
                print(f"{host}: {name}: this host cannot: {cell['why']}")
    return count


def main():
    # Ended like by Ctrl-C: the server must not stay behind.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, default=server_of.BUILD)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--into-page", action="store_true")
    parser.add_argument("--host", action="append", choices=HOSTS, dest="hosts")
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO")
    args = parser.parse_args()
    known = [s.__name__ for s in (scenarios.SHORT if args.short else scenarios.SCENARIOS)]
    if not set(args.scenarios) <= set(known):
        parser.error(f"scenarios are {', '.join(known)}")
    build = args.build.resolve()
    if args.into_page:
        put_into_page(build / "test-logs/hawkbit.md")
        return
    chosen, hosts = args.scenarios or known, args.hosts or (HOSTS[:1] if args.short else HOSTS)
    logs = build / "test-logs"
    logs.mkdir(parents=True, exist_ok=True)
    try:
        running = server_of.HawkBit()
    except server_of.NoJar as reason:
        print(f"NOT RUN: hawkbit: {reason}")
        sys.exit(77)
    with running, tempfile.TemporaryDirectory(prefix="jota-") as folder:
        print(f"{running.program.name} was ready after {running.seconds:.0f} s", flush=True)
        shared = Path(folder) / "server"
        running.hand_over(shared)
        started = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(len(hosts)) as pool:
            found = dict(zip(hosts, pool.map(
                lambda name: run_host(name, shared, chosen, build, max(2, 4 // len(hosts))), hosts)))
    lines = table(hosts, found)
    whole = not args.short and not args.scenarios and not args.hosts
    page = logs / ("hawkbit.md" if whole else "hawkbit-some.md")
    page.write_text("\n".join([f"Server: {running.program.name}.", "", *lines]) + "\n")
    print("\n".join(lines))
    count = show(hosts, found, logs)
    print(f"{time.monotonic() - started:.0f} s for {len(chosen)} scenarios on {len(hosts)} hosts")
    print(f"{count['yes']} passed, {count['no']} failed"
          + (f", {count['not run']} skipped" if count["not run"] else ""))
    sys.exit(1 if count["no"] or not count["yes"] else 77 if count["not run"] else 0)


if __name__ == "__main__":
    main()
