# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""jetson-swu build: what it makes is installed by the real swupdate; what it refuses leaves nothing."""

import hashlib
import itertools
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import time

import pytest
import swu_build
from swu_build import EPOCH, MIB, TOP, Target, config, tool

ENCRYPTION = 'encryption: { key = "aes.key"; };'


@pytest.fixture
def target(tmp_path):
    made = Target(tmp_path / "device")
    yield made
    made.close()


def mission(compress="none", encrypt=False):
    more = {**({"compress": compress} if compress != "none" else {}),
            **({"encrypt": True} if encrypt else {})}
    return [{"role": role, "file": file, **more}
            for role, file in (("bootloader", "bootloader.img"), ("kernel", "boot.img"),
                               ("rootfs", "rootfs.ext4"))]


@pytest.mark.parametrize("compress,encrypt",
                         itertools.product(("none", "zlib", "zstd"), (False, True)))
def test_the_real_swupdate_installs_every_combination(work, target, stock, compress, encrypt):
    summary = work.build(config(mission(compress, encrypt), more=ENCRYPTION))
    assert [file["role"] for file in summary["files"]] == ["bootloader", "kernel", "rootfs"]
    swu, ca = work.path("out.swu"), stock.folder / "keys/ca.pem"
    options = ["-K", work.path("aes.key")] if encrypt else []
    assert target.swupdate(swu, "-c", *options, ca=ca).code == 0
    done = target.swupdate(swu, *options, ca=ca)
    assert done.code == 0, done.text
    assert done.says("slot B is selected")
    for label, name in (("B_bootloader", "bootloader.img"), ("B_kernel", "boot.img"),
                        ("B_APP", "rootfs.ext4")):
        assert target.holds(label, stock.folder / name), label
    assert work.path("out.swu").stat().st_size == summary["bytes"]


@pytest.mark.parametrize("layout", ["t186", "t194", "t234", "t264"])
def test_the_other_layouts_build_and_are_called_good(work, stock, layout):
    work.build(config(mission()[1:], layout=layout))
    tool(swu_build.JETSON_SWU, "verify", "-k", stock.folder / "keys/ca.pem", "--layout", layout,
         work.path("out.swu"))


def test_a_kept_bootloader_is_copied_by_the_device(work, target, stock):
    work.build(config([{"role": "bootloader", "keep": True}, *mission("zstd")[1:]]))
    target.device.write_image("A_bootloader", stock.folder / "bootloader.img")
    done = target.swupdate(work.path("out.swu"), ca=stock.folder / "keys/ca.pem")
    assert done.code == 0, done.text
    assert target.holds("B_bootloader", stock.folder / "bootloader.img")


def test_xz_is_for_devices_that_can_unpack_it(work):
    parts = mission("xz")
    assert "before 2025.12 cannot unpack xz" in work.refuse(config(parts))
    work.build(config(parts, more='device: { swupdate = "2026.05.1"; };'))
    tool("cpio", "-i", "--quiet", "boot.img.xz", cwd=work.folder,
         stdin=open(work.path("out.swu"), "rb"))
    assert tool("xz", "-dc", work.path("boot.img.xz")) == work.path("boot.img").read_bytes()


def test_an_sbom_is_carried_and_changes_nothing_on_the_device(work, target, stock):
    work.path("sbom.spdx.json").write_text('{ "spdxVersion": "SPDX-2.3" }\n')
    summary = work.build(config(more='sbom: ( { file = "sbom.spdx.json"; } );'))
    assert summary["files"][-1]["role"] == "sbom"
    done = target.swupdate(work.path("out.swu"), ca=stock.folder / "keys/ca.pem")
    assert done.code == 0, done.text


@pytest.mark.parametrize("name", ["mission.sw-description",
                                  "mission-keep-bootloader.sw-description"])
def test_our_templates_are_completed_as_they_are(work, target, stock, name):
    shutil.copy(TOP / "sw-description" / name, work.path("own"))
    files = 'files: ( { name = "rootfs.ext4.zst"; file = "rootfs.ext4"; compress = "zstd"; } );'
    work.build(f'version = "3.1"; layout = "mission"; description = "own"; {files}\n'
               f"signing: {{ {swu_build.SIGNED} }};")
    done = target.swupdate(work.path("out.swu"), ca=stock.folder / "keys/ca.pem")
    assert done.code == 0, done.text
    assert target.holds("B_APP", stock.folder / "rootfs.ext4")


def test_what_is_compressed_already_gets_its_exact_size(work):
    shutil.copy(TOP / "sw-description/mission-keep-bootloader.sw-description", work.path("own"))
    tool("zstd", "-q", "-o", work.path("rootfs.ext4.zst"),
         work.path("rootfs.ext4").resolve())
    work.build('version = "3"; layout = "mission"; description = "own";\n'
               f"signing: {{ {swu_build.SIGNED} }};")
    text = work.path("out.swu").read_bytes()
    size = work.path("rootfs.ext4").stat().st_size
    assert f'decompressed-size = "{size}"'.encode() in text


