#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""Packages made by swugenerator pass `jetson-swu verify`. Usage: check-swugenerator.py BUILD

Installs swugenerator with pip into a virtual environment below a temporary folder, so it is no part of
`make check`. Ends with 77 when that cannot be done, and says why.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests/integration"))

from package import AES_IV, AES_KEY, Keys, Release  # noqa: E402

# It renames what it compresses or encrypts; the hook's list has the name in the archive.
RENAMED = {"": "", "zlib": ".zlib", "zstd": ".zstd"}
ROWS = [(method, secret, signer) for method in RENAMED for secret in (False, True)
        for signer in ("CMS", "RSA")]


def install(folder):
    venv = folder / "venv"
    for argv in ([sys.executable, "-m", "venv", venv],
                 [venv / "bin/pip", "install", "--quiet", "swugenerator"]):
        done = subprocess.run(argv, capture_output=True, text=True, timeout=300, check=False)
        if done.returncode:
            reason = (done.stderr or done.stdout).strip().splitlines()
            print(f"NOT RUN: swugenerator: {reason[-1] if reason else argv[0]}")
            sys.exit(77)
    return venv / "bin/swugenerator"


def description(release, method, secret):
    root = "rootfs.ext4" + RENAMED[method] + (".enc" if secret else "")
    attributes, properties = "", ""
    if method:
        attributes += f' compressed = "{method}";'
        properties = f'properties: {{ decompressed-size = "{len(release.rootfs)}"; }};'
    elif secret:
        properties = f'properties: {{ decrypted-size = "{len(release.rootfs)}"; }};'
    if secret:
        attributes += " encrypted = true;"
    return f"""software = {{
version = "1.0";
jetson-demo = {{
hardware-compatibility: [ "1.0" ];
images: (
{{ filename = "bootloader.img"; type = "jetson-bootloader"; installed-directly = true; }},
{{ filename = "boot.img"; type = "jetson-bootimg"; installed-directly = true; }},
{{ filename = "rootfs.ext4"; type = "jetson-rootfs"; installed-directly = true;{attributes} {properties} }} );
scripts: ( {{ type = "jetson-postinstall";
properties: {{ images = "bootloader.img boot.img {root}"; }}; }} );
}}; }}
"""


def check(program, verifier, folder, keys, release, row):
    method, secret, signer = row
    ours = keys.folder / "ours"
    (folder / "sw-description").write_text(description(release, method, secret))
    sign = {"CMS": f"CMS,{ours}/cms.key,{ours}/cms.pem", "RSA": f"RSA,{ours}/rsa.key"}[signer]
    trust = {"CMS": ["-k", ours / "ca.pem"], "RSA": ["--method", "rsa", "-k", ours / "rsa.pub"]}[signer]
    out = folder / "out.swu"
    done = subprocess.run([program, "-s", folder / "sw-description", "-a", folder, "-o", out, "-k", sign,
                           *(["-K", folder / "theirs.key"] if secret else []), "create"],
                          capture_output=True, text=True, timeout=120, check=False)
    if done.returncode == 0:
        done = subprocess.run([verifier, "verify", *trust, "-K", folder / "aes.key", out],
                              capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        print(f"FAILED: {row}: {done.stdout}{done.stderr}")
    return done.returncode == 0


def main():
    verifier = Path(sys.argv[1]).resolve() / "bin/jetson-swu"
    with tempfile.TemporaryDirectory(prefix="jota-swugenerator-") as name:
        folder = Path(name)
        program = install(folder)
        keys, release = Keys(folder / "keys"), Release.make(folder, "one")
        for file, data in (("boot.img", release.boot), ("bootloader.img", release.bootloader),
                           ("rootfs.ext4", release.rootfs)):
            (folder / file).write_bytes(data)
        (folder / "aes.key").write_text(f"{AES_KEY} {AES_IV}\n")
        # Its own form of the same key, as `openssl enc -P` prints it.
        (folder / "theirs.key").write_text(f"key={AES_KEY}\niv ={AES_IV}\n")
        passed = sum(check(program, verifier, folder, keys, release, row) for row in ROWS)
    print(f"{passed} passed, {len(ROWS) - passed} failed")
    return 0 if passed == len(ROWS) else 1


if __name__ == "__main__":
    sys.exit(main())
