# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""One device on the bench: updates go in, and what became of the device is compared with what
must have become of it. Every case checks all of it, whatever it is about."""

import itertools
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../device"))

import host  # noqa: E402
import measure  # noqa: E402
from device import ROLES, Device  # noqa: E402
from package import KIB, MIB, Package  # noqa: E402
from uboot_env import OFFSETS_BYTES, UbootEnv  # noqa: E402

SIZES_BYTES = {"bootloader": 512 * KIB, "kernel": 2 * MIB, "rootfs": 6 * MIB, "userdata": MIB}
STATE_NAMES = ("boot_slot", "slotA_ok", "slotB_ok", "upgrade_available", "update_target", "ustate",
               "bootcount")
JETSON_SLOT = host.BUILD / "bin/jetson-slot"
MODEL = host.BUILD / "bin/uboot-model"


def other(slot):
    return "B" if slot == "A" else "A"


class Bench:
    """A device whose two slots hold the old release, slot A or B running."""

    def __init__(self, root, stock, running="A", layout="mission", config="", loops=False,
                 sizes=None):
        self.stock = stock  # keys, releases, note()
        self.work = root.parent / (root.name + "-work")
        self.work.mkdir()
        self.device = Device.create(root, layout, running, {**SIZES_BYTES, **(sizes or {})}, loops,
                                    config=config)
        self.running, self.target = running, other(running)
        self.roles = [role for role in ROLES if role in ("kernel", "rootfs") or layout == "mission"]
        for role in self.roles:
            for slot in "AB":
                image = self.work / f"old-{role}"
                image.write_bytes(stock.old.by_role(role))
                self.device.write_image(self.device.label(role, slot), image)
        if layout != "mission":
            self._name_partitions()
        self.numbers = itertools.count()
        self.remember()

    def _name_partitions(self):
        """The boot script's default environment is that of the mission's board."""
        names = {f"jota_{variable}_{slot}": self.device.label(role, slot) for slot in "AB"
                 for variable, role in (("kernel", "kernel"), ("root", "rootfs"))}
        self.env.change(**names)

    @property
    def root(self):
        return self.device.root

    @property
    def env(self):
        return self.device.environment

    def remember(self):
        """From here on, what differs counts as changed."""
        self.before = measure.snapshot(self.device)
        self.flags = self._flags()
        self.running = self.device.running()
        self.target = other(self.running)

    def _flags(self):
        number = self.env.current()
        return None if number is None else self.env.copies()[number][4]

    def stores(self):
        """Stores since remember(), counted by the serial numbers of the environment's copies."""
        return (self._flags() - self.flags) % 256

    def settle(self, **variables):
        """Store a boot state as if the device had a history."""
        state = {"boot_slot": "A", "slotA_ok": "1", "slotB_ok": "1", "upgrade_available": "0",
                 "ustate": "0", "bootcount": "0"}
        self.env.change(**{**state, **variables})
        self.remember()

    def update(self, roles=None, keep=""):
        """A package of the new release."""
        return Package.of(self.stock.new, roles or self.roles, keep)

    def build(self, package, signer=None):
        folder = self.work / f"swu-{next(self.numbers)}"
        return package.build(folder, signer or self.stock.keys.good)

    def install(self, package, *options, swu=None, ca=True, config="", more_config="",
                program=host.LAUNCHER, **more):
        """Let swupdate install it: a package, or a file that somebody tampered with."""
        swu = swu or self.build(package)
        ca = self.stock.keys.ca if ca is True else ca
        argv = [*host.common_options(self.work, ca, config, more_config), "-i", swu, *options]
        return host.run_once(argv, self.root, program=program, **more)

    def daemon(self, *options, **more):
        return host.Daemon(self.root, self.stock.keys.ca, options, **more)

    def jetson_slot(self, *words):
        return host.run_once(words, self.root, program=JETSON_SLOT)

    def reboot(self):
        """Power on in the model of U-Boot; the device then runs what the model booted."""
        result = self._model(self.env.path, "boot")
        slot = result["slot"]
        assert slot in ("A", "B"), result
        self.device.boot_into(slot)
        self.running, self.target = slot, other(slot)
        return result

    def boots_next(self):
        """What the model of U-Boot would boot, tried on a copy of the environment."""
        copy = self.work / "environment"
        with open(copy, "wb") as file:
            file.truncate(OFFSETS_BYTES[-1] + MIB)
        trial = UbootEnv(copy)
        for number, data in enumerate(self.env.copies()):
            trial.write_copy(number, data)
        return self._model(copy, "boot")["slot"]

    def _model(self, path, verb):
        options = self.device.model_options()
        options[options.index("--env") + 1] = str(path)
        out = subprocess.run([MODEL, *options, verb], check=True, text=True, capture_output=True,
                             timeout=host.TIMEOUT_S).stdout
        return dict(word.split("=", 1) for word in out.splitlines()[-1].split())

    def model_variables(self):
        """The environment as the model reads it: nothing but the format is shared with us."""
        out = subprocess.run([MODEL, *self.device.model_options(), "print"], check=True, text=True,
                             capture_output=True, timeout=host.TIMEOUT_S).stdout
        pairs = (line.split("=", 1) for line in out.splitlines() if "=" in line)
        return {name: value for name, value in pairs}

    def state(self):
        """The stored boot state, from two readers that must agree."""
        ours, theirs = self.env.read(), self.model_variables()
        assert {name: ours.get(name) for name in STATE_NAMES} == \
            {name: theirs.get(name) for name in STATE_NAMES}
        return {name: ours[name] for name in STATE_NAMES if name in ours}

    # What became of the device

    def part(self, role):
        """'old', 'erased', 'new' or 'damaged': the target slot's partition of a role."""
        label = self.device.label(role, self.target)
        image = self.stock.new.by_role(role)
        start_bytes = min(len(image), MIB)
        if label not in measure.changed(self.before, measure.snapshot(self.device)):
            return "old"
        if self.device.read_at(label, 0, start_bytes).count(0) == start_bytes:
            return "erased"
        return "new" if self.device.read_at(label, 0, len(image)) == image else "damaged"

    def parts(self):
        return {role: self.part(role) for role in self.roles}

    def check_running(self):
        """I1: no byte of the running slot, or of anything that is not the target, changes."""
        changed = measure.changed(self.before, measure.snapshot(self.device))
        allowed = {self.device.label(role, self.target) for role in self.roles}
        allowed |= {"environment copy 0", "environment copy 1", "mmcblk0"}
        assert set(changed) <= allowed, f"changed: {changed}"
        return changed

    def check_untouched(self, boots=None):
        """Nothing at all was changed, not even one bit of the environment."""
        assert self.check_running() == []
        if boots:
            assert self.boots_next() == boots

    def check_begun(self, **parts):
        """One store: the target is marked bad, the running slot boots. parts: what is in the
        target, roles that are not named hold what they held."""
        state = self.state()
        state.pop("bootcount", None)
        assert state == {"boot_slot": self.running, f"slot{self.running}_ok": "1",
                         f"slot{self.target}_ok": "0", "upgrade_available": "0", "ustate": "7"}
        assert self.stores() == 1
        self.check_running()
        assert self.parts() == {role: parts.get(role, "old") for role in self.roles}
        assert self.boots_next() == self.running

    def check_flipped(self, stores=2, **parts):
        """The target is next, on trial; roles that are not named hold the new image."""
        assert self.state() == {"boot_slot": self.target, "slotA_ok": "1", "slotB_ok": "1",
                                "upgrade_available": "1", "bootcount": "0", "ustate": "1",
                                "update_target": self.target}
        boot_id = (self.root / "proc/sys/kernel/random/boot_id").read_text().strip()
        assert self.env.read()["jota_boot_id"] == boot_id
        assert "recovery_status" not in self.env.read()
        assert self.stores() == stores
        self.check_running()
        assert self.parts() == {role: parts.get(role, "new") for role in self.roles}
        assert self.boots_next() == self.target

    # The three ends of an update, each with what the user is told

    def flips(self, case, run, says="is selected: the next boot tries it", **parts):
        self.note(case, run, 0, says)
        self.check_flipped(**parts)

    def refuses(self, case, run, says, boots=None):
        """Refused before the first byte."""
        self.note(case, run, 1, says)
        self.check_untouched(boots or self.running)

    def fails(self, case, run, says, **parts):
        """Refused when the target was already given up."""
        self.note(case, run, 1, says)
        self.check_begun(**parts)

    def note(self, case, run, code, says):
        sentence = run.says(says)
        assert run.code == code, run.text
        assert sentence is not None, f"nobody says '{says}':\n{run.text}"
        self.stock.note(case, run.code, sentence, self.root)

    def close(self):
        self.device.remove()
