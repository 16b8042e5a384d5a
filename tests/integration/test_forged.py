# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""SWUpdate's control socket lets any local user who reaches it set the update state. Nobody but a
verified update may select a slot, and nobody may make one fail."""

import contextlib

import pytest
from host import ACK, NACK

GROUP = "Update states set by others"
SCRIPT = """#!/bin/sh
[ "$1" = postinst ] || exit 0
touch {marker}
for i in $(seq 400); do [ ! -e {go} ] || exit 0; sleep 0.05; done
exit 1
"""


def said(daemon, fragment):
    """The log is another thread's: wait for the sentence."""
    daemon.wait_for(lambda: fragment in daemon.read(), f"'{fragment}'")
    return daemon.ran()


def test_a_state_of_an_idle_device_is_answered(bench):
    bench.settle(ustate="2")
    with bench.daemon() as daemon:
        assert daemon.get_state() == "2"


@pytest.mark.parametrize("digit, answer, says", [
    ("1", NACK, "ustate=1 (installed) is refused"),
    ("2", NACK, "ustate=2 is refused"),
    ("4", NACK, "ustate=4 is refused"),
    ("7", ACK, None),
    ("3", ACK, None),
])
def test_a_forged_state_while_idle_changes_nothing(bench, digit, answer, says):
    bench.settle(ustate="0")
    with bench.daemon() as daemon:
        assert daemon.set_state(digit) == answer
        if says:
            bench.note(f"ustate={digit} set from outside, no update runs", said(daemon, says), 0,
                       says)
        assert daemon.get_state() == "0"
        bench.check_untouched("A")
        # And the next update is none the worse for it.
        assert daemon.install(bench.build(bench.update())).code == 0
    bench.check_flipped()


def test_zero_while_idle_is_an_acknowledgement(bench):
    """What SWUpdate itself sends when the server has taken the outcome: one store, then none."""
    bench.settle(ustate="2", update_target="A")
    with bench.daemon() as daemon:
        assert daemon.set_state("0") == ACK
        assert bench.stores() == 1
        assert bench.state()["ustate"] == "0"
        assert "update_target" not in bench.state()
        assert daemon.set_state("0") == ACK
        assert bench.stores() == 1
    assert bench.boots_next() == "A"


def test_zero_after_the_flip_takes_it_back(bench):
    """The update was cancelled on the server: the device must not boot it."""
    with bench.daemon() as daemon:
        assert daemon.install(bench.build(bench.update())).code == 0
        bench.remember()
        assert daemon.set_state("0") == ACK
    assert bench.stores() == 1
    state = bench.state()
    assert (state["boot_slot"], state["slotB_ok"], state["ustate"]) == ("A", "0", "0")
    assert bench.boots_next() == "A"


@pytest.mark.parametrize("digit", "01237")
def test_a_forged_state_while_an_image_streams_changes_nothing(bench, digit):
    data = bench.build(bench.update()).read_bytes()
    with bench.daemon() as daemon, daemon.begin() as connection:
        connection.sendall(data[:3_000_000])
        daemon.wait_for(lambda: bench.stores() == 1, "first store")
        answer = daemon.set_state(digit)
        assert answer == (ACK if digit in "37" else NACK)
        if answer == NACK:
            says = f"ustate={digit}"
            bench.note(f"ustate={digit} set from outside while an image streams",
                       said(daemon, says), 0, says)
        assert bench.stores() == 1
        before = len(daemon.read())
        connection.sendall(data[3_000_000:])
        run = daemon.ended(before)
        assert run.code == 0, run.text
    bench.check_flipped()


@pytest.mark.parametrize("digit", "01237")
def test_a_forged_state_between_hook_and_flip_changes_nothing(bench, digit):
    """The moment in which everything is ready: only the installer's own word counts."""
    marker, go = bench.work / "armed", bench.work / "go"
    package = bench.update()
    package.add_script("wait.sh", SCRIPT.format(marker=marker, go=go))
    data = bench.build(package).read_bytes()
    with bench.daemon() as daemon, daemon.begin() as connection:
        connection.sendall(data)
        daemon.wait_for(marker.exists, "hook")
        answer = daemon.set_state(digit)
        assert answer == (ACK if digit in "37" else NACK)
        if answer == NACK:
            says = f"ustate={digit}"
            bench.note(f"ustate={digit} set from outside between hook and flip",
                       said(daemon, says), 0, says)
        assert bench.stores() == 1
        assert bench.state()["boot_slot"] == "A"
        go.touch()
        run = daemon.ended()
        assert run.code == 0, run.text
    bench.check_flipped()


def test_a_forged_seven_does_not_stand_for_the_state_marker(bench):
    """It comes from the network thread; the handlers ask for their own thread's."""
    package = bench.update()
    package.more = "bootloader_state_marker = false;\n"
    data = bench.build(package).read_bytes()
    first = data.index(b"bootloader.img\0")
    with bench.daemon() as daemon, daemon.begin() as connection:
        connection.sendall(data[:first])
        daemon.wait_for(lambda: "Software Update started" in daemon.read(), "start")
        assert daemon.set_state("7") == ACK
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(data[first:])
        run = daemon.ended()
    bench.refuses("ustate=7 set from outside, then an update without state marker", run,
                  "its state marker is off")
