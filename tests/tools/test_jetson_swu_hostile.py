# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""jetson-swu verify, inspect, lint and extract on hostile files: refused with a sentence, within 64 MiB
of memory, and nothing written outside of the folder that was named."""

import pytest
from swu_read import REFUSED, UNREADABLE, Answer, Maker, Stock, run

from package import MIB
from swu import HEADER_BYTES, MAGIC, Swu

SIZE, NAME_SIZE, CHECK = 6, 11, 12


@pytest.fixture(scope="module")
def stock(tmp_path_factory):
    return Stock(tmp_path_factory.mktemp("stock"))


@pytest.fixture
def maker(stock, tmp_path):
    return Maker(stock, tmp_path)


def header_at(data, name):
    at = data.find(name.encode() + b"\0", HEADER_BYTES)
    while data[at - HEADER_BYTES:at - HEADER_BYTES + len(MAGIC)] != MAGIC:
        at = data.find(name.encode() + b"\0", at + 1)
    return at - HEADER_BYTES


def set_field(data, name, field, digits):
    """Eight bytes in the place of a number of a member's header."""
    at = header_at(data, name) + len(MAGIC) + 8 * field
    assert len(digits) == 8
    return data[:at] + digits.encode() + data[at + 8:]


NUMBERS = {
    **{f"{word} is {digits!r}": (field, digits)
       for word, field in (("size", SIZE), ("size of the name", NAME_SIZE), ("checksum", CHECK))
       for digits in ("0000000g", "-0000001", "+0000001", " 0000001", "0x000001", "\0" * 8, "000000\n1")},
    **{f"size is {size:#x}": (SIZE, f"{size:08x}")
       for size in (0x7fffffff, 0x80000000, 0x80000001, 0xfffffffe, 0xffffffff)},
    **{f"size of the name is {size:#x}": (NAME_SIZE, f"{size:08x}")
       for size in (0, 1, 0x100, 0x7fffffff, 0x80000000, 0x80000001, 0xffffffff)},
}


def refuse_archive(maker, data):
    """Every verb says so in one sentence, and extract leaves nothing."""
    swu, folder = maker.folder / "bad.swu", maker.folder / "out"
    swu.write_bytes(data)
    found, = maker.verify(swu, code=REFUSED).json()["findings"]
    assert found["code"] == "bad-archive" and found["text"].endswith(".")
    assert Answer("lint", swu).code in (REFUSED, UNREADABLE)
    for verb in (["inspect"], ["extract", "--list"], ["extract", "-C", folder]):
        said = run(*verb, swu, code=UNREADABLE)
        assert said.out == "" and said.err.count("\n") == 1 and said.err.startswith("jetson-swu")
    assert not folder.exists() or not list(folder.iterdir())
    return found["text"]


@pytest.mark.parametrize("number, name", enumerate(NUMBERS), ids=list(NUMBERS))
def test_a_number_of_the_archive_that_is_none_or_lies(maker, good, number, name):
    """In the first header and in the last, in turns."""
    member = ("sw-description", "rootfs.ext4")[number % 2]
    refuse_archive(maker, set_field(good, member, *NUMBERS[name]))


@pytest.fixture(scope="module")
def good(stock, tmp_path_factory):
    """A good package's bytes."""
    return Maker(stock, tmp_path_factory.mktemp("good")).build().read_bytes()


def test_what_is_no_archive(maker, good):
    for data in (b"", b"\0" * 4096, b"#!/bin/sh\nexit 0\n", good[::-1], b"070707" + good[6:],
                 good[:header_at(good, "boot.img")], good[:header_at(good, "TRAILER!!!")]):
        refuse_archive(maker, data)


def test_a_second_description_a_second_signature_a_second_image(maker, good):
    for name in ("sw-description", "sw-description.sig", "rootfs.ext4"):
        start, end = header_at(good, name), header_at(good, "TRAILER!!!")
        nexts = [at for at in (header_at(good, other) for other in (
            "sw-description.sig", "bootloader.img", "boot.img", "rootfs.ext4", "TRAILER!!!")) if at > start]
        again = good[start:min(nexts)]
        said = refuse_archive(maker, good[:end] + again + good[end:])
        assert name in said


def test_data_behind_the_end(maker, good):
    for more in (b"x", b"\0" * 511 + b"x", good, b"\0" * (2 * MIB)):
        refuse_archive(maker, good + more)


@pytest.mark.parametrize("name", ["..", ".", "../evil", "/tmp/jota-evil", "a/b", "./boot.img", "",
                                  "n" * 255, "n" * 4000, "boot\0img", "new\nline", "\x1b[2J"])
