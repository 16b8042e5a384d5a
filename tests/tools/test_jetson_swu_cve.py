# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""What went wrong in other updaters, tried on ours. Each test has the name of the report; docs/security.md
has the table, with what does not apply."""

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from swu_build import HARDWARE, Target
from swu_read import GOOD, JETSON_SWU, MIB, REFUSED, TOP, UNREADABLE, Answer, Maker, Stock, run

import host
import measure
from swu import Swu

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def stock(tmp_path_factory):
    return Stock(tmp_path_factory.mktemp("stock"))


@pytest.fixture
def maker(stock, tmp_path):
    return Maker(stock, tmp_path)


@pytest.fixture
def target(tmp_path):
    made = Target(tmp_path / "device", rootfs=8 * MIB)
    yield made
    made.close()


def save(swu, maker):
    path = maker.folder / "changed.swu"
    swu.save(path)
    return path


# ---- CVE-2020-25860: what was checked is not what is used ----

def start_and_stop(maker, swu):
    """verify, stopped while it reads the payload."""
    process = subprocess.Popen([JETSON_SWU, "verify", "-k", maker.ca, swu], text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    until = time.monotonic() + 60
    while position(process.pid, swu) < 4 * MIB:
        assert process.poll() is None and time.monotonic() < until, process.communicate()
        time.sleep(0.001)
    process.send_signal(signal.SIGSTOP)
    return process


def position(pid, path):
    """Bytes that a process has read, once it has the file open."""
    try:
        if not any(fd.resolve() == path for fd in Path(f"/proc/{pid}/fd").iterdir()):
            return 0
        return int(re.search(r"rchar: (\d+)", Path(f"/proc/{pid}/io").read_text())[1])
    except OSError:
        return 0


def large(maker):
    package = maker.package()
    package.image("rootfs").data = os.urandom(MIB) * 400
    return maker.build(package).resolve()


def test_cve_2020_25860_a_package_that_changes_while_it_is_checked(maker):
    swu = large(maker)
    process = start_and_stop(maker, swu)
    with open(swu, "r+b") as file:
        file.seek(-2 * MIB, os.SEEK_END)
        file.write(b"changed after it was signed")
    process.send_signal(signal.SIGCONT)
    said = process.communicate(timeout=120)[0]
    assert process.returncode in (REFUSED, UNREADABLE) and "is good" not in said, said


def test_cve_2020_25860_a_package_that_is_swapped_while_it_is_checked(maker):
    """One open file for all of it: the verdict is about that file, not about who took its name."""
    swu = large(maker)
    process = start_and_stop(maker, swu)
    other = swu.with_name("other")
    other.write_bytes(b"another file")
    other.rename(swu)
    process.send_signal(signal.SIGCONT)
    said = process.communicate(timeout=120)[0]
    assert process.returncode == GOOD and "is good" in said, said


# ---- CVE-2026-34155: sizes of 32 bits; the signature covers the first bytes only ----

def test_cve_2026_34155_every_byte_of_a_payload_above_2_gib_counts(maker):
    content = (1 << 31) + 5 * MIB
    package = maker.package()
    package.image("rootfs").data = b""
    digest = hashlib.sha256()
    for _ in range(content // MIB):
        digest.update(bytes(MIB))
    package.image("rootfs").sha256 = digest.hexdigest()
    swu = maker.build_by_hand(package)
    at = stretch(swu, content)
    assert maker.verify(swu).json()["members"][-1]["content_bytes"] == content
    flip_in_hole(swu, at + (1 << 31))
    assert maker.verify(swu, code=REFUSED).codes() == {"hash-differs"}


def stretch(swu, content):
    """The last member gets `content` zero bytes, most of them a hole; returns where they begin."""
    data = swu.read_bytes()
    name_at = data.rindex(b"rootfs.ext4\0")
    header = bytearray(data[name_at - 110:name_at])
    header[6 + 8 * 6:6 + 8 * 7] = b"%08x" % content
    start = (name_at + len("rootfs.ext4") + 1 + 3) // 4 * 4
    with open(swu, "r+b") as file:
        file.seek(name_at - 110)
        file.write(header)
        file.truncate(start)
        file.seek(start + content)
        file.write(data[start:])
    return start


def flip_in_hole(swu, at):
    """The sum in the header is mended, as whoever attacks would."""
    with open(swu, "r+b") as file:
        file.seek(at)
        file.write(b"\1")
        file.seek(0)
        file.seek(file.read(4 * MIB).rindex(b"rootfs.ext4\0") - 110 + 6 + 8 * 12)
        file.write(b"%08x" % 1)


# ---- CVE-2025-67903: what the manifest does not cover ----

@pytest.mark.parametrize("name", ["extra.img", "sw-description.sig2", "rootfs.ext4.bak"])
def test_cve_2025_67903_a_file_that_is_not_in_the_description(maker, target, name):
    swu = Swu(maker.build())
    swu.files[name] = b"nobody signed this"
    path = save(swu, maker)
    assert maker.verify(path, code=REFUSED).codes() == {"unlisted-member"}
    # The host passes over it; nothing of it reaches the device.
    done = target.swupdate(path, ca=maker.ca)
    assert done.code == 0, done.text
    assert not list(target.device.root.rglob(name))


@pytest.mark.parametrize("digest", ["", "00" * 32, "ab", "ab" * 31], ids=["none", "zero", "2", "62"])
def test_cve_2025_67903_a_hash_that_is_none(maker, target, digest):
    package = maker.package()
    package.image("boot").sha256 = digest
    path = maker.build(package)
    assert maker.verify(path, code=REFUSED).codes() & {"missing-sha256", "bad-sha256"}
    refused_untouched(target, path, maker)


def test_cve_2025_67903_an_entry_given_twice(maker, target):
    package = maker.package()
    again = package.image("rootfs")
    package.images.append(again)
    path = maker.build(package)
    assert maker.verify(path, code=REFUSED).codes() & {"same-file-twice", "same-role-twice"}
    refused_untouched(target, path, maker, written=True)


def refused_untouched(target, path, maker, written=False):
    """written: the other slot may have been; what boots may not."""
    before = measure.snapshot(target.device)
    done = target.swupdate(path, ca=maker.ca)
    assert done.code != 0, done.text
    if not written:
        assert measure.snapshot(target.device) == before
    state = target.device.environment.read()
    assert (state.get("boot_slot", "A"), state.get("upgrade_available", "0")) == ("A", "0")


# ---- Mender 5.0.4: names that lead out of the folder, numbers that lead out of a list ----

@pytest.fixture
def victim():
    """A file beside the folder of a swupdate run: what it is given to reach must not be the machine's."""
    folder = Path(tempfile.mkdtemp(prefix="jota-victim-", dir="/tmp"))
    (folder / "file").write_text("theirs")
    yield folder / "file"
    shutil.rmtree(folder)


