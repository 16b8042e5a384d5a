# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""The reader of the UEFI machine's flash (tests/vm/uefi/flash.py): which cut counts as which depends on it. The images are made here, by the
steps of edk2's SetVariable (MdeModulePkg/Universal/Variable/RuntimeDxe/Variable.c, UpdateVariable); tests/vm/uefi/powercut.py compares the
reader with what a kernel shows of a real one."""

import struct
import sys
import uuid
import zlib
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "vm/uefi"))

import flash  # noqa: E402

NVIDIA = uuid.UUID("781e084c-a330-417c-b678-38e696380cb9")
NEXT = ("BootChainFwNext", NVIDIA)
STATUS = ("RootfsStatusSlotB", NVIDIA)
FILLER = ("Filler", NVIDIA)
ADDED, LEAVING, DELETED = 0x3F, 0xFE, 0xFD


class Image:
    """Flash with a formatted, empty store. Each write of the firmware is kept as a snapshot."""

    def __init__(self):
        header = bytearray(struct.pack("<16x16sQ4sIHHHBB", flash.FV_GUID.bytes_le, flash.END, b"_FVH", 0x4FEFF,
                                       flash.FV_HEADER, 0, 0, 0, 2) + struct.pack("<IIQ", 3, flash.BLOCK, 0))
        struct.pack_into("<H", header, 50, -sum(struct.unpack("<36H", header)) & 0xFFFF)
        store = struct.pack("<16sIBBHI", flash.STORE_GUID.bytes_le, flash.BLOCK - flash.FV_HEADER, 0x5A, 0xFE, 0, 0)
        self.data = bytearray(b"\xff" * flash.END)
        self.data[:len(header) + len(store)] = header + store
        working = bytearray(flash.WORKING_GUID.bytes_le + b"\xff" * 8 + struct.pack("<Q", flash.BLOCK - 32))
        struct.pack_into("<IB", working, 16, zlib.crc32(working), 0xFE)
        self.data[flash.WORKING:flash.WORKING + 32] = working
        self.last = flash.FV_HEADER + flash.STORE_HEADER
        self.places = {}
        self.snapshots = []

    def write(self, at, data):
        """In place: the pieces of the flash one after the other."""
        while data:
            room = flash.PIECE - at % flash.PIECE
            for i, byte in enumerate(data[:room]):
                self.data[at + i] &= byte
            at, data = at + room, data[room:]
            self.snapshots.append(bytes(self.data))

    def state(self, at, mask):
        self.write(at + 2, bytes([self.data[at + 2] & mask]))

    def set(self, key, value):
        name = key[0].encode("utf-16-le") + b"\0\0"
        old, at = self.places.get(key), self.last
        if old is not None:
            self.state(old, LEAVING)
        self.write(at, struct.pack("<HBBI8x16xIII", 0x55AA, 0xFF, 0, 7, 0, len(name), len(value)) + key[1].bytes_le)
        self.state(at, 0x7F)
        self.write(at + flash.VARIABLE_HEADER, name + value + b"\xff" * (-len(name + value) % 4))
        self.state(at, ADDED)
        if old is not None:
            self.state(old, DELETED)
        self.places[key] = at
        self.last = (at + flash.VARIABLE_HEADER + len(name) + len(value) + 3) & ~3

    def delete(self, key):
        self.state(self.places.pop(key), DELETED)

    def erased_from(self, at):
        """The block of variables, erased and filled again as far as this place."""
        return bytes(self.data[:at]) + b"\xff" * (flash.BLOCK - at) + bytes(self.data[flash.BLOCK:])


@pytest.fixture(name="look")
def fixture_look(tmp_path):
    def look(data):
        (tmp_path / "image.fd").write_bytes(data)
        return flash.read(tmp_path / "image.fd")
    return look


@pytest.fixture(name="image")
def fixture_image():
    """A few switches of the slot, with records of several lengths."""
    image = Image()
    image.set(STATUS, b"\0\0\0\0")
    for i in range(4):
        image.set(flash.RECORD, b"announced" * (4 + i))
        image.set(NEXT, b"\1\0\0\0")
        image.set(flash.RECORD, b"settled" * 3)
        image.delete(NEXT)
    image.set(STATUS, b"\xff\0\0\0")
    image.set(flash.RECORD, b"the newest\0")
    return image


def test_a_fresh_store_is_whole_and_has_no_record(look):
    found = look(Image().data)
    assert (found.rewriting(), found.record(), found.store.variables) == ("", None, [])
    assert (found.working_valid, found.writes, found.spare.wrong) == (True, [], "erased from its start on")


def test_the_newest_record_is_found(image, look):
    found = look(image.data)
    where, record = found.record()
    assert (where, record.value, record.attributes) == ("store", b"the newest\0", 7)
    assert found.record_copies() == {"superseded": 8, "there": 1}
    assert found.store.find(STATUS).value == b"\xff\0\0\0" and found.store.find(NEXT) is None


def test_a_cut_between_any_two_writes_of_the_firmware_is_whole_and_has_the_record(image, look):
    """Writes in place lose nothing, so none of them may be taken for a block that is rewritten."""
    first = next(i for i, data in enumerate(image.snapshots) if look(data).record())
    for data in image.snapshots[first:]:
        found = look(data)
        assert found.rewriting() == "" and found.store.torn() == "" and found.record()


@pytest.mark.parametrize("filler", range(1, flash.PIECE, 4))
def test_a_cut_while_the_block_is_filled_again_is_never_taken_for_a_whole_one(look, filler):
    """Wherever the variables lie; also where a piece ends with a variable."""
    image = Image()
    image.set(STATUS, b"\0\0\0\0")
    image.set(STATUS, b"\xff\0\0\0")
    image.set(FILLER, b"\0" * filler)
    before = image.last
    for i in range(4):
        image.set(flash.RECORD, b"announced" * (4 + i))
        image.set(flash.RECORD, b"settled" * 3)
    for at in range(0, image.last, flash.PIECE):
        found = look(image.erased_from(at))
        # Up to there it is what it was before the record: nothing that is known of was lost.
        assert found.rewriting() or at == before
        assert found.rewriting() != "" or not found.record_copies()


@pytest.mark.parametrize("there, torn", [(20, True), (44, True), (60, True), (78, True), (80, False), (84, False)])
def test_a_variable_without_its_header_and_name_is_torn(look, there, torn):
    """How much of it there is: 60 bytes of header, 20 of name, then its value."""
    image = Image()
    image.set(FILLER, b"\0" * 98)
    at = image.last
    image.set(flash.RECORD, b"a value")
    found = look(image.erased_from(at + there))
    assert bool(found.store.torn()) == torn


def test_a_superseded_variable_without_successor_at_any_other_place_is_no_sign(image, look):
    """What is deleted while its successor is missing looks so, too."""
    image.state(image.places[flash.RECORD], LEAVING)
    image.delete(flash.RECORD)
    assert image.last % flash.PIECE
    found = look(image.data)
    assert (found.rewriting(), found.record()) == ("", None)


def test_what_an_earlier_cut_left_is_stepped_over_as_the_firmware_does(image, look):
    """It goes on behind the header of a variable that was cut through, and finds no loss of the present there."""
    torn = (image.last // flash.PIECE + 3) * flash.PIECE - 8
    image.set(FILLER, b"\0" * (torn - image.last - flash.VARIABLE_HEADER - 14))
    assert image.last == torn
    image.set(flash.RECORD, b"never to be read again")
    image.data = bytearray(image.erased_from(torn + 8))
    earlier = look(image.data)
    assert "in the middle of" in earlier.rewriting() and earlier.record() is None
    image.places, image.last, image.snapshots = {}, torn + flash.VARIABLE_HEADER, []
    image.set(flash.RECORD, b"of the next update")
    image.set(flash.RECORD, b"of the next but one")
    for data in image.snapshots[-4:]:
        found = look(data)
        assert found.rewriting(earlier.store.orphans()) == ""
        assert found.record()[1].value.startswith(b"of the next")


def test_a_record_that_was_deleted_is_not_excused(image, look):
    image.delete(flash.RECORD)
    found = look(image.data)
    assert (found.rewriting(), found.record()) == ("", None)
    assert found.record_copies()["deleted"] == 1


def test_a_block_erased_from_its_start_on_is_one_that_is_rewritten(image, look):
    assert look(image.erased_from(0)).rewriting() == "erased from its start on"


@pytest.mark.parametrize("at, said", [(33, "no header of a firmware volume"), (45, "fails its checksum"),
                                      (72, "no header of a variable store")])
def test_a_damaged_header_is_named(image, look, at, said):
    image.data[at] ^= 1
    assert said in look(image.data).rewriting()


def test_a_copy_from_the_spare_block_is_under_way_until_it_is_marked_done(image, look):
    queue = flash.WORKING + 32
    image.data[queue:queue + 80] = struct.pack("<B3x16s4xQQ", 0xFC, b"c" * 16, 1, 0) + struct.pack(
        "<B7xQQQq", 0xFD, 0, 0, flash.BLOCK, -flash.SPARE)
    image.data[flash.SPARE:] = image.data[:flash.BLOCK]
    image.data[:flash.BLOCK] = b"\xff" * flash.BLOCK
    found = look(image.data)
    assert found.writes == [["spare"]] and found.record()[0] == "spare" and found.rewriting()
    image.data[:flash.BLOCK] = image.data[flash.SPARE:]
    image.data[queue + 40] &= ~4
    image.data[queue] &= ~4
    assert (look(image.data).rewriting(), look(image.data).record()[0]) == ("", "store")


def test_a_short_image_is_refused(look):
    with pytest.raises(ValueError, match="expected at least"):
        look(b"\xff" * flash.BLOCK)
