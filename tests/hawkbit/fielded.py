# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""A device in the field: its boots by the model of U-Boot, then what its units do, in their order.

Real: swupdate and its suricatta, our handlers, jetson-health, the stored boot state. A stand-in: the boot
itself (a model of U-Boot and of its script) and systemd: the order and the conditions of the units are
taken from services/ and followed by hand here. tests/tools/test_jetson_health_units.py has them under a real
systemd.
"""

import re
import subprocess
import time

import device_side
import host
from bench import Bench
from gate import Gate

SERVICES = device_side.TOP / "services"
JETSON_HEALTH = host.BUILD / "bin/jetson-health"
SETTLE_S = 120
WELL, UNWELL, ROLLED_BACK = 0, 1, 4
HEALTH = """stability_s = 0; deadline_s = 60;
checks = ( {{ name = "app"; kind = "file"; path = "/proc/cmdline"; matches = "{matches}"; }} );
"""
VARIABLES_BYTES = 0x4000
VARIABLES = """swupdate:
  size: {size}
  lockfile: {file}.lock
  devices:
    - path: {file}
      offset: 0x0
    - path: {file}
      offset: {size}
"""
CONFIG = """globals: {{ {globals} }};
suricatta: {{
  tenant = "DEFAULT"; id = "{name}"; url = "{url}"; gatewaytoken = "{token}";
  polldelay = 1; retry = 20; retrywait = 1; initial-report-resend-period = 1;
}};
identify: ( {{ name = "board"; value = "jetson-demo"; }} );
"""


class TooManyBoots(AssertionError):
    pass


def conditions(*files):
    """Paths that must be absent, and that must be there, for a unit to start."""
    found = [word for file in files
             for word in re.findall(r"^ConditionPathExists=(\S+)$", (SERVICES / file).read_text(),
                                    re.MULTILINE)]
    assert found, files
    return [p[2:] for p in found if p[0] == "!"], [p[1:] for p in found if p[0] != "!"]


class Fielded:
    """Slot A runs the old release, and is well. sick: the new release will be found unhealthy."""

    def __init__(self, folder, stock, server, name, sick=False, keeps_vars=False):
        # The images are bytes, not systems: what is looked at in a new slot is the integration tests' business.
        self.bench = Bench(folder, stock, config='preflip = "off";\n')
        self.stock, self.server, self.name = stock, server, name
        self.gate = Gate(server.port)
        self.daemon = None
        self.tmp = self.root / "tmp"
        device = self.bench.device
        device.write_text("etc/swupdate-jetson/health.conf",
                          HEALTH.format(matches="jota.slot=A" if sick else "jota.slot=[AB]"))
        device.write_text("etc/swupdate.cfg", CONFIG.format(
            globals=self._variables() if keeps_vars else "", name=name, url=self.gate.url, token=server.gateway_token))
        (self.root / "etc/swupdate.cfg").chmod(0o600)
        self.bench.remember()

    def _variables(self):
        """A place for swupdate's own variables, on the data partition: two copies in a file."""
        store = self.root / "data/swupdate-vars"
        store.write_bytes(bytes(2 * VARIABLES_BYTES))
        self.bench.device.write_text("etc/swupdate-vars.yaml", VARIABLES.format(
            file=store, size=hex(VARIABLES_BYTES)))
        return ('namespace-vars = "swupdate"; fwenv-config-location = '
                f'"{self.root}/etc/swupdate-vars.yaml";')

    @property
    def root(self):
        return self.bench.root

    # What its units do

    def health(self, *words):
        return host.run_once(words, self.root, program=JETSON_HEALTH, no_proxy="*")

    def tell(self, wait_s=30):
        """jetson-health-attributes.service."""
        return self.health("attributes", "--send", "--wait", str(wait_s)).code

    def may_start(self, unit):
        """systemd's conditions for a unit of ours, or with a drop-in of ours, as they stand now."""
        files = [f"drop-ins/{unit}.conf" if (SERVICES / f"drop-ins/{unit}.conf").exists() else unit]
        if self.health("on-trial").code == WELL:
            files.append(f"on-trial/{unit}.conf")
        absent, present = conditions(*files)
        return not any((self.root / path).exists() for path in absent) and \
            all((self.root / path).exists() for path in present)

    def start_swupdate(self):
        """False: its conditions keep it from starting."""
        self.stop_swupdate()
        if not self.may_start("swupdate.service"):
            return False
        self.daemon = Daemon(self)
        return True

    def identify(self):
        """jetson-health-identify.service, which does not hold anybody up."""
        env = host.environment(self.tmp, self.root)
        return subprocess.Popen([JETSON_HEALTH, "attributes", "--identify", "--wait", "60"],
                                env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL)

    def stop_swupdate(self):
        if self.daemon:
            self.daemon.close()
            self.daemon = None

    def units(self, wait_s=30):
        """From the checks to swupdate; False: this boot ends in a reboot."""
        code = self.health("run", "--apply", "--defer-confirm").code
        if code == ROLLED_BACK:
            return False
        assert code in (WELL, UNWELL), code
        if code == WELL:
            assert self.health("confirm").code == WELL
        if self.may_start("jetson-health-attributes.service"):
            self.tell(wait_s)
        self.start_swupdate()
        return True

    def power_on(self, wait_s=30):
        """Boots until the units have settled; the slots that ran."""
        self.stop_swupdate()
        slots = []
        while len(slots) < 6:
            slots.append(self.bench.reboot()["slot"])
            if self.units(wait_s):
                return "".join(slots)
        raise TooManyBoots(slots)

    def boot_and_lose_power(self):
        """The firmware boots it, and that is all."""
        self.stop_swupdate()
        return self.bench.reboot()["slot"]

    # What is true on it

    def release(self):
        """Which release the running slot's root file system holds."""
        label = self.bench.device.label("rootfs", self.bench.device.running())
        for name in ("old", "new"):
            image = getattr(self.stock, name).by_role("rootfs")
            if self.bench.device.read_at(label, 0, len(image)) == image:
                return name
        return "damaged"

    def stored_state(self):
        """The boot state, when nobody is just storing another one."""
        until = time.monotonic() + SETTLE_S
        while True:
            try:
                before = self.bench.env.read()
                state = self.bench.state()
                if self.bench.env.read() == before:
                    return state
            except AssertionError:
                # Its two readers looked at it one after the other.
                pass
            assert time.monotonic() < until, "the boot state never rests"
            time.sleep(0.1)

    def says(self):
        """What it runs, what it would boot, and why the last trial was given up."""
        state = self.stored_state()
        slot = self.bench.device.running()
        reason = self.bench.env.read().get("jota_reason", "")
        text = f"{self.release()} release on {slot}"
        if state.get("upgrade_available") == "1":
            text += ", on trial"
        if self.bench.boots_next() != slot:
            text += f", {self.bench.boots_next()} next"
        return text + (f", {reason}" if reason else "")

    def close(self):
        self.stop_swupdate()
        self.gate.shut()
        self.bench.device.remove()


