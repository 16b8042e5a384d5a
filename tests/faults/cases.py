# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""The faults, where in an update each one strikes, and what the user must be told.

The writer erases the first MiB, writes the body, syncs, reads the body back, writes the first MiB,
syncs and reads that back. So the first write and read of byte 0 belong to the erase, the second to
the release of the first block; the body is written and read once.
"""

import dataclasses

MIB = 1 << 20
FIRST = 77  # a byte in the first block
EIO = "Input/output error"
IN_DOUBT = "may still start with an image, because zeroing its first block failed too"


@dataclasses.dataclass
class Case:
    """says: with {device}, {block} (where the MiB begins that has the byte) and {at} (the byte)."""

    name: str
    fault: str
    number: int
    count: int
    where: str  # 'first', 'middle', 'last' byte of the image, '' for any
    says: tuple  # one of these
    in_doubt: bool = False  # the device cannot even be zeroed, and the sentence must say so
    quick: str = ""  # in the short form for this role

    def offset(self, image_bytes):
        if not self.where:
            return None
        middle = max(1, image_bytes // MIB // 2) * MIB + FIRST
        return {"first": FIRST, "middle": middle, "last": image_bytes - 1}[self.where]

    def fits(self, image_bytes):
        """An image of one block has no body."""
        return image_bytes > MIB or not self.where or self.where == "first"

    def sentences(self, device, image_bytes):
        at = self.offset(image_bytes) or 0
        return [text.format(device=f"'{device}'", at=at, block=at // MIB * MIB)
                for text in self.says]


WRITE = ("write {device} at {block}: " + EIO,)
SYNC = ("sync {device}: " + EIO,)
READ = ("read {device} at {block}: " + EIO,)
FULL = ("write {device} at {block}: No space left on device",)
NOT_ZERO = ("of {device} were zeroed, but do not read back as zeros",)
BODY = ("{device} does not hold what was written: the first difference is in the",)
BYTE = ("{device} does not hold what was written: at offset {at} it has",)
# A kernel may tell the loop device's user of a short write, or may not.
SHORT_FIRST = WRITE + ("{device} does not hold what was written: at offset",)

CASES = [
    Case("EIO, write of the erase", "write-error", 1, 1, "first", WRITE),
    Case("EIO, write in the middle", "write-error", 1, 1, "middle", WRITE, quick="kernel"),
    Case("EIO, last write of the body", "write-error", 1, 1, "last", WRITE),
    Case("EIO, write of the first block", "write-error", 2, 1, "first", WRITE, quick="rootfs"),
    Case("EIO, every write", "write-error", 1, 0, "", WRITE, in_doubt=True),
    Case("EIO, write of the first block and ever after", "write-error", 2, 0, "first", WRITE,
         in_doubt=True),
    Case("EIO, sync of the erase", "sync-error", 1, 1, "", SYNC),
    Case("EIO, sync of the body", "sync-error", 2, 1, "", SYNC, quick="kernel"),
    Case("EIO, sync of the first block", "sync-error", 3, 1, "", SYNC),
    Case("EIO, reading the erase back", "read-error", 1, 1, "first", READ),
    Case("EIO, reading the middle back", "read-error", 1, 1, "middle", READ, quick="rootfs"),
    Case("EIO, reading the last block back", "read-error", 1, 1, "last", READ),
    Case("EIO, reading the first block back", "read-error", 2, 1, "first", READ),
    Case("bit flipped in the erase", "flip", 1, 1, "first", NOT_ZERO, quick="rootfs"),
    Case("bit flipped in every write of the first block", "flip", 1, 0, "first", NOT_ZERO,
         in_doubt=True),
    Case("bit flipped in the first block", "flip", 2, 1, "first", BYTE, quick="kernel"),
    Case("bit flipped in the middle", "flip", 1, 1, "middle", BODY, quick="rootfs"),
    Case("bit flipped in the last block", "flip", 1, 1, "last", BODY, quick="kernel"),
    Case("short write of the erase", "short", 1, 1, "first", WRITE + NOT_ZERO),
    Case("short write in the middle", "short", 1, 1, "middle", WRITE + BODY, quick="rootfs"),
    Case("short write of the first block", "short", 2, 1, "first", SHORT_FIRST),
    Case("ENOSPC from the middle on", "full", 1, 0, "middle", FULL, quick="kernel"),
    Case("ENOSPC from the first byte on", "full", 1, 0, "first", FULL, in_doubt=True),
    Case("device gone, first operation", "gone", 1, 0, "", WRITE, in_doubt=True),
    Case("device gone in the middle", "gone", 1, 0, "middle", WRITE, quick="rootfs"),
    Case("device gone at the first block", "gone", 2, 0, "first", WRITE, in_doubt=True,
         quick="kernel"),
]
