# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""Several updates in one process: what one left behind must not count for the next."""

import socket
import struct

import host
import pytest
from package import Package
from swu import Swu

GROUP = "Daemon: several updates in one process"
WRONG = "5e" * 32


def test_a_daemon_takes_one_update_after_the_other(bench):
    with bench.daemon() as daemon:
        bench.flips("daemon, first update", daemon.install(bench.build(bench.update())))
        run = daemon.install(bench.build(Package.of(bench.stock.newer)))
        bench.note("daemon, second update before the reboot", run, 0, "slot B is selected")
    assert bench.stores() == 4
    newer = bench.stock.newer.rootfs
    assert bench.device.read_at("B_APP", 0, len(newer)) == newer
    assert bench.boots_next() == "B"


def test_a_daemon_installs_after_a_failure(bench):
    bad = bench.update()
    bad.image("boot.img").sha256 = WRONG
    with bench.daemon() as daemon:
        run = daemon.install(bench.build(bad))
        bench.fails("daemon, first update fails", run, "HASH mismatch", bootloader="new",
                    kernel="erased")
        bench.remember()
        run = daemon.install(bench.build(bench.update()))
        # The failed one left the target marked bad: one store is enough.
        bench.note("daemon, second update after a failed one", run, 0, "slot B is selected")
    assert bench.stores() == 1
    assert bench.boots_next() == "B"


@pytest.mark.parametrize("why", ["wrong sha256", "image missing"])
def test_images_of_a_failed_update_do_not_count_for_the_next(bench, why):
    """A flip with a root filesystem out of another, failed update would be the worst of all. After
    an image that is missing SWUpdate calls nobody of ours: only the start of the next update ends
    the session."""
    first = bench.update(("bootloader", "rootfs", "kernel"))
    swu = bench.build(first)
    if why == "wrong sha256":
        first.image("boot.img").sha256 = WRONG
        swu = bench.build(first)
    else:
        without = Swu(swu)
        del without.files["boot.img"]
        without.save(swu)
    second = bench.update(("kernel",))
    second.hook["images"] = "bootloader.img rootfs.ext4 boot.img"
    with bench.daemon() as daemon:
        assert daemon.install(swu).code == 1
        run = daemon.install(bench.build(second))
    bench.note(f"daemon, second update relies on images of the failed first one ({why})", run, 1,
               "image 'bootloader.img' of this update was not written")
    assert bench.state()["boot_slot"] == "A"
    assert bench.state()["slotB_ok"] == "0"
    assert bench.boots_next() == "A"
    bench.check_running()


def test_two_good_updates_do_not_count_for_a_third_without_a_hook(bench):
    third = bench.update()
    third.hook = None
    with bench.daemon() as daemon:
        for _ in range(2):
            assert daemon.install(bench.build(bench.update())).code == 0
        bench.remember()
        run = daemon.install(bench.build(third))
    bench.note("daemon, third update without the hook", run, 1,
               "no script of type 'jetson-postinstall'")
    # The flips before it are taken back: their slot has been written over.
    bench.check_begun(**bench.parts())
    assert bench.boots_next() == "A"


def test_a_state_marker_of_a_failed_update_does_not_count_for_the_next(bench):
    """Without its own marker the second update would be written and never selected."""
    first, second = bench.update(), bench.update()
    first.image("bootloader").sha256 = WRONG
    second.more = "bootloader_state_marker = false;\n"
    with bench.daemon() as daemon:
        assert daemon.install(bench.build(first)).code == 1
        bench.remember()
        run = daemon.install(bench.build(second))
    bench.refuses("daemon, second update without state marker", run, "its state marker is off")


def test_a_slot_that_was_armed_before_the_failure_is_not_selected_by_the_next(bench):
    """Nobody calls our hook when a later script fails."""
    first, second = bench.update(), bench.update()
    first.add_script("fail.sh", "#!/bin/sh\n[ $1 = preinst ]\n")
    second.images, second.hook = [], None
    second.add_script("nothing.sh", "#!/bin/sh\n")
    with bench.daemon() as daemon:
        run = daemon.install(bench.build(first))
        assert run.says("is complete and will be selected"), run.text
        bench.fails("daemon, script behind the hook fails", run, "postinstall scripts failed",
                    bootloader="new", kernel="new", rootfs="new")
        run = daemon.install(bench.build(second))
    bench.note("package without any A/B image", run, 1, "ustate=1")
    assert bench.stores() == 1
    assert bench.boots_next() == "A"


