#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""Updates through a real hawkBit on one host (JOTA_HOST), and what both sides say of them afterwards.

Usage: scenarios.py --server FILE --out FILE [NAME...]
FILE: what server.py's hand_over() wrote. `make hawkbit` runs it, once for each host, through table.py.
"""

import argparse
import concurrent.futures
import contextlib
import dataclasses
import itertools
import json
import os
import shutil
import tempfile
import time
import traceback
from pathlib import Path

import device_side
import host
from fielded import Fielded
from server import HawkBit

WAIT_S = 240
POLLS = 4
CLOSING = r"^POST \S+/feedback .*\"execution\" *: *\"closed\""
REASON = r"^PUT \S+/configData .*jetson\.reason"
POLL = r"^GET /DEFAULT/controller/v1/[^/ ]+ "
ROOTFS_AT_BYTES = 3 << 20  # of a download: the kernel is through, the root file system is not
# Where swupdate has a place of its own for what it must remember, and uses it.
KEEPS_ACTION_ID = host.HOST == "builtin-2024.12.1"
_versions = (f"7.{os.getpid()}.{n}" for n in itertools.count())


class Cannot(Exception):
    """This host cannot do it; the text says why."""


class Disagree(AssertionError):
    """Server and device say different things, or not what they must."""


@dataclasses.dataclass
class Case:
    """One device, one update. wanted: ('finished'|'error'|'canceled', release and slot that must run)."""

    server: HawkBit
    device: Fielded
    action: int = 0
    version: str = ""

    def package(self, signer=None):
        update = self.device.bench.update()
        self.version = update.version = next(_versions)
        return self.device.bench.build(update, signer)

    def assign(self, *options):
        if not self.action:
            self.server.add_target(self.device.name)
        options = options or ("--assign", self.device.name)
        device_side.publish(self.server, self.device.stock.keys.ca, self.package(), *options)
        found = self.wait("an action", lambda: self.server.actions(self.device.name))
        self.action = found[0]["id"]

    def wait(self, what, condition):
        def lived():
            daemon = self.device.daemon
            if daemon and not daemon.is_alive():
                raise Disagree(f"swupdate ended with {daemon.process.returncode} while waiting for "
                               f"{what}")
            return condition()

        return self.server.wait_for(what, lived, WAIT_S)

    def said(self):
        return [text for _, texts in self.server.status(self.device.name, self.action)
                for text in texts]

    def outcome(self):
        return self.server.outcome(self.device.name, self.action)

    def install(self):
        """From the assignment to the reboot that is due."""
        if not self.action:
            self.assign()
        self.device.start_swupdate()
        self.wait("the end of the installation",
                  lambda: self.outcome() or "All Chunks Installed." in str(self.said()))
        if self.outcome():
            raise Disagree(f"the installation itself ended: {self.said()}")
        self.device.bench.check_flipped()

    def end(self, outcome):
        self.wait(f"'{outcome}'", self.outcome)
        if self.outcome() != outcome:
            raise Disagree(f"the server says '{self.outcome()}', expected '{outcome}'")
        # The target's own state is computed after the action's.
        state = {"finished": "in_sync", "error": "error"}.get(outcome)
        if state:
            self.wait(f"'{state}'", lambda: self.server.get(
                f"targets/{self.device.name}")["updateStatus"] == state)

        # It notes that it reported, after it reported.
        self.wait("the note of the report", lambda: self.device.stored_state().get("ustate")
                  not in ("2", "3"))

    def stays(self):
        """Several polls later nothing has changed: no second installation, no other report."""
        before = self.server.status(self.device.name, self.action), self.device.bench.env.read()
        seen = len(self.device.gate.said(POLL))
        self.wait("more polls", lambda: len(self.device.gate.said(POLL)) >= seen + POLLS)
        after = self.server.status(self.device.name, self.action), self.device.bench.env.read()
        if before != after:
            raise Disagree(f"something went on: {before} became {after}")

    def told(self, result, slot, reason):
        """The attributes are on the server."""
        wanted = {"jetson.last_result": result, "jetson.slot": slot, "jetson.reason": reason}

        def found():
            has = self.server.attributes(self.device.name)
            return {name: has.get(name) for name in wanted} == wanted

        # Later hosts replace all attributes by those they know, once, when they start.
        self.wait(f"the attributes {wanted}", found)

    def told_in_time(self, result, slot, reason):
        """And were there before the closing report."""
        self.told(result, slot, reason)
        kept = f"Retrieve action_id from previous run: {self.action}"
        if KEEPS_ACTION_ID and kept not in self.device.daemon.read():
            raise Disagree("it reported without the action id that it kept over the reboot")
        told, closed = self.device.gate.said(REASON), self.device.gate.said(CLOSING)
        if not told or not closed or not [n for n in told if n < closed[-1]]:
            raise Disagree(f"the attributes came after the report: {told}, {closed}")

    def runs(self, release, slot):
        """That the device runs it, is not on trial and would boot it again."""
        if self.device.says().split(", health:")[0].split(", firmware:")[0] != \
                f"{release} release on {slot}":
            raise Disagree(f"the device: {self.device.says()}, expected {release} on {slot}")
        installed = self.server.set_of(self.device.name, "installed")
        if (installed == self.version) != (release == "new"):
            raise Disagree(f"the server believes {installed} to be installed")

    def words(self):
        """What the server says, in a line."""
        target = self.server.get(f"targets/{self.device.name}")
        has = self.server.attributes(self.device.name)
        text = f"{self.outcome() or 'open'}, {target['updateStatus']}"
        reason = has.get("jetson.reason", "-")
        return text + (f", {reason}" if reason != "-" else "")


def success(case):
    """Installed by a rollout, healthy: success, only after the confirmation"""
    name = case.device.name
    case.assign("--rollout", f"r-{name}", "--filter", f"controllerId=={name}", "--groups", "1")
    case.install()
    case.device.power_on()
    case.end("finished")
    case.told_in_time("success", "B", "-")
    case.runs("new", "B")
    case.stays()


def unhealthy(case):
    """A health check fails on the new slot: error with its reason, old slot, no second try"""
    case.install()
    assert case.device.power_on() == "BA"
    case.end("error")
    case.told_in_time("failure", "A", "health:app:content-differs")
    box = case.server.attributes(case.device.name)["jetson.black_box"]
    if "jota.slot=B" not in box and "/proc/cmdline" not in box:
        raise Disagree(f"the black box says '{box}'")
    case.runs("old", "A")
    case.stays()
    # Nor after another boot: the report is not repeated, and nothing is taken for the next update's.
    case.device.power_on()
    case.stays()


unhealthy.sick = True


def power_cut(case):
    """The power fails on every boot of the new slot: the firmware goes back; error"""
    case.install()
    slots = ""
    while not slots.endswith("A"):
        slots += case.device.boot_and_lose_power()
        assert len(slots) < 8, slots
    case.device.units()
    case.end("error")
    case.told_in_time("failure", "A", "firmware:-:firmware-fallback")
    case.runs("old", "A")
    case.stays()


def cancel_before_flip(case):
    """Cancelled while it downloads: cancelled, the old slot was not touched by it"""
    case.assign()
    case.device.gate.hold_download(ROOTFS_AT_BYTES)
    case.device.start_swupdate()
    case.wait("a download", case.device.gate.held.is_set)
    case.server.cancel(case.device.name, case.action)
    # suricatta looks again when its polling interval is over, and only while data comes.
    time.sleep(3)
    case.device.gate.release()
    case.end("canceled")
    case.runs("old", "A")
    case.stays()
    case.device.power_on()
    case.runs("old", "A")


def cancel_after_flip(case):
    """Cancelled after the flip, before the reboot: cancelled, the old slot boots"""
    case.install()
    case.server.cancel(case.device.name, case.action)
    case.end("canceled")
    case.wait("the old slot", lambda: case.device.bench.boots_next() == "A")
    case.runs("old", "A")
    case.device.power_on()
    case.runs("old", "A")
    case.stays()


def unreachable(case):
    """No server when the new slot is confirmed: no rollback; success when it is back"""
    case.install()
    case.device.gate.shut()
    assert case.device.power_on(wait_s=1) == "B"
    # The unit of the attributes tries again, swupdate does; neither boots nor changes anything.
    assert case.device.tell(wait_s=1) == 1
    assert case.device.power_on(wait_s=1) == "B"
    if case.outcome():
        raise Disagree(f"nobody can have reported '{case.outcome()}'")
    case.device.gate.open()
    assert case.device.tell() == 0
    case.end("finished")
    case.runs("new", "B")
    case.stays()


def interrupted(case):
    """The download breaks off: it goes on from there; success"""
    case.device.gate.cut_after = ROOTFS_AT_BYTES
    case.install()
    again = [r for r in case.device.gate.requests if "\r\nrange: bytes=" in r.head.lower()]
    if case.device.gate.cut_after is not None or not again:
        raise Disagree("the download was not cut, or began from its start again")
    case.device.power_on()
    case.end("finished")
    case.told_in_time("success", "B", "-")
    case.runs("new", "B")


def wrong_signature(case):
    """Signed by somebody else, uploaded by hand: error, nothing was written, no second try"""
    swu = case.package(case.device.stock.keys.foreign)
    module = case.server.post("softwaremodules", [
        {"name": case.device.name, "version": case.version, "type": "os"}])[0]["id"]
    case.server.upload(module, swu)
    made = case.server.post("distributionsets", [
        {"name": case.device.name, "version": case.version, "type": "os",
         "modules": [{"id": module}]}])[0]["id"]
    case.server.add_target(case.device.name)
    case.server.post(f"distributionsets/{made}/assignedTargets",
                     [{"id": case.device.name, "type": "forced"}])
    case.action = case.server.actions(case.device.name)[0]["id"]
    case.device.start_swupdate()
    case.end("error")
    case.device.bench.check_untouched("A")
    case.runs("old", "A")
    case.stays()


def restarted(case):
    """swupdate restarts between flip and reboot: nothing changes; success after it"""
    case.install()
    case.device.stop_swupdate()
    before = case.device.bench.env.read()
    for _ in range(3):
        # systemd would not start it: the unit's condition is part of what is shipped.
        if case.device.start_swupdate():
            raise Disagree("swupdate would start before the reboot")
        assert case.device.health("run", "--apply", "--defer-confirm").code == 0
        assert case.device.health("confirm").code == 0
    if case.device.bench.env.read() != before:
        raise Disagree("the boot state changed")
    case.device.bench.check_flipped()
    assert case.device.power_on() == "B"
    case.end("finished")
    case.told_in_time("success", "B", "-")
    case.runs("new", "B")


def cancelled_late(case):
    """Cancelled while it reboots, then confirmed: too late, the new release stays; success"""
    case.install()
    case.device.stop_swupdate()
    case.server.cancel(case.device.name, case.action)
    assert case.device.power_on() == "B"
    case.wait("an end", case.outcome)
    if case.device.says() != "new release on B":
        raise Disagree(f"the device: {case.device.says()}, expected the new release on B")
    if case.outcome() == "canceled":
        case.told("success", "B", "-")
        raise Cannot("it takes the cancel before it reports the result: the server says canceled, only "
                     "the attributes say success on slot B, which is true")
    case.end("finished")
    case.runs("new", "B")


def replaced(case):
    """Quit by force and replaced by another update while it reboots: its result is not booked on that one"""
    case.install()
    case.device.stop_swupdate()
    first = case.action
    case.server.cancel(case.device.name, first)
    case.server.cancel(case.device.name, first, force=True)
    case.assign()
    assert case.action != first
    assert case.device.power_on() == "B"
    closing = rf"deploymentBase/{first}/feedback .*\"execution\" *: *\"closed\""
    seen = case.wait("the next installation, or a wrong report", lambda: case.outcome() or (
        "installed" if "All Chunks Installed." in str(case.said()) else
        "repeated" if len(case.device.gate.said(closing)) > 3 else ""))
    if seen == "finished" and not KEEPS_ACTION_ID:
        raise Cannot("it keeps no action id, and books the result on whatever the server offers after "
                     "the reboot")
    if seen == "repeated" and KEEPS_ACTION_ID:
        raise Cannot("it keeps the action id, but the server answers 410 Gone, for it closed that "
                     "action, and then it repeats its report for ever")
    if seen != "installed":
        raise Disagree(f"the other update ended with '{seen}', and was never tried")
    # Now the other one, from slot B to slot A.
    assert case.device.power_on() == "A"
    case.end("finished")
    case.runs("new", "A")


SCENARIOS = (success, unhealthy, power_cut, cancel_before_flip, cancel_after_flip, unreachable,
             interrupted, wrong_signature, restarted, cancelled_late,
             replaced)
SHORT = (success, unhealthy, cancel_after_flip, wrong_signature)


def why_not():
    """Why nothing can be shown on this host; None: it can."""
    if not os.access(host.SWUPDATE, os.X_OK):
        return f"'{host.SWUPDATE}' is missing: run 'make hosts'"
    return None


def play(scenario, server, stock, folder):
    """The cell of the table."""
    name = f"{host.HOST}-{scenario.__name__}".replace("_", "-").replace(".", "-")
    cell = {"server": "", "device": "", "agree": "no", "why": "", "seconds": 0}
    started = time.monotonic()
    device = Fielded(folder / scenario.__name__, stock, server, name,
                     getattr(scenario, "sick", False), keeps_vars=KEEPS_ACTION_ID)
    case = Case(server, device)
    try:
        scenario(case)
        cell["agree"] = "yes"
    except Cannot as reason:
        cell.update(agree="cannot", why=str(reason))
    except Exception as error:  # pylint: disable=broad-except
        cell["why"] = f"{type(error).__name__}: {error}"
        log = device.daemon.read() if device.daemon else ""
        said = "\n".join(f"{r.line} {r.body[:300]}" for r in device.gate.requests)
        cell["log"] = f"{traceback.format_exc()}\n{said}\n{log}"
    with contextlib.suppress(Exception):
        cell.update(server=case.words(), device=device.says())
    device.close()
    cell["seconds"] = round(time.monotonic() - started)
    return cell


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--server", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("names", nargs="*", metavar="NAME")
    args = parser.parse_args()
    server = HawkBit.join(args.server)
    folder = Path(tempfile.mkdtemp(prefix="jota-"))
    cells = {}
    try:
        trouble = why_not()
        stock = None if trouble else device_side.Stock(folder)
        chosen = [s for s in SCENARIOS if not args.names or s.__name__ in args.names]
        if trouble:
            cells = {s.__name__: {"agree": "not run", "why": trouble} for s in chosen}
        else:
            # Each has a device of its own, and waits most of the time.
            with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
                played = pool.map(lambda s: play(s, server, stock, folder), chosen)
                cells = dict(zip((s.__name__ for s in chosen), played))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    args.out.write_text(json.dumps(cells))


if __name__ == "__main__":
    main()
