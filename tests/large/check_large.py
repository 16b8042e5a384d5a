#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""A root filesystem above 4 GiB, packed by jetson-swu and installed by the real swupdate, then read
back byte for byte. Prints the peak memory of both. Takes minutes and some 15 GiB of disk.
"""

import argparse
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests/integration"))

import host  # noqa: E402
from bench import Bench  # noqa: E402
from conftest import Stock  # noqa: E402
from package import JETSON_SWU  # noqa: E402

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
IMAGE_BYTES = 4 * GIB + 512 * MIB + 12345
NOISE_BYTES = 96 * MIB  # at each border of a GiB, where a part may begin
AES_KEY, AES_IV = "5a" * 32, "3c" * 16
MEMORY_MAX_BYTES = 64 * MIB  # of the packer, for any size
DISK_BYTES = 16 * GIB
TIMEOUT_S = 1800
# name, keys of the component, whether it is encrypted, parts that must come out
CASES = (
    ("zstd, default split", 'compress = "zstd";', False, 2),
    ("zstd and AES, split = 1", 'compress = "zstd"; encrypt = true; split = 1;', True, 5),
    ("stored and AES, default split", "encrypt = true;", True, 2),
)


class Peak:
    """The highest memory of a process and those it starts, as the kernel counts it."""

    def __init__(self, pid):
        self.bytes = 0
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._watch, args=(pid,))
        self.thread.start()

    def _watch(self, pid):
        while not self.stop.wait(0.02):
            with contextlib.suppress(OSError, StopIteration):
                lines = Path(f"/proc/{pid}/status").read_text().splitlines()
                line = next(line for line in lines if line.startswith("VmHWM:"))
                self.bytes = max(self.bytes, int(line.split()[1]) * KIB)

    def done(self):
        self.stop.set()
        self.thread.join()
        assert self.bytes > 0, "the process ended before anybody looked"
        return self.bytes


def run(argv, **options):
    """To its end: (exit code, text, seconds, peak memory)."""
    started = time.monotonic()
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen([str(word) for word in argv], stdin=subprocess.DEVNULL,
                                   stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
                                   **options)
        peak = Peak(process.pid)
        try:
            code = process.wait(TIMEOUT_S)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            host.kill_group(process)
            used = peak.done()
        log.seek(0)
        return code, log.read().decode(errors="replace"), time.monotonic() - started, used


def make_image(path):
    """Noise around each border and at both ends; nothing, which costs no disk, between."""
    with open(path, "wb") as file, open("/dev/urandom", "rb") as noise:
        for border in range(0, IMAGE_BYTES, GIB):
            start = max(0, border - NOISE_BYTES // 2 - 77)
            file.seek(start)
            for _ in range(NOISE_BYTES // MIB):
                file.write(noise.read(MIB))
        file.seek(IMAGE_BYTES - 3 * MIB)
        file.write(noise.read(3 * MIB))


def build(folder, stock, rootfs, words, key, swu):
    (folder / "boot.img").write_bytes(stock.new.boot)
    (folder / "bootloader.img").write_bytes(stock.new.bootloader)
    signer_key, certificate = stock.keys.good
    (folder / "update.conf").write_text(
        'version = "2.0.0"; layout = "mission";\n'
        'hardware: { board = "jetson-demo"; revisions = [ "1.0" ]; };\n'
        f'encryption: {{ key = "{key}"; }};\n'
        f'signing: {{ signers: ( {{ certificate = "{certificate}"; key = "{signer_key}"; }} ); }};\n'
        f'components: ( {{ role = "rootfs"; file = "{rootfs}"; {words} }},\n'
        '{ role = "bootloader"; file = "bootloader.img"; },\n'
        '{ role = "kernel"; file = "boot.img"; } );\n')
    code, text, seconds, peak = run([JETSON_SWU, "build", "-q", "-f", "-c", folder / "update.conf",
                                     "-o", swu])
    assert code == 0, text
    return seconds, peak


def verify(stock, key, swu):
    code, text, seconds, peak = run([JETSON_SWU, "verify", "-k", stock.keys.ca, "-K", key,
                                     "--strict", swu])
    assert code == 0, text
    return seconds, peak


def count_parts(swu):
    out = subprocess.run([JETSON_SWU, "extract", "--list", swu], check=True, text=True,
                         capture_output=True, timeout=60).stdout
    return sum(".part" in line for line in out.splitlines())


def install(bench, stock, key, swu, sealed):
    argv = [host.LAUNCHER, *host.common_options(bench.work, stock.keys.ca), "-i", swu]
    with host.short_tmp() as tmp:
        code, text, seconds, peak = run(
            [*host.command(argv[0], argv[1:]), *(["-K", key] if sealed else [])],
            env=host.environment(tmp, bench.root), cwd=tmp)
    assert code == 0, text
    return seconds, peak


def check(case, stock, folder, rootfs):
    name, words, sealed, parts = case
    bench = Bench(folder / "device", stock, sizes={"rootfs": 5 * GIB})
    key = folder / "aes.key"
    key.write_text(f"{AES_KEY} {AES_IV}\n")
    key.chmod(0o600)
    swu = folder / "update.swu"
    try:
        built = build(folder, stock, rootfs, words, key, swu)
        assert count_parts(swu) == parts, f"{count_parts(swu)} parts, expected {parts}"
        verified = verify(stock, key, swu)
        installed = install(bench, stock, key, swu, sealed)
        subprocess.run(["cmp", "-n", str(IMAGE_BYTES), rootfs, bench.device.node("B_APP")],
                       check=True, timeout=TIMEOUT_S)
        assert bench.boots_next() == "B"
        packed = swu.stat().st_size
    finally:
        swu.unlink(missing_ok=True)
        bench.close()
        shutil.rmtree(bench.work)
    print(f"{name}: {parts} parts, .swu of {packed} bytes, equal on the device")
    for what, (seconds, peak) in (("build", built), ("verify", verified), ("install", installed)):
        print(f"  {what:<8} {seconds:6.1f} s, peak memory {peak / MIB:6.1f} MiB")
    assert built[1] < MEMORY_MAX_BYTES, f"the packer took {built[1]} bytes"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", type=int, choices=range(len(CASES)), help="only this one")
    args = parser.parse_args()
    base = Path(os.environ.get("TMPDIR", "/tmp"))
    if shutil.disk_usage(base).free < DISK_BYTES:
        print(f"NOT RUN: {base} has less than {DISK_BYTES >> 30} GiB free; set TMPDIR")
        return 77
    cases = CASES if args.case is None else CASES[args.case:args.case + 1]
    failed = 0
    with tempfile.TemporaryDirectory(prefix="jota-large-", dir=base) as name:
        folder = Path(name)
        stock = Stock(folder)
        rootfs = folder / "rootfs.ext4"
        make_image(rootfs)
        print(f"image of {IMAGE_BYTES} bytes, {rootfs.stat().st_blocks * 512} of them stored")
        for case in cases:
            try:
                check(case, stock, folder, rootfs)
            except (AssertionError, subprocess.SubprocessError) as error:
                failed += 1
                print(f"FAILED: {case[0]}: {error}")
            sys.stdout.flush()
    print(f"{len(cases) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
