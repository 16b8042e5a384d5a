# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""The redundant U-Boot environment as the tests see it: a codec of its own.

It shares nothing with the library, with libubootenv or with the model of U-Boot, so that a test can
tell who is wrong. One copy: CRC-32 (little endian, over everything behind the flags byte), flags
byte (a serial number that wraps), then name=value entries, each ended by a zero byte, one more zero
byte at the end.
"""

import os
import struct
import zlib

SIZE_BYTES = 0x20000
OFFSETS_BYTES = (0x700000, 0x720000)
HEADER_BYTES = 5


def is_valid(copy):
    (crc,) = struct.unpack_from("<I", copy)
    return crc == zlib.crc32(copy[HEADER_BYTES:])


def encode(variables, flags):
    text = b"".join(f"{name}={value}".encode() + b"\0" for name, value in variables.items())
    data = (text + b"\0").ljust(SIZE_BYTES - HEADER_BYTES, b"\0")
    if len(data) != SIZE_BYTES - HEADER_BYTES:
        raise ValueError(f"environment too large: {len(text)} bytes")
    return struct.pack("<IB", zlib.crc32(data), flags) + data


def decode(copy):
    end = copy.index(b"\0\0", HEADER_BYTES)
    entries = copy[HEADER_BYTES:end].split(b"\0")
    return dict(entry.decode().split("=", 1) for entry in entries if entry)


class UbootEnv:
    """Both copies in one file or device."""

    def __init__(self, path):
        self.path = path

    def copies(self):
        with open(self.path, "rb") as file:
            return [os.pread(file.fileno(), SIZE_BYTES, at) for at in OFFSETS_BYTES]

    def current(self):
        """Number of the copy that U-Boot uses, None when neither is valid."""
        copies = self.copies()
        valid = [is_valid(copy) for copy in copies]
        if not all(valid):
            return valid.index(True) if any(valid) else None
        first, second = copies[0][4], copies[1][4]
        if (first, second) in ((255, 0), (0, 255)):
            return 0 if first == 0 else 1
        return 1 if second > first else 0

    def read(self):
        number = self.current()
        if number is None:
            raise ValueError(f"{self.path}: both copies of the environment are bad")
        return decode(self.copies()[number])

    def write_copy(self, number, data):
        file = os.open(self.path, os.O_RDWR)
        try:
            os.pwrite(file, data, OFFSETS_BYTES[number])
            os.fsync(file)
        finally:
            os.close(file)

    def change(self, **changes):
        """Set variables, delete those whose value is None: one write to the copy not in use."""
        number = self.current()
        variables = {**self.read(), **changes}
        variables = {name: value for name, value in variables.items() if value is not None}
        flags = (self.copies()[number][4] + 1) % 256
        self.write_copy(1 - number, encode(variables, flags))

    def spoil(self, number):
        """One bit of the data is wrong: the checksum no longer fits."""
        copy = bytearray(self.copies()[number])
        copy[HEADER_BYTES + 10] ^= 1
        self.write_copy(number, bytes(copy))
