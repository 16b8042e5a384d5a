# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""A fake of efivarfs below the root of a device that is a folder, and what firmware does with a request.

Files with the names and bytes that efivarfs shows, in a common file system: none is immutable, no write is
rejected. boot() knows of a request to change the chain and of nothing else; tests/models/l4t_model.c knows
more, and a real kernel with a real variable store is in tests/vm/uefi.
"""

import struct
from pathlib import Path

FOLDER = "sys/firmware/efi/efivars"
NVIDIA = "781e084c-a330-417c-b678-38e696380cb9"
RECORD = "JotaSlots-a7ddbf9b-3207-4644-bbf4-c336d94f12e6"
STORED, VOLATILE = 7, 6
BAD = 0xFF
CONDITIONS = {"e": "empty", "t": "trial", "g": "good"}
HEADER_BYTES = 9  # attributes, CRC, version


class UefiVars:
    """Of a device's root."""

    def __init__(self, root):
        self.folder = Path(root) / FOLDER

    def create(self):
        """A board as it was flashed, with A/B of the root file system; slot A runs."""
        self.folder.mkdir(parents=True)
        for name in ("RootfsStatusSlotA", "RootfsStatusSlotB"):
            self.set(name, 0)
        self.set("RootfsRedundancyLevel", 1, VOLATILE)
        self.set_running("A")

    def path(self, name):
        return self.folder / f"{name}-{NVIDIA}"

    def set(self, name, value, attributes=STORED):
        self.path(name).write_bytes(struct.pack("<II", attributes, value))

    def get(self, name):
        """None when absent."""
        try:
            data = self.path(name).read_bytes()
        except FileNotFoundError:
            return None
        return struct.unpack("<II", data)[1] if data else None

    def delete(self, name):
        self.path(name).unlink(missing_ok=True)

    def set_running(self, slot):
        for name in ("BootChainFwCurrent", "BootChainOsCurrent"):
            self.set(name, "AB".index(slot), VOLATILE)

    def record(self):
        """What our record says of the state that holds when nothing is under way; {} without one."""
        path = self.folder / RECORD
        if not path.exists():
            return {}
        texts = path.read_bytes()[HEADER_BYTES:].split(b"\0")
        values = dict(text.decode().split("=", 1) for text in texts if text)
        letters = values["i"]
        return {"next": letters[0], "A": CONDITIONS[letters[1]], "B": CONDITIONS[letters[2]],
                "ustate": letters[3], "reason": values.get("ir", "")}

    def next(self):
        """The slot of the next boot."""
        request = self.get("BootChainFwNext")
        taken = request in (0, 1) and self.get("BootChainFwStatus") is None
        return "AB"[request if taken else self.get("BootChainFwCurrent")]

    def boot(self):
        """Deal with a request; the slot that runs then."""
        slot = self.next()
        if self.get("BootChainFwNext") is not None:
            if self.get("BootChainFwStatus") is None:
                self.set("BootChainFwStatus", 0)
            self.delete("BootChainFwNext")
        self.set_running(slot)
        return slot
