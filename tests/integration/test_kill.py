# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""swupdate dies in the middle: the running slot boots, and the same update then goes well."""

import pytest
from test_forged import SCRIPT

GROUP = "swupdate killed in the middle"



def killed_after(bench, sent_bytes, condition):
    data = bench.build(bench.update()).read_bytes()
    with bench.daemon() as daemon, daemon.begin() as connection:
        connection.sendall(data[:sent_bytes])
        daemon.wait_for(lambda: condition(), "moment to be killed in")
        daemon.close()


@pytest.mark.parametrize("role, sent_bytes, done", [
    ("bootloader", 150_000, {}),
    ("kernel", 1_000_000, {"bootloader": "new"}),
    ("rootfs", 3_000_000, {"bootloader": "new", "kernel": "new"}),
])
def test_killed_while_an_image_streams(bench, role, sent_bytes, done):
    killed_after(bench, sent_bytes, lambda: bench.part(role) == "erased")
    bench.check_begun(**{**done, role: "erased"})
    assert bench.jetson_slot("get-slot").text == "A\n"
    run = bench.install(bench.update())
    bench.note(f"update after swupdate was killed while the {role} streamed", run, 0,
               "slot B is selected")
    assert bench.stores() == 2  # one of them before the kill
    assert bench.parts() == {name: "new" for name in bench.roles}
    assert bench.boots_next() == "B"


def test_killed_between_hook_and_flip(bench):
    marker = bench.work / "armed"
    package = bench.update()
    package.add_script("wait.sh", SCRIPT.format(marker=marker, go=bench.work / "go"))
    data = bench.build(package).read_bytes()
    with bench.daemon() as daemon, daemon.begin() as connection:
        connection.sendall(data)
        daemon.wait_for(marker.exists, "hook")
        assert "is complete and will be selected" in daemon.read()
    bench.check_begun(bootloader="new", kernel="new", rootfs="new")
    run = bench.install(bench.update())
    bench.note("update after swupdate was killed between hook and flip", run, 0,
               "slot B is selected")
    assert bench.boots_next() == "B"


def test_killed_before_the_first_image(bench):
    swu = bench.build(bench.update())
    data = swu.read_bytes()
    with bench.daemon() as daemon, daemon.begin() as connection:
        connection.sendall(data[:data.index(b"bootloader.img\0")])
        daemon.wait_for(lambda: "Software Update started" in daemon.read(), "start")
    bench.check_untouched("A")
    bench.flips("update after swupdate was killed before the first image",
                bench.install(None, swu=swu))


def test_killed_after_the_flip(bench):
    with bench.daemon() as daemon:
        assert daemon.install(bench.build(bench.update())).code == 0
    bench.check_flipped()
    assert [bench.reboot()["slot"] for _ in range(2)] == ["B", "B"]


def test_a_power_cut_instead_of_the_kill_boots_the_old_slot(bench):
    """The model powers on right after: no swupdate in between that could repair anything."""
    killed_after(bench, 3_000_000, lambda: bench.part("rootfs") == "erased")
    assert [bench.reboot()["slot"] for _ in range(3)] == ["A", "A", "A"]
