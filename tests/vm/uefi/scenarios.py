# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""What the UEFI machine is put through. Each starts from a disk and a variable store of its own and raises when
something is not as it should be; what it returns is the last column of the table."""

import json
import shutil
import time

from uefi_machine import BOOT_S, UefiMachine, Unexpected, copy_card

RECORD = "/sys/firmware/efi/efivars/JotaSlots-a7ddbf9b-3207-4644-bbf4-c336d94f12e6"
SCENARIOS = []


def scenario(title):
    def add(function):
        SCENARIOS.append((function.__name__.replace("_", "-"), title, function))
        return function
    return add


def expect(what, wanted, seen):
    if wanted != seen:
        raise Unexpected(f"{what}: expected {wanted!r}, seen {seen!r}")


def slots(machine):
    info = json.loads(machine.run("jetson-slot info --json 2>/dev/null"))
    return [info["running"], info["next"]] + [slot["state"] for slot in info["slots"]], info


def expect_slots(machine, what, *wanted):
    seen, info = slots(machine)
    expect(f"{what}: running, next, slot A, slot B", list(wanted), seen)
    return info


def install(machine, package):
    code, output = machine.run(f"update {package}", check=False)
    expect(f"exit code of swupdate -i {package}.swu: {output[-400:]}", 0, code)


def first_boot(machine):
    machine.power_on()
    expect("first boot: slot chosen, slot and release that run", ("A", "A", "1.0"), machine.boot_line())
    info = expect_slots(machine, "before the first update", "A", "A", "good", "empty")
    expect("problems", [], [p["text"] for p in info["problems"] if p["blocks_update"]])


def update_and_flip(machine, package):
    first_boot(machine)
    install(machine, package)
    expect_slots(machine, "after the flip", "A", "B", "good", "trial")
    expect("BootChainFwNext, -Status, RootfsStatusSlotB", [1, None, 0],
           [machine.variable(n) for n in ("BootChainFwNext", "BootChainFwStatus", "RootfsStatusSlotB")])


def fell_back(machine, reason):
    expect("boot after the fallback", ("A", "A", "1.0"), machine.boot_line())
    info = expect_slots(machine, "after the fallback", "A", "A", "good", "empty")
    update = info["update"]
    expect("how the update is reported", ["failed", reason], [update["state"], update["reason"]])
    expect("RootfsStatusSlotB", 0xFF, machine.variable("RootfsStatusSlotB"))
    return f"A reports '{reason}'"


@scenario("install A -> B, trial, confirm; then B -> A, trial, confirm")
def there_and_back(build, name):
    with UefiMachine(build, name) as machine:
        update_and_flip(machine, "good-2.0")
        machine.reboot()
        expect("first boot of the trial", ("B", "B", "2.0"), machine.boot_line())
        expect("partitions of B that differ from the package", [], machine.holds("B", "2.0"))
        expect_slots(machine, "on trial", "B", "B", "good", "trial")
        expect("BootChainFwStatus on trial", 0, machine.variable("BootChainFwStatus"))
        machine.run("jetson-slot mark-success")
        expect("BootChainFwStatus, confirmed", None, machine.variable("BootChainFwStatus"))
        machine.run("sync")
        machine.kill()
        machine.power_on()
        expect("power on after the confirmation", ("B", "B", "2.0"), machine.boot_line())
        expect_slots(machine, "confirmed", "B", "B", "good", "good")
        install(machine, "back-1.0")
        expect_slots(machine, "after the second flip", "B", "A", "trial", "good")
        machine.reboot()
        expect("first boot of the second trial", ("A", "A", "1.0"), machine.boot_line())
        machine.run("jetson-slot mark-success")
        expect_slots(machine, "confirmed", "A", "A", "good", "good")
        machine.kill()
        expect("partitions of A that differ from the package", [], machine.holds("A", "1.0"))
        copy_card(machine.card, build / "vm" / "run" / "uefi-both.img")
        shutil.copy(machine.variables, build / "vm" / "run" / "uefi-both.fd")
    return "2.0 ran from B, 1.0 from A; each survived a power cut or a reset"


@scenario("new user space crashes: the firmware's tries run out, then the old slot")
def crash(build, name):
    with UefiMachine(build, name) as machine:
        update_and_flip(machine, "crash-3.0")
        machine.reboot()
        for boot in (1, 2, 3):
            machine.wait_for(r"\[stand-in\] slot B")
            machine.wait_for(r"VM-INIT release=3\.0 mode=crash")
            machine.wait_for(r"Kernel panic - not syncing")
            machine.note(f"trial boot {boot} ended in a panic")
        return "3 panics; " + fell_back(machine, "firmware:-:firmware-fallback")


@scenario("kernel partition of the new slot zeroed after the flip")
def kernel_zeroed(build, name):
    with UefiMachine(build, name) as machine:
        update_and_flip(machine, "good-2.0")
        machine.run("dd if=/dev/zero of=/dev/vda3 bs=1M count=48; sync")
        machine.reboot()
        for _ in (1, 2, 3):
            machine.wait_for(r"\[stand-in\] slot B")
            machine.wait_for(r"\[stand-in\] no boot image in the kernel partition")
        return "no kernel of B started; " + fell_back(machine, "firmware:-:firmware-fallback")


@scenario("nobody confirms, and each boot ends in a power cut: the record's count ends the trial")
def power_cut_each_boot(build, name):
    with UefiMachine(build, name) as machine:
        update_and_flip(machine, "good-2.0")
        for boot in (1, 2, 3):
            machine.kill()
            machine.power_on()
            machine.wait_for(rf"boot {boot} of 3 of the slot on trial")
            expect(f"trial boot {boot}", ("B", "B", "2.0"), machine.boot_line())
            start = machine.text[:machine.seen].rsplit(b"[stand-in] ", 3)[1].split(b"\r")[0].decode()
            # The first one is a reset of the firmware itself, into the new chain.
            expect(f"start of boot {boot}", "warm start" if boot == 1 else "power on", start)
        machine.kill()
        machine.power_on()
        machine.wait_for(r"VM-INIT given up, reboot")
        return "given up at the fourth boot; " + fell_back(machine, "firmware:-:boot-limit")


@scenario("a flip that waits for its reboot is taken back")
def taken_back(build, name):
    with UefiMachine(build, name) as machine:
        update_and_flip(machine, "good-2.0")
        machine.run("jetson-slot switch A")
        expect_slots(machine, "taken back", "A", "A", "good", "empty")
        expect("BootChainFwNext", None, machine.variable("BootChainFwNext"))
        machine.reboot()
        expect("boot", ("A", "A", "1.0"), machine.boot_line())
    return "A runs, B is empty"


@scenario("a stale BootChainFwStatus does not cancel the flip")
def stale_status(build, name):
    path = "/sys/firmware/efi/efivars/BootChainFwStatus-781e084c-a330-417c-b678-38e696380cb9"
    with UefiMachine(build, name) as machine:
        first_boot(machine)
        machine.run(rf"printf '\007\000\000\000\003\000\000\000' >{path}")
        expect("BootChainFwStatus", 3, machine.variable("BootChainFwStatus"))
        machine.reboot()
        machine.boot_line()
        expect("the variable after a boot", "immutable", machine.run(f"nvbootctrl flags {path}").strip())
        install(machine, "good-2.0")
        machine.reboot()
        expect("first boot of the trial", ("B", "B", "2.0"), machine.boot_line())
        status = "/sys/firmware/efi/efivars/RootfsStatusSlotB-781e084c-a330-417c-b678-38e696380cb9"
        expect("the variable of a slot", "immutable", machine.run(f"nvbootctrl flags {status}").strip())
    return "removed although immutable, B runs"


def lose_record(machine, runs):
    """As when the firmware's store lost it: from then on the device is as one that was never updated."""
    machine.run(f"nvbootctrl delete {RECORD}")
    without_record(machine, runs)