class Daemon:
    """swupdate -u with the device's own /etc/swupdate.cfg, until close()."""

    def __init__(self, fielded):
        # Its sockets, where jetson-health looks for them.
        self.folder = fielded.root / "tmp"
        self.log_path = self.folder / "log"
        self.env = host.environment(self.folder, fielded.root, no_proxy="*")
        argv = host.command(host.LAUNCHER, [
            "-f", fielded.root / "etc/swupdate.cfg", "-H", "jetson-demo:1.0", "-l", "5",
            "-k", fielded.stock.keys.ca, "-u", ""])
        self._start([str(word) for word in argv])
        self.teller = fielded.identify()

    def _start(self, argv):
        """Ten on one machine is all that swupdate's names for one of its sockets allow: wait for a turn."""
        until = time.monotonic() + SETTLE_S
        while True:
            (self.folder / "sockinstctrl").unlink(missing_ok=True)
            before = len(self.read())
            with open(self.log_path, "ab") as log:
                # SIGPIPE stays ignored, as systemd starts services: 2022.12 dies of it when one of its
                # own processes no longer waits for an answer.
                self.process = subprocess.Popen(argv, env=self.env, cwd=self.folder,
                                                stdin=subprocess.DEVNULL, stdout=log,
                                                stderr=subprocess.STDOUT, start_new_session=True,
                                                restore_signals=False)
            while self.is_alive() and not (self.folder / "sockinstctrl").exists():
                assert time.monotonic() < until, self.read()
                time.sleep(0.05)
            if "Error binding notifier socket" not in self.read()[before:]:
                return
            self.process.wait()
            assert time.monotonic() < until, "ten other swupdates run on this machine"
            time.sleep(1)

    def read(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def is_alive(self):
        return self.process.poll() is None

    def close(self):
        host.kill_group(self.process)
        self.teller.kill()
        self.teller.wait()