def test_a_name_that_leads_elsewhere_or_is_none(maker, good, name):
    swu = Swu(maker.build())
    swu.files[name] = b"evil"
    swu.save(maker.folder / "named.swu")
    refuse_archive(maker, (maker.folder / "named.swu").read_bytes())
    assert not list(maker.folder.rglob("evil"))


def test_a_member_that_the_description_does_not_name(maker):
    swu = Swu(maker.build())
    swu.files["extra.img"] = b"not signed by anybody"
    swu.save(maker.folder / "bad.swu")
    found, = maker.verify(maker.folder / "bad.swu", code=REFUSED).json()["findings"]
    assert found["code"] == "unlisted-member" and "extra.img" in found["text"]


def test_a_member_that_is_missing(maker):
    for name in ("boot.img", "rootfs.ext4", "bootloader.img"):
        swu = Swu(maker.build())
        del swu.files[name]
        swu.save(maker.folder / "bad.swu")
        found, = maker.verify(maker.folder / "bad.swu", code=REFUSED).json()["findings"]
        assert found["code"] == "missing-member" and name in found["text"]
    swu = Swu(maker.build())
    del swu.files["sw-description.sig"]
    swu.save(maker.folder / "bad.swu")
    assert "missing-signature" in maker.verify(maker.folder / "bad.swu", code=REFUSED).codes()


@pytest.mark.parametrize("digest, code", [
    ("", "missing-sha256"), ("00" * 32, "bad-sha256"), ("ab" * 31, "bad-sha256"),
    ("ab" * 33, "bad-sha256"), ("zz" * 32, "bad-sha256"), ("ab" * 32, "hash-differs")],
    ids=["empty", "zero", "short", "long", "no digits", "another"])
def test_a_hash_that_is_none_or_another(maker, digest, code):
    package = maker.package()
    package.image("boot").sha256 = digest
    found = maker.verify(maker.build(package), code=REFUSED)
    assert code in found.codes(), found.out


SIZES = [2 ** power + more for power in (31, 32, 63, 64) for more in (-1, 0, 1)]


@pytest.mark.parametrize("size", [*SIZES, 0, -1, "4194304x", "", " 1", "0x400001", "1e6"])
@pytest.mark.parametrize("method", ["zstd", "zlib"])
def test_a_size_that_is_not_the_content(maker, method, size):
    package = maker.package()
    package.image("rootfs").compress(method, size)
    codes = maker.verify(maker.build(package), code=REFUSED).codes()
    assert codes & {"bad-content", "bad-size", "missing-size"}, codes


@pytest.mark.parametrize("size", SIZES)
def test_a_size_of_an_encrypted_image_that_is_not_the_content(maker, size):
    package = maker.package()
    image = package.image("rootfs").encrypt()
    image.properties["decrypted-size"] = str(size)
    key = maker.folder / "aes.key"
    key.write_text(f"{'5a' * 32} {'3c' * 16}\n")
    codes = maker.verify(maker.build(package), "-K", key, code=REFUSED).codes()
    assert codes & {"bad-content", "bad-size"}, codes


@pytest.mark.parametrize("value", SIZES)
@pytest.mark.parametrize("name", ["part", "offset", "total"])
def test_a_number_of_a_part_that_cannot_be(maker, name, value):
    package = maker.package()
    image = package.image("rootfs").compress("zstd")
    image.properties.update({"part": "1", "offset": "0", "total": str(len(maker.stock.release.rootfs)),
                             name: str(value)})
    codes = maker.verify(maker.build(package), code=REFUSED).codes()
    assert codes & {"bad-part", "parts-differ"}, codes


def test_a_signature_over_another_file(maker, stock):
    other = maker.package(stock.other)
    swu, foreign = Swu(maker.build()), Swu(maker.build(other))
    swu.files["sw-description.sig"] = foreign.files["sw-description.sig"]
    swu.save(maker.folder / "bad.swu")
    answer = maker.verify(maker.folder / "bad.swu", code=REFUSED)
    assert answer.codes() == {"bad-signature"}
    assert answer.json()["members"] == []


@pytest.mark.parametrize("signature", [b"", b"\0", b"\x30\x80", b"\x30\x84\xff\xff\xff\xff", b"x" * MIB],
                         ids=["empty", "zero", "endless", "4 GiB", "noise"])
def test_a_signature_that_is_none(maker, signature):
    swu = Swu(maker.build())
    swu.files["sw-description.sig"] = signature
    swu.save(maker.folder / "bad.swu")
    assert maker.verify(maker.folder / "bad.swu", code=REFUSED).codes() <= {
        "signature-form", "bad-signature", "missing-signature", "empty-signature"}
