#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""How long it takes to pack an update: jetson-swu, a fair shell script, and swugenerator from PyPI.

Usage: bench-swu.py BUILD [--size-mib N] [--rounds N] [--without-swugenerator]

The content is made of files of this machine and of build/arm64, 38 % of it zero, as a root filesystem
image is. The programs take turns; every output is on the disk when its time ends, and is verified.
Medians of the rounds, ratios (above 1: jetson-swu is faster), and the largest process of each in MiB.
The worst row decides: exit code 1 when jetson-swu is slower anywhere or needs 64 MiB.
"""

import argparse
import dataclasses
import itertools
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
MIB = 1 << 20
ZERO_SHARE = 0.38
MEMORY_MIB = 64
# Another release would be another contender.
SWUGENERATOR = "swugenerator==0.6"
AES_KEY, AES_IV = "5a" * 32, "3c" * 16
ROWS = {"none": "", "zstd": 'compress = "zstd";', "zstd+aes": 'compress = "zstd"; encrypt = true;'}
# A process begins with the peak of the one that started it, so a small one starts it: it leaves the
# peak in the file that is its first argument.
LAUNCHER = """
import os, sys
pid = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ)
_, status, usage = os.wait4(pid, 0)
with open(sys.argv[1], "w") as file:
    file.write(str(usage.ru_maxrss))
sys.exit(os.waitstatus_to_exitcode(status) != 0)
"""
# swugenerator renames what it changes, and the hook's list names what is in the archive.
SWUGENERATOR_NAMES = {"none": "rootfs.ext4", "zstd": "rootfs.ext4.zstd",
                      "zstd+aes": "rootfs.ext4.zstd.enc"}


@dataclasses.dataclass
class Result:
    seconds: list = dataclasses.field(default_factory=list)
    peak_mib: float = 0.0

    def median(self):
        return statistics.median(self.seconds)


def run(*argv, **options):
    return subprocess.run([str(word) for word in argv], check=True, capture_output=True, **options)


def source_files(build):
    """Real programs, libraries and documents, in an order that is the same each time."""
    for root in (build / "arm64", Path("/usr/bin"), Path("/usr/lib"), Path("/usr/share")):
        for folder, names, files in os.walk(root):
            names.sort()
            for name in sorted(files):
                path = Path(folder, name)
                if path.is_file() and not path.is_symlink() and os.access(path, os.R_OK):
                    yield path


def make_content(path, size, build):
    """Files and zeros in turn, so that every part of the image has its share of both."""
    want, done, zeros = int(size * (1 - ZERO_SHARE)), 0, 0
    with open(path, "wb") as out:
        for source in itertools.cycle(list(source_files(build))):
            data = source.read_bytes()[:want - done]
            done += out.write(data)
            gap = (int(done * ZERO_SHARE / (1 - ZERO_SHARE)) - zeros) // 4096 * 4096
            zeros += out.write(bytes(gap))
            if done >= want:
                break
        out.write(bytes(size - out.tell()))


class Bench:
    def __init__(self, build, folder, size, with_swugenerator):
        self.build, self.folder = build, folder
        self.program = build / "bin/jetson-swu"
        if not self.program.exists():
            sys.exit(f"'{self.program}' is missing: run make")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self.rootfs, self.boot = folder / "rootfs.ext4", folder / "boot.img"
        self.keys, self.out = folder / "keys", folder / "out.swu"
        run(TOP / "keys/make-dev-keys.sh", self.keys)
        print(f"making {size // MIB} MiB of content", flush=True)
        make_content(self.rootfs, size, build)
        (folder / "kernel").write_bytes(bytes(56) + b"ARM\x64" + os.urandom(9 * MIB))
        run("mkbootimg", "--header_version", "0", "--kernel", folder / "kernel", "--pagesize", "2048",
            "-o", self.boot)
        self.aes = self.write("aes.key", f"{AES_KEY} {AES_IV}\n")
        self.aes.chmod(0o600)
        self.write("aes.swugenerator", f"key={AES_KEY}\niv={AES_IV}\n")
        self.contenders = {"jetson-swu": self.ours, "script": self.script}
        if with_swugenerator:
            venv = folder.parent / "venv"
            run(sys.executable, "-m", "venv", venv)
            run(venv / "bin/pip", "install", "--quiet", SWUGENERATOR)
            self.generator = venv / "bin/swugenerator"
            self.contenders["swugenerator"] = self.swugenerator

    def write(self, name, text):
        (self.folder / name).write_text(text)
        return self.folder / name

    def ours(self, row):
        conf = self.write("update.conf", f"""
version = "2.0.0";
hardware: {{ board = "jetson-demo"; revisions = [ "1.0" ]; }};
layout = "t234";
components: ( {{ role = "kernel"; file = "boot.img"; }},
  {{ role = "rootfs"; file = "rootfs.ext4"; {ROWS[row]} }} );
