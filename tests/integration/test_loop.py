# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""Real block devices: exclusive opening, direct I/O, real mounts. Only root can do that."""

import subprocess

import pytest

GROUP = "Block devices (loop devices, root only)"
pytestmark = pytest.mark.root


@pytest.fixture
def bench(make_bench):
    return make_bench(loops=True)


def test_an_update_goes_onto_block_devices(bench):
    bench.flips("good update onto block devices", bench.install(bench.update()))


def test_a_zstd_update_goes_onto_block_devices(bench):
    package = bench.update()
    package.image("rootfs").compress("zstd")
    bench.flips("good compressed update onto block devices", bench.install(package))
    bench.reboot()
    assert bench.jetson_slot("mark-success").code == 0
    assert bench.state()["upgrade_available"] == "0"


def test_what_was_written_is_a_filesystem_that_the_kernel_mounts(bench, tmp_path):
    bench.flips("good update, mounted afterwards", bench.install(bench.update()))
    with mounted(bench.device.partitions["B_APP"].loop, tmp_path):
        assert (tmp_path / "etc/release").read_text() == "new\n"


def test_a_target_that_is_really_mounted_is_not_written(bench, tmp_path):
    """mountinfo of the device does not know of the mount: the kernel's own refusal must do."""
    package = bench.update(("rootfs", "bootloader", "kernel"))
    with mounted(bench.device.partitions["B_APP"].loop, tmp_path, "-o", "ro"):
        run = bench.install(package)
        assert (tmp_path / "etc/release").read_text() == "old\n"
    bench.refuses("target really mounted, unknown to mountinfo", run, "something else has claimed")


def test_a_write_protected_target_is_refused(bench):
    loop = bench.device.partitions["B_bootloader"].loop
    subprocess.run(["blockdev", "--setro", loop], check=True)
    try:
        run = bench.install(bench.update())
    finally:
        subprocess.run(["blockdev", "--setrw", loop], check=True)
    bench.refuses("write protected target", run, "which is write protected")


def test_a_first_store_that_cannot_be_made_changes_nothing(bench):
    """Readable, but never writable: no byte of the target may be lost for it."""
    subprocess.run(["blockdev", "--setro", bench.device.disk_loop], check=True)
    try:
        run = bench.install(bench.update())
    finally:
        subprocess.run(["blockdev", "--setrw", bench.device.disk_loop], check=True)
    bench.refuses("environment on a write protected device", run, "environment")


def test_a_node_of_another_device_is_refused(bench):
    """A stale node in /dev must not lead to another partition."""
    node = bench.device.node("B_bootloader")
    node.unlink()
    node.symlink_to(bench.device.partitions["userdata"].loop)
    run = bench.install(bench.update())
    node.unlink()
    node.symlink_to(bench.device.partitions["B_bootloader"].loop)
    bench.refuses("node in /dev that belongs to another device", run,
                  "restart udev or remove the stale node")


def test_an_image_one_byte_larger_than_a_block_device_is_refused(bench):
    package = bench.update()
    image = package.image("bootloader")
    image.data = image.data.ljust(512 * 1024 + 1, b"\0")
    bench.refuses("image one byte larger than a block device", bench.install(package),
                  "partition 'B_bootloader'")


class mounted:
    def __init__(self, device, where, *options):
        self.argv, self.where = ["mount", *options, device, str(where)], where

    def __enter__(self):
        subprocess.run(self.argv, check=True)

    def __exit__(self, *_):
        subprocess.run(["umount", str(self.where)], check=True)
