# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""A root filesystem given as a tar: what the archive says is what the ext4 holds, and nothing of here."""

import io
import re
import subprocess
import tarfile
import tempfile
import time
from pathlib import Path

import pytest
from swu_build import EPOCH, KIB, MIB, Target, Work, config, tool

# cap_net_raw permitted and effective, as setcap stores it.
CAPABILITY = "\x01\x00\x00\x02\x00\x20\x00\x00" + "\x00" * 12
OLD, AFTER_2038 = 1600000000, 5000000000
IMAGE = {"image_size": "64 MiB", "label": "APP"}
RSA = 'method = "rsa"; signers: ( { key = "keys/rsa.key"; } );'


def entry(name, kind=tarfile.REGTYPE, mode=0o644, uid=0, gid=0, mtime=OLD, **more):
    info = tarfile.TarInfo(name)
    info.type, info.mode, info.uid, info.gid, info.mtime = kind, mode, uid, gid, mtime
    for key, value in more.items():
        setattr(info, key, value)
    return info


def make_tar(path, entries):
    """entries: a TarInfo, or (TarInfo, data)."""
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        for item in entries:
            info, data = item if isinstance(item, tuple) else (item, b"")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))


def everything():
    big = bytes(range(256)) * 4 * KIB * 3 + b"end"
    yield entry("./", tarfile.DIRTYPE, 0o755)
    yield entry("./etc", tarfile.DIRTYPE, 0o750, 5, 6)
    yield entry("./etc/shadow", mode=0o640, uid=0, gid=42), b"root:*:\n"
    yield entry("./bin/ping", mode=0o755, uid=0, gid=0,
                pax_headers={"SCHILY.xattr.security.capability": CAPABILITY}), b"\x7fELF" * 500
    yield entry("./bin/su", mode=0o4755, uid=70000, gid=100000), b"su"
    yield entry("./bin/also-su", tarfile.LNKTYPE, linkname="./bin/su")
    yield entry("./bin/sh", tarfile.SYMTYPE, 0o777, linkname="bash")
    yield entry("./bin/far", tarfile.SYMTYPE, 0o777, 7, 8, linkname="../" * 40 + "x" * 80)
    yield entry("./dev/console", tarfile.CHRTYPE, 0o600, 0, 5, devmajor=5, devminor=1)
    yield entry("./dev/nvme", tarfile.BLKTYPE, 0o660, 0, 6, devmajor=259, devminor=300)
    yield entry("./run/pipe", tarfile.FIFOTYPE, 0o622)
    yield entry("./tmp", tarfile.DIRTYPE, 0o1777)
    yield entry("./srv/later", mtime=AFTER_2038), b"later"
    yield entry("./srv/big", mtime=OLD + 7), big
    yield entry("./srv/empty"), b""
    yield entry("./srv/" + "n" * 255), b"long name"
    yield entry("./srv/user", pax_headers={"SCHILY.xattr.user.note": "hello"}), b"u"
    for number in range(600):
        yield entry(f"./many/file-with-a-name-of-some-length-{number}"), b"%d" % number


def rootfs_config(tar="root.tar", **more):
    return config([{"role": "bootloader", "keep": True}, {"role": "kernel", "file": "boot.img"},
                   {"role": "rootfs", "file": tar, **IMAGE, **more}], RSA)


def build_image(work, name="out.swu", **env):
    """The ext4 out of the .swu."""
    work.build(rootfs_config(), out=name, **env)
    with open(work.path(name), "rb") as swu:
        tool("cpio", "-i", "--quiet", "--unconditional", "root.ext4", cwd=work.folder, stdin=swu)
    return work.path("root.ext4")


class Image:
    def __init__(self, path):
        self.path = path

    def ask(self, request):
        return tool("debugfs", "-R", request, self.path).decode()

    def stat(self, name):
        text = self.ask(f'stat "{name}"')
        found = re.search(r"Type: (.+?) +Mode: +(\d+).*?User: +(\d+) +Group: +(\d+).*?Size: (\d+)"
                          r"|File not found", text, re.DOTALL)
        assert found and found[1], text
        links = int(re.search(r"Links: (\d+)", text)[1])
        time = int(re.search(r"mtime: 0x([0-9a-f]+)", text)[1], 16)
        extra = int(re.search(r"mtime: 0x[0-9a-f]+:([0-9a-f]+)", text)[1], 16)
        return {"type": found[1], "mode": int(found[2], 8), "uid": int(found[3]),
                "gid": int(found[4]), "size": int(found[5]), "links": links,
                "mtime": time + ((extra & 3) << 32), "text": text}

    def owner(self, name):
        seen = self.stat(name)
        return seen["type"], seen["mode"], seen["uid"], seen["gid"]

    def read(self, name):
        with tempfile.NamedTemporaryFile() as out:
            self.ask(f'dump "{name}" {out.name}')
            return Path(out.name).read_bytes()


