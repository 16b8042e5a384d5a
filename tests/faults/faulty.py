# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""Partitions that go wrong on demand: loop devices over files of faultfs, which runs for one device
and is unmounted, its loop devices detached, however a test ends."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../device"))

from device import attach_loop  # noqa: E402

TOP = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("JOTA_BUILD", TOP / "build")).resolve()
FAULTFS = BUILD / "bin/faultfs"
WAIT_S = 10


def backing_file(loop):
    """What a loop device stands on; None when it is free."""
    try:
        return (Path("/sys/block") / Path(loop).name / "loop/backing_file").read_text().strip()
    except OSError:
        return None


def attached_loops():
    """All of the machine's loop devices in use, with what they stand on."""
    found = {path.name: backing_file(path) for path in Path("/sys/block").glob("loop*")}
    return {name: file for name, file in found.items() if file}


class Faulty:
    """One faultfs over the folder `backing` of a device. attach() is what Device.create takes for
    `loops`; the file system starts with the first one."""

    def __init__(self, direct_io=True):
        self.direct_io = direct_io
        self.mount = Path(tempfile.mkdtemp(prefix="jota-faults-"))
        self.process = None
        self.loops = []

    def attach(self, backing):
        if not self.process:
            self._start(backing.parent)
        mode = "on" if self.direct_io else "off"
        self.loops.append(attach_loop(self.mount / backing.name, f"--direct-io={mode}"))
        return self.loops[-1]

    def _start(self, folder):
        self.process = subprocess.Popen([FAULTFS, folder, self.mount], stdin=subprocess.DEVNULL)
        until = time.monotonic() + WAIT_S
        while not os.path.ismount(self.mount):
            if self.process.poll() is not None or time.monotonic() > until:
                raise AssertionError(f"faultfs does not mount '{self.mount}'")
            time.sleep(0.01)

    def _control(self, line):
        file = os.open(self.mount / ".control", os.O_WRONLY)
        try:
            os.write(file, line.encode() + b"\n")
        finally:
            os.close(file)

    def arm(self, partition, fault, number, count, offset=None):
        """One fault for a partition (see faultfs.c); counters start at 0."""
        self.clear()
        words = [partition.name, fault, number, count] + ([] if offset is None else [offset])
        self._control(" ".join(map(str, words)))

    def clear(self):
        self._control("clear")

    def counts(self, partition):
        """Operations since clear() or arm(): writes, reads, syncs, and how many met the fault."""
        for line in (self.mount / ".control").read_text().splitlines():
            name, *numbers = line.split()
            if name == partition.name:
                return dict(zip(("writes", "reads", "syncs", "fired"), map(int, numbers)))
        return None

    def close(self):
        """Everything goes that was made here, and nothing else: a number of a loop device may
        belong to somebody else by now."""
        for loop in self.loops:
            if (backing_file(loop) or "").startswith(f"{self.mount}/"):
                subprocess.run(["losetup", "-d", loop], check=False)
        if self.process:
            self.process.terminate()
            try:
                self.process.wait(WAIT_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None
        # A mount whose server died is none for os.path.ismount().
        if self._is_mounted():
            subprocess.run(["umount", "--lazy", self.mount], check=False)
        if self.mount.exists():
            self.mount.rmdir()

    def _is_mounted(self):
        return f" {self.mount} " in Path("/proc/self/mounts").read_text()

    def left_behind(self):
        """What is attached and mounted; nothing after close()."""
        left = [loop for loop, file in attached_loops().items() if file.startswith(str(self.mount))]
        return sorted(left) + [str(self.mount)] * self._is_mounted()
