# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""jetson-keys check: a good folder has no finding, and each thing that can be wrong has its own."""

import os
import re
import shutil
import subprocess

import pytest
from jetson_keys import openssl

PW = ("--passphrase-file", "pw")
ANCHORS = ("--anchors", "root/ca.pem")


@pytest.mark.parametrize("folder, words", [
    ("root", PW), ("sign", (*ANCHORS, *PW)), ("dev", ()), ("boot-t186", ()), ("boot-t194", ()),
    ("boot-t234", ()), ("boot-t264", ()), ("uefi", ()), ("secrets", ()),
])
def test_what_was_just_made_is_as_it_should_be(ready, folder, words):
    assert ready.check(folder, *words) == (0, {})


def test_without_a_passphrase_it_says_what_it_could_not_compare(ready):
    code, found = ready.check("root")
    assert code == 0 and list(found) == ["locked"]
    assert "without its passphrase" in found["locked"]


def unlock(place, path):
    openssl("pkey", "-in", place / path, "-passin", f"file:{place / 'pw'}", "-out", place / "open")
    (place / "open").chmod(0o600)
    os.replace(place / "open", place / path)


def dated(place, path, start, end, ca=False):
    """A certificate of the root's with dates of choice, or the root's own."""
    work = place.folder / "dated"
    work.mkdir()
    (work / "index.txt").touch()
    (work / "ca.cnf").write_text(
        "[ca]\ndefault_ca = one\n[one]\ndatabase = index.txt\nrand_serial = yes\n"
        "new_certs_dir = .\ndefault_md = sha256\npolicy = any\n[any]\ncommonName = supplied\n"
        "[ext]\n" + ("basicConstraints = critical, CA:TRUE\n" if ca else
                     "basicConstraints = critical, CA:FALSE\nkeyUsage = digitalSignature\n"))
    key = place / ("root/ca.key" if ca else "sign/cms.key")
    request = openssl("req", "-new", "-subj", "/CN=dated", "-key", key, "-passin",
                      f"file:{place / 'pw'}")
    (work / "csr").write_text(request)
    issuer = ["-selfsign"] if ca else ["-cert", place / "root/ca.pem"]
    openssl("ca", "-batch", "-notext", "-config", "ca.cnf", "-extensions", "ext", *issuer,
            "-keyfile", place / "root/ca.key", "-passin", f"file:{place / 'pw'}", "-startdate",
            start, "-enddate", end, "-in", "csr", "-out", place / path, cwd=work)
    shutil.rmtree(work)


def replace(path, old, new):
    text = path.read_text()
    assert re.search(old, text)
    path.write_text(re.sub(old, new, text, count=1))


