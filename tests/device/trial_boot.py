# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""The project's units, run by a real systemd for a device that is a folder.

Real: systemd and its jobs, the units and the generator as they are installed, jetson-health, the stored boot state, and a
reboot by force (systemd ends itself, and its namespace with it). Not real: what else a device boots (empty targets
stand for it, none of the machine's own units can be reached), the transaction of a boot (the test starts
multi-user.target), swupdate.service (Debian's unit, a program that takes a note), and an orderly reboot, whose command a
drop-in replaces by a note.
"""

import shutil
import subprocess
import time
from pathlib import Path

from booted import Booted
from device import BUILD, TOP, Device

KIB, MIB = 1 << 10, 1 << 20
SIZES_BYTES = {"bootloader": 256 * KIB, "kernel": MIB, "rootfs": MIB, "userdata": MIB}
TRIAL = {"boot_slot": "B", "slotA_ok": "1", "slotB_ok": "1", "upgrade_available": "1",
         "bootcount": "1", "update_target": "B", "ustate": "1",
         "jota_boot_id": "11111111-2222-3333-4444-555555555555"}
PLAIN = ("sysinit.target", "basic.target", "multi-user.target", "local-fs.target",
         "emergency.target", "network-online.target", "shutdown.target", "timers.target")
SERVED = Path("/lib/systemd")
WAIT_S = 20


class TrialBoot(Booted):
    """trial: slot B runs its first boot. Units are added with unit(), then boot() starts them."""

    def __init__(self, trial=True):
        super().__init__({}, [])
        try:
            self._prepare(trial)
        except BaseException:
            self.stop()
            raise

    def _prepare(self, trial):
        self.device = Device.create(self.top / "v", sizes=SIZES_BYTES)
        (self.device.root / "data").mkdir(exist_ok=True)
        if trial:
            self.device.environment.change(**TRIAL)
            self.device.boot_into("B")
        self.prefix = self.top / "u"
        subprocess.run([TOP / "services/install.sh", "", self.prefix], check=True)
        self.units = self.prefix / "lib/systemd/system"
        (self.prefix / "sbin").mkdir()
        self.script("u/sbin/jetson-health", f'JOTA_ROOT={self.device.root} exec '
                    f'{BUILD}/bin/jetson-health "$@"')
        for name in PLAIN:
            self.unit(name, "[Unit]\nDefaultDependencies=no\n")
        self.unit("emergency.target", "[Unit]\nDefaultDependencies=no\nAllowIsolate=yes\n"
                  "Requires=emergency.service\nAfter=emergency.service\n")
        for name in ("boot-complete.target", "emergency.service"):
            shutil.copy(SERVED / "system" / name, self.units)
        self.script("swupdate", f"echo swupdate >>{self.top}/order")
        self.unit("swupdate.service", "[Service]\nType=oneshot\nRemainAfterExit=yes\n"
                  f"ExecStart={self.top}/swupdate\n")
        self.drop_in("jetson-health-confirm.service",
                     f"[Service]\nExecStartPost=/bin/sh -c 'echo confirm >>{self.top}/order'\n")
        self.drop_in("jetson-health-reboot.service",
                     f"[Service]\nExecStart=\nExecStart=/usr/bin/touch {self.top}/asked\n")
        for name, folder in (("jetson-health.service", "boot-complete.target.requires"),
                             ("jetson-health-confirm.service", "multi-user.target.wants"),
                             ("swupdate.service", "multi-user.target.wants")):
            self.enable(name, folder)

    def unit(self, name, text):
        (self.units / name).write_text(text)

    def drop_in(self, name, text):
        folder = self.top / "etc" / f"{name}.d"
        folder.mkdir(exist_ok=True)
        (folder / "90-test.conf").write_text(text)

    def enable(self, name, folder):
        (self.units / folder).mkdir(exist_ok=True)
        (self.units / folder / name).symlink_to(self.units / name)

    def script(self, path, body):
        path = self.top / path
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)

    def check(self, body, head="stability_s = 0; deadline_s = 20;", deadline_s=10):
        """The device's one check: a program."""
        self.device.write_text("opt/app", f"#!/bin/sh\n{body}\n")
        (self.device.root / "opt/app").chmod(0o755)
        self.device.write_text("etc/swupdate-jetson/health.conf", f'{head}\nchecks = ( {{ name = '
                               f'"app"; kind = "command"; argv = [ "/opt/app" ]; deadline_s = '
                               f'{deadline_s}; }} );\n')

    def boot(self, target="multi-user.target"):
        """Give systemd these units and none of the machine's, then start the boot."""
        (self.top / "none").mkdir()
        mounts = [("/run", self.device.root / "run"), (self.units, SERVED / "system"),
                  (self.prefix / "lib/systemd/system-generators", SERVED / "system-generators")]
        if (SERVED / "system-shutdown").exists():
            mounts.append((self.top / "none", SERVED / "system-shutdown"))
        for source, where in mounts:
            assert self.run(["mount", "--bind", source, where]).returncode == 0
        assert self.run(["systemctl", "daemon-reload"]).returncode == 0
        # What sysinit.target wants is what the generator added.
        self.run(["systemctl", "start", "--no-block", "sysinit.target", target])

    def wait(self, what, answer=True):
        end = time.monotonic() + WAIT_S
        while time.monotonic() < end:
            if bool(what()) == answer:
                return
            time.sleep(0.05)
        raise AssertionError(f"not within {WAIT_S} s; {self.env()}")

    def state(self, unit):
        return self.show(unit, "ActiveState")

    def show(self, unit, what):
        return self.run(["systemctl", "show", "-P", what, unit]).stdout.strip()

    def env(self):
        return self.device.environment.read()

    def order(self):
        path = self.top / "order"
        return path.read_text().split() if path.exists() else []

    def asked_to_reboot(self):
        return (self.top / "asked").exists()

    def rebooted_by_force(self):
        return self.process.poll() is not None
