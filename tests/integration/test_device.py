# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""Devices on which an update must not start. Each refusal comes before the first byte."""

import fcntl

import pytest

GROUP = "The device"


def refuses(bench, case, says, boots="A"):
    bench.remember()
    bench.refuses(case, bench.install(bench.update()), says, boots)


@pytest.mark.parametrize("case, text, says", [
    ("no layout configured", "", "mission, t186"),
    ("unknown layout", 'layout = "t999";\n', "'t999'"),
    ("layout whose backend this version has not", 'layout = "t194";\n', "backend 'smd'"),
    ("syntax error in swupdate-jetson.conf", 'layout = "mission";\nboot_tries = = 3;\n',
     "swupdate-jetson.conf line 2"),
    ("unknown key in swupdate-jetson.conf", 'layout = "mission";\n\nboot_trys = 3;\n',
     "swupdate-jetson.conf line 3"),
    ("boot_tries of the wrong type", 'layout = "mission";\nboot_tries = "3";\n',
     "swupdate-jetson.conf line 2"),
    ("boot_tries = 0", 'layout = "mission";\nboot_tries = 0;\n', "boot_tries"),
    ("backend that the layout cannot use", 'layout = "mission";\nbackend = "smd";\n', "'smd'"),
])
def test_a_configuration_that_cannot_be_meant_is_refused(bench, case, text, says):
    bench.device.write_text("etc/swupdate-jetson.conf", text)
    refuses(bench, case, says)


def test_a_missing_configuration_is_refused(bench):
    (bench.root / "etc/swupdate-jetson.conf").unlink()
    refuses(bench, "no swupdate-jetson.conf", "/etc/swupdate-jetson.conf")


@pytest.mark.parametrize("case, text, says", [
    ("fw_env.config names one copy only", "/dev/mmcblk0 0x700000 0x20000\n", "names one copy only"),
    ("fw_env.config with a bad number", "/dev/mmcblk0 0x7g0000 0x20000\n" * 2, "line 1"),
    ("fw_env.config with overlapping copies",
     "/dev/mmcblk0 0x700000 0x20000\n/dev/mmcblk0 0x710000 0x20000\n", "overlap"),
    ("fw_env.config names a device that is not there",
     "/dev/mmcblk7 0x700000 0x20000\n/dev/mmcblk7 0x720000 0x20000\n", "/dev/mmcblk7"),
])
def test_an_environment_that_is_not_described_rightly_is_refused(bench, case, text, says):
    bench.device.write_text("etc/fw_env.config", text)
    refuses(bench, case, says)


def test_a_missing_fw_env_config_is_refused(bench):
    (bench.root / "etc/fw_env.config").unlink()
    refuses(bench, "no fw_env.config", "there is no /etc/fw_env.config")


def rename(bench, label, new):
    name = bench.device.partitions[label].name
    path = (bench.root / "sys/class/block" / name).resolve() / "uevent"
    path.write_text(path.read_text().replace(f"PARTNAME={label}", f"PARTNAME={new}"))


def test_a_missing_partition_is_refused(bench):
    rename(bench, "B_bootloader", "other")
    refuses(bench, "partition of the target slot missing", "no partition there has that label")


def test_a_label_that_stands_twice_is_refused(bench):
    rename(bench, "userdata", "B_bootloader")
    refuses(bench, "label twice on the disk", "both carry that label")


def test_a_missing_node_is_refused(bench):
    bench.device.node("B_bootloader").rename(bench.work / "node")
    run = bench.install(bench.update())
    (bench.work / "node").rename(bench.device.node("B_bootloader"))
    bench.refuses("partition without a node in /dev", run, "see that /dev is complete")


def test_a_partition_that_is_no_device_is_refused(bench):
    node = bench.device.node("B_bootloader")
    node.rename(bench.work / "node")
    node.mkdir()
    run = bench.install(bench.update())
    node.rmdir()
    (bench.work / "node").rename(node)
    bench.refuses("partition that is a folder", run, "which is no block device")


@pytest.mark.parametrize("label", ["B_bootloader", "B_APP"])
def test_a_mounted_target_is_refused(bench, label):
    bench.device.add_mount(label)
    bench.remember()
    package = bench.update(("bootloader", "kernel", "rootfs") if label == "B_bootloader" else
                           ("rootfs", "bootloader", "kernel"))
    bench.refuses(f"target {label} mounted", bench.install(package), "which is mounted")


def test_a_mounted_target_of_a_later_image_stops_the_update_at_its_start(bench):
    """A slot is written whole: nothing may be lost for an update that cannot be completed."""
    bench.device.add_mount("B_APP")
    bench.remember()
    bench.refuses("target of a later image mounted", bench.install(bench.update()),
                  "which is mounted")


def test_a_target_under_another_device_is_refused(bench):
    bench.device.add_holder("B_bootloader")
    refuses(bench, "target held by a device-mapper device", "which another block device stands on")


def cmdline(bench, text):
    bench.device.write_text("proc/cmdline", text + "\n")


@pytest.mark.parametrize("case, text", [
    ("command line and root device disagree", "root=PARTLABEL=B_APP jota.slot=B"),
    ("jota.slot and root= disagree", "root=PARTLABEL=A_APP jota.slot=B"),
    ("boot.slot_suffix disagrees", "root=PARTLABEL=A_APP jota.slot=A boot.slot_suffix=_b"),
])
def test_witnesses_that_contradict_each_other_stop_the_update(bench, case, text):
    cmdline(bench, text)
    bench.refuses(case, bench.install(bench.update()), "it is unclear which slot runs")


@pytest.mark.parametrize("case, text, says", [
    ("jota.slot given twice, differently", "jota.slot=A jota.slot=B", "contradicts itself"),
    ("jota.slot with a value that is no slot", "jota.slot=C", "is no slot"),
])
def test_a_witness_that_makes_no_sense_stops_the_update(bench, case, text, says):
    cmdline(bench, text)
    bench.refuses(case, bench.install(bench.update()), says)


def test_silence_about_the_running_slot_stops_the_update(bench):
    cmdline(bench, "console=ttyS0 root=/dev/nfs")
    bench.device.write_text("proc/self/mountinfo", "21 1 0:30 / / rw - nfs server:/root rw\n")
    bench.refuses("nothing tells which slot runs", bench.install(bench.update()),
                  "nothing tells which slot runs")


def test_another_root_disk_than_configured_is_refused(bench):
    bench.device.write_text("etc/swupdate-jetson.conf",
                            'layout = "mission";\nroot_disk = "mmcblk0boot0";\n')
    bench.refuses("root_disk is not the disk of the running root",
                  bench.install(bench.update(("rootfs", "bootloader", "kernel"))),
                  "is contradictory")


def test_a_state_that_contradicts_itself_stops_the_update(bench):
    bench.settle(boot_slot="A", slotA_ok="0", slotB_ok="0")
    bench.refuses("both slots marked bad", bench.install(bench.update()),
                  "the stored boot state contradicts itself", boots="A")


def test_two_updates_at_once_are_refused(bench):
    """Another process holds the session lock."""
    path = bench.root / "run/swupdate-jetson/session.lock"
    path.parent.mkdir(parents=True)
    with open(path, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write("a test\n")
        file.flush()
        bench.refuses("somebody else holds the session lock", bench.install(bench.update()),
                      "session.lock")