SPOILED = {
    "a key that others can read": (
        "root", "readable", "error: ca.key: is private and has mode 644",
        lambda p: (p / "root/ca.key").chmod(0o644)),
    "a folder that others can enter": (
        "sign", "readable", "error: sign: is a folder of private keys with mode 755",
        lambda p: (p / "sign").chmod(0o755)),
    "a file that others can write": (
        "sign", "writable", "error: cms.pem: others than its owner can write it",
        lambda p: (p / "sign/cms.pem").chmod(0o666)),
    "a folder that others can change": (
        "boot-t234", "writable", "error: boot-t234: others than its owner can change",
        lambda p: (p / "boot-t234").chmod(0o777)),
    "a key with a second name": (
        "root", "second-name", "warning: ca.key: has 2 names",
        lambda p: os.link(p / "root/ca.key", p / "elsewhere")),
    "a link instead of a key": (
        "sign", "symlink", "warning: more: is a symbolic link",
        lambda p: (p / "sign/more").symlink_to("/dev/null")),
    "a pipe among the keys": (
        "sign", "strange-file", "error: pipe: is neither file nor folder",
        lambda p: os.mkfifo(p / "sign/pipe", 0o600)),
    "an old key": (
        "secrets", "old-key", "note: aes.key.old-20260101T000000Z: is an old key",
        lambda p: shutil.copy2(p / "secrets/aes.key",
                               p / "secrets/aes.key.old-20260101T000000Z")),
    "a certificate of another key": (
        "sign", "mismatch", "error: cms.pem: does not belong to the key 'cms.key'",
        lambda p: shutil.copy(p / "dev/cms.pem", p / "sign/cms.pem")),
    "a signing key without passphrase": (
        "sign", "no-passphrase", "error: cms.key: is a production key without a passphrase",
        lambda p: unlock(p, "sign/cms.key")),
    "a root's key without passphrase": (
        "root", "no-passphrase", "error: ca.key: is a production key without a passphrase",
        lambda p: unlock(p, "root/ca.key")),
    "a key that is no key": (
        "dev", "no-key", "error: cms.key: holds no private key in PEM",
        lambda p: (p / "dev/cms.key").write_text("nothing\n")),
    "a certificate that is none": (
        "sign", "no-certificate", "error: cms.pem: holds no certificate in PEM",
        lambda p: (p / "sign/cms.pem").write_text("nothing\n")),
    "an expired certificate": (
        "sign", "expired", "error: cms.pem: expired on 2021-01-01",
        lambda p: dated(p, "sign/cms.pem", "20200101000000Z", "20210101000000Z")),
    "a certificate that is not valid yet": (
        "sign", "not-yet-valid", "error: cms.pem: begins on 2098-01-01",
        lambda p: dated(p, "sign/cms.pem", "20980101000000Z", "20990101000000Z")),
    "an expired root": (
        "root", "expired", "error: ca.pem: expired on 2021-01-01",
        lambda p: dated(p, "root/ca.pem", "20200101000000Z", "20210101000000Z", ca=True)),
    "a root's certificate that is none of an authority": (
        "root", "no-authority", "error: ca.pem: is no authority's certificate",
        lambda p: shutil.copy(p / "sign/cms.pem", p / "root/ca.pem")),
    "a root that is gone": (
        "root", "missing", "error: ca.pem: is missing",
        lambda p: (p / "root/ca.pem").unlink()),
    "a signer that devices do not trust": (
        "sign", "untrusted", "error: cms.pem: is not trusted by devices",
        lambda p: shutil.copy(p / "dev/ca.pem", p / "root/ca.pem")),
    "a certificate for a server": (
        "dev", "wrong-purpose", "error: cms.pem: is not for signing updates",
        lambda p: self_signed(p, "dev", "extendedKeyUsage=serverAuth")),
    "a certificate that may not sign": (
        "dev", "wrong-purpose", "error: cms.pem: may not sign",
        lambda p: self_signed(p, "dev", "keyUsage=keyEncipherment")),
    "a certificate for code alone": (
        "dev", "code-signing-only", "warning: cms.pem: is for codeSigning alone",
        lambda p: self_signed(p, "dev", "extendedKeyUsage=codeSigning")),
    "a signer that is an authority": (
        "dev", "signer-is-authority", "error: cms.pem: is that of an authority",
        lambda p: self_signed(p, "dev", "keyUsage=digitalSignature", ca="TRUE")),
    "a request that waits": (
        "sign", "waiting", "note: cms.csr: waits for its certificate",
        lambda p: ((p / "sign/cms.pem").unlink(), (p / "sign/cms.csr").touch(0o600))),
    "a list of revoked certificates by another root": (
        "root", "bad-crl", "error: crl.pem: is no list that 'ca.pem' signed",
        lambda p: foreign_crl(p)),
    "a certificate that is in no list": (
        "root", "not-listed", "is not in index.txt",
        lambda p: (p / "root/index.txt").write_text("")),
    "an AES key that is too short": (
        "secrets", "aes-form", "error: aes.key: is no AES-256 key",
        lambda p: replace(p / "secrets/aes.key", "^.{32}", "")),
    "an AES key without IV": (
        "secrets", "aes-form", "error: aes.key: is no AES-256 key",
        lambda p: replace(p / "secrets/aes.key", " .*", "")),
    "an AES key of zeroes": (
        "secrets", "weak-key", "error: aes.key: repeats itself",
        lambda p: replace(p / "secrets/aes.key", "^[0-9a-f]{64}", "00" * 32)),
    "an SBK of another SoC's size": (
        "boot-t234", "key-size", "expected 8 words like 0x12ab34cd, t234 takes 256 bits",
        lambda p: shutil.copy2(p / "boot-t194/sbk.key", p / "boot-t234/sbk.key")),
    "an SBK in one word": (
        "boot-t194", "key-size", "expected 4 words",
        lambda p: (p / "boot-t194/sbk.key").write_text("0x" + "1f" * 16 + "\n")),
    "an SBK out of a manual": (
        "boot-t186", "published-key", "error: sbk.key: is an example out of a manual",
        lambda p: (p / "boot-t186/sbk.key").write_text(
            "0x12345678 0x9abcdef0 0xfedcba98 0x76543210\n")),
    "a PKC of a kind that the SoC does not take": (
        "boot-t186", "key-size", "error: pkc.pem: is rsa3072, t186 takes rsa2048",
        lambda p: [shutil.copy2(p / f"boot-t234/{n}", p / f"boot-t186/{n}")
                   for n in ("pkc.pem", "pkc.pub")]),
    "a PKC in a form that older tools do not read": (
        "boot-t234", "key-form", "warning: pkc.pem: is not in PKCS#1 or SEC1 form",
        lambda p: (p / "boot-t234/pkc.pem").write_text(
            openssl("pkey", "-in", p / "boot-t234/pkc.pem"))),
    "a public key of another PKC": (
        "boot-t234", "mismatch", "error: pkc.pub: does not belong to the key 'pkc.pem'",
        lambda p: shutil.copy2(p / "boot-t194/pkc.pub", p / "boot-t234/pkc.pub")),
    "a fuse key that is too short": (
        "boot-t234", "key-size", "error: oem_k1.key: has 32 characters, t234 takes 64",
        lambda p: shutil.copy2(p / "boot-t186/kek0.key", p / "boot-t234/oem_k1.key")),
    "a fuse key that is gone": (
        "boot-t264", "missing", "error: oem_kdk1.key: is missing",
        lambda p: (p / "boot-t264/oem_kdk1.key").unlink()),
    "a KEK256 that is not its halves": (
        "boot-t194", "kek256", "error: kek256.key: is not kek0.key followed by kek1.key",
        lambda p: shutil.copy2(p / "boot-t186/kek256.key", p / "boot-t194/kek256.key")),
    "a folder that says no SoC": (
        "boot-t234", "no-soc", "says no SoC",
        lambda p: (p / "boot-t234/soc").unlink()),
    "a UEFI certificate of another key": (
        "uefi", "mismatch", "error: db.crt: does not belong to the key 'db.key'",
        lambda p: shutil.copy2(p / "uefi/PK.crt", p / "uefi/db.crt")),
    "a UEFI key that is gone": (
        "uefi", "missing", "error: KEK.key: or its certificate is missing",
        lambda p: (p / "uefi/KEK.key").unlink()),
    "a folder of something else": (
        "empty", "unknown", "is no folder of keys",
        lambda p: (p / "empty").mkdir(0o700)),
}


