# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""The system with systemd: the product's own units decide what becomes of a trial. Nobody types anything
into these machines that a device would not do by itself, but for what a scenario says."""

import os
import threading

from machine import Machine, Unexpected, copy_card, sh
from scenarios import (LEFT_FOR_OTHERS, boot_line, expect, expect_slots, first_boot, history,
                       install, scenario, slots)

MIB = 1 << 20
# As build-systemd.sh lays the card out.
ROOT_B = (42 + 64) * MIB
FLIPPED = f"systemd-flipped.{os.getpid()}.img"
LEFT_FOR_OTHERS.append(FLIPPED)
BOOTS_B = r"slot B: booting with root B_APP"
making = threading.Lock()


def wait_unit(machine, unit):
    machine.run(f"until systemctl is-active -q {unit}; do sleep 1; done")


def update(machine, package):
    """From slot A, once its own boot is over: install and flip."""
    first_boot(machine)
    wait_unit(machine, "swupdate.service")
    install(machine, package)
    expect_slots(machine, "after the flip", "A", "B", "good", "trial")


def flipped_card(build):
    """A card on which release 2.0 was installed into slot B, and which was then switched off. Made once."""
    card = build / "vm" / "run" / FLIPPED
    with making:
        if not card.exists():
            with Machine(build, "systemd-flipped", guest="systemd") as machine:
                update(machine, "good-2.0")
                machine.run("sync")
                machine.kill()
                copy_card(machine.card, card.with_suffix(".new"))
            card.with_suffix(".new").rename(card)
    return card


def change_slot_b(machine, *commands, **files):
    """Change the new slot's root while the machine is off: commands of debugfs, and whole files."""
    lines = list(commands)
    for path, text in files.items():
        source = machine.folder / path.strip("/").replace("/", "-")
        source.write_text(text)
        lines += [f"rm {path}", f"write {source} {path}", f"sif {path} uid 0", f"sif {path} gid 0",
                  f"sif {path} mode 0100644"]
    script = machine.folder / "debugfs"
    script.write_text("\n".join(lines) + "\n")
    sh("/usr/sbin/debugfs", "-w", "-f", str(script), f"{machine.card}?offset={ROOT_B}")


def read_slot_b(machine, path):
    return sh("/usr/sbin/debugfs", "-R", f"cat {path}", f"{machine.card}?offset={ROOT_B}")


def back_in_a(machine, reason):
    """Slot A runs, knows why, and is still well."""
    expect("boot after the rollback: bootloader, slot, release", ("1.0", "A", "1.0"), boot_line(machine))
    wait_unit(machine, "swupdate.service")
    seen, info = slots(machine)
    expect("after the rollback: running, next, slot A", ["A", "A", "good"], seen[:3])
    update = info["update"]
    expect("how the update is reported", ["B", "failed", reason],
           [update["target"], update["state"], update["reason"]])
    given_up = [event for event in history(machine) if event[0] == "rolled-back"]
    # Also when the trial had no data partition: then slot A noted it.
    expect("the rollback in the history", [("rolled-back", "B", reason)], given_up)
    return machine.run("jetson-health explain", check=False)[1]


def on_trial(build, name):
    machine = Machine(build, name, guest="systemd")
    copy_card(flipped_card(build), machine.card)
    return machine


ORDER = ("jetson-health.service", "boot-complete.target", "jetson-health-confirm.service",
         "swupdate.service")


@scenario("systemd: the units check, confirm and only then start swupdate")
def units_confirm(build, name):
    with on_trial(build, name) as machine:
        machine.power_on()
        expect("first boot of the trial", ("2.0", "B", "2.0"), boot_line(machine))
        wait_unit(machine, "swupdate.service")
        # For a oneshot: when it had ended.
        times = [int(machine.run(f"systemctl show -P ActiveEnterTimestampMonotonic {unit}"))
                 for unit in ORDER]
        if sorted(times) != times or 0 in times:
            raise Unexpected(f"the order of the units: {dict(zip(ORDER, times))}")
        order = " -> ".join(f"{unit} {at / 1e6:.1f} s" for unit, at in zip(ORDER, times))
        machine.note(f"units: {order}")
        expect_slots(machine, "confirmed by the units", "B", "B", "good", "good")
        expect("environment when confirmed", ["B", "0", "0", "2"], machine.environment(
            "boot_slot", "upgrade_available", "bootcount", "ustate"))
        expect("the confirmation in the history", "confirmed", history(machine)[-1][0])
        machine.type("systemctl reboot")
        expect("boot after an orderly reboot", ("2.0", "B", "2.0"), boot_line(machine))
    return order


