# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""jetson-swu and root filesystems in parts: built, verified, shown and joined as one image."""

import json
import random
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from swu_build import JETSON_SWU, MIB, SIGNED, Stock, config

from swu import Swu

GIB = 1 << 30
SIZE = GIB + 5
ENCRYPTION = 'encryption: { key = "aes.key"; };'
BOOT = {"role": "kernel", "file": "boot.img"}


@pytest.fixture(scope="module")
def stock():
    folder = Path(tempfile.mkdtemp(prefix="jota-parts-"))
    stock = Stock(folder)
    sparse(folder / "large.ext4", SIZE)
    yield stock
    shutil.rmtree(folder)


def sparse(path, size_bytes):
    noise = random.Random("parts")
    with open(path, "wb") as file:
        for at in (0, GIB - MIB, size_bytes - 3):
            file.seek(at)
            file.write(noise.randbytes(min(MIB + 2, size_bytes - at)))
        file.truncate(size_bytes)


def split(**more):
    return config([BOOT, {"role": "rootfs", "file": "large.ext4", "split": 1, "level": 1,
                          "compress": "zstd", **more}], layout="t234", more=ENCRYPTION)


def swu(work, verb, *argv, code=0):
    done = subprocess.run([JETSON_SWU, verb, *argv], cwd=work.folder, text=True, timeout=120,
                          capture_output=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def verify(work, path, code=0):
    return swu(work, "verify", "-k", "keys/ca.pem", "-K", "aes.key", path, code=code)


def test_a_content_above_the_split_becomes_parts(work):
    summary = work.build(split(encrypt=True))
    names = ["boot.img", "large.ext4.part01.zst.enc", "large.ext4.part02.zst.enc"]
    assert [file["name"] for file in summary["files"]] == names
    assert [file["content_bytes"] for file in summary["files"][1:]] == [GIB, 5]
    assert [file["part"] for file in summary["files"]] == \
        [None, {"number": 1, "offset": 0, "total": SIZE},
         {"number": 2, "offset": GIB, "total": SIZE}]
    text = Swu(work.path("out.swu")).files["sw-description"].decode()
    assert f'images = "{" ".join(names)}"' in text
    assert (f'part = "2"; offset = "{GIB}"; total = "{SIZE}"; decompressed-size = "5";') in text
    assert len(set(re.findall(r'ivt = "(\w+)"', text))) == 2
    verify(work, "out.swu")
    assert f"(rootfs, part 2 from byte {GIB} of {SIZE})" in swu(work, "inspect", "out.swu")
    entries = json.loads(swu(work, "inspect", "--json", "out.swu"))["views"][0]["entries"]
    assert [entry["part"] for entry in entries if entry["role"] == "rootfs"] == \
        [{"number": 1, "offset": 0, "total": SIZE}, {"number": 2, "offset": GIB, "total": SIZE}]


def test_parts_are_joined_to_the_image_they_were(work):
    work.build(split(encrypt=True))
    assert "give the key with -K" in swu(work, "extract", "--join", "joined", "out.swu", code=1)
    assert not work.path("joined").exists()
    swu(work, "extract", "--join", "joined", "-K", "aes.key", "out.swu")
    subprocess.run(["cmp", work.path("joined"), work.path("large.ext4")], check=True, timeout=300)
    assert "create 'joined'" in swu(work, "extract", "--join", "joined", "-K", "aes.key", "out.swu",
                                    code=1)


def test_parts_are_joined_with_the_tools_of_everybody(work):
    """As the manual says."""
    work.build(split())
    swu(work, "extract", "out.swu", "large.ext4.part01.zst", "large.ext4.part02.zst")
    subprocess.run("zstd -dcq large.ext4.part??.zst | cmp - large.ext4", shell=True, check=True,
                   cwd=work.folder, timeout=300)


def test_a_whole_image_is_joined_as_well(work):
    work.build(config())
    swu(work, "extract", "--join", "joined", "out.swu")
    assert work.path("joined").read_bytes() == work.path("rootfs.ext4").read_bytes()


def test_the_same_input_gives_the_same_parts(work):
    first, second = (work.build(split(), out=name) for name in ("a.swu", "b.swu"))
    assert [file["sha256"] for file in first["files"]] == \
        [file["sha256"] for file in second["files"]]


@pytest.mark.parametrize("components, says", [
    ([{**BOOT, "split": 1}, {"role": "rootfs", "file": "rootfs.ext4"}], "split is for the rootfs"),
    ([BOOT, {"role": "rootfs", "file": "rootfs.ext4", "split": 0}], "expected 1 to 64"),
    ([BOOT, {"role": "rootfs", "file": "rootfs.ext4", "split": 65}], "expected 1 to 64"),
    ([{"role": "kernel", "file": "boot.img", "name": "large.ext4.part02"},
      {"role": "rootfs", "file": "large.ext4", "split": 1}], "as another file is"),
])
def test_a_split_that_cannot_be_is_refused(work, components, says):
    assert says in work.refuse(config(components, layout="t234"))


@pytest.mark.parametrize("gib, more, says", [
    (64, {"split": 1}, "more than 64 parts of 1 GiB: set split higher"),
    (3 * 64, {}, "more than 64 parts of 3 GiB: set split higher"),
], ids=["split = 1", "default"])
def test_more_parts_than_a_device_takes_are_refused(work, gib, more, says):
    with open(work.path("huge.ext4"), "wb") as file:
        file.truncate(gib * GIB + 1)
    components = [BOOT, {"role": "rootfs", "file": "huge.ext4", **more}]
    assert says in work.refuse(config(components, layout="t234"))


OWN = """software = {{ version = "1"; board = {{ hardware-compatibility: [ "1" ];
images: ( {{ filename = "boot.img"; type = "jetson-bootimg"; }},
  {{ filename = "p1"; type = "jetson-rootfs"; installed-directly = true;
    properties: {{ part = "1"; offset = "0"; total = "{total}"; }}; }},
  {{ filename = "p2"; type = "jetson-rootfs"; installed-directly = true;
    properties: {{ part = "2"; offset = "{offset}"; total = "{total}"; }}; }} );
scripts: ( {{ type = "jetson-postinstall"; properties: {{ images = "boot.img p1 p2"; }}; }} );
}}; }};
"""
OWN_CONFIG = f"""description = "own"; layout = "t234"; signing: {{ {SIGNED} }}; {ENCRYPTION}
files: ( {{ file = "large.ext4"; name = "p1"; compress = "zstd"; }},
         {{ file = "large.ext4"; name = "p2"; compress = "zlib"; encrypt = true; }} );
"""


def test_parts_of_ones_own_description_are_completed(work):
    work.path("own").write_text(OWN.format(total=SIZE, offset=GIB))
    summary = work.build(OWN_CONFIG)
    sizes = {file["name"]: file["content_bytes"] for file in summary["files"]}
    assert (sizes["p1"], sizes["p2"]) == (GIB, 5)
    verify(work, "out.swu")
    swu(work, "extract", "--join", "joined", "-K", "aes.key", "out.swu")
    subprocess.run(["cmp", work.path("joined"), work.path("large.ext4")], check=True, timeout=300)


@pytest.mark.parametrize("total, offset, says", [
    (SIZE + 1, GIB, f"total is {SIZE + 1}, but 'large.ext4' has {SIZE}"),
    (SIZE, 512, "expected a multiple of 1 GiB"),
])
def test_parts_of_ones_own_description_must_fit_the_file(work, total, offset, says):
    work.path("own").write_text(OWN.format(total=total, offset=offset))
    assert says in work.refuse(OWN_CONFIG)


@pytest.mark.parametrize("order, says", [
    (("large.ext4.part02.zst", "large.ext4.part01.zst", "boot.img"), "parts-order"),
    (("large.ext4.part01.zst", "boot.img", "large.ext4.part02.zst"), "between the parts"),
    (("large.ext4.part01.zst", "boot.img"), "large.ext4.part02.zst"),
])
def test_verify_finds_parts_that_a_device_would_refuse(work, order, says):
    work.build(split())
    package = Swu(work.path("out.swu"))
    front = {name: data for name, data in package.files.items() if name.startswith("sw-desc")}
    package.files = {**front, **{name: package.files[name] for name in order}}
    package.save(work.path("other.swu"))
    assert says in verify(work, "other.swu", code=1)