signing: {{ signers: ( {{ certificate = "keys/cms.pem"; key = "keys/cms.key"; }} ); }};
encryption: {{ key = "aes.key"; }};
""")
        return [self.program, "build", "-q", "-c", conf, "-o", self.out]

    def script(self, row):
        return [TOP / "tests/bench/pack-fair.sh", row, self.rootfs, self.boot, self.keys / "cms.key",
                self.keys / "cms.pem", self.aes, self.out]

    def swugenerator(self, row):
        packed, more = SWUGENERATOR_NAMES[row], ""
        if row != "none":
            more = 'compressed = "zstd"; '
            more += f'properties: {{ decompressed-size = "{self.rootfs.stat().st_size}"; }};'
        if row == "zstd+aes":
            more += " encrypted = true;"
        template = self.write("sw-description", f"""software = {{ version = "2.0.0"; jetson-demo = {{
hardware-compatibility: [ "1.0" ];
images: ( {{ filename = "boot.img"; type = "jetson-bootimg"; installed-directly = true; }},
  {{ filename = "rootfs.ext4"; type = "jetson-rootfs"; installed-directly = true; {more} }} );
scripts: ( {{ type = "jetson-postinstall"; properties: {{ images = "boot.img {packed}"; }}; }} );
}}; }}
""")
        return [self.generator, "-s", template, "-a", self.folder, "-o", self.out, "-K",
                self.folder / "aes.swugenerator", "-k",
                f"CMS,{self.keys}/cms.key,{self.keys}/cms.pem", "create"]

    def prepare(self):
        self.out.unlink(missing_ok=True)
        os.sync()
        # Everybody finds the input in memory.
        with open(self.rootfs, "rb") as file:
            while file.read(MIB):
                pass

    def measure(self, name, row, result):
        argv = [str(word) for word in self.contenders[name](row)]
        peak = self.folder / "peak"
        self.prepare()
        started = time.monotonic()
        done = subprocess.run([sys.executable, "-IS", "-c", LAUNCHER, str(peak), *argv],
                              stdout=subprocess.DEVNULL, check=False,
                              env={**os.environ, "TMPDIR": str(self.folder), "LC_ALL": "C"})
        if done.returncode:
            sys.exit(f"{name}, row {row}: failed")
        # What jetson-swu has done already, the others get for the asking.
        with open(self.out, "rb") as file:
            os.fsync(file.fileno())
        result.seconds.append(time.monotonic() - started)
        result.peak_mib = max(result.peak_mib, int(peak.read_text()) / 1024)

    def verify(self, name, row):
        done = subprocess.run([self.program, "verify", "-k", self.keys / "ca.pem", "-K", self.aes,
                               "--layout", "t234", self.out], capture_output=True, text=True,
                              check=False)
        if done.returncode:
            sys.exit(f"{name}, row {row}: its output is not good: {done.stdout}{done.stderr}")

    def run_row(self, row, rounds):
        results = {name: Result() for name in self.contenders}
        for number in range(rounds):
            for name, result in results.items():
                self.measure(name, row, result)
                if number == 0:
                    self.verify(name, row)
        return results


def show(row, results):
    ours = results["jetson-swu"].median()
    for name, result in results.items():
        ratio = f"{result.median() / ours:6.2f} x" if name != "jetson-swu" else ""
        print(f"{row:<10}{name:<14}{result.median():8.2f} s {ratio:>9} {result.peak_mib:8.0f} MiB"
              f"   ({', '.join(f'{s:.2f}' for s in sorted(result.seconds))})", flush=True)
    return min(result.median() / ours for name, result in results.items() if name != "jetson-swu")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=Path)
    parser.add_argument("--size-mib", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--without-swugenerator", action="store_true")
    args = parser.parse_args()
    bench = Bench(args.build.resolve(), args.build.resolve() / "bench/swu", args.size_mib * MIB,
                  not args.without_swugenerator)
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}, medians of {args.rounds}")
    print(f"{'row':<10}{'program':<14}{'median':>10}{'ratio':>10}{'peak':>13}", flush=True)
    worst, peak = {}, 0.0
    for row in ROWS:
        results = bench.run_row(row, args.rounds)
        worst[row] = show(row, results)
        peak = max(peak, results["jetson-swu"].peak_mib)
    row = min(worst, key=worst.get)
    print(f"worst row: {row}, {worst[row]:.2f} x; largest jetson-swu: {peak:.0f} MiB")
    shutil.rmtree(bench.folder)
    return 1 if worst[row] < 1 or peak >= MEMORY_MIB else 0


if __name__ == "__main__":
    sys.exit(main())
