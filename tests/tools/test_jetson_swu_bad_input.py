# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""jetson-swu build with bad input: one sentence, exit code 1, and not a file that was not there before."""

import os
import resource
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
from swu_build import JETSON_SWU, MIB, TOP, Stock, config, tool

KERNEL = {"role": "kernel", "file": "boot.img"}
LATE, EARLY = ("20200101000000Z", "20210101000000Z"), ("20990101000000Z", "20991231000000Z")


@pytest.fixture(scope="module")
def stock():
    folder = Path(tempfile.mkdtemp(prefix="jota-swu-"))
    made = Stock(folder)
    for name, dates in (("expired", LATE), ("future", EARLY)):
        tool(TOP / "tests/device/issue-cert.sh", folder / "keys", *dates, folder / f"{name}.pem")
    (folder / "empty").touch()
    (folder / "folder").mkdir()
    for name, size in (("huge", 1 << 32), ("endless", (64 << 30) + 1)):
        with open(folder / name, "wb") as file:
            file.truncate(size)
    yield made
    shutil.rmtree(folder)


def rootfs(file, **more):
    return config([KERNEL, {"role": "rootfs", "file": file, **more}], layout="t234")


def kernel_named(name):
    return config([{**KERNEL, "name": name}, {"role": "rootfs", "file": "rootfs.ext4"}], layout="t234")


def signed_by(certificate, key="keys/cms.key"):
    return config(signing=f'signers: ( {{ certificate = "{certificate}"; key = "{key}"; }} );')


# What is wrong -> update.conf, words of the sentence.
CASES = {
    "payload missing": (rootfs("absent"), "No such file"),
    "payload empty": (rootfs("empty"), "is empty"),
    "payload is a folder": (rootfs("folder"), "is no plain file"),
    "payload of 4 GiB that is not split": (config([
        {"role": "bootloader", "file": "huge"}, KERNEL, {"role": "rootfs", "file": "rootfs.ext4"}]),
        "4 GiB"),
    "rootfs of more parts than there may be": (rootfs("endless", split=1), "64"),
    "name given twice": (config([{**KERNEL, "name": "one"}, {"role": "rootfs", "file": "rootfs.ext4",
                                                            "name": "one"}], layout="t234"),
                         "the name 'one' is given twice"),
    "role given twice": (config([KERNEL, {**KERNEL, "name": "two"}]), "role kernel is given twice"),
    "name ..": (kernel_named(".."), "'..' is not a name"),
    "name that leaves the folder": (kernel_named("../boot.img"), "'../boot.img' is not a name"),
    "name with a folder": (kernel_named("a/boot.img"), "'a/boot.img' is not a name"),
    "name from the root": (kernel_named("/boot.img"), "'/boot.img' is not a name"),
    "name with NUL": (kernel_named("a\0b"), "is not a text file: NUL byte at"),
    "name with a control character": (kernel_named(r"a\x1bb"), "is not a name"),
    "name of 255 characters": (kernel_named("a" * 255), "255"),
    "name of 4096 characters": (kernel_named("a" * 4096), "4096"),
    "name that the archive needs": (kernel_named("sw-description.sig"), "needs for itself"),
    "role that nobody knows": (config([KERNEL, {"role": "dtb", "file": "boot.img"}]),
                               "role 'dtb' is not known"),
    "key of another certificate": (signed_by("keys/cms.pem", "keys/rsa.key"), "does not belong to"),
    "certificate that has expired": (signed_by("expired.pem"), "expired at 2021-01-01"),
    "certificate not valid yet": (signed_by("future.pem"), "not yet valid"),
    "certificate that is none": (signed_by("boot.img"), "holds no certificate in PEM"),
    "key that is none": (signed_by("keys/cms.pem", "boot.img"), "holds no private key in PEM"),
    "key missing": (signed_by("keys/cms.pem", "absent"), "No such file"),
    "AES key that is none": (config([{**KERNEL, "encrypt": True}, {"role": "rootfs",
                                                                   "file": "rootfs.ext4"}],
                                    layout="t234", more='encryption: { key = "boot.img"; };'),
                             "boot.img"),
    "no signature": (config(signing=""), "a device takes signed updates only"),
}


@pytest.mark.parametrize("case", CASES)
def test_bad_input_is_refused_with_a_sentence(work, case):
    text, words = CASES[case]
    said = work.refuse(text)
    assert words in said, said


def test_a_nul_that_is_spelled_out_gets_into_no_name(work):
    """libconfig drops it: what is left is a plain name."""
    summary = work.build(kernel_named(r"\x00boot.img"))
    assert [file["name"] for file in summary["files"]] == ["boot.img", "rootfs.ext4"]
    with open(work.path("out.swu"), "rb") as swu:
        names = tool("cpio", "-t", "--quiet", stdin=swu).split()
    assert names == [b"sw-description", b"sw-description.sig", b"boot.img", b"rootfs.ext4"]


