# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""Images that are larger or smaller than somebody said."""

import pytest
from bench import SIZES_BYTES

GROUP = "Sizes"


def rootfs_first(bench, **compressed):
    package = bench.update(("rootfs", "bootloader", "kernel"))
    image = package.image("rootfs")
    if compressed:
        image.compress(**compressed)
    return package, image


def test_an_image_one_byte_larger_than_its_partition_is_refused(bench):
    package, image = rootfs_first(bench)
    image.data = image.data.ljust(SIZES_BYTES["rootfs"] + 1, b"\0")
    bench.refuses("image one byte larger than its partition", bench.install(package),
                  "has 6291457 bytes, partition 'B_APP'")


def test_a_second_image_that_is_too_large_is_refused(bench):
    package = bench.update()
    image = package.image("boot.img")
    image.data = image.data.ljust(SIZES_BYTES["kernel"] + 1, b"\0")
    bench.fails("second image one byte larger than its partition", bench.install(package),
                "partition 'B_kernel'", bootloader="new")


@pytest.mark.parametrize("method", ["zstd", "zlib"])
def test_an_image_that_inflates_beyond_its_announced_size_is_found(bench, method):
    package, image = rootfs_first(bench, method=method, size=2_000_000)
    bench.fails(f"{method} image that inflates beyond decompressed-size", bench.install(package),
                "2000000", rootfs="erased")


@pytest.mark.parametrize("method", ["zstd", "zlib"])
def test_an_image_that_inflates_to_less_than_announced_is_found(bench, method):
    package, image = rootfs_first(bench, method=method, size=5_000_000)
    bench.fails(f"{method} image that inflates to less than decompressed-size",
                bench.install(package), "5000000", rootfs="erased")


def test_an_announced_size_one_byte_short_is_found(bench):
    size = len(bench.stock.new.rootfs)
    package, image = rootfs_first(bench, method="zstd", size=size - 1)
    bench.fails("decompressed-size one byte too small", bench.install(package), str(size - 1),
                rootfs="erased")


def test_an_announced_size_larger_than_the_partition_is_refused(bench):
    package, image = rootfs_first(bench, method="zstd", size=SIZES_BYTES["rootfs"] + 1)
    bench.refuses("decompressed-size larger than the partition", bench.install(package),
                  "has 6291457 bytes, partition 'B_APP'")


def test_a_compressed_image_needs_its_size(bench):
    package, image = rootfs_first(bench, method="zstd")
    image.properties.clear()
    bench.refuses("compressed image without decompressed-size", bench.install(package),
                  "must give its exact size as decompressed-size")


def test_an_encrypted_image_needs_its_size(bench):
    package, image = rootfs_first(bench)
    image.encrypt()
    image.properties.clear()
    key = bench.work / "aes.key"
    key.write_text(f"{'5a' * 32} {'3c' * 16}\n")
    bench.refuses("encrypted image without decrypted-size", bench.install(package, "-K", key),
                  "must give its exact size as decrypted-size")


@pytest.mark.parametrize("text", ["4194304x", "-1", "0", "4 MiB", "", "99999999999999999999"])
def test_a_size_that_is_no_number_is_refused(bench, text):
    package, image = rootfs_first(bench, method="zstd", size=text)
    bench.refuses(f"decompressed-size \"{text}\"", bench.install(package), "decompressed-size")


def test_an_empty_image_is_refused(bench):
    package, image = rootfs_first(bench)
    image.data = b""
    bench.refuses("image of 0 bytes", bench.install(package), "rootfs.ext4")


def test_the_wrong_aes_key_is_found(bench):
    package, image = rootfs_first(bench)
    # The same bytes in each run: one wrong padding of 256 would pass for a right one.
    image.data = bench.stock.new.bootloader
    image.encrypt()
    key = bench.work / "aes.key"
    key.write_text(f"{'77' * 32} {'3c' * 16}\n")
    run = bench.install(package, "-K", key)
    bench.note("encrypted image, wrong key", run, 1, "'rootfs.ext4' (jetson-rootfs)")
    assert bench.device.read_at("B_APP", 0, len(bench.stock.new.bootloader)).count(0) == \
        len(bench.stock.new.bootloader)
    assert bench.state()["slotB_ok"] == "0"
    assert bench.boots_next() == "A"