def self_signed(place, folder, extension, ca="FALSE"):
    (place / f"{folder}/cms.pem").write_text(openssl(
        "req", "-x509", "-new", "-subj", "/CN=x, not for production", "-days", "99", "-key",
        place / f"{folder}/cms.key", "-addext", extension, "-addext", f"basicConstraints=CA:{ca}",
        "-config", "/dev/stdin", input=b"[req]\ndistinguished_name=n\n[n]\n"))


def foreign_crl(place):
    place.make_root("other")
    shutil.copy2(place / "other/crl.pem", place / "root/crl.pem")


@pytest.mark.parametrize("case", SPOILED)
def test_found(stocked, case):
    folder, word, says, spoil = SPOILED[case]
    spoil(stocked)
    code, found = stocked.check(folder, *ANCHORS, *(PW if word == "mismatch" else ()))
    assert says in found.get(word, ""), found
    assert code == (1 if "error:" in "".join(found.values()) else 0)


def test_a_certificate_that_ends_soon_is_a_warning(ready):
    code, found = ready.check("sign", *ANCHORS, *PW, "--margin", "500")
    assert code == 0 and "in less than 500 days" in found["expires-soon"]


def test_a_wrong_passphrase_is_told(ready, tmp_path):
    (tmp_path / "wrong").write_text("something else\n")
    code, found = ready.check("root", "--passphrase-file", tmp_path / "wrong")
    assert code == 1 and "does not open with this passphrase" in found["wrong-passphrase"]