def test_a_config_that_is_missing_a_folder_or_endless_is_refused(work):
    for path, words in (("absent", "No such file"), ("folder", ""), ("/dev/zero", "")):
        done = subprocess.run([JETSON_SWU, "build", "-c", path, "-o", "out.swu"], cwd=work.folder,
                              capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 1 and words in done.stderr, done.stderr
        assert done.stderr.count("\n") == 1 and path in done.stderr
        assert not work.path("out.swu").exists()


def test_a_sparse_payload_is_packed_whole(work):
    path = work.path("sparse")
    with open(path, "wb") as file:
        file.write(b"start")
        file.truncate(40 * MIB)
        file.seek(30 * MIB)
        file.write(b"middle")
    work.build(rootfs("sparse"))
    with open(work.path("out.swu"), "rb") as swu:
        tool("cpio", "-i", "--quiet", "sparse", cwd=tmp_folder(work), stdin=swu)
    assert (work.path("unpacked") / "sparse").read_bytes() == path.read_bytes()


def tmp_folder(work):
    work.path("unpacked").mkdir()
    return work.path("unpacked")


@pytest.mark.parametrize("change, words", [
    (lambda file: os.pwrite(file, b"x", 50 * MIB), "was written while it was read"),
    (lambda file: os.ftruncate(file, 100), "while it was read"),
    (lambda file: os.pwrite(file, b"x", 100 * MIB), "while it was read")],
    ids=["written", "shorter", "longer"])
def test_a_payload_that_changes_while_it_is_read_is_refused(work, change, words):
    path = work.path("large")
    with open(path, "wb") as file:
        file.write(os.urandom(MIB) * 96)
    process = work.start(rootfs("large", compress="zlib", level=9), "-j", "1")
    stop_while_it_packs(work, process)
    file = os.open(path, os.O_RDWR)
    change(file)
    os.close(file)
    process.send_signal(signal.SIGCONT)
    said = process.communicate(timeout=120)[1]
    assert process.returncode == 1 and words in said, said
    assert not list(work.folder.glob("out.swu*"))


def stop_while_it_packs(work, process):
    """More came out than the kernel, which is the first: the root filesystem is being read."""
    partial = work.path("out.swu.partial")
    until = time.monotonic() + 60
    while not (partial.exists() and partial.stat().st_size > 4 * MIB):
        assert process.poll() is None and time.monotonic() < until
        time.sleep(0.002)
    process.send_signal(signal.SIGSTOP)


def limit_file_size():
    resource.setrlimit(resource.RLIMIT_FSIZE, (MIB, MIB))


def test_an_output_that_may_not_grow_leaves_nothing(work):
    """The signal that comes with the limit has its default action, as in a shell after ulimit -f."""
    work.path("update.conf").write_text(rootfs("rootfs.ext4"))
    done = subprocess.run([JETSON_SWU, "build", "-c", "update.conf", "-o", "out.swu"], cwd=work.folder,
                          capture_output=True, text=True, timeout=60, preexec_fn=limit_file_size,
                          check=False)
    assert done.returncode == 1 and "out.swu" in done.stderr, (done.returncode, done.stderr)
    assert not list(work.folder.glob("out.swu*"))


@pytest.mark.root
def test_a_full_disk_leaves_nothing(work):
    small = work.path("small")
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", small], check=True)
    try:
        code, _, said = work.run(rootfs("rootfs.ext4"), out="small/out.swu")
        assert code == 1 and "disk is full" in said, said
        assert not list(small.iterdir())
    finally:
        subprocess.run(["umount", small], check=True)


def test_an_output_that_is_no_plain_file_is_refused(work):
    for out in ("folder", "absent/out.swu", "/dev/full"):
        code, _, said = work.run(config(), out=out)
        assert code == 1 and out.split("/")[0] in said, said
        code, _, said = work.run(config(), "--force", out=out)
        assert code == 1, said
    assert Path("/dev/full").is_char_device()


def test_an_output_that_is_an_input_is_refused(work):
    before = work.path("rootfs.ext4").read_bytes()
    link = work.path("rootfs.ext4")
    assert link.is_symlink()
    copy = work.path("root.img")
    copy.write_bytes(before)
    code, _, said = work.run(rootfs("root.img"), out="root.img")
    assert code == 1 and "exists" in said
    assert copy.read_bytes() == before


def test_a_killed_run_leaves_nothing_under_the_final_name(work):
    with open(work.path("large"), "wb") as file:
        file.write(os.urandom(MIB) * 64)
    process = work.start(rootfs("large", compress="zlib", level=9))
    stop_while_it_packs(work, process)
    process.kill()
    process.communicate(timeout=60)
    assert not work.path("out.swu").exists()
    # What is left might be another run's: a person decides.
    assert "another run is at work, or one was killed" in work.run(rootfs("rootfs.ext4"))[2]
    work.path("out.swu.partial").unlink()
    work.build(rootfs("rootfs.ext4"))


