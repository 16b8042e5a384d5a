# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""Boot images that must not be booted, correctly signed. The kernel partition stays as it was, unless only
the last byte could tell."""

import pytest
from package import ARM64_MAGIC_AT, set_header

GROUP = "Boot images"
KERNEL, RAMDISK, SECOND, PAGE, VERSION, ID = 8, 16, 24, 36, 40, 576


def install(bench, data, roles=("kernel", "bootloader", "rootfs")):
    """The boot image comes first: a refusal of its header then means that nothing was touched."""
    package = bench.update(roles)
    package.image("boot.img").data = data
    return bench.install(package)


def with_magic(data, magic):
    return magic + data[len(magic):]


@pytest.mark.parametrize("case, change, says", [
    ("wrong magic", lambda boot: with_magic(boot, b"ANDROID?"), "expected 'ANDROID!'"),
    ("kernel_size 0", lambda boot: set_header(boot, KERNEL, 0), "kernel_size is 0"),
    ("kernel_size larger than the image", lambda boot: set_header(boot, KERNEL, 0x7fffffff),
     "its kernel of 2147483647 bytes would end"),
    ("kernel_size that overflows 32 bits when padded",
     lambda boot: set_header(boot, KERNEL, 0xffffffff), "its kernel of 4294967295 bytes would end"),
    ("ramdisk_size that overflows when added", lambda boot: set_header(boot, RAMDISK, 0xfffff800),
     "its ramdisk of 4294965248 bytes would end"),
    ("second_size larger than the image", lambda boot: set_header(boot, SECOND, 0x1000000),
     "its second of 16777216 bytes would end"),
    ("page size 3000", lambda boot: set_header(boot, PAGE, 3000), "page_size is 3000"),
    ("page size 0", lambda boot: set_header(boot, PAGE, 0), "page_size is 0"),
    ("page size 65536", lambda boot: set_header(boot, PAGE, 65536), "page_size is 65536"),
    ("header version 3", lambda boot: set_header(boot, VERSION, 3), "header version 3"),
    ("header version 4", lambda boot: set_header(boot, VERSION, 4), "header version 4"),
    ("header version 4294967295", lambda boot: set_header(boot, VERSION, 0xffffffff),
     "header version 4294967295"),
    ("header version 1 without its header_size", lambda boot: set_header(boot, VERSION, 1),
     "header_size is 0, expected 1648"),
    ("kernel for another architecture",
     lambda boot: set_header(boot, 2048 + ARM64_MAGIC_AT, 0x644d5258), "it is no arm64 kernel"),
    ("text file", lambda boot: b"#!/bin/sh\n" * 300, "starts with the bytes 23 21"),
    ("100 bytes", lambda boot: boot[:100], "has 100 bytes, less than a header"),
    ("1 byte", lambda boot: b"A", "has 1 bytes, less than a header"),
])
def test_a_header_that_cannot_be_right_is_refused_before_a_byte(bench, case, change, says):
    run = install(bench, change(bench.stock.new.boot))
    bench.refuses(f"boot.img: {case}", run, says)


def test_a_bad_header_behind_a_good_image_leaves_the_kernel_partition_alone(bench):
    run = install(bench, with_magic(bench.stock.new.boot, b"NOT"),
                  ("bootloader", "kernel", "rootfs"))
    bench.fails("boot.img: wrong magic, as the second image", run, "expected 'ANDROID!'",
                bootloader="new")


def test_an_image_that_was_cut_before_it_was_signed_is_refused(bench):
    run = install(bench, bench.stock.new.boot[:-100_000])
    bench.refuses("boot.img: cut off before it was signed", run, "it is truncated, or its header")


def test_an_id_that_does_not_belong_to_the_content_is_found(bench):
    data = bytearray(bench.stock.new.boot)
    data[700_000] ^= 1
    run = install(bench, bytes(data))
    bench.fails("boot.img: content does not belong to its id", run,
                "boot image: its parts give the id", kernel="erased")


def test_a_damaged_id_is_found(bench):
    run = install(bench, set_header(bench.stock.new.boot, ID, 0))
    bench.fails("boot.img: damaged id", run, "boot image: its parts give the id", kernel="erased")


def test_a_compressed_boot_image_is_judged_by_its_content(bench):
    package = bench.update(("kernel", "bootloader", "rootfs"))
    image = package.image("boot.img")
    image.data = set_header(image.data, VERSION, 4)
    image.compress("zstd")
    bench.refuses("boot.img: header version 4, compressed", bench.install(package),
                  "header version 4")
