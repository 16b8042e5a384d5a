#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""Pack a .swu that jetson-swu would not, or damage one: for the tests and the demo.

A .swu is a cpio archive in the format that carries a checksum ("070702"). The checksum protects
from accidents only; whoever changes a file can change it too, so that is what happens here.
"""

import argparse
import hashlib
import re
import subprocess
import sys
import tempfile
from pathlib import Path

MAGIC = b"070702"
FIELDS = 13
HEADER_BYTES = len(MAGIC) + 8 * FIELDS
SIZE_FIELD, NAME_SIZE_FIELD, CHECKSUM_FIELD = 6, 11, 12
TRAILER = "TRAILER!!!"
BLOCK_BYTES = 512


def pad(data):
    return data + b"\0" * (-len(data) % 4)


class Swu:
    """The members in their order; `files` may be changed as a dict."""

    def __init__(self, path):
        self.files, self._fields = {}, {}
        data = Path(path).read_bytes()
        at = 0
        while True:
            if data[at:at + len(MAGIC)] != MAGIC:
                raise ValueError(f"'{path}': no cpio header at offset {at}")
            numbers = [int(data[at + len(MAGIC) + 8 * i:at + len(MAGIC) + 8 * i + 8], 16)
                       for i in range(FIELDS)]
            name_at = at + HEADER_BYTES
            name = data[name_at:name_at + numbers[NAME_SIZE_FIELD] - 1].decode()
            # The header's 110 bytes and the name are padded together.
            start = at + -(-(HEADER_BYTES + numbers[NAME_SIZE_FIELD]) // 4) * 4
            self._fields[name] = numbers
            if name == TRAILER:
                break
            self.files[name] = data[start:start + numbers[SIZE_FIELD]]
            at = start + -(-numbers[SIZE_FIELD] // 4) * 4

    def flip(self, name, offset):
        """Invert one bit of one byte; a negative offset counts from the end."""
        data = bytearray(self.files[name])
        data[offset] ^= 0x01
        self.files[name] = bytes(data)

    def save(self, path):
        template = next(iter(self._fields.values()))
        with open(path, "wb") as out:
            for name, data in self.files.items():
                self._write(out, name, data, self._fields.get(name, template))
            self._write(out, TRAILER, b"", self._fields[TRAILER])
            # cpio writes whole blocks.
            out.write(b"\0" * (-out.tell() % BLOCK_BYTES))

    @staticmethod
    def _write(out, name, data, fields):
        fields = list(fields)
        fields[SIZE_FIELD] = len(data)
        fields[NAME_SIZE_FIELD] = len(name) + 1
        fields[CHECKSUM_FIELD] = sum(data) & 0xFFFFFFFF
        header = MAGIC + b"".join(b"%08X" % number for number in fields)
        out.write(pad(header + name.encode() + b"\0") + pad(data))


def pack(description, folder, names, signer, out):
    """Sign and pack by openssl and cpio, and look at nothing. signer: key and certificate, the latter
    "-" for plain RSA. The members stand in the order of the names."""
    key, certificate = signer
    with tempfile.TemporaryDirectory(prefix="jota-pack-") as name:
        work = Path(name)
        text, signature = work / "sw-description", work / "sw-description.sig"
        text.write_bytes(description)
        for file in names:
            (work / file).symlink_to(Path(folder, file).resolve())
        if str(certificate) == "-":
            sign = ["dgst", "-sha256", "-sign", key, "-out", signature, text]
        else:
            sign = ["cms", "-sign", "-in", text, "-out", signature, "-outform", "DER", "-nosmimecap",
                    "-binary", "-md", "sha256", "-signer", certificate, "-inkey", key]
        run(["openssl", *sign])
        members = "".join(f"{member}\n" for member in (text.name, signature.name, *names))
        Path(out).write_bytes(run(["cpio", "-o", "-L", "-H", "crc", "-R", "0:0", "--reproducible",
                                   "--quiet"], cwd=work, input=members.encode()))


def run(argv, **options):
    done = subprocess.run([str(word) for word in argv], capture_output=True, check=False, timeout=300,
                          **options)
    if done.returncode:
        sys.exit(f"swu.py: {argv[0]}: {done.stderr.decode(errors='replace')}")
    return done.stdout


def fill(template, version, folder):
    """A template's text with @VERSION@ and @SHA256:FILE@ replaced, and the files that it names."""
    text = template.read_text().replace("@VERSION@", version)
    text = re.sub(r"@SHA256:([^@/]+)@",
                  lambda word: hashlib.sha256((folder / word[1]).read_bytes()).hexdigest(), text)
    return text.encode(), re.findall(r'filename = "([^"/]+)"', text)


def pack_template(args):
    text, names = fill(args.template, args.version, args.folder)
    pack(text, args.folder, names, (args.key, args.certificate), args.swu)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("swu", type=Path)
    verbs = parser.add_subparsers(required=True, dest="verb", metavar="VERB")
    verb = verbs.add_parser("pack", help="make it of a template and a folder, unchecked")
    for name in ("version", "template", "folder", "key", "certificate"):
        verb.add_argument(name, type=str if name == "version" else Path)
    verbs.add_parser("list", help="print size and name of each member")
    verb = verbs.add_parser("flip", help="invert one bit in a member, mend the archive's checksum")
    verb.add_argument("name")
    verb.add_argument("place", help="byte offset, negative from the end, or a text in the member")
    verb.add_argument("out", type=Path)
    args = parser.parse_args()
    if args.verb == "pack":
        pack_template(args)
        return
    swu = Swu(args.swu)
    if args.verb == "list":
        for name, data in swu.files.items():
            print(len(data), name)
        return
    if args.name not in swu.files:
        sys.exit(f"swu.py: '{args.swu}' has no member '{args.name}'")
    data = swu.files[args.name]
    if args.place.lstrip("-").isdigit():
        offset = int(args.place)
        found = -len(data) <= offset < len(data)
    else:
        offset = data.find(args.place.encode())
        found = offset >= 0
    if not found:
        sys.exit(f"swu.py: '{args.name}' has no place '{args.place}'")
    swu.flip(args.name, offset)
    swu.save(args.out)


if __name__ == "__main__":
    main()