@scenario("systemd: a health check of the new slot fails -> rollback, reboot, old slot, reason kept")
def units_sick(build, name):
    with Machine(build, name, guest="systemd") as machine:
        update(machine, "sick-3.0")
        machine.type("systemctl reboot")
        machine.wait_for(BOOTS_B)
        explained = back_in_a(machine, "health:app:unit-failed")
        if "app" not in explained:
            raise Unexpected(f"jetson-health explain does not name the check: {explained}")
        evidence = machine.run("jetson-slot history --last-failure")
        if "app.service" not in evidence:
            raise Unexpected(f"the journal of the trial is not kept: {evidence[-500:]}")
    return "rolled back by the units after one boot; A reports 'health:app:unit-failed'"


@scenario("systemd: the new slot's health unit is masked -> the update is refused before the flip")
def units_masked_refused(build, name):
    with Machine(build, name, guest="systemd") as machine:
        first_boot(machine)
        wait_unit(machine, "swupdate.service")
        output = install(machine, "masked-4.0", code=1)
        if "masked" not in output:
            raise Unexpected(f"refused for another reason: {output[-800:]}")
        expect_slots(machine, "after the refusal", "A", "A", "good", "empty")
    return "refused by name of the unit, nothing flipped"


@scenario("systemd: the health unit is masked after the flip -> given up at the deadline")
def units_masked_later(build, name):
    with on_trial(build, name) as machine:
        unit = "/etc/systemd/system/jetson-health"
        change_slot_b(machine, f"symlink {unit}.service /dev/null", f"mkdir {unit}-deadline.timer.d",
                      **{f"{unit}-deadline.timer.d/test.conf": "[Timer]\nOnBootSec=\nOnBootSec=60s\n"})
        machine.power_on()
        expect("first boot of the trial", ("2.0", "B", "2.0"), boot_line(machine))
        back_in_a(machine, "health:-:boot-deadline")
    return "the timer needs no unit that can be masked; deadline shortened to 60 s for the test"


@scenario("systemd: a file system of the new slot's fstab never appears -> emergency mode -> rollback")
def units_fstab(build, name):
    with on_trial(build, name) as machine:
        fstab = read_slot_b(machine, "/etc/fstab")
        line = "/dev/disk/by-partlabel/nowhere /mnt ext4 x-systemd.device-timeout=10s 0 0\n"
        change_slot_b(machine, **{"/etc/fstab": fstab + line})
        machine.power_on()
        machine.wait_for(BOOTS_B)
        # Emergency mode does not wait for the other file systems, so slot A may have to note it.
        back_in_a(machine, "health:-:emergency-mode")
    return "nobody was asked for a password; A reports 'health:-:emergency-mode'"


@scenario("systemd: a health check hangs -> ended at its deadline -> rollback")
def units_hang(build, name):
    with on_trial(build, name) as machine:
        change_slot_b(machine, **{"/etc/vm-mode": "mute\n"})
        machine.power_on()
        machine.wait_for(BOOTS_B)
        explained = back_in_a(machine, "health:app-answers:deadline")
        if "app-answers" not in explained:
            raise Unexpected(f"jetson-health explain does not name the check: {explained}")
    return "A reports 'health:app-answers:deadline'"


@scenario("systemd: rescue mode on trial (systemctl rescue) -> rollback instead of a console")
def units_rescue(build, name):
    with on_trial(build, name) as machine:
        # Its check hangs, so that the trial lasts long enough for the command.
        change_slot_b(machine, **{"/etc/vm-mode": "mute\n"})
        machine.power_on()
        expect("first boot of the trial", ("2.0", "B", "2.0"), boot_line(machine))
        machine.type("systemctl --no-block rescue")
        back_in_a(machine, "health:-:emergency-mode")
    return "A reports 'health:-:emergency-mode'"