def test_a_pending_state_of_a_failed_update_is_forgotten(bench):
    """An overlay that stays would hide what is stored from everybody who asks."""
    bench.settle(ustate="2", update_target="A")
    bad = bench.update()
    bad.hook["images"] = "nothing"
    with bench.daemon() as daemon:
        assert daemon.get_state() == "2"
        run = daemon.install(bench.build(bad))
        assert run.code == 1, run.text
        # Not 3, which SWUpdate set for the failed update and which stays in memory.
        assert daemon.get_state() == bench.state()["ustate"] == "7"


def test_variables_of_a_failed_update_do_not_ride_in_the_next_store(bench):
    first = bench.update()
    first.bootenv = {"of_the_first": "1", "boot_slot": "B"}
    with bench.daemon() as daemon:
        assert daemon.install(bench.build(first)).code == 1
        assert daemon.install(bench.build(bench.update())).code == 0
    assert "of_the_first" not in bench.env.read()


def test_a_stale_target_does_not_survive_the_first_store(bench):
    bench.settle(update_target="B", ustate="0")
    bad = bench.update()
    bad.image("bootloader").sha256 = WRONG
    with bench.daemon() as daemon:
        run = daemon.install(bench.build(bad))
    assert run.code == 1
    assert "update_target" not in bench.state()


def test_a_refused_update_leaves_the_flip_before_it(bench):
    """What fails before the first store must not take a good update back."""
    refused = bench.update()
    refused.image("bootloader").extra = ' device = "/dev/mmcblk0p5";'
    with bench.daemon() as daemon:
        assert daemon.install(bench.build(bench.update())).code == 0
        bench.remember()
        run = daemon.install(bench.build(refused))
    bench.refuses("daemon, refused update after a good one", run, "must not give device", boots="B")


def test_a_daemon_without_our_interface_refuses_each_update(bench):
    with bench.daemon("-B", "none") as daemon:
        for _ in range(2):
            run = daemon.install(bench.build(bench.update()))
            bench.refuses("daemon with -B none", run, "bootloader interface is 'none'")


def test_jetson_slot_is_refused_while_an_update_runs(bench):
    swu = bench.build(bench.update())
    data = swu.read_bytes()
    with bench.daemon() as daemon, daemon.begin() as connection:
        connection.sendall(data[:3_000_000])
        daemon.wait_for(lambda: bench.stores() == 1, "first store")
        for words in (("mark-success",), ("switch", "B")):
            run = bench.jetson_slot(*words)
            bench.note(f"jetson-slot {' '.join(words)} while an update runs", run, 1,
                       "a running update")
        before = len(daemon.read())
        connection.sendall(data[3_000_000:])
        run = daemon.ended(before)
        assert run.code == 0, run.text
    bench.check_flipped()


def test_the_daemon_waits_for_nobody_who_holds_the_lock(bench):
    """And jetson-slot's short work before an update does not stop it."""
    with bench.daemon() as daemon:
        assert bench.jetson_slot("mark-success").code == 0
        bench.flips("daemon, update after jetson-slot", daemon.install(bench.build(bench.update())))


def test_a_client_that_does_not_wait_for_its_answer_ends_no_daemon(bench):
    """Its children do so when the machine is slow; the answer is then written to a closed socket."""
    with bench.daemon() as daemon:
        with daemon.connect() as connection:
            connection.shutdown(socket.SHUT_RD)
            connection.sendall(struct.pack("@ii", host.IPC_MAGIC, host.GET_UPDATE_STATE)
                               .ljust(host.IPC_BYTES, b"\0"))
        run = daemon.install(bench.build(bench.update()))
        assert run.code == 0, run.text
    bench.check_flipped()