@pytest.fixture(scope="module")
def image(tmp_path_factory, stock):
    work = Work(tmp_path_factory.mktemp("image") / "work", stock)
    make_tar(work.path("root.tar"), everything())
    return Image(build_image(work))


def test_the_archive_is_in_the_image(image):
    tool("e2fsck", "-fn", image.path)
    assert image.owner("/etc") == ("directory", 0o750, 5, 6)
    assert image.owner("/etc/shadow") == ("regular", 0o640, 0, 42)
    assert image.owner("/bin/su") == ("regular", 0o4755, 70000, 100000)
    assert image.owner("/tmp") == ("directory", 0o1777, 0, 0)
    assert image.owner("/run/pipe")[:2] == ("FIFO", 0o622)
    assert image.owner("/bin/far") == ("symlink", 0o777, 7, 8)
    # A folder that the archive does not mention.
    assert image.owner("/srv") == ("directory", 0o755, 0, 0)
    assert image.owner("/") == ("directory", 0o755, 0, 0)


def test_hard_links_are_one_file(image):
    assert image.stat("/bin/su")["links"] == 2
    inode = re.search(r"Inode: (\d+)", image.stat("/bin/su")["text"])[1]
    assert re.search(r"Inode: (\d+)", image.stat("/bin/also-su")["text"])[1] == inode


def test_symbolic_links_lead_where_they_did(image):
    assert 'Fast link dest: "bash"' in image.stat("/bin/sh")["text"]
    assert image.read("/bin/far").decode() == "../" * 40 + "x" * 80


def test_device_nodes_have_their_numbers(image):
    assert "(New-style) Device major/minor number: 259:300" in image.stat("/dev/nvme")["text"]
    assert "05:01" in image.stat("/dev/console")["text"]
    assert image.owner("/dev/console")[1:] == (0o600, 0, 5)


def test_capabilities_and_attributes_are_kept(image):
    assert "security.capability (20) = 01 00 00 02 00 20 00 00" in image.ask("ea_list /bin/ping")
    assert 'user.note (5) = "hello"' in image.ask("ea_list /srv/user")


def test_content_and_times_are_kept(image):
    assert image.read("/srv/big") == bytes(range(256)) * 4 * KIB * 3 + b"end"
    assert image.stat("/srv/big")["mtime"] == OLD + 7
    assert image.stat("/srv/later")["mtime"] == AFTER_2038
    assert image.stat("/srv/empty")["size"] == 0
    assert image.read("/srv/" + "n" * 255) == b"long name"
    assert image.read("/many/file-with-a-name-of-some-length-599") == b"599"


def test_old_kernels_and_tools_know_all_features(image):
    text = tool("dumpe2fs", "-h", image.path).decode()
    features = set(re.search(r"Filesystem features: +(.+)", text)[1].split())
    assert features == {"has_journal", "ext_attr", "resize_inode", "dir_index", "filetype", "extent",
                        "64bit", "flex_bg", "sparse_super", "large_file", "huge_file", "dir_nlink",
                        "extra_isize", "metadata_csum"}
    assert re.search(r"volume name: +APP", text)


def test_the_same_archive_gives_the_same_image(work):
    make_tar(work.path("root.tar"), everything())
    work.build(rootfs_config(compress="zstd"), out="one.swu", SOURCE_DATE_EPOCH=EPOCH)
    time.sleep(1.1)
    work.build(rootfs_config(compress="zstd"), out="two.swu", SOURCE_DATE_EPOCH=EPOCH)
    assert work.path("one.swu").read_bytes() == work.path("two.swu").read_bytes()


@pytest.mark.parametrize("packer,suffix", [("gzip", ".gz"), ("zstd", ".zst"), ("xz", ".xz"),
                                           ("bzip2", ".bz2")])
def test_the_archive_may_be_packed(work, packer, suffix):
    make_tar(work.path("root.tar"), everything())
    tool(packer, "-q", "root.tar", cwd=work.folder)
    summary = work.build(rootfs_config("root.tar" + suffix, compress="zlib"))
    assert summary["files"][1]["name"] == "root.ext4.gz"
    assert summary["files"][1]["content_bytes"] == 64 * MIB


