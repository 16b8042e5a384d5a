# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""A root filesystem in parts of 1 GiB: all of them, in order, or none.

What is refused needs no gibibyte: a first part that is shorter than it says leaves the gap itself.
"""

import os
import random
import subprocess

import pytest
from package import AES_IV, AES_KEY, JETSON_SWU, KIB, MIB, Image
from swu import Swu

GROUP = "Root filesystems in parts"
GIB = 1 << 30
TOTAL = GIB + 4 * MIB
SIZES_BYTES = {"rootfs": GIB + 8 * MIB}
TIMEOUT_S = 300  # for a gibibyte, on a machine that has other work


@pytest.fixture
def bench(make_bench):
    return make_bench(sizes=SIZES_BYTES)


def piece(stock, number, offset, name="", total=TOTAL, streamed=True):
    """A part of 4 MiB, wherever it says that it begins."""
    return Image(name or f"rootfs.part{number:02}", "jetson-rootfs", stock.new.rootfs,
                 streamed=streamed,
                 properties={"part": str(number), "offset": str(offset), "total": str(total)})


def update(bench, *pieces, behind=()):
    """The root filesystem in these pieces, before the other roles or where `behind` begins."""
    package = bench.update(("bootloader", "kernel"))
    others = package.images
    package.images = [*pieces, *others] if not behind else [*pieces[:1], *others, *pieces[1:]]
    package.hook["images"] = " ".join(image.name for image in package.images)
    return package


def sparse_image(path, size_bytes):
    """Noise where parts and blocks meet, at both ends, and nothing between."""
    noise = random.Random("parts")
    with open(path, "wb") as file:
        for at in (0, GIB - MIB - 4096, GIB - 1, GIB, size_bytes - 300 * KIB - 1):
            file.seek(at)
            file.write(noise.randbytes(min(size_bytes - at, 300 * KIB)))
        file.truncate(size_bytes)
    return path


def built(bench, rootfs, *keys, more=""):
    """The package that jetson-swu makes, the root filesystem split."""
    folder = bench.work / "built"
    folder.mkdir()
    for name, data in (("boot.img", bench.stock.new.boot),
                       ("bootloader.img", bench.stock.new.bootloader)):
        (folder / name).write_bytes(data)
    key, certificate = bench.stock.keys.good
    (folder / "update.conf").write_text(
        'version = "2.0.0"; layout = "mission";\n'
        'hardware: { board = "jetson-demo"; revisions = [ "1.0" ]; };\n'
        f'signing: {{ signers: ( {{ certificate = "{certificate}"; key = "{key}"; }} ); }};\n'
        f'components: ( {{ role = "rootfs"; file = "{rootfs}"; split = 1; {" ".join(keys)} }},\n'
        '{ role = "bootloader"; file = "bootloader.img"; },\n'
        '{ role = "kernel"; file = "boot.img"; } );\n' + more)
    subprocess.run([JETSON_SWU, "build", "-q", "-c", folder / "update.conf", "-o",
                    folder / "update.swu"], check=True, timeout=TIMEOUT_S)
    return folder / "update.swu"


def holds(bench, label, path):
    """The partition begins with the file, byte for byte."""
    size_bytes = path.stat().st_size
    return subprocess.run(["cmp", "-n", str(size_bytes), path, bench.device.node(label)],
                          check=False).returncode == 0


def aes_key(bench):
    key = bench.work / "aes.key"
    key.write_text(f"{AES_KEY} {AES_IV}\n")
    key.chmod(0o600)
    return key


@pytest.mark.parametrize("sealed", [False, True], ids=["zstd", "zstd and AES"])
def test_parts_become_one_image(bench, sealed):
    rootfs = sparse_image(bench.work / "rootfs.ext4", GIB + 2 * MIB + 1)
    key = aes_key(bench)
    words = ['compress = "zstd";', *(["encrypt = true;"] if sealed else [])]
    swu = built(bench, rootfs, *words, more=f'encryption: {{ key = "{key}"; }};' if sealed else "")
    ending = ".zst.enc" if sealed else ".zst"
    assert [name for name in Swu(swu).files if "part" in name] == \
        [f"rootfs.ext4.part01{ending}", f"rootfs.ext4.part02{ending}"]
    subprocess.run([JETSON_SWU, "verify", "-k", bench.stock.keys.ca, "-K", key, "--strict", swu],
                   check=True, timeout=TIMEOUT_S, stdout=subprocess.DEVNULL)
    run = bench.install(None, *(["-K", key] if sealed else []), swu=swu, timeout_s=TIMEOUT_S)
    bench.note(f"root filesystem in parts, {'zstd and AES' if sealed else 'zstd'}", run, 0,
               "slot B is selected")
    assert holds(bench, "B_APP", rootfs)
    assert bench.stores() == 2
    assert bench.boots_next() == "B"


@pytest.mark.parametrize("number, offset, total, says", [
    (2, GIB, TOTAL, "begins at offset 1073741824, expected 4194304"),
    (3, GIB, TOTAL, "comes where part 2 must"),
    (1, 0, TOTAL, "comes where part 2 must"),
    (2, GIB, TOTAL + 1, "says total 1077936129, the parts before it said 1077936128"),
], ids=["a gap", "a number left out", "the first part twice", "another total"])
def test_a_part_that_is_not_the_next_one(bench, number, offset, total, says, request):
    package = update(bench, piece(bench.stock, 1, 0),
                     piece(bench.stock, number, offset, "second.part", total))
    bench.fails(f"parts with {request.node.callspec.id}", bench.install(package), says,
                rootfs="erased")


def test_the_second_part_first_is_refused(bench):
    package = update(bench, piece(bench.stock, 2, GIB), piece(bench.stock, 1, 0))
    bench.refuses("part 2 before part 1", bench.install(package), "comes before part 1")


def test_the_last_part_is_missing(bench):
    package = update(bench, piece(bench.stock, 1, 0))
    bench.fails("last part missing, another image follows", bench.install(package),
                "'bootloader.img' begins where part 2 of the rootfs must come", rootfs="erased")


def test_the_last_part_is_missing_before_the_hook(bench):
    package = bench.update()
    package.images[-1:] = [piece(bench.stock, 1, 0)]
    package.hook["images"] = "bootloader.img boot.img rootfs.part01"
    bench.fails("last part missing, the hook follows", bench.install(package),
                "the hook comes where part 2 of the rootfs must come", bootloader="new",
                kernel="new", rootfs="erased")


def test_another_image_between_two_parts(bench):
    package = update(bench, piece(bench.stock, 1, 0), piece(bench.stock, 2, GIB), behind=True)
    bench.fails("another image between two parts", bench.install(package),
                "where part 2 of the rootfs must come", rootfs="erased")


def test_a_whole_image_between_two_parts(bench):
    whole = Image("rootfs.ext4", "jetson-rootfs", bench.stock.new.rootfs)
    package = update(bench, piece(bench.stock, 1, 0), whole)
    bench.fails("whole image after the first of its parts", bench.install(package),
                "image 'rootfs.ext4' begins where part 2", rootfs="erased")


def test_a_total_larger_than_the_partition(bench):
    total = SIZES_BYTES["rootfs"] + 1
    package = update(bench, piece(bench.stock, 1, 0, total=total))
    bench.refuses("total one byte larger than the partition", bench.install(package),
                  f"has {total} bytes, partition 'B_APP'")


@pytest.mark.parametrize("name, text, says", [
    ("offset", "1048576", "expected a multiple of 1 GiB"),
    ("offset", "", "offset is ''"),
    ("part", "0", "part is '0', which is out of range: expected 1 to 64"),
    ("part", "65", "part is '65', which is out of range"),
    ("total", "18446744073709551616", "total is '18446744073709551616'"),
    ("total", "0", "total is '0'"),
    ("offset", None, "offset is missing"),
], ids=lambda value: "missing" if value is None else f"'{value}'")
def test_properties_that_are_no_part(bench, name, text, says):
    image = piece(bench.stock, 1, 0)
    image.properties[name] = text
    if text is None:
        del image.properties[name]
    run = bench.install(update(bench, image))
    bench.refuses(f"{name} = {'missing' if text is None else chr(34) + text + chr(34)}", run, says)


def test_parts_of_another_role(bench):
    package = bench.update()
    package.image("bootloader").properties = {"part": "1", "offset": "0", "total": "262144"}
    bench.refuses("bootloader in parts", bench.install(package), "for a jetson-rootfs")


def broken_between_parts(bench, daemon):
    """Send an update up to the second part; the session then waits for it."""
    package = update(bench, piece(bench.stock, 1, 0), piece(bench.stock, 2, GIB))
    data = bench.build(package).read_bytes()
    connection = daemon.begin()
    connection.sendall(data[:data.index(b"rootfs.part02\0")])
    daemon.wait_for(lambda: "part 1 taken" in daemon.read(), "end of part 1")
    return connection


def open_files(daemon):
    pid = daemon.process.pid
    return sorted(os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd"))


def test_a_download_that_breaks_between_parts(bench):
    """The same process goes on: no writer, descriptor or lock of the broken update is left."""
    with bench.daemon() as daemon:
        before = open_files(daemon)
        connection = broken_between_parts(bench, daemon)
        assert any("mmcblk0p" in name for name in open_files(daemon))
        assert bench.jetson_slot("mark-success").code == 1
        mark = len(daemon.read())
        connection.close()
        run = daemon.ended(mark)
        assert run.code == 1, run.text
        assert not [name for name in open_files(daemon) if name not in before], daemon.read()
        bench.check_begun(rootfs="erased")
        assert bench.jetson_slot("mark-success").code == 0
        bench.remember()
        run = daemon.install(bench.build(bench.update()))
        bench.note("daemon, update after a download that broke between two parts", run, 0,
                   "slot B is selected")
    assert bench.parts() == {role: "new" for role in bench.roles}
    assert bench.boots_next() == "B"


def test_swupdate_is_killed_between_parts(bench):
    with bench.daemon() as daemon:
        with broken_between_parts(bench, daemon):
            daemon.close()
    bench.check_begun(rootfs="erased")
    run = bench.install(bench.update())
    bench.note("update after swupdate was killed between two parts", run, 0, "slot B is selected")
    assert bench.boots_next() == "B"
