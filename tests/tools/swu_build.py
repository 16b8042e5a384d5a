# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""A folder in which an update is built: keys, images, update.conf; and a device that takes it."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
for folder in ("tests/device", "tests/integration"):
    sys.path.insert(0, str(TOP / folder))

import host  # noqa: E402
from device import Device  # noqa: E402

BUILD = Path(os.environ.get("JOTA_BUILD", TOP / "build")).resolve()
JETSON_SWU = BUILD / "bin/jetson-swu"
KIB, MIB = 1 << 10, 1 << 20
SIZES_BYTES = {"bootloader": MIB, "kernel": 2 * MIB, "rootfs": 4 * MIB, "userdata": MIB}
AES_KEY, AES_IV = "5a" * 32, "3c" * 16
EPOCH = "1700000000"
SBIN = os.environ["PATH"] + ":/usr/sbin:/sbin"
SIGNED = 'signers: ( { certificate = "keys/cms.pem"; key = "keys/cms.key"; } );'
HARDWARE = 'hardware: { board = "jetson-demo"; revisions = [ "1.0" ]; };'


def tool(*argv, cwd=None, **options):
    """A program of others; its failure is the test's."""
    done = subprocess.run([str(word) for word in argv], cwd=cwd, capture_output=True, timeout=120,
                          env={**os.environ, "PATH": SBIN}, **options)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return done.stdout


class Stock:
    """Keys and images that all tests share; made once."""

    def __init__(self, folder):
        self.folder = folder
        tool(TOP / "keys/make-dev-keys.sh", folder / "keys")
        noise = random.Random("swu")
        (folder / "kernel").write_bytes(
            noise.randbytes(56) + b"ARM\x64" + noise.randbytes(700 * KIB))
        tool("mkbootimg", "--header_version", "0", "--kernel", folder / "kernel", "--pagesize",
             "2048", "-o", folder / "boot.img")
        (folder / "bootloader.img").write_bytes(noise.randbytes(300 * KIB))
        text = b"".join(noise.choice((b"slot ", b"boot ", b"kernel ", bytes(64)))
                        for _ in range(40000))
        (folder / "rootfs.ext4").write_bytes((noise.randbytes(MIB) + text)[:2 * MIB])
        (folder / "aes.key").write_text(f"{AES_KEY} {AES_IV}\n")
        (folder / "aes.key").chmod(0o600)


class Work:
    """One folder with links to the stock; build() runs jetson-swu in it."""

    def __init__(self, folder, stock):
        self.folder, self.stock = folder, stock
        folder.mkdir(parents=True, exist_ok=True)
        for path in stock.folder.iterdir():
            (folder / path.name).symlink_to(path)

    def path(self, name):
        return self.folder / name

    def start(self, config, *options, out="out.swu", **more):
        self.path("update.conf").write_text(config)
        env = {"PATH": os.environ["PATH"], "HOME": str(self.folder), **more}
        # In a session of its own there is no terminal to ask at.
        return subprocess.Popen([JETSON_SWU, "build", "-c", "update.conf", "-o", out, *options],
                                cwd=self.folder, env=env, text=True, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                start_new_session=True)

    def run(self, config, *options, out="out.swu", **more):
        """Returns (exit code, standard output, standard error)."""
        process = self.start(config, *options, out=out, **more)
        said, failed = process.communicate(timeout=120)
        return process.returncode, said, failed

    def build(self, config, *options, out="out.swu", **more):
        """It must work; returns what --json says."""
        code, said, failed = self.run(config, "--json", *options, out=out, **more)
        assert code == 0, failed
        return json.loads(said)

    def refuse(self, config, *options, code=1, **more):
        """It must fail and leave nothing; returns its one sentence."""
        before = sorted(self.folder.iterdir())
        ended, said, failed = self.run(config, *options, **more)
        assert ended == code, (ended, said, failed)
        after = [path for path in self.folder.iterdir() if path.name != "update.conf"]
        assert sorted(after) == [path for path in before if path.name != "update.conf"]
        lines = [line for line in failed.splitlines() if not line.startswith("packing ")
                 and "warning:" not in line]
        assert len(lines) == 1 and lines[0].startswith("jetson-swu build: "), failed
        return lines[0]


def config(components=None, signing=SIGNED, more="", layout="mission"):
    """update.conf with all roles of the layout, unless told otherwise."""
    if components is None:
        components = [{"role": "bootloader", "file": "bootloader.img"},
                      {"role": "kernel", "file": "boot.img"},
                      {"role": "rootfs", "file": "rootfs.ext4"}]
    entries = ",\n".join("  { " + " ".join(f"{key} = {value_text(value)};"
                                           for key, value in entry.items()) + " }"
                         for entry in components)
    return (f'version = "2.0.0";\n{HARDWARE}\nlayout = "{layout}";\ncomponents: (\n{entries}\n);\n'
            f"signing: {{ {signing} }};\n{more}\n")


def value_text(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else f'"{value}"'


class Target:
    """A device of layout mission whose slot A runs."""

    def __init__(self, root, **sizes):
        self.device = Device.create(root, sizes={**SIZES_BYTES, **sizes})

    def swupdate(self, swu, *options, ca, program=host.LAUNCHER):
        with host.short_tmp() as tmp:
            return host.run_once([*host.common_options(tmp, ca), *options, "-i", swu],
                                 self.device.root, program=program)

    def holds(self, label, image):
        data = image.read_bytes()
        return self.device.read_at(label, 0, len(data)) == data

    def close(self):
        self.device.remove()