def test_the_same_inputs_give_the_same_file(work):
    signing = 'method = "rsa"; signers: ( { key = "keys/rsa.key"; } );'
    for out, jobs in (("one.swu", "1"), ("two.swu", "3")):
        work.build(config(mission("zstd"), signing), "-j", jobs, out=out, SOURCE_DATE_EPOCH=EPOCH)
        time.sleep(1.1)
    assert work.path("one.swu").read_bytes() == work.path("two.swu").read_bytes()


def test_ivs_are_never_used_twice(work):
    seen = []
    for out in ("one.swu", "two.swu"):
        work.build(config(mission("none", True), more=ENCRYPTION), out=out)
        seen += re.findall(rb'ivt = "([0-9a-f]{32})"', work.path(out).read_bytes())
    assert len(seen) == 6 and len(set(seen)) == 6


@pytest.mark.parametrize("method,options", [
    ("rsa", []), ("rsa-pss", ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:-2"])])
def test_plain_rsa_is_as_openssl_and_swupdate_verify_it(work, method, options):
    work.build(config(signing=f'method = "{method}"; signers: ( {{ key = "keys/rsa.key"; }} );'))
    with open(work.path("out.swu"), "rb") as swu:
        tool("cpio", "-i", "--quiet", "sw-description*", cwd=work.folder, stdin=swu)
    tool("openssl", "dgst", "-sha256", "-verify", "keys/rsa.pub", *options, "-signature",
         "sw-description.sig", "sw-description", cwd=work.folder)


def test_a_signature_that_the_devices_cannot_verify_is_said_so(work):
    said = work.refuse(config(), "--device-signature", "rsa")
    assert "signs with cms, but the devices' SWUpdate is built to verify rsa" in said


@pytest.fixture
def locked(work):
    tool("openssl", "pkey", "-in", work.path("keys/cms.key"), "-aes256", "-passout",
         "pass:correct horse", "-out", work.path("locked.key"))
    work.path("locked.key").chmod(0o600)
    return config(signing='signers: ( { certificate = "keys/cms.pem"; key = "locked.key"; } );')


def test_a_passphrase_comes_from_a_file_or_the_environment(work, locked):
    work.path("passphrase").write_text("correct horse\n")
    work.build(locked, "--passphrase-file", "passphrase")
    work.build(locked, "--passphrase-env", "P", "--force", P="correct horse")


def test_a_wrong_or_missing_passphrase_is_said_so(work, locked):
    assert "passphrase for" in work.refuse(locked, "--passphrase-env", "P", P="wrong")
    assert "no terminal to ask at" in work.refuse(locked)
    assert "variable P is not set" in work.refuse(locked, "--passphrase-env", "P")


def read_terminal(terminal, until=None):
    """What is said, up to some words or to the end."""
    said = b""
    while until is None or until not in said:
        assert select.select([terminal], [], [], 60)[0], said
        try:
            said += os.read(terminal, 4096)
        except OSError:  # how Linux tells of a terminal whose last user is gone
            assert until is None, said
            break
    return said


def test_a_passphrase_is_asked_for_at_a_terminal(work, locked):
    """The answer is not echoed."""
    work.path("update.conf").write_text(locked)
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(work.folder)
        os.execv(swu_build.JETSON_SWU,
                 ["jetson-swu", "build", "-q", "-c", "update.conf", "-o", "out.swu"])
    said = read_terminal(terminal, b"Passphrase for locked.key: ")
    os.write(terminal, b"correct horse\n")
    said += read_terminal(terminal)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, said
    assert b"correct" not in said
    assert work.path("out.swu").exists()


@pytest.fixture
def token(work, monkeypatch):
    """A token in software with the CMS key on it."""
    tokens = work.path("tokens")
    tokens.mkdir()
    conf = work.path("softhsm2.conf")
    conf.write_text(f"directories.tokendir = {tokens}\nobjectstore.backend = file\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(conf))
    tool("softhsm2-util", "--init-token", "--free", "--label", "release", "--pin", "1234",
         "--so-pin", "5678")
    tool("openssl", "pkcs8", "-topk8", "-nocrypt", "-in", work.path("keys/cms.key"), "-out",
         work.path("p8"))
    tool("softhsm2-util", "--import", work.path("p8"), "--token", "release", "--label", "signer",
         "--id", "01", "--pin", "1234")
    work.path("p8").unlink()
    return {"SOFTHSM2_CONF": str(conf),
            "PKCS11_MODULE_PATH": "/usr/lib/softhsm/libsofthsm2.so"}


def token_config(uri):
    return config(signing=f'signers: ( {{ certificate = "keys/cms.pem"; key = "{uri}"; }} );')


def test_a_key_may_be_on_a_token(work, target, stock, token):
    uri = "pkcs11:token=release;object=signer;type=private"
    work.build(token_config(uri), "--passphrase-env", "PIN", PIN="1234", **token)
    work.build(token_config(uri + ";pin-value=1234"), "--force", **token)
    done = target.swupdate(work.path("out.swu"), ca=stock.folder / "keys/ca.pem")
    assert done.code == 0, done.text


def test_a_wrong_pin_is_said_so(work, token):
    work.path("update.conf").write_text("")
    code, _, said = work.run(token_config("pkcs11:token=release;object=signer"),
                             "--passphrase-env", "PIN", PIN="9999", **token)
    assert code == 1
    assert "wrong PIN, no such token or no such object" in said
    assert not work.path("out.swu").exists()


def test_a_pin_in_the_uri_is_never_printed(work, token):
    uri = "pkcs11:token=release;object=signer;type=private?pin-value=98761234"
    code, said, failed = work.run(token_config(uri), **token)
    assert code == 1 and "pin-value=...:" not in failed
    assert "object=signer;type=private?pin-value=...'" in failed
    assert "9876" not in said + failed


def test_another_program_may_sign(work, target, stock):
    signer = work.path("signer")
    signer.write_text("#!/bin/sh\nexec openssl pkeyutl -sign -pkeyopt digest:sha256 -inkey "
                      f"{work.path('keys/cms.key')}\n")
    signer.chmod(0o755)
    work.build(config(signing=f'signers: ( {{ certificate = "keys/cms.pem"; command = [ "{signer}"'
                              " ]; } );"))
    done = target.swupdate(work.path("out.swu"), ca=stock.folder / "keys/ca.pem")
    assert done.code == 0, done.text


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_nothing(work, number):
    with open(work.path("large"), "wb") as file:
        for i in range(150):
            file.write(hashlib.sha256(str(i).encode()).digest() * (MIB // 32))
    parts = [*mission()[:2], {"role": "rootfs", "file": "large", "compress": "zlib", "level": 9}]
    process = work.start(config(parts))
    until = time.monotonic() + 60
    partial = work.path("out.swu.partial")
    # The room in front is not written before the end: data behind it means that it streams.
    while not (partial.exists() and partial.stat().st_size > 0):
        assert process.poll() is None and time.monotonic() < until
        time.sleep(0.005)
    process.send_signal(number)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 128 + number
    assert "interrupted" in said
    assert not partial.exists() and not work.path("out.swu").exists()


def test_an_existing_output_is_not_replaced(work):
    work.path("out.swu").write_text("mine")
    assert "exists; name another output or give --force" in work.refuse(config())
    assert work.path("out.swu").read_text() == "mine"
    work.build(config(), "--force")


def test_a_kernel_that_no_device_boots_is_not_packed(work):
    data = bytearray(work.path("boot.img").read_bytes())
    work.path("boot.img").unlink()
    data[40] = 4
    work.path("boot.img").write_bytes(data)
    assert "boot.img" in work.refuse(config(mission("zstd")))
    data[40] = 0
    data[9000] ^= 1
    work.path("boot.img").write_bytes(data)
    assert "boot.img" in work.refuse(config(mission("zstd")))


def test_half_a_slot_is_not_packed(work):
    assert "half-slot" in work.refuse(config(mission()[:2]))


def test_wrong_usage_is_told_apart(work):
    for argv, word in (([], "missing option"), (["-c", "x"], "missing option '-o'"),
                       (["--what"], "unknown option"), (["-c"], "no value"),
                       (["-c", "a", "-o", "b", "c"], "unexpected word"),
                       (["-c", "a", "-o", "b", "-j", "0"], "--jobs")):
        done = subprocess.run([swu_build.JETSON_SWU, "build", *argv], text=True, timeout=60,
                              capture_output=True, cwd=work.folder)
        assert done.returncode == 2 and word in done.stderr, done.stderr


# A process begins with the peak of the one that started it: a small one has to.
LAUNCHER = """
import os, sys
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(pid, 0)
assert os.waitstatus_to_exitcode(status) == 0
print(usage.ru_maxrss)
"""


@pytest.mark.parametrize("compress", ["none", "zlib", "zstd"])
def test_memory_stays_below_64_mib(work, compress):
    """The largest resident size, of a payload far larger than that."""
    with open(work.path("large"), "wb") as file:
        for _ in range(128):
            file.write(os.urandom(MIB // 4) + bytes(3 * MIB // 4))
    parts = [*mission()[1:2], {"role": "rootfs", "file": "large", "compress": compress,
                               "encrypt": True}]
    work.path("update.conf").write_text(config(parts, more=ENCRYPTION, layout="t234"))
    said = tool(sys.executable, "-IS", "-c", LAUNCHER, swu_build.JETSON_SWU, "build", "-q", "-j", "8",
                "-c", "update.conf", "-o", "out.swu", cwd=work.folder)
    assert int(said) * 1024 < 64 * MIB
