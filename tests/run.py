#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""Run parts of the test suite and add up what passed.

Usage: tests/run.py [--build DIR] PART...
Each part is a list of programs. A failing part does not stop the next one. What a program prints is
shown and kept in DIR/test-logs/. A part without any test, a program that ends badly and a program
that counts nothing are failures. A program that cannot run here says
'NOT RUN: <name>: <why>' and ends with 77. With REQUIRE_ROOT=1 a test that was not run is a failure too.
The last line is 'N passed, N failed', followed by ', N skipped' when there were any.
"""

import argparse
import concurrent.futures
import dataclasses
import os
import re
import shlex
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
TIMEOUT_S = 1800
CHECK_LINE = re.compile(r"^\d+%: Checks: (\d+), Failures: (\d+), Errors: (\d+)$", re.MULTILINE)
NOT_RUN_LINE = re.compile(r"^NOT RUN: (.+)$", re.MULTILINE)
NOT_RUN_STATUS = 77
PLAIN_LINE = re.compile(r"^(?:\w+: )?(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$", re.MULTILINE)


@dataclasses.dataclass
class Job:
    """One program; `report` is the file in which pytest leaves its results."""

    name: str
    argv: list
    env: dict = dataclasses.field(default_factory=dict)
    report: Path | None = None


@dataclasses.dataclass
class Tally:
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    failures: list = dataclasses.field(default_factory=list)
    not_run: list = dataclasses.field(default_factory=list)

    def fail(self, what, count=1):
        self.failed += count
        self.failures.append(what)

    def add(self, other):
        for field in dataclasses.fields(self):
            setattr(self, field.name, getattr(self, field.name) + getattr(other, field.name))


def check_programs(build):
    """One (name, path) per test_*.c, built or not: one that was not built is a failure when run."""
    sources = sorted((TOP / "tests").glob("*/test_*.c"))
    names = [str(source.relative_to(TOP / "tests").with_suffix("")) for source in sources]
    return [(name, str(build / "tests" / name)) for name in names]


def is_model(name):
    return name.startswith("models/")


# Check gives a test four seconds, or what its suite says; a busy machine may need more.
PATIENT = {"CK_TIMEOUT_MULTIPLIER": "10"}


def unit_jobs(build):
    return [Job(name, [path], PATIENT) for name, path in check_programs(build) if not is_model(name)]


def model_jobs(build):
    return [Job(name, [path], PATIENT) for name, path in check_programs(build) if is_model(name)]


def asan_jobs(build):
    env = {"CK_FORK": "yes", "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0",
           "UBSAN_OPTIONS": "print_stacktrace=1", **PATIENT}
    return [Job(f"asan/{name}", [path], env) for name, path in check_programs(build / "asan")]


# The first three are about limits, signals and failing starts of child processes, which valgrind keeps
# for itself; the others need openat2, which valgrind does not know.
VALGRIND_CANNOT = ("base/test_spawn", "health/test_command", "health/test_engine",
                   "health/test_newroot", "health/test_new_slot", "health/test_cells",
                   "health/test_extlinux", "health/test_new_units")


def valgrind_jobs(build):
    argv = ["valgrind", "--quiet", "--error-exitcode=99", "--leak-check=full",
            "--errors-for-leak-kinds=definite",
            "--suppressions=tests/support/valgrind.supp"]
    env = {"CK_FORK": "no", "CK_TIMEOUT_MULTIPLIER": "20"}
    return [Job(f"valgrind/{name}", argv + [path], env) for name, path in check_programs(build)
            if name not in VALGRIND_CANNOT]


# Minutes of arithmetic on few bytes: the sanitizers see as much of them in seconds.
VALGRIND_LONG = ("slot/test_policy", "slot/test_policy_invariants", "slot/test_backend_uboot",
                 "slot/test_backend_uboot_cut", "swu/test_build", "swu/test_payload",
                 "swu/test_sign", "swu/test_signature", "swu/test_verify",
                 "write/test_writer", "write/test_writer_faults", "write/test_bootimg")


def valgrind_short_jobs(build):
    return [job for job in valgrind_jobs(build) if job.name[len("valgrind/"):] not in VALGRIND_LONG]


def fuzz_jobs(build):
    """The corpora as plain tests, and proof that each fuzzer can find something."""
    env = {"ASAN_OPTIONS": "detect_leaks=1", "UBSAN_OPTIONS": "print_stacktrace=1",
           "LSAN_OPTIONS": "suppressions=tests/fuzz/lsan.supp:print_suppressions=0"}
    targets = [f.stem[5:] for f in sorted((TOP / "tests" / "fuzz").glob("fuzz_*.c"))]
    replays = [Job(f"fuzz/{target}", [str(build / "asan" / "tests" / "fuzz" / f"replay_{target}"),
                                      str(TOP / "tests" / "fuzz" / "corpus" / target)], env)
               for target in targets]
    self_test = [sys.executable, "tests/fuzz/run.py", "self-test", *targets, "--build", str(build),
                 "--seconds", "120"]
    return replays + [Job("fuzz/self-test", self_test)]


def powercut_jobs(build):
    if not list((TOP / "tests" / "powercut").glob("*.c")):
        return []
    extra = shlex.split(os.environ.get("POWERCUT_ARGS", ""))
    return [Job("powercut", [str(build / "bin" / "powercut"), *extra])]


def mutants_short_jobs(build):
    """Defects planted in copies of the sources, each of which must be noticed."""
    return [Job("mutants/short", [sys.executable, "tests/mutants/defects.py", "--short", "--build",
                                  str(build)])]


def combinations_jobs(build):
    script = str(TOP / "tests" / "combinations" / "run.py")
    return [Job("combinations", [sys.executable, "-B", script, "--short", "--build", str(build)],
                {"JOTA_BUILD": str(build)})]


def vm_short_jobs(build):
    """Whole updates on the virtual Jetson, which was built before."""
    script = str(TOP / "tests" / "vm" / "run.py")
    return [Job("vm-short", [sys.executable, "-B", script, "--short", "--jobs", "2", "--build",
                             str(build)])]


def pytest_jobs(build, name, extra, folder="integration", file=""):
    if not list((TOP / "tests" / folder).glob("test_*.py")):
        return []
    report = build / "test-logs" / f"{name}.xml"
    argv = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "needs_root",
            "-o", "junit_family=xunit2", f"--junitxml={report}", "-q", *extra,
            *shlex.split(os.environ.get("PYTEST_ARGS", "")), f"tests/{folder}/{file}"]
    path = os.pathsep.join(filter(None, [str(TOP / "tests"), os.environ.get("PYTHONPATH", "")]))
    env = {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", "JOTA_BUILD": str(build)}
    return [Job(name, argv, env, report)]


def tools_jobs(build):
    """In two processes of about the same length."""
    folder = TOP / "tests" / "tools"
    hostile = [folder / f"test_jetson_swu_{name}.py" for name in ("bad_input", "cve", "hostile")]
    others = [path for path in folder.glob("test_*.py") if path not in hostile]
    return [job for name, left_out in (("tools", hostile), ("tools-hostile", others))
            for job in pytest_jobs(build, name, [f"--ignore={path}" for path in left_out], "tools")]


def hosts_jobs(build):
    """How the hosts were made, then the short run on those that the handlers are compiled into."""
    short = [sys.executable, "tests/hosts/check_hosts.py", "--core", "--build", str(build)]
    return pytest_jobs(build, "hosts", [], "hosts") + [Job("hosts/core", short)]


def keys_jobs(build):
    """Each file is a job of its own: they share nothing, and run side by side."""
    files = sorted(file.name for file in (TOP / "tests" / "keys").glob("test_*.py"))
    return [job for file in files
            for job in pytest_jobs(build, f"keys-{file[5:-3]}", [], "keys", file)]


def hawkbit_short_jobs(build):
    """Four updates through a real hawkBit; named as not run where it could not be fetched."""
    return [Job("hawkbit-short", [sys.executable, "-B", "tests/hawkbit/table.py", "--short", "--build",
                                  str(build)], {"JOTA_BUILD": str(build)})]


PARTS = {
    "unit": unit_jobs,
    "models": model_jobs,
    "asan": asan_jobs,
    "valgrind": valgrind_jobs,
    "valgrind-short": valgrind_short_jobs,
    "fuzz": fuzz_jobs,
    "powercut": powercut_jobs,
    "mutants-short": mutants_short_jobs,
    "combinations": combinations_jobs,
    "tools": tools_jobs,
    "keys": keys_jobs,
    "integration": lambda build: pytest_jobs(build, "integration", []),
    "hosts": hosts_jobs,
    "root": lambda build: pytest_jobs(build, "root", ["-m", "root"]),
    "hawkbit-short": hawkbit_short_jobs,
    "hawkbit": lambda build: pytest_jobs(build, "hawkbit", [], "hawkbit"),
    "faults": lambda build: pytest_jobs(build, "faults", [], "faults"),
    "vm-short": vm_short_jobs,
    "faults-short": lambda build: pytest_jobs(build, "faults-short", ["-m", "quick"], "faults"),
}


def count_report(report, tally):
    """Counts from pytest's JUnit report, which also names what was skipped and why."""
    for case in xml.etree.ElementTree.parse(report).iter("testcase"):
        name = f"{case.get('classname')}::{case.get('name')}"
        if case.find("failure") is not None or case.find("error") is not None:
            tally.fail(name)
        elif (skip := case.find("skipped")) is not None:
            tally.skipped += 1
            tally.not_run.append(f"{name}: {skip.get('message', 'no reason given')}")
        else:
            tally.passed += 1