def without_record(machine, runs):
    (running, _, *conditions), info = slots(machine)
    expect("without a record: running, situation, slot A, slot B",
           [runs, "factory"] + (["good", "empty"] if runs == "A" else ["empty", "good"]),
           [running, info["situation"]] + conditions)
    expect("problems that block an update", [], [p["text"] for p in info["problems"] if p["blocks_update"]])


def comes_back(machine, slot, release):
    machine.kill()
    machine.power_on()
    expect("slot after the power cut", (slot, slot, release), machine.boot_line())
    without_record(machine, slot)


@scenario("our record is lost: pending, on trial, being written, idle, after a fallback; a whole slot runs and takes the next update")
def record_lost(build, name):
    with UefiMachine(build, name) as machine:
        update_and_flip(machine, "good-2.0")
        lose_record(machine, "A")
        comes_back(machine, "B", "2.0")
        install(machine, "back-1.0")
        machine.reboot()
        expect("first boot of a trial", ("A", "A", "1.0"), machine.boot_line())
        lose_record(machine, "A")
        comes_back(machine, "A", "1.0")
        machine.run("update good-2.0 >/run/update.log 2>&1 & true")
        deadline = time.monotonic() + BOOT_S
        while machine.variable("RootfsStatusSlotB") != 0xFF and time.monotonic() < deadline:
            machine.read_some(0.1)
        machine.run(f"nvbootctrl delete {RECORD}")
        comes_back(machine, "A", "1.0")
        expect("RootfsStatusSlotB", 0xFF, machine.variable("RootfsStatusSlotB"))
        install(machine, "good-2.0")
        machine.reboot()
        expect("first boot of a trial", ("B", "B", "2.0"), machine.boot_line())
        machine.run("jetson-slot mark-success")
        lose_record(machine, "B")
        comes_back(machine, "B", "2.0")
        install(machine, "crash-3.0")
        machine.reboot()
        for _ in (1, 2, 3):
            machine.wait_for(r"Kernel panic - not syncing")
        expect("boot after the fallback", ("B", "B", "2.0"), machine.boot_line())
        lose_record(machine, "B")
        comes_back(machine, "B", "2.0")
    return "each time the slot that the firmware chose, whole; the next update was taken"
