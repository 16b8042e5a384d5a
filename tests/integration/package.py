# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""What an update package consists of: images, keys, and a sw-description that may lie.

What jetson-swu takes is packed by it, as a user's own description that it completes. What no device
takes it refuses; that is packed by hand, with cpio and openssl.
"""

import copy
import dataclasses
import gzip
import hashlib
import os
import random
import struct
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../device"))

import swu  # noqa: E402

TOP = Path(__file__).resolve().parents[2]
JETSON_SWU = Path(os.environ.get("JOTA_BUILD", TOP / "build")).resolve() / "bin/jetson-swu"
PATH = os.environ["PATH"] + ":/usr/sbin:/sbin"
HOOK = "jetson-postinstall"
KIB = 1 << 10
MIB = 1 << 20
ARM64_MAGIC_AT = 56
AES_KEY, AES_IV = "5a" * 32, "3c" * 16
# What stands for a signer's certificate when it has none: a bare key, for builds that verify those.
PLAIN = {"-": "rsa", "-pss": "rsa-pss"}


def run(*argv, **options):
    return subprocess.run([str(word) for word in argv], check=True, capture_output=True,
                          env={**os.environ, "PATH": PATH}, timeout=300, **options).stdout


def make_kernel(seed, size_bytes):
    """Bytes that begin as an arm64 Image and are noise behind that."""
    data = bytearray(random.Random(seed).randbytes(size_bytes))
    data[ARM64_MAGIC_AT:ARM64_MAGIC_AT + 4] = b"ARM\x64"
    return bytes(data)


def make_boot_image(folder, seed, *options):
    """A boot.img packed by mkbootimg."""
    kernel = folder / f"kernel-{seed}"
    kernel.write_bytes(make_kernel(seed, 1300 * KIB))
    out = folder / f"boot-{seed}.img"
    run("mkbootimg", "--header_version", "0", "--kernel", kernel, "--pagesize", "2048", "--cmdline",
        "quiet", *options, "-o", out)
    return out.read_bytes()


def make_rootfs(folder, seed, size_bytes=4 * MIB):
    tree = folder / f"tree-{seed}"
    (tree / "etc").mkdir(parents=True)
    (tree / "etc/release").write_text(f"{seed}\n")
    (tree / "noise").write_bytes(random.Random(seed).randbytes(2 * MIB))
    image = folder / f"rootfs-{seed}.ext4"
    run("mke2fs", "-q", "-t", "ext4", "-d", tree, "-L", "APP", image, f"{size_bytes // KIB}k")
    return image.read_bytes()


@dataclasses.dataclass
class Release:
    """The three images of one release, as they end up on the device."""

    boot: bytes
    rootfs: bytes
    bootloader: bytes

    @classmethod
    def make(cls, folder, seed):
        return cls(make_boot_image(folder, seed), make_rootfs(folder, seed),
                   random.Random(f"bootloader {seed}").randbytes(256 * KIB))

    def by_role(self, role):
        return {"kernel": self.boot, "rootfs": self.rootfs, "bootloader": self.bootloader}[role]


class Keys:
    """A development set of keys, and signers that a device must not trust."""

    def __init__(self, folder):
        self.folder = folder
        for name in ("ours", "theirs"):
            run(TOP / "keys/make-dev-keys.sh", folder / name)
        self.ca = folder / "ours/ca.pem"
        self.good = (folder / "ours/cms.key", folder / "ours/cms.pem")
        self.foreign = (folder / "theirs/cms.key", folder / "theirs/cms.pem")
        self.expired = self._issue("expired", "20200101000000Z", "20210101000000Z")
        self.not_yet = self._issue("future", "20990101000000Z", "20991231000000Z")

    def _issue(self, name, start, end):
        """The good signer's key, in a certificate of our own authority with dates of choice."""
        certificate = self.folder / f"{name}.pem"
        run(TOP / "tests/device/issue-cert.sh", self.folder / "ours", start, end, certificate)
        return self.good[0], certificate


@dataclasses.dataclass
class Image:
    """One entry of `images`. `data` is what is packed, `extra` goes into the entry as it is."""

    name: str
    type: str
    data: bytes
    sha256: str | None = None  # None: the right one
    streamed: bool = True
    compressed: str = ""
    properties: dict = dataclasses.field(default_factory=dict)
    extra: str = ""
    size: tuple = ()  # the property with the size of the content, and its true value

    def compress(self, method, size=None):
        """Pack it compressed; size: what decompressed-size says, None for the truth."""
        true_size = len(self.data)
        if method == "zstd":
            self.data = run("zstd", "-q", "-1", "-c", input=self.data)
        else:
            self.data = gzip.compress(self.data, 1)
        self.compressed = method
        self.size = ("decompressed-size", str(true_size))
        self.properties["decompressed-size"] = str(true_size if size is None else size)
        return self

    def encrypt(self, key=AES_KEY, iv=AES_IV):
        if not self.compressed:
            self.size = ("decrypted-size", str(len(self.data)))
            self.properties.update([self.size])
        self.data = run("openssl", "enc", "-aes-256-cbc", "-K", key, "-iv", iv, input=self.data)
        self.extra += f' encrypted = true; ivt = "{iv}";'
        return self

    def lies(self):
        """About what jetson-swu would put right."""
        return self.sha256 is not None or not set([self.size] if self.size else []) <= set(
            self.properties.items())

    def text(self):
        digest = hashlib.sha256(self.data).hexdigest() if self.sha256 is None else self.sha256
        lines = [f'filename = "{self.name}"; type = "{self.type}";']
        if digest:
            lines.append(f'sha256 = "{digest}";')
        if self.streamed:
            lines.append("installed-directly = true;")
        if self.compressed:
            lines.append(f'compressed = "{self.compressed}";')
        return "{ " + " ".join(lines) + properties_text(self.properties) + self.extra + " }"


