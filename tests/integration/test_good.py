# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""Updates that go well: every way in which an image can come."""

import pytest
from bench import SIZES_BYTES
from package import AES_IV, AES_KEY, Release, make_boot_image

GROUP = "Updates that go well"


@pytest.mark.parametrize("running", "AB")
def test_a_streamed_update_goes_into_the_other_slot(make_bench, running):
    bench = make_bench(running=running)
    run = bench.install(bench.update())
    bench.flips(f"good update, slot {running} runs", run)
    assert run.says(f"boot.img: {len(bench.stock.new.boot)} bytes written to slot {bench.target}")


def test_an_update_may_come_through_a_temporary_file(bench):
    package = bench.update()
    for image in package.images:
        image.streamed = False
    bench.flips("good update, nothing streamed", bench.install(package))


def test_streamed_and_stored_images_may_be_mixed(bench):
    package = bench.update()
    package.image("rootfs").streamed = False
    bench.flips("good update, root filesystem not streamed", bench.install(package))


@pytest.mark.parametrize("method", ["zstd", "zlib"])
def test_images_may_be_compressed(bench, method):
    package = bench.update()
    for image in package.images:
        image.compress(method)
    bench.flips(f"good update, all images compressed with {method}", bench.install(package))


@pytest.mark.parametrize("method", ["", "zstd"])
def test_images_may_be_encrypted(bench, method):
    package = bench.update()
    image = package.image("rootfs")
    if method:
        image.compress(method)
    image.encrypt()
    key = bench.work / "aes.key"
    key.write_text(f"{AES_KEY} {AES_IV}\n")
    run = bench.install(package, "-K", key)
    bench.flips(f"good update, root filesystem {method + ' and ' if method else ''}encrypted", run)


def test_a_kept_role_is_copied_from_the_running_slot(bench):
    # Otherwise the copy could not be told from what was there.
    bench.device.write_image("A_bootloader", write(bench, b"kept bootloader" * 1000))
    bench.remember()
    run = bench.install(bench.update(("kernel", "rootfs"), keep="bootloader"))
    bench.note("good update that keeps the bootloader", run, 0, "bootloader: copied from")
    size = SIZES_BYTES["bootloader"]
    assert bench.device.read_at("B_bootloader", 0, size) == \
        bench.device.read_at("A_bootloader", 0, size)
    bench.check_flipped(bootloader="damaged")  # as it is neither the old nor the new one


def test_an_image_may_fill_its_partition_to_the_last_byte(bench):
    package = bench.update()
    image = package.image("bootloader")
    image.data = image.data.ljust(SIZES_BYTES["bootloader"], b"\xa5")
    run = bench.install(package)
    bench.flips("image as large as its partition", run)
    assert bench.device.read_at("B_bootloader", 0, len(image.data)) == image.data


def test_the_order_in_the_archive_does_not_matter(bench):
    package = bench.update()
    package.images.reverse()
    bench.flips("good update, images in another order", bench.install(package))


def test_a_device_with_a_history_needs_two_stores_as_well(bench):
    bench.settle(slotB_ok="0", update_target="A", ustate="2")
    bench.flips("good update, an outcome was not reported yet", bench.install(bench.update()))


def test_the_transaction_marker_is_not_needed(bench):
    bench.flips("good update with -M (no transaction marker)", bench.install(bench.update(), "-M"))


def test_a_variable_of_the_package_rides_in_the_flip(bench):
    package = bench.update()
    package.bootenv = {"release_note": "two words"}
    bench.flips("good update that sets a variable of its own", bench.install(package))
    assert bench.env.read()["release_note"] == "two words"


def test_a_board_without_a_bootloader_role_needs_none(make_bench):
    bench = make_bench(layout="t186", config='backend = "uboot";')
    run = bench.install(bench.update())
    bench.flips("good update of a t186 with backend \"uboot\"", run)


@pytest.mark.parametrize("options", [
    ("--header_version", "1"),
    ("--header_version", "2", "--dtb", "DTB"),
    ("--pagesize", "4096"),
    ("--ramdisk", "DTB"),
], ids=["v1", "v2", "page-4096", "ramdisk"])
def test_every_boot_image_that_the_boot_chain_can_start_is_taken(bench, tmp_path, options):
    other = tmp_path / "other"
    other.write_bytes(b"\xd0\x0d\xfe\xed" + b"more" * 999)
    words = [str(other) if word == "DTB" else word for word in options]
    package = bench.update()
    image = package.image("boot.img")
    image.data = make_boot_image(tmp_path, "v", *words)
    run = bench.install(package)
    shown = " ".join(words).replace(str(other), "FILE")
    bench.flips(f"boot.img made with {shown}", run, kernel="damaged")  # neither old nor new
    assert bench.device.read_at("B_kernel", 0, len(image.data)) == image.data


def test_a_dry_run_changes_nothing(bench):
    run = bench.install(bench.update(), "-n")
    bench.note("dry run (-n)", run, 0, "SWUPDATE successful !")
    bench.check_untouched(boots="A")


def test_a_check_changes_nothing(bench):
    run = bench.install(bench.update(), "-c")
    bench.note("check of the description only (-c)", run, 0, "successful")
    bench.check_untouched(boots="A")


def write(bench, data):
    path = bench.work / "image"
    path.write_bytes(data)
    return path


def test_releases_of_the_tests_differ(stock):
    for release in (stock.new, stock.newer):
        assert isinstance(release, Release)
        assert all(release.by_role(role) != stock.old.by_role(role)
                   for role in ("kernel", "rootfs", "bootloader"))
