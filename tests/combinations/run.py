#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""Every .swu of a table of combinations goes through the real swupdate and our handlers.

Usage: tests/combinations/run.py [--build DIR] [--short] [--only WORD] [--jobs N]
Each package is built by `jetson-swu build`, found good by `jetson-swu verify`, taken by
`swupdate -c`, which must change nothing, and installed; then the device is compared byte for byte with
the images. What cannot be combined must be refused, for the reason that the table gives.
--short: the fewest cases in which every two values meet. --only: cases whose name has the word in it.
The table is left in DIR/test-logs/combinations.md; the last line is 'N passed, N failed'.
"""

import argparse
import concurrent.futures
import os
import sys
import tempfile
import threading
import time
from pathlib import Path

import axes
import page
from stock import GIB, ON_DEBIAN, SIGNING, TOP, Stock

sys.path[:0] = [str(TOP / folder) for folder in ("tests/tools", "tests/integration", "tests/device")]

import host  # noqa: E402
import measure  # noqa: E402
import swu_build  # noqa: E402
from device import Device  # noqa: E402
from swu import Swu  # noqa: E402
from swu_build import MIB, SIZES_BYTES, Work, tool  # noqa: E402

ENCRYPTION = 'encryption: { key = "aes.key"; };'
IMAGES = {"bootloader": "bootloader.img", "kernel": "boot.img", "rootfs": "rootfs.ext4"}
PIECE_BYTES = 8 * MIB
INSTALL_TIMEOUT_S = 300
large_lock = threading.Lock()


class Failed(Exception):
    pass


def need(condition, what):
    if not condition:
        raise Failed(what)


class Bench:
    """One case: a folder with its package, and its device, slot A of which runs."""

    def __init__(self, case, folder, stock):
        self.case, self.stock = case, stock
        self.work = Work(folder / "work", stock)
        self.images = dict(IMAGES)
        if case.layout != "mission":
            del self.images["bootloader"]
        sizes = dict(SIZES_BYTES)
        if case.split == "parts":
            self.images["rootfs"] = "large.ext4"
            sizes["rootfs"] = GIB + 4 * MIB
            with large_lock:
                large = stock.folder / "large.ext4"
                if not large.exists():
                    stock.make_large()
                if not self.work.path("large.ext4").exists():
                    self.work.path("large.ext4").symlink_to(large)
        config = "" if case.layout in ("mission", *axes.OTHER_LAYOUTS) else 'backend = "uboot";\n'
        self.device = Device.create(folder / "device", case.layout, sizes=sizes, config=config)
        if case.layout != "mission":
            self.device.environment.change(**{
                f"jota_{variable}_{slot}": self.device.label(role, slot) for slot in "AB"
                for variable, role in (("kernel", "kernel"), ("root", "rootfs"))})

    def config(self, signing=None):
        case = self.case
        more = {}
        if case.compress != "none":
            more["compress"] = case.compress
        if case.encrypt:
            more["encrypt"] = True
        components = [{"role": role, "file": file, **more} for role, file in self.images.items()]
        if case.split == "parts":
            components[-1]["split"] = 1
        if signing is None:
            signing = SIGNING.get(case.signature, SIGNING["CMS"])[0]
        version = case.host.rpartition("-")[2] if case.host != axes.PLUGIN else "2022.12"
        return swu_build.config(components, signing, layout=case.layout,
                                more=ENCRYPTION + f' device: {{ swupdate = "{version}"; }};')

    def trust(self):
        signature = self.case.signature
        if signature == "none":
            signature = "RSA PKCS#1" if self.case.host.startswith("rsa-") else "CMS"
        trust = SIGNING[signature][1]
        return ON_DEBIAN.get(signature, trust) if self.case.host == axes.PLUGIN else trust

    def swupdate(self, swu, *options, trust=""):
        """The host of the case, with what it trusts and the key of what is encrypted."""
        name = self.case.host
        secret = ["-K", self.stock.folder / "aes.key"] if self.case.encrypt else []
        program, own = host.LAUNCHER, []
        if name != axes.PLUGIN:
            program, own = swu_build.BUILD / "hosts" / name / "swupdate", ["-B", "jetson"]
        with host.short_tmp() as tmp:
            return host.run_once(
                [*own, *host.common_options(tmp, self.stock.folder / (trust or self.trust())), *secret,
                 *options, "-i", swu], self.device.root, INSTALL_TIMEOUT_S, program)

    def holds(self, role, slot):
        """Byte for byte; what is zero in the image must be zero on the device."""
        image = self.stock.folder / self.images[role]
        with open(image, "rb") as want, open(self.device.node(self.device.label(role, slot)), "rb") as have:
            for start, length in pieces(want.fileno(), have.fileno(), image.stat().st_size):
                if os.pread(want.fileno(), length, start) != os.pread(have.fileno(), length, start):
                    return False
        return True

    def next_on_trial(self):
        """The slot that boots next, on trial; None when it is not on trial."""
        uefi = self.device.uefi
        if uefi:
            return uefi.next() if uefi.record().get(uefi.next()) == "trial" else None
        state = self.device.environment.read()
        return state["boot_slot"] if state["upgrade_available"] == "1" else None

    def close(self):
        self.device.remove()


def pieces(*arguments):
    """What is a hole in both files has nothing to compare."""
    *files, size = arguments
    for at in range(0, size, PIECE_BYTES):
        length = min(PIECE_BYTES, size - at)
        if any(next(data_from(file, at), size) < at + length for file in files):
            yield at, length


def data_from(file, at):
    try:
        yield os.lseek(file, at, os.SEEK_DATA)
    except OSError:
        return


def check_installed(bench):
    case, swu = bench.case, bench.work.path("out.swu")
    summary = bench.work.build(bench.config())
    need(summary["bytes"] == swu.stat().st_size, f"summary says {summary['bytes']} bytes")
    if case.split == "parts":
        parts = [file for file in summary["files"] if file["role"] == "rootfs"]
        need(len(parts) == 2, f"{len(parts)} parts of a rootfs above 1 GiB")
    _, trust, method = SIGNING[case.signature]
    said = tool(swu_build.JETSON_SWU, "verify", "--method", method, "-k", bench.stock.folder / trust,
                "-K", bench.stock.folder / "aes.key", "--strict", "--layout", case.layout, swu)
    need(b"is good" in said, f"verify says {said}")
    before = measure.snapshot(bench.device)
    done = bench.swupdate(swu, "-c")
    need(done.code == 0, f"swupdate -c ends with {done.code}:\n{done.text}")
    need(measure.snapshot(bench.device) == before, "swupdate -c changed the device")
    if bench.trust() != trust:
        done = bench.swupdate(swu, "-c", trust=trust)
        need(done.code != 0, f"{trust} is enough for {case.host}: the page says that it is not")
    slot_a = {role: measure.digest(bench.device.node(bench.device.label(role, "A")))
              for role in bench.images}
    done = bench.swupdate(swu)
    need(done.code == 0, f"swupdate -i ends with {done.code}:\n{done.text}")
    need(done.says("slot B is selected"), f"nobody selected slot B:\n{done.text}")
    need(bench.next_on_trial() == "B", "no trial of B")
    for role in bench.images:
        need(bench.holds(role, "B"), f"{role} on the device differs from the image")
        need(measure.digest(bench.device.node(bench.device.label(role, "A"))) == slot_a[role],
             f"{role} of the running slot changed")


def check_refused(bench):
    case, swu = bench.case, bench.work.path("out.swu")
    if case.reason == "a":
        said = bench.work.refuse(bench.config(signing=""))
        need("a device takes signed updates only" in said, said)
    if case.reason == "b":
        said = bench.work.refuse(bench.config())
        need("before 2025.12 cannot unpack xz" in said, said)
        return
    bench.work.build(bench.config())
    if case.reason == "a":
        unsigned = Swu(swu)
        del unsigned.files["sw-description.sig"]
        unsigned.save(swu)
    before = measure.snapshot(bench.device)
    done = bench.swupdate(swu)
    need(done.code not in (0, None), f"swupdate -i ends with {done.code}:\n{done.text}")
    need(measure.snapshot(bench.device) == before, "a refused package changed the device")


def run_case(case, stock):
    """Returns (case, None or what went wrong, seconds)."""
    started = time.monotonic()
    trouble = bench = None
    with tempfile.TemporaryDirectory(prefix="jota-") as name:
        try:
            bench = Bench(case, Path(name), stock)
            (check_refused if case.reason else check_installed)(bench)
        except (Failed, AssertionError) as error:
            trouble = str(error) or repr(error)
        finally:
            if bench:
                bench.close()
    return case, trouble, time.monotonic() - started


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, default=TOP / "build")
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--only", metavar="WORD", default="")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    args = parser.parse_args()
    cases = axes.pairwise() if args.short else [*axes.whole_cases(), *axes.parts_cases()]
    cases = [case for case in cases if args.only in str(case)]
    results = {}
    with tempfile.TemporaryDirectory(prefix="jota-stock-") as name:
        stock = Stock(Path(name))
        with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
            for case, trouble, seconds in pool.map(lambda c: run_case(c, stock), cases):
                results[case] = trouble
                word = "FAILED" if trouble else "refused" if case.reason else "installed"
                print(f"{word:<10}{seconds:6.1f} s  {case}", flush=True)
                if trouble:
                    print(trouble, flush=True)
    if not args.short and not args.only:
        table = args.build / "test-logs/combinations.md"
        table.parent.mkdir(parents=True, exist_ok=True)
        table.write_text(page.text(results))
        print(table.read_text())
    failed = sum(trouble is not None for trouble in results.values())
    print(f"{len(results) - failed} passed, {failed} failed")
    return 1 if failed or not results else 0


if __name__ == "__main__":
    sys.exit(main())