@pytest.mark.parametrize("field", ["filename", "type"])
@pytest.mark.parametrize("name", ["../{folder}/file", "/tmp/{folder}/file", "a/b", "..", "n" * 300],
                         ids=lambda name: name[:20])
def test_mender_5_0_4_a_path_in_the_description(maker, target, victim, field, name):
    name = name.format(folder=victim.parent.name)
    package = maker.package()
    path = maker.build(package)
    text = package.description().replace(
        {"filename": '"rootfs.ext4"; type', "type": '"jetson-rootfs"'}[field],
        {"filename": f'"{name}"; type', "type": f'"{name}"'}[field])
    path = resign(maker, package, text)
    assert maker.verify(path, code=REFUSED).codes() & {"bad-filename", "unknown-type", "too-long"}
    assert victim.read_text() == "theirs"
    refused_untouched(target, path, maker, written=True)
    # SWUpdate tidies up what the name leads to, as root, and cannot be kept from it by a handler. That
    # is why such a package must not be signed; a version that no longer does it may fail this line.
    assert victim.exists() != (field == "filename" and name.startswith("../"))


def resign(maker, package, text):
    package.description = lambda: text
    return maker.build_by_hand(package)


# ---- MEN-1412: parts of a signed file that no checksum covers ----

def test_men_1412_every_byte_behind_a_header_counts(maker):
    """A sample over description, signature and payload; the archive's own sums are mended."""
    swu = maker.build()
    for name, data in Swu(swu).files.items():
        for place in {0, 1, len(data) // 3, len(data) // 2, len(data) - 1}:
            changed = Swu(swu)
            changed.flip(name, place)
            maker.verify(save(changed, maker), code=REFUSED)


# ---- CVE-2023-7216: names in a cpio archive ----

@pytest.mark.parametrize("name", ["../jota-evil", "/tmp/jota-evil", "a/../../jota-evil", "..",
                                  "n" * 300], ids=lambda name: name[:20])
def test_cve_2023_7216_names_of_members(maker, target, name):
    swu = Swu(maker.build())
    swu.files = {**{key: swu.files[key] for key in ("sw-description", "sw-description.sig")},
                 name: b"evil", **swu.files}
    path = save(swu, maker)
    assert maker.verify(path, code=REFUSED).codes() == {"bad-archive"}
    run("extract", "-C", maker.folder / "deep/in", path, code=UNREADABLE)
    target.swupdate(path, ca=maker.ca)
    for folder in (maker.folder, target.device.root, Path("/tmp")):
        assert not list(folder.glob("**/jota-evil" if folder != Path("/tmp") else "jota-evil"))


@pytest.mark.parametrize("name", ["../evil", "/evil", "a/evil", "..", "n" * 255],
                         ids=lambda name: name[:20])
def test_cve_2023_7216_names_that_are_packed(maker, stock, name):
    (maker.folder / "update.conf").write_text(f"""version = "1"; {HARDWARE}
components: ( {{ role = "kernel"; file = "boot.img"; name = "{name}"; }} );
signing: {{ signers: ( {{ certificate = "{stock.keys.good[1]}"; key = "{stock.keys.good[0]}"; }} ); }};
""")
    said = run("build", "-c", maker.folder / "update.conf", "-o", maker.folder / "out.swu", code=REFUSED)
    assert "name" in said.err
    assert not (maker.folder / "out.swu").exists()


# ---- SWUpdate 5219f2f4: a description that acts before its signature is verified ----

def test_swupdate_5219f2f4_nothing_runs_before_the_signature_is_good(maker, target, stock):
    marker = maker.folder / "ran"
    package = maker.package()
    package.more = ('embedded-script = "io.open(\\"%s\\", \\"w\\"):close()";\n' % marker)
    path = maker.build_by_hand(package, stock.keys.foreign)
    answer = maker.verify(path, code=REFUSED)
    assert answer.codes() == {"untrusted-signer"} and answer.json()["version"] is None
    refused_untouched(target, path, maker)
    assert not marker.exists()


# ---- SWUpdate 531d4ca6, 3db1d94c, 0f038d56, 380f0551: long and empty values ----

@pytest.mark.parametrize("value", ["", "9" * 70000, "1." * 5000, "-1", "1.2.3.4.5.6.7.8.9"],
                         ids=lambda value: value[:20])
@pytest.mark.parametrize("field", ["version", "revision", "bootenv"])
def test_swupdate_531d4ca6_values_that_are_empty_or_long(maker, field, value):
    package = maker.package()
    if field == "bootenv":
        package.bootenv = {"mine": value, value[:300] or "x": "1"}
    else:
        setattr(package, field, value)
    path = maker.build_by_hand(package)
    # No crash, no endless memory; good or not is the description's own matter.
    assert Answer("verify", "--json", "-k", maker.ca, path).code in (GOOD, REFUSED)
    for verb in ("inspect", "lint"):
        assert Answer(verb, path).code in (GOOD, REFUSED)


# ---- CVE-2020-10759, jetkvm 1262: a signature without a signer ----

@pytest.mark.parametrize("kind", ["empty", "no signers", "of nothing", "missing"])
def test_cve_2020_10759_a_signature_that_nobody_made(maker, target, kind):
    swu = Swu(maker.build())
    if kind == "missing":
        del swu.files["sw-description.sig"]
    elif kind == "no signers":
        # SignedData without any SignerInfo: content, certificates and nothing else.
        swu.files["sw-description.sig"] = bytes.fromhex(
            "302306092a864886f70d010702a0163014020101310030 0b06092a864886f70d0107013100".replace(" ", ""))
    else:
        swu.files["sw-description.sig"] = b"" if kind == "empty" else b"\x30\x00"
    path = save(swu, maker)
    answer = maker.verify(path, code=REFUSED)
    assert not answer.json()["signature_checked"] and answer.json()["members"] == []
    refused_untouched(target, path, maker)


# ---- CVE-2020-15163: what was refused is believed later ----

def test_cve_2020_15163_a_refused_package_leaves_no_state(maker, target, stock):
    refused_untouched(target, maker.build(signer=stock.keys.foreign), maker)
    done = target.swupdate(maker.build(signer=stock.keys.foreign), ca=maker.ca)
    assert done.code != 0
    done = target.swupdate(maker.build(), ca=maker.ca)
    assert done.code == 0 and done.says("slot B is selected"), done.text


# ---- SWUpdate a81b5a0e, 9b4671d3, 2196dcfb; CVE-2025-49600: a failure of the crypto library ----

@pytest.fixture(scope="module")
def failing(tmp_path_factory):
    library = tmp_path_factory.mktemp("preload") / "openssl_fails.so"
    subprocess.run([os.environ.get("CC", "gcc"), "-shared", "-fPIC", "-o", library,
                    HERE / "openssl_fails.c"], check=True)
    return library


def called(failing, argv, log):
    """How often each function was called."""
    subprocess.run([JETSON_SWU, *argv], check=True, capture_output=True,
                   env={**os.environ, "LD_PRELOAD": str(failing), "JOTA_FAIL_LOG": str(log)})
    names = log.read_text().split()
    return {name: names.count(name) for name in sorted(set(names))}


def with_failure(failing, argv, name, call, minus, log=None):
    more = {"JOTA_FAIL_MINUS": "1"} if minus else {}
    if log:
        more["JOTA_FAIL_LOG"] = str(log)
    return subprocess.run([JETSON_SWU, *argv], capture_output=True, text=True, timeout=120, check=False,
                          env={**os.environ, "LD_PRELOAD": str(failing), "JOTA_FAIL_NAME": name,
                               "JOTA_FAIL_CALL": str(call), **more})


def places(name, count):
    """The end of a list of certificates is a failure by nature: only the first one counts."""
    return {1} if name == "PEM_read_bio_X509" else {1, (count + 1) // 2, count}


SANITIZED = "asan" in str(JETSON_SWU)


@pytest.mark.skipif(SANITIZED, reason="the sanitizer wants to be first")
@pytest.mark.parametrize("method", ["cms", "rsa", "rsa-pss"])
def test_cve_2025_49600_no_failure_of_openssl_makes_a_package_good(maker, stock, failing, method):
    key = maker.folder / "aes.key"
    key.write_text(f"{'5a' * 32} {'3c' * 16}\n")
    keys = stock.keys.folder / "ours"
    package = maker.package()
    package.image("rootfs").encrypt()
    if method == "rsa-pss":
        swu = pss(maker, package, keys)
    else:
        swu = maker.build(package, (keys / "rsa.key", "-") if method == "rsa" else None)
    trust = maker.ca if method == "cms" else keys / "rsa.pub"
    argv = ["verify", "--method", method, "-k", trust, "-K", key, swu]
    counts = called(failing, argv, maker.folder / "log")
    assert counts["EVP_DigestFinal_ex"] >= 5
    assert counts["CMS_verify" if method == "cms" else "EVP_DigestVerify"] >= 1
    for name, count in counts.items():
        for call in places(name, count):
            for minus in (False, True):
                done = with_failure(failing, argv, name, call, minus)
                assert done.returncode in (REFUSED, UNREADABLE), (name, call, done.stdout, done.stderr)
                assert "is good" not in done.stdout


def pss(maker, package, keys):
    swu = Swu(maker.build(package, (keys / "rsa.key", "-")))
    swu.files["sw-description.sig"] = subprocess.run(
        ["openssl", "dgst", "-sha256", "-sign", keys / "rsa.key", "-sigopt", "rsa_padding_mode:pss",
         "-sigopt", "rsa_pss_saltlen:-1"], input=swu.files["sw-description"], check=True,
        capture_output=True).stdout
    return save(swu, maker)


@pytest.mark.skipif(SANITIZED, reason="the sanitizer wants to be first")
def test_cve_2025_49600_no_failure_of_openssl_leaves_a_package(maker, stock, failing):
    (maker.folder / "boot.img").write_bytes(stock.release.boot)
    (maker.folder / "rootfs.ext4").write_bytes(stock.release.rootfs)
    key = maker.folder / "aes.key"
    key.write_text(f"{'5a' * 32} {'3c' * 16}\n")
    key.chmod(0o600)
    (maker.folder / "update.conf").write_text(f"""version = "1"; {HARDWARE} layout = "t234";
components: ( {{ role = "kernel"; file = "boot.img"; }},
  {{ role = "rootfs"; file = "rootfs.ext4"; encrypt = true; }} );
encryption: {{ key = "aes.key"; }};
signing: {{ signers: ( {{ certificate = "{stock.keys.good[1]}"; key = "{stock.keys.good[0]}"; }} ); }};
""")
    out = maker.folder / "out.swu"
    argv = ["build", "-j", "1", "-c", maker.folder / "update.conf", "-o", out]
    counts = called(failing, argv, maker.folder / "log")
    out.unlink()
    for name, count in counts.items():
        for call in places(name, count):
            log = maker.folder / f"log-{name}-{call}"
            done = with_failure(failing, argv, name, call, False, log)
            if done.returncode == 0 and 1 < call and log.read_text().split().count(name) < call:
                # An ECDSA signature that has its length at once is made fewer times.
                out.unlink()
                continue
            assert done.returncode == REFUSED, (name, call, done.returncode, done.stdout, done.stderr)
            assert not out.exists()
    assert json.dumps(counts) and not list(maker.folder.glob("out.swu*"))


def test_every_report_of_the_page_has_its_test_here():
    """docs/security.md names tests; each is there, and each test here is named there."""
    page = (TOP / "docs/security.md").read_text()
    named = set(re.findall(r"`(test_\w+)`", page))
    here = {name for name in dir(sys.modules[__name__]) if name.startswith("test_")}
    here.discard("test_every_report_of_the_page_has_its_test_here")
    sources = "\n".join(path.read_text() for path in (TOP / "tests").rglob("test_*.[cp]*"))
    assert here <= named, here - named
    assert not [name for name in named if name not in sources]
    assert host.SWUPDATE.exists()
