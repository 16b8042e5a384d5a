# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""Updates that come from a client of the daemon: SWUpdate's own, and ones that go away. SWUpdate
has no request that cancels an installation: hanging up is what a client can do."""

import subprocess

import host
import pytest
from package import Package
from test_forged import SCRIPT, said

GROUP = "Clients of the daemon"
WRONG = "5e" * 32
GOOD, BAD = "SWUpdate was successful !", "SWUpdate *failed* !"


def answered(daemon, words, code, says):
    """What the client said must fit its exit code."""
    run = daemon.client(*words)
    assert run.code == code, run.text + daemon.read()
    assert run.says(says), run.text
    return run


def test_the_client_installs_an_update(bench):
    with bench.daemon() as daemon:
        run = answered(daemon, [bench.build(bench.update())], 0, GOOD)
    bench.flips("swupdate-client, good update", run, GOOD)


def test_a_dry_run_of_the_client_changes_nothing(bench):
    """And the update after it in the same process is a real one."""
    swu = bench.build(bench.update())
    with bench.daemon() as daemon:
        run = answered(daemon, ["-d", swu], 0, GOOD)
        bench.note("swupdate-client -d (dry run)", run, 0, GOOD)
        bench.check_untouched(boots="A")
        answered(daemon, [swu], 0, GOOD)
    bench.check_flipped()


def test_a_dry_run_of_a_bad_update_changes_nothing(bench):
    bad = bench.update()
    bad.image("bootloader").sha256 = WRONG
    with bench.daemon() as daemon:
        run = answered(daemon, ["-d", bench.build(bad)], 1, BAD)
        bench.refuses("swupdate-client -d (dry run), wrong sha256", run, BAD)


def test_the_client_reports_an_update_that_fails(bench):
    bad = bench.update()
    bad.image("boot.img").sha256 = WRONG
    with bench.daemon() as daemon:
        run = answered(daemon, [bench.build(bad)], 1, BAD)
        bench.fails("swupdate-client, wrong sha256 of the second image", run, BAD, bootloader="new",
                    kernel="erased")
        bench.remember()
        answered(daemon, [bench.build(bench.update())], 0, GOOD)
    assert bench.boots_next() == "B"


def test_the_client_reports_an_update_that_is_refused(bench):
    refused = bench.update()
    refused.image("bootloader").extra = ' device = "/dev/mmcblk0p5";'
    with bench.daemon() as daemon:
        run = answered(daemon, [bench.build(refused)], 1, BAD)
        assert "must not give device" in daemon.read()
    bench.refuses("swupdate-client, refused update", run, BAD)


def test_the_client_may_bring_two_updates_at_once(bench):
    """The second replaces the first: slot B is written twice, slot A not at all."""
    words = [bench.build(bench.update()), bench.build(Package.of(bench.stock.newer))]
    with bench.daemon() as daemon:
        run = answered(daemon, words, 0, GOOD)
    assert run.text.count(GOOD) == 2
    assert bench.stores() == 4
    newer = bench.stock.newer.rootfs
    assert bench.device.read_at("B_APP", 0, len(newer)) == newer
    assert bench.boots_next() == "B"
    bench.check_running()


def test_a_second_client_is_turned_away_while_an_update_runs(bench):
    swu = bench.build(bench.update())
    data = swu.read_bytes()
    with bench.daemon() as daemon, daemon.begin() as connection:
        connection.sendall(data[:3_000_000])
        daemon.wait_for(lambda: bench.stores() == 1, "first store")
        run = daemon.client(swu)
        bench.note("swupdate-client while another update runs", run, 1, "swupdate_async_start")
        before = len(daemon.read())
        connection.sendall(data[3_000_000:])
        run = daemon.ended(before)
        assert run.code == 0, run.text
    bench.check_flipped()


@pytest.mark.parametrize("role, sent_bytes, done", [
    ("bootloader", 150_000, {}),
    ("kernel", 1_000_000, {"bootloader": "new"}),
    ("rootfs", 3_000_000, {"bootloader": "new", "kernel": "new"}),
])
def test_a_client_that_hangs_up_cancels_the_update(bench, role, sent_bytes, done):
    swu = bench.build(bench.update())
    with bench.daemon() as daemon:
        with daemon.begin() as connection:
            connection.sendall(swu.read_bytes()[:sent_bytes])
            daemon.wait_for(lambda: bench.part(role) == "erased", f"erased {role}")
            before = len(daemon.read())
        run = daemon.ended(before)
        bench.fails(f"client hangs up while the {role} streams", run, "the stream was not good",
                    **{**done, role: "erased"})
        run = daemon.install(swu)
        assert run.code == 0, run.text
    bench.check_flipped()


def test_a_client_that_hangs_up_before_the_first_image_changes_nothing(bench):
    swu = bench.build(bench.update())
    data = swu.read_bytes()
    with bench.daemon() as daemon:
        with daemon.begin() as connection:
            connection.sendall(data[:data.index(b"bootloader.img\0")])
            daemon.wait_for(lambda: "Software Update started" in daemon.read(), "start")
        run = daemon.ended()
        bench.refuses("client hangs up before the first image", run, "Image invalid or corrupted")
        assert daemon.install(swu).code == 0
    bench.check_flipped()


def test_a_client_that_asks_and_sends_nothing_changes_nothing(bench):
    with bench.daemon() as daemon:
        with daemon.begin():
            daemon.wait_for(lambda: "Software Update started" in daemon.read(), "start")
        run = daemon.ended()
        bench.refuses("client hangs up before the first byte", run, "Image invalid or corrupted")
        assert daemon.install(bench.build(bench.update())).code == 0
    bench.check_flipped()


def test_a_client_that_is_killed_cancels_the_update(bench):
    """SWUpdate's own, in the middle of a file that it reads from its standard input."""
    data = bench.build(bench.update()).read_bytes()
    with bench.daemon() as daemon:
        process = subprocess.Popen([host.CLIENT, "-"], env=daemon.env, stdin=subprocess.PIPE,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   start_new_session=True)
        try:
            process.stdin.write(data[:3_000_000])
            process.stdin.flush()
            daemon.wait_for(lambda: bench.part("rootfs") == "erased", "erased rootfs")
            before = len(daemon.read())
        finally:
            host.kill_group(process)
            process.stdin.close()
        run = daemon.ended(before)
        bench.fails("swupdate-client killed while the rootfs streams", run,
                    "the stream was not good", bootloader="new", kernel="new", rootfs="erased")


def test_a_client_that_has_sent_everything_is_no_longer_needed(bench):
    """What was received is installed: hanging up behind the last byte cancels nothing."""
    marker, go = bench.work / "armed", bench.work / "go"
    package = bench.update()
    package.add_script("wait.sh", SCRIPT.format(marker=marker, go=go))
    data = bench.build(package).read_bytes()
    with bench.daemon() as daemon:
        with daemon.begin() as connection:
            connection.sendall(data)
            daemon.wait_for(marker.exists, "hook")
        assert bench.state()["boot_slot"] == "A"
        go.touch()
        said(daemon, "SWUPDATE successful !")
        run = daemon.ran()
    bench.flips("client hangs up between hook and flip", run)
