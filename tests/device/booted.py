# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""A real systemd that runs units, as process 1 of namespaces of its own. It needs root.

It sees the machine's file system, read-only but for one folder, and has /run, /etc/systemd/system
and /sys/fs/cgroup of its own: a system that starts cleans up, and must not reach the machine with
that. It is no device: no boot firmware, no kernel of its own.
"""

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

SYSTEMD = Path("/lib/systemd/systemd")
PROGRAMS = ("unshare", "nsenter", "mount", "dbus-daemon", "systemctl")
CGROUP = "jota-test"
START_S = 30
TARGET = "jota-test.target"

# The machine's own configuration may name users that it does not have.
BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type><auth>EXTERNAL</auth><listen>systemd:</listen>
  <policy context="default">
    <allow user="*"/><allow own="*"/><allow send_destination="*"/><allow receive_sender="*"/>
  </policy>
</busconfig>
"""

# $1: folder of units and root, $2: kind of control group hierarchies.
INSIDE = r"""
set -eu
mount --make-rprivate /
mount --bind "$1" "$1"
mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys
mkdir -p "$1/etc" && mount --bind "$1/etc" /etc/systemd/system
umount -R -l /sys/fs/cgroup
if [ "$2" = unified ]; then
    mount -t cgroup2 none /sys/fs/cgroup
else
    mount -t tmpfs -o mode=755 none /sys/fs/cgroup
    mkdir /sys/fs/cgroup/systemd /sys/fs/cgroup/unified
    mount -t cgroup -o none,name=systemd none /sys/fs/cgroup/systemd
    mount -t cgroup2 none /sys/fs/cgroup/unified
fi
mount -t tmpfs -o mode=755 none /run
mount --bind /run "$1/d/run"
mount -o remount,bind,ro /sys
mount -o remount,bind,ro /
exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system \
    --unit=jota-test.target --log-target=null --show-status=0
"""


def hierarchies():
    """The control group file systems that a systemd needs, as (kind, folders to make groups in)."""
    top = Path("/sys/fs/cgroup")
    if (top / "cgroup.controllers").exists():
        return "unified", [top]
    if (top / "systemd/cgroup.procs").exists() and (top / "unified/cgroup.procs").exists():
        return "hybrid", [top / "systemd", top / "unified"]
    return None, []


def why_not():
    """Why no systemd can be started here; None: it can."""
    if os.geteuid() != 0:
        return "needs root"
    missing = [name for name in PROGRAMS if not shutil.which(name)]
    if not SYSTEMD.exists() or missing:
        return f"needs systemd, {', '.join(missing) or SYSTEMD}"
    kind, folders = hierarchies()
    if not kind:
        return "no control groups that systemd could use are mounted"
    try:
        for folder in folders:
            (folder / CGROUP).mkdir(exist_ok=True)
            (folder / CGROUP).rmdir()
    except OSError as error:
        return f"no control group can be made: {error}"
    return None


class Booted:
    """root: a folder that programs inside take for / (JOTA_ROOT); its run is systemd's own."""

    def __init__(self, units, wanted):
        self.kind, folders = hierarchies()
        self.groups = [folder / f"{CGROUP}-{os.getpid()}" for folder in folders]
        # Short: the path of a socket has 108 bytes.
        self.top = Path(tempfile.mkdtemp(prefix="jota-"))
        self.top.chmod(0o755)
        self.root = self.top / "d"
        for name in ("d/run", "d/etc", "etc"):
            (self.top / name).mkdir(parents=True)
        self.process = None
        try:
            self._write_units(units, wanted)
            self._start()
        except BaseException:
            self.stop()
            raise

    def _write_units(self, units, wanted):
        plain = "[Unit]\nDefaultDependencies=no\n"
        for name, text in units.items():
            self._unit(name, plain + text)
        self._unit(TARGET, plain + "AllowIsolate=yes\nWants=dbus.service "
                   + " ".join(wanted) + "\n")
        # systemd connects to the bus once both of these run, by their names.
        self._unit("dbus.socket", plain + "[Socket]\nListenStream=/run/dbus/system_bus_socket\n")
        self._unit("dbus.service", plain + "Requires=dbus.socket\n[Service]\nExecStart="
                   f"/usr/bin/dbus-daemon --config-file={self.top}/bus.conf --address=systemd: "
                   "--nofork --nopidfile\n")
        (self.top / "bus.conf").write_text(BUS)

    def _unit(self, name, text):
        (self.top / "etc" / name).write_text(text)

    def _start(self):
        def join_groups():
            for group in self.groups:
                (group / "cgroup.procs").write_text(str(os.getpid()))

        for group in self.groups:
            group.mkdir()
        self.process = subprocess.Popen(
            ["unshare", "--pid", "--fork", "--kill-child", "--mount", "--cgroup", "--ipc", "--uts",
             "--mount-proc", "sh", "-c", INSIDE, "sh", self.top, self.kind],
            preexec_fn=join_groups, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, start_new_session=True)
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"systemd ended: {self.process.stderr.read().decode()}")
            if self.init() and self._answers():
                return
            time.sleep(0.2)
        raise RuntimeError(f"systemd did not answer within {START_S} s")

    def _answers(self):
        done = self.run(["busctl", "--address=unix:path=/run/dbus/system_bus_socket", "call",
                         "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
                         "org.freedesktop.DBus.Peer", "Ping"])
        return done.returncode == 0

    def init(self):
        """Process number of systemd, seen from outside; None before it runs."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        for pid in children.read_text().split():
            if Path(f"/proc/{pid}/comm").read_text().strip() == "systemd":
                return int(pid)
        return None

    def run(self, argv):
        """A program inside; its standard output and error as text."""
        return subprocess.run(["nsenter", "-t", str(self.init()), "-m", "-p", "-i", "-u", "--",
                               *[str(word) for word in argv]], text=True, capture_output=True,
                              check=False, stdin=subprocess.DEVNULL, timeout=120)

    def main_pid(self, unit):
        """The main process of a service, as seen from outside."""
        inner = self.run(["systemctl", "show", "-P", "MainPID", unit]).stdout.strip()
        for status in Path("/proc").glob("[0-9]*/status"):
            try:
                lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
            except OSError:
                continue
            numbers = lines.get("NSpid", "").split()
            if len(numbers) == 2 and numbers[1] == inner and self._is_below(int(numbers[0])):
                return int(numbers[0])
        raise RuntimeError(f"'{unit}' has no main process")

    def _is_below(self, pid):
        mine = os.readlink(f"/proc/{self.init()}/ns/pid")
        return os.readlink(f"/proc/{pid}/ns/pid") == mine

    def write(self, path, text, mode=0o644):
        """Make or replace a file below the root."""
        path = self.root / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)

    def stop(self):
        if self.process:
            # The death of process 1 ends its whole namespace.
            self.process.kill()
            self.process.wait()
            self.process.stderr.close()
        for group in self.groups:
            self._remove_group(group)
        shutil.rmtree(self.top, ignore_errors=True)

    @staticmethod
    def _remove_group(group):
        for _ in range(100):
            folders = sorted((p for p in group.rglob("*") if p.is_dir()), reverse=True)
            try:
                for folder in (*folders, group):
                    folder.rmdir()
                return
            except FileNotFoundError:
                return
            except OSError:
                # Processes that were killed are leaving.
                time.sleep(0.1)