def test_nothing_is_younger_than_the_release(work):
    make_tar(work.path("root.tar"), everything())
    image = Image(build_image(work, SOURCE_DATE_EPOCH=EPOCH))
    assert image.stat("/srv/later")["mtime"] == int(EPOCH)
    assert image.stat("/srv/big")["mtime"] == OLD + 7
    text = tool("dumpe2fs", "-h", image.path).decode()
    assert len(re.findall(r"(?:created|write time|checked): +Tue Nov 14", text)) == 3


def test_holes_stay_holes(work):
    with open(work.path("hole"), "wb") as file:
        file.truncate(40 * MIB)
        file.seek(20 * MIB)
        file.write(b"middle")
    tool("tar", "--sparse", "-cf", "root.tar", "hole", cwd=work.folder)
    image = Image(build_image(work))
    seen = image.stat("/hole")
    assert seen["size"] == 40 * MIB
    assert int(re.search(r"Blockcount: (\d+)", seen["text"])[1]) < 100
    assert image.read("/hole")[20 * MIB:20 * MIB + 6] == b"middle"


REFUSED = {
    "goes up": ([entry("./../etc/passwd")], "with '..'"),
    "goes up inside": ([entry("./a/../../b")], "with '..'"),
    "below a link": ([entry("lib", tarfile.SYMTYPE, linkname="/"), entry("lib/x")], "is no folder"),
    "below a file": ([entry("lib"), entry("lib/x")], "is no folder"),
    "link to nothing": ([entry("a", tarfile.LNKTYPE, linkname="b")], "which is not there"),
    "twice": ([entry("a"), entry("a")], "in the archive twice"),
    "too much": ([(entry("a"), bytes(80 * MIB))], "does not fit"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_bad_archive_is_refused(work, name):
    entries, says = REFUSED[name]
    make_tar(work.path("root.tar"), entries)
    assert says in work.refuse(rootfs_config())


@pytest.mark.parametrize("data", [b"", b"no tar\n" * 500, bytes(10240)])
def test_what_is_no_archive_is_refused(work, data):
    work.path("root.tar").write_bytes(data)
    assert "root.tar" in work.refuse(rootfs_config())


def test_an_archive_that_ends_early_is_refused(work):
    make_tar(work.path("whole.tar"), everything())
    work.path("root.tar").write_bytes(work.path("whole.tar").read_bytes()[:900 * KIB])
    assert "root.tar" in work.refuse(rootfs_config())


def test_a_tar_without_a_size_is_explained(work):
    make_tar(work.path("root.tar"), everything())
    text = config([{"role": "bootloader", "keep": True}, {"role": "kernel", "file": "boot.img"},
                   {"role": "rootfs", "file": "root.tar"}])
    assert "set image_size" in work.refuse(text)


def test_an_archive_of_this_machine_is_the_same_afterwards(work):
    """What GNU tar packed and what debugfs unpacks are compared by tar itself."""
    tool("tar", "--xattrs", "-cf", work.path("root.tar"), "-C", "/etc", "--exclude=*shadow*",
         "--exclude=ssl", "--warning=no-file-ignored", "--ignore-failed-read", "alternatives",
         "init.d", "debian_version", "passwd")
    image = Image(build_image(work))
    out = work.path("unpacked")
    out.mkdir()
    image.ask(f"rdump / {out}")
    (out / "lost+found").rmdir()
    done = subprocess.run(["tar", "-df", work.path("root.tar"), "-C", out], capture_output=True,
                          text=True, timeout=60)
    differences = [line for line in done.stdout.splitlines()
                   if not re.search(r": (Uid|Gid|Mod time) differs", line)]
    assert not differences


def test_the_device_takes_an_image_made_of_a_tar(work, tmp_path, stock):
    make_tar(work.path("root.tar"), everything())
    image = build_image(work)
    text = config([{"role": "bootloader", "keep": True}, {"role": "kernel", "file": "boot.img"},
                   {"role": "rootfs", "file": "root.tar", "compress": "zstd", **IMAGE}])
    work.build(text, "--force")
    target = Target(tmp_path / "device", rootfs=64 * MIB)
    try:
        done = target.swupdate(work.path("out.swu"), ca=stock.folder / "keys/ca.pem")
        assert done.code == 0, done.text
        assert target.holds("B_APP", image)
    finally:
        target.close()
