# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""Images that arrive damaged: the target stays empty, the running slot keeps booting."""

import pytest
from swu import Swu

GROUP = "Images that arrive damaged"
WRONG = "5e" * 32


def test_a_wrong_digest_of_the_first_image_is_found(bench):
    package = bench.update()
    package.image("bootloader").sha256 = WRONG
    bench.fails("wrong sha256 of the first image", bench.install(package), "HASH mismatch",
                bootloader="erased")


def test_a_wrong_digest_of_a_later_image_is_found(bench):
    package = bench.update()
    package.image("boot.img").sha256 = WRONG
    bench.fails("wrong sha256 of the second image", bench.install(package),
                "'boot.img' (jetson-bootimg): the stream was not good", bootloader="new",
                kernel="erased")


def test_a_wrong_digest_of_an_image_that_is_not_streamed_is_found_before_a_store(bench):
    package = bench.update()
    for image in package.images:
        image.streamed = False
    package.image("rootfs").sha256 = WRONG
    bench.refuses("wrong sha256, nothing streamed", bench.install(package), "HASH mismatch")


def test_a_wrong_digest_of_the_only_image_that_is_not_streamed_is_found(bench):
    """SWUpdate compares it when it stores the file, behind the images before it in the archive."""
    package = bench.update()
    image = package.image("rootfs")
    image.streamed, image.sha256 = False, WRONG
    bench.fails("wrong sha256 of the only image that is not streamed", bench.install(package),
                "HASH mismatch", bootloader="new", kernel="new")


def test_a_changed_byte_of_the_payload_is_found(bench):
    swu = Swu(bench.build(bench.update()))
    swu.flip("rootfs.ext4", 3_000_000)
    path = bench.work / "flipped.swu"
    swu.save(path)
    bench.fails("one bit of the root filesystem changed", bench.install(None, swu=path),
                "HASH mismatch", bootloader="new", kernel="new", rootfs="erased")


def test_a_changed_byte_without_a_mended_archive_is_found(bench):
    path = bench.build(bench.update())
    data = bytearray(path.read_bytes())
    data[-2_000_000] ^= 1
    path.write_bytes(data)
    bench.fails("one bit of the file changed in transfer", bench.install(None, swu=path),
                "HASH mismatch", bootloader="new", kernel="new", rootfs="erased")


def cut(bench, bytes_from_end):
    path = bench.build(bench.update())
    path.write_bytes(path.read_bytes()[:-bytes_from_end])
    return bench.install(None, swu=path)


def test_a_file_cut_off_in_the_last_image_is_found(bench):
    run = cut(bench, 1_000_000)
    bench.fails("file cut off in the root filesystem", run,
                "'rootfs.ext4' (jetson-rootfs): the stream was not good", bootloader="new",
                kernel="new", rootfs="erased")


def test_a_file_cut_off_in_a_middle_image_is_found(bench):
    run = cut(bench, len(bench.stock.new.rootfs) + 300_000)
    bench.fails("file cut off in the boot image", run,
                "'boot.img' (jetson-bootimg): the stream was not good", bootloader="new",
                kernel="erased")


def test_a_file_cut_off_in_the_first_image_is_found(bench):
    run = cut(bench, len(bench.stock.new.rootfs) + len(bench.stock.new.boot) + 100_000)
    bench.fails("file cut off in the bootloader", run,
                "'bootloader.img' (jetson-bootloader): the stream was not good",
                bootloader="erased")


def test_a_file_cut_off_in_the_boot_images_header_changes_nothing_of_it(bench):
    """The header is judged before the partition is touched, so the old image is still there."""
    run = cut(bench, len(bench.stock.new.rootfs) + len(bench.stock.new.boot) - 5000)
    bench.fails("file cut off in the boot image's header", run,
                "'boot.img' (jetson-bootimg): the stream was not good", bootloader="new")


def test_a_file_cut_off_before_the_first_image_changes_nothing(bench):
    path = bench.build(bench.update())
    data = path.read_bytes()
    path.write_bytes(data[:data.index(b"bootloader.img\0")])
    with bench.daemon() as daemon:
        run = daemon.install(path)
    bench.refuses("file cut off before the first image", run, "Image invalid or corrupted")


def test_an_image_that_is_missing_is_found(bench):
    swu = Swu(bench.build(bench.update()))
    del swu.files["rootfs.ext4"]
    path = bench.work / "short.swu"
    swu.save(path)
    bench.fails("image that is not in the package", bench.install(None, swu=path),
                "Required image file rootfs.ext4 missing", bootloader="new", kernel="new")


@pytest.mark.parametrize("method, says", [("zstd", "ZSTD_decompressStream failed"),
                                          ("zlib", "inflate failed")])
def test_damaged_compression_is_found(bench, method, says):
    """Its digest is right: whoever signed it signed a damaged file."""
    package = bench.update()
    image = package.image("rootfs").compress(method)
    data = bytearray(image.data)
    data[1_000_000:1_000_064] = bytes(64)
    image.data = bytes(data)
    bench.fails(f"damaged {method} stream, signed as it is", bench.install(package), says,
                bootloader="new", kernel="new", rootfs="erased")
