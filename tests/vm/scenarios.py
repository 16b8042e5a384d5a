# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""What the virtual Jetson is put through. Each scenario starts from a card of its own and raises when
something is not as it should be; what it returns is the last column of the table."""

import json
import os

from machine import PANIC_LINE, Machine, Unexpected, copy_card

SCENARIOS = []
# Promised, and not there yet: shown in every table, never counted as passed.
MISSING = []
# Cards that one scenario leaves for another; the runner removes them at the end.
CONFIRMED = f"confirmed-in-B.{os.getpid()}.img"
LEFT_FOR_OTHERS = [CONFIRMED]
FIRST = r"U-Boot [^\r\n]*-jetson-ab-first"
SECOND = r"U-Boot [^\r\n]*-jetson-ab-([0-9.]+) "


def scenario(title, short=False):
    def add(function):
        SCENARIOS.append((function.__name__.replace("_", "-"), title, short, function))
        return function
    return add


def expect(what, wanted, seen):
    if wanted != seen:
        raise Unexpected(f"{what}: expected {wanted!r}, seen {seen!r}")


def install(machine, package, code=0):
    """Through the real swupdate of the guest; what it prints, and the code it ended with."""
    seen, output = machine.run(
        f"mkdir -p -m 0700 /run/update; TMPDIR=/run/update swupdate -f /etc/swupdate.cfg -i /run/media/{package}.swu", check=False)
    expect(f"exit code of swupdate -i {package}.swu", code, seen)
    return output


def slots(machine):
    """What jetson-slot says, as short words: running slot, next slot, state of A and of B."""
    info = json.loads(machine.run("jetson-slot info --json 2>/dev/null"))
    return [info["running"], info["next"]] + [slot["state"] for slot in info["slots"]], info


def expect_slots(machine, what, *wanted):
    seen, info = slots(machine)
    expect(f"{what}: running, next, slot A, slot B", list(wanted), seen)
    return info


def history(machine):
    """(event, slot, detail) of each entry, oldest first."""
    events = json.loads(machine.run("jetson-slot history --json 2>/dev/null"))["events"]
    return [(event["event"], event["slot"], event.get("detail")) for event in events]


def boot_line(machine):
    """One boot as the console shows it: (release of the bootloader, slot and release of user space)."""
    bootloader = machine.wait_for(SECOND).group(1).decode()
    slot, release = machine.wait_up()
    return bootloader, slot, release


def first_boot(machine):
    machine.power_on()
    expect("first boot: bootloader, slot, release", ("1.0", "A", "1.0"), boot_line(machine))


def update_and_flip(machine, package):
    """From slot A: install, and the state between flip and reboot."""
    first_boot(machine)
    install(machine, package)
    expect_slots(machine, "after the flip", "A", "B", "good", "trial")
    expect("environment after the flip", ["B", "1", "0", "1"], machine.environment(
        "boot_slot", "upgrade_available", "bootcount", "slotA_ok"))


def fell_back(machine):
    """Slot A runs again; nothing pretends that the update worked."""
    expect("boot after the fallback: bootloader, slot, release", ("1.0", "A", "1.0"), boot_line(machine))
    info = expect_slots(machine, "after the fallback", "A", "A", "good", "empty")
    expect("environment after the fallback", ["A", "0", "0", "0", "B"], machine.environment(
        "boot_slot", "upgrade_available", "bootcount", "slotB_ok", "update_target"))
    update = info["update"]
    expect("how the update is reported", ["B", "failed", "firmware:-:firmware-fallback"],
           [update["target"], update["state"], update["reason"]])
    expect("last entry of the history", ("fallback", "A", update["reason"]), history(machine)[-1])
    return f"A reports '{update['reason']}'"


def count_first_stages(machine, since):
    return machine.text.count(b"-jetson-ab-first ", since)


@scenario("install A -> B, trial, confirm", short=True)
def there(build, name):
    with Machine(build, name) as machine:
        update_and_flip(machine, "good-2.0")
        machine.reboot()
        expect("first boot of the trial", ("2.0", "B", "2.0"), boot_line(machine))
        expect("boots counted by the first stage, before user space", ["1"],
               machine.environment("bootcount"))
        expect_slots(machine, "on trial", "B", "B", "good", "trial")
        machine.run("jetson-slot mark-success")
        machine.reboot()
        expect("boot after the confirmation", ("2.0", "B", "2.0"), boot_line(machine))
        expect_slots(machine, "confirmed", "B", "B", "good", "good")
        expect("environment when confirmed", ["B", "0", "0", "2"], machine.environment(
            "boot_slot", "upgrade_available", "bootcount", "ustate"))
        machine.run("sync")
        machine.kill()
        copy_card(machine.card, build / "vm" / "run" / CONFIRMED)
    return "bootloader, kernel and root file system of 2.0 run, one boot counted"


@scenario("and back: install B -> A, trial, confirm (on the card of the scenario above)")
def back(build, name):
    start = build / "vm" / "run" / CONFIRMED
    if not start.exists():
        raise Unexpected("the scenario 'there' left no card")
    with Machine(build, name) as machine:
        copy_card(start, machine.card)
        machine.power_on()
        expect("first boot", ("2.0", "B", "2.0"), boot_line(machine))
        install(machine, "back-1.0")
        expect_slots(machine, "after the flip", "B", "A", "trial", "good")
        machine.reboot()
        expect("first boot of the trial", ("1.0", "A", "1.0"), boot_line(machine))
        machine.run("jetson-slot mark-success")
        expect_slots(machine, "confirmed", "A", "A", "good", "good")
    return "release 1.0 runs in A"


@scenario("new user space crashes: three boots, then the old slot", short=True)
def crash(build, name):
    with Machine(build, name) as machine:
        update_and_flip(machine, "crash-3.0")
        machine.reboot()
        for boot in (1, 2, 3):
            machine.wait_for(r"VM-INIT release=3\.0 mode=crash slot=B")
            machine.wait_for(PANIC_LINE.pattern.decode())
            machine.wait_for(FIRST)
            machine.note(f"trial boot {boot} ended in a panic")
        machine.wait_for(r"\[jota\] slot B was not confirmed, falling back to slot A")
        return "3 panics, " + fell_back(machine)


@scenario("kernel partition of the new slot zeroed after the flip")
def kernel_zeroed(build, name):
    with Machine(build, name) as machine:
        update_and_flip(machine, "crash-3.0")
        machine.run("dd if=/dev/zero of=/dev/mmcblk0p4 bs=1M count=16; sync")
        machine.reboot()
        for _ in (1, 2, 3):
            machine.wait_for(r"\[jota\] slot B: reading B_kernel")
            machine.wait_for(r"\[jota\] nothing to boot, reset")
        machine.wait_for(r"falling back to slot A")
        return "no kernel of B started, " + fell_back(machine)


@scenario("bootloader updated, not confirmed: rolled back with the slot")
def bootloader_rolled_back(build, name):
    with Machine(build, name) as machine:
        update_and_flip(machine, "good-2.0")
        machine.reboot()
        for boot in ("1", "2", "3"):
            expect(f"trial boot {boot}", ("2.0", "B", "2.0"), boot_line(machine))
            expect("boots counted", [boot], machine.environment("bootcount"))
            machine.reboot()
        return "bootloader 2.0 ran 3 times, then 1.0; " + fell_back(machine)


@scenario("bootloader of the new slot damaged: the first stage refuses it")
def bootloader_damaged(build, name):
    with Machine(build, name) as machine:
        update_and_flip(machine, "good-2.0")
        # One bit in the middle of the program.
        machine.run("printf X | dd of=/dev/mmcblk0p2 bs=1 seek=200000 conv=notrunc; sync")
        machine.reboot()
        for _ in (1, 2, 3):
            machine.wait_for(r"Bad hash in FIT image")
            machine.wait_for(r"\[first\] no bootloader to start, reset")
        return "checksum refused it 3 times, " + fell_back(machine)


@scenario("bootloader of the new slot hangs: three power cuts, then the old slot")
def bootloader_hangs(build, name):
    with Machine(build, name) as machine:
        update_and_flip(machine, "bootloader-hang-5.0")
        machine.run("sync")
        machine.kill()
        for _ in (1, 2, 3):
            machine.power_on()
            machine.wait_for(r"\[first\] slot B: starting the bootloader")
            machine.wait_for(r"Starting kernel")
            try:
                machine.wait_for(r"U-Boot", seconds=10)
            except Unexpected:
                machine.kill()
            else:
                raise Unexpected("the hanging bootloader did not hang")
        machine.power_on()
        return "counted although it did nothing, " + fell_back(machine)


@scenario("package signed with another key")
def wrong_key(build, name):
    with Machine(build, name) as machine:
        first_boot(machine)
        every = "dd if=/dev/mmcblk0 bs=1M count=106 2>/dev/null | sha256sum"
        before = machine.run(every)
        output = install(machine, "wrong-key-2.0", code=1)
        if "ERROR" not in output:
            raise Unexpected(f"swupdate refused without a word: {output[-300:]}")
        expect("environment and all partitions of both slots", before, machine.run(every))
        expect_slots(machine, "after the refusal", "A", "A", "good", "empty")
    return "refused, not a byte of environment and slots changed"


@scenario("new user space hangs: the hardware watchdog resets, then the old slot")
def hang(build, name):
    with Machine(build, name) as machine:
        update_and_flip(machine, "hang-4.0")
        machine.reboot()
        for _ in (1, 2, 3):
            machine.wait_for(r"VM-INIT release=4\.0 mode=hang slot=B")
            # Nobody in the guest does anything: only the watchdog can bring the first stage back.
            machine.wait_for(FIRST)
        return "3 resets by i6300esb, " + fell_back(machine)