def count_output(job, text, tally):
    """Counts from Check's summary lines or from a plain closing line."""
    for checks, failures, errors in CHECK_LINE.findall(text):
        bad = int(failures) + int(errors)
        tally.passed += int(checks) - bad
        if bad:
            tally.fail(job.name, bad)
    for passed, failed, skipped in PLAIN_LINE.findall(text)[-1:]:
        tally.passed += int(passed)
        if int(failed):
            tally.fail(job.name, int(failed))
        if int(skipped or 0):
            tally.skipped += int(skipped)
            tally.not_run.append(f"{job.name}: {skipped} of its own")


def execute(job, log):
    """Run one program in its own process group; returns its exit status, or a word for it."""
    with open(log, "wb") as out:
        process = subprocess.Popen(job.argv, cwd=TOP, env={**os.environ, **job.env}, stdout=out,
                                   stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                   start_new_session=True)
        try:
            return process.wait(TIMEOUT_S)
        except subprocess.TimeoutExpired:
            return f"no end after {TIMEOUT_S} s"
        finally:
            # Children that a test left behind would hold files below build/ open.
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()


def run_job(job, logs):
    tally = Tally()
    log = logs / (job.name.replace("/", "-") + ".log")
    if job.report:
        job.report.unlink(missing_ok=True)
    try:
        status = execute(job, log)
    except OSError as error:
        log.write_text(f"{error}\n")
        status = "cannot be started"
    text = log.read_text(errors="replace")
    if job.report and job.report.exists():
        count_report(job.report, tally)
    elif not job.report:
        count_output(job, text, tally)
    named = NOT_RUN_LINE.findall(text)
    if status == NOT_RUN_STATUS and named:
        tally.skipped += len(named)
        tally.not_run += named
        status = 0
    if status != 0 and tally.failed == 0:
        tally.fail(f"{job.name} (ended with {status})")
    elif tally.passed + tally.failed + tally.skipped == 0:
        tally.fail(f"{job.name} (counted no test)")
    return tally, text