def test_development_keys_are_not_for_production(ready):
    code, found = ready.check("dev", "--production")
    assert code == 1 and {"development-key", "no-passphrase"} <= set(found)


def test_a_root_beside_a_signer_is_told(stocked):
    for name in ("cms.key", "cms.pem", "cms.pub"):
        shutil.copy2(stocked / "sign" / name, stocked / "root" / name)
    code, found = stocked.check("root", *PW)
    assert code == 1 and "a root belongs offline" in found["root-online"]


def test_a_device_has_anchors_and_perhaps_the_aes_key(stocked):
    device = stocked.folder / "device"
    device.mkdir(0o755)
    shutil.copy2(stocked / "root/ca.pem", device / "anchors.pem")
    shutil.copy2(stocked / "secrets/aes.key", device / "aes.key")
    assert stocked.check("device", "--device") == (0, {})
    (device / "aes.key").chmod(0o644)
    assert "chmod 0600" in stocked.check("device", "--device")[1]["readable"]
    (device / "aes.key").chmod(0o600)
    for path in ("sign/cms.key", "boot-t234/sbk.key", "uefi/db.key"):
        shutil.copy2(stocked / path, device / "spare")
        (device / "spare").rename(device / path.split("/")[1])
        code, found = stocked.check("device", "--device")
        assert code == 1 and "in a place meant for a device" in found["private-on-device"], path
        (device / path.split("/")[1]).unlink()
    shutil.copy2(stocked / "sign/cms.pem", device / "anchors.pem")
    assert "is no authority" in stocked.check("device", "--device")[1]["no-authority"]
    shutil.copy2(stocked / "dev/ca.pem", device / "anchors.pem")
    assert stocked.check("device", "--device")[0] == 0
    assert "development-key" in stocked.check("device", "--device", "--production")[1]


def test_a_private_key_in_git_is_told(repository):
    code, found = repository.check("sign", *ANCHORS, *PW)
    assert code == 0 and "'git add' takes it" in found["not-ignored"]
    repository.write(".gitignore", "*.key\n")
    assert repository.check("sign", *ANCHORS, *PW) == (0, {})
    subprocess.run(["git", "-C", repository.folder, "add", "-f", "sign/cms.key"], check=True)
    code, found = repository.check("sign", *ANCHORS, *PW)
    assert code == 1 and "it is public, make a new one" in found["in-git"]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_a_key_of_somebody_else_is_told(stocked):
    os.chown(stocked / "sign/cms.key", 12345, 12345)
    code, found = stocked.check("sign", *ANCHORS, *PW)
    assert code == 1 and "belongs to user 12345" in found["owner"]


def test_hostile_names_reach_neither_terminal_nor_json(stocked):
    (stocked / 'sign/a"\\\n\x1b[31m.key').write_text("x")
    (stocked / 'sign/a"\\\n\x1b[31m.key').chmod(0o644)
    code, found = stocked.check("sign", *ANCHORS, *PW)
    assert code == 1 and 'a"\\??[31m.key' in found["readable"]
    _, said, _ = stocked.run("check", "sign")
    assert "\x1b" not in said and re.search(r'^error: sign/a"\\\?\?\[31m.key: ', said, re.MULTILINE)


def test_a_folder_that_is_none_is_refused(ready):
    assert "is no folder" in ready.refuse("check", "absent")
    assert "is no folder" in ready.refuse("check", "pw")
    assert "expected a number" in ready.refuse("check", "sign", "--margin", "x", code=2)


def test_lines_for_people_and_the_exit_code(stocked):
    (stocked / "root/ca.key").chmod(0o640)
    code, said, failed = stocked.run("check", "root", *PW)
    assert (code, failed) == (1, "")
    assert said.splitlines() == ["error: root/ca.key: is private and has mode 640: chmod 0600",
                                 "'root' (root): 1 errors"]
