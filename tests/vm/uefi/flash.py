#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""What the flash of variables of the UEFI machine holds.

Usage: tests/vm/uefi/flash.py IMAGE.fd...
Prints for each image: is the store whole or was it cut while the firmware rewrote it, its variables, the working and
the spare block. Reads only. Exit code 1 when a store is not whole.

Sources of the format: the UEFI Platform Initialization specification 1.7, volume 3, 3.2.1 (firmware volume header);
edk2, MdeModulePkg/Include/Guid/VariableFormat.h (store, variables, their states), .../SystemNvDataGuid.h (working
block) and .../FaultTolerantWrite.h; the places of the three blocks: ArmVirtPkg/VarStore.fdf.inc.
"""

import argparse
import collections
import dataclasses
import struct
import sys
import uuid
import zlib
from pathlib import Path

BLOCK = 0x40000
STORE, WORKING, SPARE, END = (i * BLOCK for i in range(4))
# The flash takes so many bytes at a time; a block is filled again from its start, one such piece after the other.
PIECE = 128
MISSING = 0xFFFFFFFF
FV_HEADER, STORE_HEADER, VARIABLE_HEADER = 72, 28, 60
FV_GUID = uuid.UUID("fff12b8d-7696-4c8b-a985-2747075b4f50")
STORE_GUID = uuid.UUID("aaf32c78-947b-439a-a180-2e144ec37792")
WORKING_GUID = uuid.UUID("9e58292b-7c68-497d-a0ce-6500fd9f1b95")
RECORD = ("JotaSlots", uuid.UUID("a7ddbf9b-3207-4644-bbf4-c336d94f12e6"))
# A variable is written header, state, name and value, state; its predecessor is "leaving" meanwhile, "superseded" afterwards.
# Only a variable that was deleted and has no successor is "deleted".
STATES = {0xFF: "begun", 0x7F: "begun", 0x3F: "there", 0x3E: "leaving", 0x3C: "superseded", 0x3D: "deleted"}
COMPLETE = ("there", "leaving", "superseded", "deleted")


@dataclasses.dataclass
class Variable:
    at: int
    state: str
    name: str
    guid: uuid.UUID
    attributes: int
    value: bytes
    end: int  # place behind its last byte
    known: bool  # its sizes are there
    sound: bool  # and its name

    @property
    def key(self):
        return self.name, self.guid

    @property
    def counts(self):
        """The firmware shows it."""
        return self.state in ("there", "leaving")


@dataclasses.dataclass
class Store:
    """One block with a firmware volume's header, as in STORE and, while variables are tidied up, in SPARE."""

    wrong: str  # about the headers, "" when they are right
    variables: list
    end: int  # place behind the last variable
    filled: int  # place from which on everything is erased, rounded up to PIECE

    def find(self, key):
        """The variable as the firmware would find it: the one that is there, else the one that was leaving."""
        found = [v for v in self.variables if v.key == key and v.counts]
        return next((v for v in found if v.state == "there"), found[-1] if found else None)

    def orphans(self):
        """Places of variables that are superseded and have no successor: what was lost once."""
        last = {v.key: v for v in self.variables if v.state in COMPLETE}
        return {v.at for v in last.values() if v.state == "superseded"}

    def torn(self):
        """Why edk2 gives up such a store when it starts since its commit 4a443f73fd of January 2024, or "". An older one may never end its start."""
        for v in self.variables:
            if v.state == "begun" and not v.known:
                break
            if not v.sound:
                return f"a variable at {v.at:#x} has no whole header and name"
        return ""

    def cut_off(self, known):
        """Why this block cannot be anything but one that was erased and only filled again in part, or ""."""
        if self.wrong:
            return self.wrong
        # What such a cut left earlier has others behind it.
        for v in self.variables[-1:]:
            if v.state in COMPLETE and (not v.known or v.end > self.filled):
                return f"erased from {self.filled:#x} on, in the middle of {v.name or 'another'}"
        # The end of a piece may be the end of a variable. A successor is complete before its predecessor becomes superseded.
        if self.end == self.filled and self.orphans() - set(known):
            return f"erased from {self.filled:#x} on, where the successor of another was"
        return ""


def read_variable(block, at):
    """A header without state or without a size counts as one with nothing behind it, here as in edk2."""
    start, state, _, attributes = struct.unpack_from("<HBBI", block, at)
    if start != 0x55AA:
        return None
    sizes = struct.unpack_from("<II", block, at + 36)
    known = state != 0xFF and MISSING not in (attributes, *sizes) and at + VARIABLE_HEADER + sum(sizes) <= len(block)
    name_bytes, value_bytes = sizes if known else (0, 0)
    name_at = at + VARIABLE_HEADER
    value_at = name_at + name_bytes
    # A name that was cut off goes on with what erased flash reads as.
    name = block[name_at:value_at].decode("utf-16-le", errors="replace").split("\uffff")[0].rstrip("\0")
    sound = known and name_bytes >= 4 and (state == 0x7F or state in STATES and block[value_at - 2:value_at] == b"\0\0")
    return Variable(at, STATES.get(state, f"{state:#x}"), name, uuid.UUID(bytes_le=bytes(block[at + 44:at + 60])),
                    attributes, bytes(block[value_at:value_at + value_bytes]), value_at + value_bytes, known, sound)


