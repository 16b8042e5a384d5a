# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""What is on a device, byte for byte: digests that cost only what is really stored."""

import errno
import hashlib
import os
import stat

from device import FIRST_PARTITION_BYTES, MIB
from uboot_env import OFFSETS_BYTES, SIZE_BYTES


def data_ranges(file, size_bytes):
    """(offset, length) of everything that is not a hole; block devices have none."""
    if not stat.S_ISREG(os.fstat(file).st_mode):
        yield 0, size_bytes
        return
    at = 0
    while at < size_bytes:
        try:
            at = os.lseek(file, at, os.SEEK_DATA)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            return  # nothing but a hole up to the end
        end = os.lseek(file, at, os.SEEK_HOLE)
        yield at, end - at
        at = end


def digest(path):
    """SHA-256 over the blocks that are not zero, with their places: holes and written zeroes are
    the same content and give the same digest."""
    result = hashlib.sha256()
    file = os.open(path, os.O_RDONLY)
    try:
        size_bytes = os.lseek(file, 0, os.SEEK_END)
        result.update(b"%d" % size_bytes)
        done = 0
        for start, length in data_ranges(file, size_bytes):
            # Whole blocks, so that the border of a hole does not move the result.
            at = max(done, start - start % MIB)
            while at < start + length:
                block = os.pread(file, MIB, at)
                if block.count(0) != len(block):
                    result.update(b"@%d" % at + block)
                at += MIB
            done = at
    finally:
        os.close(file)
    return result.hexdigest()


def digest_around_environment(device):
    """The start of the disk, where the environment is, without the environment itself."""
    with open(device.environment.path, "rb") as file:
        data = bytearray(os.pread(file.fileno(), FIRST_PARTITION_BYTES, 0))
    for at in OFFSETS_BYTES:
        data[at:at + SIZE_BYTES] = bytes(SIZE_BYTES)
    return hashlib.sha256(data).hexdigest()


def snapshot(device):
    """Digest by name: each copy of the environment, what is around them, each partition."""
    found = {f"environment copy {number}": hashlib.sha256(copy).hexdigest()
             for number, copy in enumerate(device.environment.copies())}
    found["disk outside partitions"] = digest_around_environment(device)
    for label in sorted(device.partitions):
        found[label] = digest(device.node(label))
    return found


def changed(before, after):
    """Names whose digest differs between two snapshots."""
    return sorted(name for name in before | after if before.get(name) != after.get(name))