def properties_text(properties):
    if not properties:
        return ""
    pairs = " ".join(f'{name} = "{value}";' for name, value in properties.items())
    return f" properties: {{ {pairs} }};"


class Package:
    """A .swu in the making; tests change it before build()."""

    def __init__(self, images):
        self.images = images
        self.hook = {"images": " ".join(image.name for image in images)}
        self.scripts = []  # further entries, behind the hook
        self.files = {}  # name to bytes: packed, but no image
        self.more = ""  # further lines of the description
        self.bootenv = {}
        self.version = "2.0.0"
        self.board, self.revision = "jetson-demo", "1.0"

    @classmethod
    def of(cls, release, roles=("bootloader", "kernel", "rootfs"), keep=""):
        known = {"bootloader": Image("bootloader.img", "jetson-bootloader", release.bootloader),
                 "kernel": Image("boot.img", "jetson-bootimg", release.boot),
                 "rootfs": Image("rootfs.ext4", "jetson-rootfs", release.rootfs)}
        package = cls([copy.deepcopy(known[role]) for role in roles])
        if keep:
            package.hook["keep"] = keep
        return package

    def image(self, name):
        return next(image for image in self.images if image.name.startswith(name))

    def hook_text(self):
        return f'{{ type = "{HOOK}";{properties_text(self.hook)} }}'

    def description(self):
        scripts = ([self.hook_text()] if self.hook is not None else []) + self.scripts
        bootenv = ", ".join(f'{{ name = "{name}"; value = "{value}"; }}'
                            for name, value in self.bootenv.items())
        return ("software =\n{\n" + f'version = "{self.version}";\n'
                f'{self.board} =\n{{\nhardware-compatibility: [ "{self.revision}" ];\n'
                + "images: (\n" + ",\n".join(image.text() for image in self.images) + " );\n"
                + ("scripts: ( " + ", ".join(scripts) + " );\n" if scripts else "")
                + (f"bootenv: ( {bootenv} );\n" if bootenv else "") + self.more + "};\n}\n")

    def add_script(self, name, text, before_hook=False):
        """A shell script that SWUpdate runs after the images, beside our hook."""
        data = text.encode()
        self.files[name] = data
        entry = (f'{{ filename = "{name}"; type = "shellscript"; '
                 f'sha256 = "{hashlib.sha256(data).hexdigest()}"; }}')
        if before_hook:
            self.scripts = [entry, self.hook_text()]
            self.hook = None
        else:
            self.scripts.append(entry)

    def build(self, folder, signer):
        """Pack and sign; returns the path of the .swu. by_hand says which way it was packed."""
        folder.mkdir(parents=True, exist_ok=True)
        self._write_files(folder)
        (folder / "template").write_text(self.description())
        out = folder / "update.swu"
        self.by_hand = any(image.lies() for image in self.images) or not self._build(folder, signer)
        if self.by_hand:
            self._pack(folder, signer, out)
        return out

    def build_by_hand(self, folder, signer):
        """As a maker without jetson-swu would."""
        folder.mkdir(parents=True, exist_ok=True)
        self._write_files(folder)
        return self._pack(folder, signer, folder / "update.swu")

    def _write_files(self, folder):
        for image in self.images:
            (folder / image.name).write_bytes(image.data)
        for name, data in self.files.items():
            (folder / name).write_bytes(data)

    def _build(self, folder, signer):
        """False: jetson-swu refused it."""
        key, certificate = signer
        method = PLAIN.get(certificate, "cms")
        signing = f'key = "{key}";' + (f' certificate = "{certificate}";' if method == "cms" else "")
        (folder / "update.conf").write_text(
            f'description = "template"; signing: {{ method = "{method}"; '
            f"signers: ( {{ {signing} }} ); }};\n")
        done = subprocess.run([JETSON_SWU, "build", "-q", "-c", folder / "update.conf", "-o",
                               folder / "update.swu"], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=300, check=False)
        if done.returncode not in (0, 1):
            raise AssertionError(f"jetson-swu build ends with {done.returncode}: {done.stderr}")
        self.refusal = done.stderr.strip()
        return done.returncode == 0

    def _pack(self, folder, signer, out):
        names = [image.name for image in self.images] + list(self.files)
        swu.pack(self.description().encode(), folder, dict.fromkeys(names), signer, out)
        return out


def set_header(boot, offset, value):
    """A boot.img with one 32-bit header field changed; the id stays as it was."""
    data = bytearray(boot)
    struct.pack_into("<I", data, offset, value)
    return bytes(data)
