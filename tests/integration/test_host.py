# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""Ways to start swupdate with which the flip would silently never come: refused before a byte."""

import host
import pytest

GROUP = "How swupdate was started"


def direct(bench, package, *options, **more):
    """Without our launcher, which would select the interface."""
    return bench.install(package, *options, program=host.SWUPDATE, LD_PRELOAD=host.PLUGIN, **more)


def test_without_our_interface_nothing_is_written(bench):
    run = direct(bench, bench.update())
    bench.refuses("plugin preloaded, no -B: SWUpdate's default interface", run,
                  "bootloader interface is '")


def test_with_the_interface_none_nothing_is_written(bench):
    bench.refuses("-B none", bench.install(bench.update(), "-B", "none"),
                  "bootloader interface is 'none'")


def test_the_interface_can_be_chosen_in_the_configuration(bench):
    bench.flips("interface from swupdate.cfg",
                direct(bench, bench.update(), config='bootloader = "jetson";'))


def test_a_direct_start_with_the_interface_works(bench):
    bench.flips("plugin preloaded, -B jetson", direct(bench, bench.update(), "-B", "jetson"))


@pytest.mark.parametrize("option", ["-m", "--no-state-marker"])
def test_without_the_state_marker_nothing_is_written(bench, option):
    bench.refuses(f"state marker off ({option})", bench.install(bench.update(), option),
                  "its state marker is off")


def test_without_both_markers_nothing_is_written(bench):
    bench.refuses("both markers off (-m -M)", bench.install(bench.update(), "-m", "-M"),
                  "its state marker is off")


def test_a_description_cannot_turn_the_state_marker_off(bench):
    package = bench.update()
    package.more = "bootloader_state_marker = false;\n"
    bench.refuses("bootloader_state_marker = false in sw-description", bench.install(package),
                  "its state marker is off")


def test_a_description_may_turn_the_transaction_marker_off(bench):
    package = bench.update()
    package.more = "bootloader_transaction_marker = false;\n"
    bench.flips("bootloader_transaction_marker = false", bench.install(package))


def test_without_the_plugin_the_package_is_refused(bench):
    run = bench.install(bench.update(), program=host.SWUPDATE)
    bench.refuses("swupdate without our plugin", run, "feature 'jetson-bootloader' required")


def test_our_interface_without_the_plugin_ends_the_start(bench):
    run = bench.install(bench.update(), "-B", "jetson", program=host.SWUPDATE)
    bench.refuses("-B jetson without our plugin", run, "'jetson' could not be initialized")


def test_the_launcher_does_not_start_swupdate_without_the_plugin(bench):
    run = bench.install(bench.update(), plugin="/nowhere/jetson-handlers.so")
    bench.refuses("plugin file missing", run, "swupdate was not started")


def test_the_launcher_says_that_swupdate_is_missing(bench):
    run = bench.install(bench.update(), SWUPDATE="/nowhere/swupdate")
    bench.refuses("swupdate missing", run, "cannot start '/nowhere/swupdate'")


def test_a_relative_root_is_refused(bench):
    run = bench.install(bench.update(), JOTA_ROOT="device")
    bench.refuses("JOTA_ROOT is a relative path", run,
                  "'device' (variable JOTA_ROOT) is relative")


def test_a_temporary_directory_with_a_long_path_ends_the_start(bench):
    long = bench.work / ("long" * 25)
    long.mkdir()
    run = bench.install(bench.update(), TMPDIR=long)
    # Two threads make a socket each; whichever comes first ends the process.
    assert (run.code, bool(run.says("Error creating IPC"))) == (2, True), run.text
    bench.check_untouched("A")