def run_part(name, build, logs):
    started = time.monotonic()
    total = Tally()
    jobs = PARTS[name](build)
    print(f"== {name}", flush=True)
    if not jobs:
        total.fail(f"{name} (no test found)")
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for job, (tally, text) in zip(jobs, pool.map(lambda j: run_job(j, logs), jobs)):
            print(f"-- {job.name}\n{text.rstrip()}", flush=True)
            total.add(tally)
    total.seconds = time.monotonic() - started
    return total


def show_table(tallies):
    print(f"\n{'part':<14}{'passed':>8}{'failed':>8}{'not run':>9}{'minutes':>9}")
    for name, t in tallies.items():
        print(f"{name:<14}{t.passed:>8}{t.failed:>8}{t.skipped:>9}{t.seconds / 60:>9.1f}")


def main():
    # Whoever starts the tests in the background may have SIGINT ignored, which programs inherit: a
    # shell script cannot even take it back. People at a terminal are what the tests are about.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, default=TOP / "build")
    parser.add_argument("parts", nargs="+", choices=PARTS)
    args = parser.parse_args()
    build = args.build.resolve()
    logs = build / "test-logs"
    logs.mkdir(parents=True, exist_ok=True)

    tallies = {name: run_part(name, build, logs) for name in args.parts}
    total = Tally()
    for tally in tallies.values():
        total.add(tally)
    show_table(tallies)
    for what in total.not_run:
        print(f"not run: {what}")
    for what in total.failures:
        print(f"FAILED: {what}")
    required = os.environ.get("REQUIRE_ROOT") == "1" and total.skipped
    if required:
        print(f"FAILED: REQUIRE_ROOT=1 and {total.skipped} tests were not run")
        total.failed += total.skipped
        total.skipped = 0
    closing = f"{total.passed} passed, {total.failed} failed"
    print(closing + (f", {total.skipped} skipped" if total.skipped else ""), flush=True)
    return 1 if total.failed or total.passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