def headers_wrong(block):
    """What the firmware itself checks when it starts."""
    length, signature = struct.unpack_from("<Q4s", block, 32)
    if not any(byte != 0xFF for byte in block[:FV_HEADER]):
        return "erased from its start on"
    if signature != b"_FVH" or uuid.UUID(bytes_le=bytes(block[16:32])) != FV_GUID or length != END:
        return "no header of a firmware volume"
    if sum(struct.unpack_from(f"<{FV_HEADER // 2}H", block)) & 0xFFFF:
        return "the firmware volume's header fails its checksum"
    size, = struct.unpack_from("<I", block, FV_HEADER + 16)
    if uuid.UUID(bytes_le=bytes(block[FV_HEADER:FV_HEADER + 16])) != STORE_GUID or size != BLOCK - FV_HEADER:
        return "no header of a variable store"
    return ""


def read_store(block):
    wrong = headers_wrong(block)
    used = len(block.rstrip(b"\xff"))
    store = Store(wrong, [], FV_HEADER + STORE_HEADER, (used + PIECE - 1) // PIECE * PIECE)
    while not wrong and store.end + VARIABLE_HEADER <= len(block):
        variable = read_variable(block, store.end)
        if not variable:
            break
        store.variables.append(variable)
        store.end = (variable.end + 3) & ~3
    return store


def read_working(block):
    """(valid, [steps of each write that it lists]). A write that is under way has 'spare' and not 'done'."""
    header = bytearray(block[:32])
    crc, flags = struct.unpack_from("<IB", header, 16)
    header[16:24] = b"\xff" * 8
    valid = (uuid.UUID(bytes_le=bytes(header[:16])) == WORKING_GUID and crc == zlib.crc32(header)
             and flags & 3 == 2)
    writes, at = [], 32
    while valid and at + 80 <= len(block) and not block[at] & 1:
        count, private = struct.unpack_from("<QQ", block, at + 24)
        if count != 1 or private > BLOCK:
            break
        flags = block[at + 40]
        writes.append([word for word, there in (("spare", not flags & 2), ("target", not flags & 4),
                                                ("done", not block[at] & 4)) if there])
        at += 80 + private
    return valid, writes


@dataclasses.dataclass
class Flash:
    store: Store
    spare: Store
    working_valid: bool
    writes: list

    def rewriting(self, known=()):
        """Why variables were lost by the firmware's own doing at the moment of the cut, or "". known: orphans of an earlier cut."""
        under_way = self.writes and "spare" in self.writes[-1] and "done" not in self.writes[-1]
        return self.store.cut_off(known) or ("a copy from the spare block is under way" if under_way else "")

    def record(self):
        """(where, the record) or None."""
        for where, store in (("store", self.store), ("spare", self.spare)):
            found = None if store.wrong else store.find(RECORD)
            if found:
                return where, found
        return None

    def record_copies(self):
        """Each state of a copy in the store, and how often."""
        return collections.Counter(v.state for v in self.store.variables if v.key == RECORD)


def read(path):
    with open(path, "rb") as image:
        data = image.read(END)
    if len(data) != END:
        raise ValueError(f"{path} has {len(data)} bytes, expected at least {END}")
    valid, writes = read_working(data[WORKING:SPARE])
    return Flash(read_store(data[STORE:WORKING]), read_store(data[SPARE:END]), valid, writes)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", nargs="+", type=Path, metavar="IMAGE.fd")
    parser.add_argument("-s", "--short", action="store_true", help="one line for each image")
    options = parser.parse_args()
    code = 0
    for path in options.images:
        flash = read(path)
        why, torn = flash.rewriting(), flash.store.torn()
        code |= bool(why or torn)
        where, record = flash.record() or ("nowhere", None)
        copies = ", ".join(f"{n} {state}" for state, n in sorted(flash.record_copies().items()))
        print(f"{path.name}: {f'BEING REWRITTEN: {why}' if why else 'whole'}{f', TORN: {torn}' if torn else ''}; "
              f"{flash.store.end} bytes, record in {where}"
              f"{f' ({record.state})' if record else ''}, its copies: {copies or 'none'}; working block "
              f"{'valid' if flash.working_valid else 'NOT valid'}, writes {flash.writes}; spare block: "
              f"{flash.spare.wrong or f'{len(flash.spare.variables)} variables'}")
        for v in [] if options.short else flash.store.variables:
            print(f"  {v.at:#8x} {v.state:10} {v.attributes:#x} {len(v.value):5} {v.name} {v.guid}")
    return code


if __name__ == "__main__":
    sys.exit(main())
