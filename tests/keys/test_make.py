# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""jetson-keys: what it makes has the right form, and what it refuses leaves everything as it was."""

import os
import pty
import re
import select
import signal
import ssl
import stat
import subprocess
import time

import pytest
from conftest import copied
from jetson_keys import JETSON_KEYS, PASSPHRASE, TOP, mode_of, openssl

PW = ("--passphrase-file", "pw")


def is_locked(path):
    return path.read_text().startswith("-----BEGIN ENCRYPTED PRIVATE KEY-----")


def test_a_root_is_locked_long_lived_and_issues_signers_only(ready):
    text = openssl("x509", "-in", ready / "root/ca.pem", "-noout", "-text")
    assert is_locked(ready / "root/ca.key")
    assert "CA:TRUE, pathlen:0" in text and "Certificate Sign, CRL Sign" in text
    openssl("x509", "-in", ready / "root/ca.pem", "-noout", "-checkend", 19 * 365 * 86400)
    assert mode_of(ready / "root") == 0o700 and mode_of(ready / "root/ca.pem") == 0o644


def test_a_signing_certificate_serves_both_purposes_for_a_year_and_a_month(ready):
    text = openssl("x509", "-in", ready / "sign/cms.pem", "-noout", "-text")
    assert "E-mail Protection, Code Signing" in text and "CA:FALSE" in text
    assert re.search(r"Key Usage: critical\n\s+Digital Signature\n", text)
    openssl("x509", "-in", ready / "sign/cms.pem", "-noout", "-checkend", 396 * 86400)
    assert is_locked(ready / "sign/cms.key")


def test_the_key_of_the_root_never_comes_where_requests_are_made(ready):
    """What goes over is a request and a certificate, neither of which holds a secret."""
    assert sorted(path.name for path in (ready / "sign").iterdir()) == ["cms.key", "cms.pem",
                                                                       "cms.pub"]
    assert "PRIVATE" not in (ready / "sign.pem").read_text()


def test_a_request_cannot_make_itself_an_authority(place):
    place.make_root()
    place.write("req.cnf", "[req]\nprompt = no\ndistinguished_name = n\nreq_extensions = e\n"
                           "[n]\nCN = sly\n[e]\nbasicConstraints = CA:TRUE\n")
    openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-config", place / "req.cnf", "-keyout", place / "sly.key", "-out", place / "sly.csr")
    place.locked("issue", "root", "sly.csr", "-o", "sly.pem")
    assert "CA:FALSE" in openssl("x509", "-in", place / "sly.pem", "-noout", "-text")


def test_renewing_keeps_the_key_and_the_old_certificate(stocked):
    before = openssl("x509", "-in", stocked / "sign/cms.pem", "-noout", "-serial", "-pubkey")
    stocked.locked("renew", "sign")
    stocked.locked("issue", "root", "sign/cms.csr", "-o", "next.pem")
    stocked.do("install", "sign", "next.pem", "--anchors", "root/ca.pem")
    after = openssl("x509", "-in", stocked / "sign/cms.pem", "-noout", "-serial", "-pubkey")
    assert before.splitlines()[0] != after.splitlines()[0]
    assert before.splitlines()[1:] == after.splitlines()[1:]
    assert len(list((stocked / "sign").glob("cms.pem.old-*"))) == 1
    assert stocked.check("sign", "--anchors", stocked / "root/ca.pem", *PW) == (0, {})


def test_what_was_revoked_is_on_the_list_and_stays_there(stocked):
    serial = openssl("x509", "-in", stocked / "sign.pem", "-noout", "-serial")[7:].strip()
    assert "SWUpdate looks at no list" in stocked.locked("revoke", "root", "sign.pem")
    stocked.locked("crl", "root", "--days", "30")
    text = openssl("crl", "-in", stocked / "root/crl.pem", "-noout", "-text", "-CAfile",
                   stocked / "root/ca.pem")
    assert f"Serial Number: {serial}" in text and "Key Compromise" in text
    assert "is revoked already" in stocked.refuse("revoke", "root", "sign.pem", *PW)


@pytest.mark.parametrize("soc, kind, words, names", [
    ("t186", "2048 bit", 4, {"kek0": 32, "kek1": 32, "kek2": 32, "kek256": 64}),
    ("t194", "2048 bit", 4, {"kek0": 32, "kek1": 32, "kek2": 32, "kek256": 64}),
    ("t234", "3072 bit", 8, {"oem_k1": 64, "oem_k2": 64}),
    ("t264", "521 bit", 8, {"oem_kdk0": 64, "oem_kdk1": 64}),
])
def test_secure_boot_keys_have_the_sizes_of_their_soc(ready, soc, kind, words, names):
    folder = ready / f"boot-{soc}"
    assert kind in openssl("pkey", "-in", folder / "pkc.pem", "-noout", "-text")
    assert re.match("-----BEGIN (RSA|EC) PRIVATE KEY-----", (folder / "pkc.pem").read_text())
    sbk = (folder / "sbk.key").read_text()
    assert re.fullmatch(r"0x[0-9a-f]{8}( 0x[0-9a-f]{8}){%d}\n" % (words - 1), sbk)
    for name, digits in names.items():
        assert re.fullmatch(r"[0-9a-f]{%d}\n" % digits, (folder / f"{name}.key").read_text())
    found = {path.name for path in folder.iterdir()}
    assert found == {"pkc.pem", "pkc.pub", "sbk.key", "soc", "signing.conf",
                     *(f"{name}.key" for name in names)}
    if "kek256" in names:
        assert (folder / "kek256.key").read_text().strip() == "".join(
            (folder / name).read_text().strip() for name in ("kek0.key", "kek1.key"))


@pytest.mark.parametrize("kind, says", [("p256", "P-256"), ("p521", "P-521")])
def test_pkc_keys_may_be_on_a_curve_where_the_soc_takes_it(place, kind, says):
    place.do("boot", "b", "--soc", "t234", "--type", kind)
    assert (place / "b/pkc.pem").read_text().startswith("-----BEGIN EC PRIVATE KEY-----")
    assert says in openssl("pkey", "-in", place / "b/pkc.pem", "-noout", "-text")
    assert place.check("b") == (0, {})


def test_a_t264_gets_as_many_pkc_keys_as_asked_for(place):
    place.do("boot", "b", "--soc", "t264", "--type", "p256", "--count", "3")
    assert sorted(path.name for path in (place / "b").glob("*.pem")) == ["pkc-0.pem", "pkc-1.pem",
                                                                        "pkc-2.pem"]
    assert place.check("b") == (0, {})


def test_signing_variables_name_paths_and_hold_no_secret(ready):
    for folder in ("boot-t234", "uefi"):
        text = (ready / folder / "signing.conf").read_text()
        for path in (ready / folder).glob("*.key"):
            for line in path.read_text().split():
                assert len(line) < 8 or line not in text
        assert str(ready / folder) in text
    assert 'TEGRA_SIGNING_SBK = "${TEGRA_SIGNING_KEYS}/sbk.key"' in (
        ready / "boot-t234/signing.conf").read_text()


def test_an_aes_key_is_as_swupdate_reads_it_and_private(ready):
    path = ready / "secrets/aes.key"
    assert re.fullmatch(r"[0-9a-f]{64} [0-9a-f]{32}\n", path.read_text())
    assert mode_of(path) == 0o600


def test_two_keys_are_never_the_same(ready):
    texts = [path.read_text() for path in ready.folder.rglob("*.key")
             if path.parent.name.startswith("boot") or path.name == "aes.key"]
    words = [word for text in texts for word in re.findall(r"[0-9a-f]{32}", text)]
    # kek256 repeats kek0 and kek1, on purpose.
    assert len(set(words)) == len(words) - 4


def test_with_force_the_old_is_kept(stocked):
    old = (stocked / "boot-t234/sbk.key").read_text()
    stocked.do("boot", "boot-t234", "--soc", "t234", "--force")
    kept, = stocked.folder.glob("boot-t234.old-*")
    assert (kept / "sbk.key").read_text() == old != (stocked / "boot-t234/sbk.key").read_text()
    old = (stocked / "secrets/aes.key").read_text()
    stocked.do("aes", "secrets/aes.key", "--force")
    kept, = (stocked / "secrets").glob("aes.key.old-*")
    assert kept.read_text() == old and mode_of(kept) == 0o600


def test_the_last_rsa_key_of_the_development_set_signs(ready):
    """make-dev-keys.sh is short for the same."""
    assert (ready / "dev/rsa.key").exists() and (ready / "dev/cms.pem").exists()
    done = subprocess.run([TOP / "keys/make-dev-keys.sh", ready / "dev"], capture_output=True,
                          text=True)
    assert done.returncode == 1 and "never overwritten" in done.stderr


NAMED = ("--name", "Example")
REFUSED = [
    (1, "exists already and keys are never overwritten", ["root", "root", *NAMED, *PW]),
    (1, "exists already and keys are never overwritten", ["request", "sign", *NAMED, *PW]),
    (1, "exists already and keys are never overwritten", ["boot", "boot-t234", "--soc", "t234"]),
    (1, "exists already and keys are never overwritten", ["uefi", "uefi", *NAMED]),
    (1, "exists already and keys are never overwritten", ["aes", "secrets/aes.key"]),
    (1, "exists already and keys are never overwritten", ["rsa", "sign", *PW]),
    (1, "exists already and keys are never overwritten", ["aes", "secrets"]),
    (2, "a root has a passphrase, always", ["root", "r", *NAMED, "--no-passphrase"]),
    (1, "has 5 characters, at least 12", ["root", "r", *NAMED, "--passphrase-file", "short"]),
    (1, "is no file with a passphrase", ["root", "r", *NAMED, "--passphrase-file", "absent"]),
    (1, "is empty", ["root", "r", *NAMED, "--passphrase-file", "empty"]),
    (1, "variable P is not set", ["root", "r", *NAMED, "--passphrase-env", "P"]),
    (2, "expected a name in capital letters", ["root", "r", *NAMED, "--passphrase-env", "name"]),
    (1, "there is no terminal to ask at", ["root", "r", *NAMED]),
    (2, "--name ''", ["root", "r", *PW]),
    (2, "expected 1 to 63 letters", ["root", "r", "--name", "a\n[x]\nCN = b", *PW]),
    (2, "expected 1 to 63 letters", ["request", "r", "--name", "$(id)", *PW]),
    (2, "expected 1 to 63 letters", ["request", "r", *NAMED, "--organisation", "a$b", *PW]),
    (2, "key type 'dsa' is not known", ["root", "r", *NAMED, "--type", "dsa", *PW]),
    (2, "expected a number from 1", ["root", "r", *NAMED, "--days", "-1", *PW]),
    (1, "the passphrase for 'root/ca.key' is not the right one",
     ["issue", "root", "sign.csr", "-o", "x", "--passphrase-file", "wrong"]),
    (1, "is no folder of a root", ["issue", "sign", "sign.csr", "-o", "x", *PW]),
    (1, "is no request that its own key signed", ["issue", "root", "broken.csr", "-o", "x", *PW]),
    (1, "is no file with a request", ["issue", "root", "absent", "-o", "x", *PW]),
    (1, "has 2048 bits, at least 3072", ["issue", "root", "weak.csr", "-o", "x", *PW]),
    (1, "of a kind that SWUpdate does not verify", ["issue", "root", "ed.csr", "-o", "x", *PW]),
    (1, "is not the expected request", ["issue", "root", "sign.csr", "-o", "x", *PW,
                                        "--expect-key", "ab" * 32]),
    (1, "would outlive the root", ["issue", "root", "sign.csr", "-o", "x", *PW, "--days", "9999"]),
    (2, "is no date", ["issue", "root", "sign.csr", "-o", "x", *PW, "--from", "soon"]),
    (2, "-o CERTIFICATE is missing", ["issue", "root", "sign.csr", *PW]),
    (1, "exists already", ["issue", "root", "sign.csr", "-o", "sign.pem", *PW]),
    (2, "expected emailProtection", ["issue", "root", "sign.csr", "-o", "x", *PW, "--purpose", "y"]),
    (1, "was not issued by", ["revoke", "root", "dev/cms.pem", *PW]),
    (2, "--reason 'x'", ["revoke", "root", "sign.pem", "--reason", "x", *PW]),
    (1, "does not belong to the key in 'sign'", ["install", "sign", "dev/cms.pem", "--anchors",
                                                 "root/ca.pem"]),
    (1, "would refuse 'sign.pem'", ["install", "sign", "sign.pem", "--anchors", "dev/ca.pem"]),
    (2, "--anchors FILE is missing", ["install", "sign", "sign.pem"]),
    (1, "holds no certificate in PEM", ["install", "sign", "empty", "--anchors", "root/ca.pem"]),
    (1, "is no folder of a signing key", ["install", "root", "sign.pem", "--anchors", "pw"]),
    (1, "has no certificate", ["renew", "boot-t234", *PW]),
    (1, "holds 'root/ca.pem' already", ["anchors", "add", "root/ca.pem", "root/ca.pem"]),
    (1, "is no authority's certificate", ["anchors", "add", "bundle", "sign.pem"]),
    (1, "holds a private key", ["anchors", "add", "bundle", "dev/cms.key"]),
    (1, "holds no certificate", ["anchors", "list", "pw"]),
    (1, "is the last certificate", ["anchors", "remove", "root/ca.pem", "root/ca.pem", "--signer",
                                    "sign.pem"]),
    (2, "--signer CERTIFICATE is missing", ["anchors", "remove", "both.pem", "root/ca.pem"]),
    (1, "would refuse what 'sign.pem' signs", ["anchors", "remove", "both.pem", "root/ca.pem",
                                               "--signer", "sign.pem"]),
    (1, "does not hold", ["anchors", "remove", "both.pem", "sign.pem", "--signer", "sign.pem"]),
    (2, "--soc is missing", ["boot", "b"]),
    (2, "--soc 't210'", ["boot", "b", "--soc", "t210"]),
    (2, "t186 takes rsa2048", ["boot", "b", "--soc", "t186", "--type", "rsa3072"]),
    (2, "t194 takes rsa3072, rsa2048", ["boot", "b", "--soc", "t194", "--type", "p256"]),
    (2, "t234 takes rsa3072, p256, p521", ["boot", "b", "--soc", "t234", "--type", "rsa2048"]),
    (2, "only t264", ["boot", "b", "--soc", "t234", "--count", "2"]),
    (2, "expected 1 to 16", ["boot", "b", "--soc", "t264", "--count", "17"]),
    (2, "expected DIR", ["boot"]),
    (2, "one is empty", ["dev", ""]),
    (2, "is not known", ["dev", "d", "--what"]),
    (2, "expected add, remove or list", ["anchors"]),
    (1, "is a symbolic link", ["dev", "link"]),
    (1, "cannot make the folder", ["dev", "pw/below"]),
]


@pytest.fixture(scope="module")
def spoilt(ready, tmp_path_factory):
    """Once for all refusals: they must change nothing."""
    place = copied(ready, tmp_path_factory.mktemp("spoilt") / "place")
    place.write("short", "short\n")
    place.write("wrong", "another passphrase\n")
    place.write("empty", "")
    place.write("both.pem", (place / "root/ca.pem").read_text() + (place / "dev/ca.pem").read_text())
    for name, words in (("sign", ("-key", place / "dev/cms.key")),
                        ("weak", ("-newkey", "rsa:2048", "-nodes", "-keyout", place / "weak.key")),
                        ("ed", ("-newkey", "ed25519", "-nodes", "-keyout", place / "ed.key"))):
        openssl("req", "-new", "-subj", "/CN=x", *words, "-out", place / f"{name}.csr")
    forged = bytearray(ssl.PEM_cert_to_DER_cert(
        (place / "sign.csr").read_text().replace("CERTIFICATE REQUEST", "CERTIFICATE")))
    forged[forged.index(b"x")] = ord("y")
    place.write("broken.csr", ssl.DER_cert_to_PEM_cert(bytes(forged))
                .replace("CERTIFICATE", "CERTIFICATE REQUEST"))
    (place / "link").symlink_to("elsewhere")
    return place


@pytest.mark.parametrize("code, says, words", REFUSED, ids=[" ".join(r[2][:3]) for r in REFUSED])
def test_refused_with_a_sentence_and_nothing_changed(spoilt, code, says, words):
    assert says in spoilt.refuse(*words, code=code)


def test_help_and_an_unknown_command(place):
    assert "usage: jetson-keys" in place.do("--help")
    assert "usage: jetson-keys" in place.do("root", "--help")
    code, said, failed = place.run("mint")
    assert (code, said) == (2, "") and "unknown command 'mint'" in failed


def test_without_openssl_the_package_is_named(place):
    bare = place.folder / "bin"
    bare.mkdir()
    for name in ("bash", "readlink", "dirname"):
        bare.joinpath(name).symlink_to(f"/usr/bin/{name}")
    assert "install Debian's package 'openssl'" in place.refuse("aes", "a", PATH=str(bare))


def test_a_passphrase_comes_from_the_environment_too(place):
    place.do("root", "r", *NAMED, "--passphrase-env", "P", P=PASSPHRASE)
    openssl("pkey", "-in", place / "r/ca.key", "-passin", f"file:{place / 'pw'}", "-noout")


def converse(place, words, answers):
    """At a terminal: (exit code, what was shown)."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(place.folder)
        os.execv(JETSON_KEYS, ["jetson-keys", *words])
    said = b""
    for question, answer in answers:
        mark = len(said)
        while question not in said[mark:]:
            assert select.select([terminal], [], [], 30)[0], said
            said += os.read(terminal, 4096)
        os.write(terminal, answer + b"\n")
    try:
        while piece := os.read(terminal, 4096):
            said += piece
    except OSError:  # how Linux tells of a terminal whose last user is gone
        pass
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), said


def test_a_new_passphrase_is_asked_for_twice_and_not_shown(place):
    word = PASSPHRASE.encode()
    code, said = converse(place, ["root", "r", *NAMED],
                          [(b"Passphrase for the new root: ", word), (b"Once more: ", word)])
    assert code == 0 and b"horse" not in said, said
    openssl("pkey", "-in", place / "r/ca.key", "-passin", f"file:{place / 'pw'}", "-noout")
    code, said = converse(place, ["root", "s", *NAMED],
                          [(b"new root: ", word), (b"Once more: ", b"something else")])
    assert code == 1 and b"the two passphrases differ" in said
    assert not (place / "s").exists()


# HOME is the place; the authority works in a folder of its own.
SLOW = """#!/bin/sh
if [ "$1" = {word} ]; then
	: >"$HOME/reached"
	exec sleep 60
fi
exec /usr/bin/openssl "$@"
"""


def wait_until_slow(place, process):
    until = time.monotonic() + 30
    while not (place / "reached").exists():
        assert time.monotonic() < until and process.poll() is None
        time.sleep(0.01)


INTERRUPTED = [
    (["root", "new", *NAMED, *PW], "ca"),
    (["request", "new", *NAMED, *PW], "pkey"),
    (["boot", "new", "--soc", "t194", "--type", "rsa2048"], "rand"),
    (["aes", "new"], "rand"),
    (["dev", "new"], "x509"),
    (["issue", "root", "sign/cms.pub.csr", "-o", "new", *PW], "ca"),
    (["revoke", "root", "sign.pem", *PW], "ca"),
]


@pytest.mark.parametrize("words, at, number", [
    *((*run, signal.SIGINT) for run in INTERRUPTED),
    (*INTERRUPTED[3], signal.SIGTERM), (*INTERRUPTED[3], signal.SIGHUP),
    (*INTERRUPTED[5], signal.SIGTERM), (*INTERRUPTED[5], signal.SIGHUP),
], ids=lambda value: value[0] if isinstance(value, list) else str(value))
def test_an_interrupted_run_leaves_nothing(stocked, words, at, number):
    openssl("req", "-new", "-subj", "/CN=x", "-key", stocked / "dev/cms.key", "-out",
            stocked / "sign/cms.pub.csr")
    slow = stocked.write("bin/openssl", SLOW.format(word=at), 0o755)
    before = stocked.tree()
    process = stocked.popen(*words, PATH=f"{slow.parent}:{os.environ['PATH']}")
    wait_until_slow(stocked, process)
    os.killpg(process.pid, number)
    process.communicate(timeout=300)
    assert process.returncode == 128 + number
    (stocked / "reached").unlink()
    assert stocked.tree() == before


def test_a_killed_run_has_no_result_and_check_names_what_is_left(stocked):
    slow = stocked.write("bin/openssl", SLOW.format(word="ca"), 0o755)
    openssl("req", "-new", "-subj", "/CN=x", "-key", stocked / "dev/cms.key", "-out",
            stocked / "x.csr")
    process = stocked.popen("issue", "root", "x.csr", "-o", "x.pem", *PW,
                            PATH=f"{slow.parent}:{os.environ['PATH']}")
    wait_until_slow(stocked, process)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=300)
    assert not (stocked / "x.pem").exists()
    left, = (stocked / "root").glob(".jetson-keys.*")
    assert stat.S_IMODE(left.stat().st_mode) == 0o700
    code, found = stocked.check("root")
    assert code == 0 and "left from a run that was killed" in found["left-over"]
    stocked.locked("issue", "root", "x.csr", "-o", "x.pem")


def test_two_runs_at_once_do_not_lose_a_certificate(stocked):
    openssl("req", "-new", "-subj", "/CN=x", "-key", stocked / "dev/cms.key", "-out",
            stocked / "x.csr")
    with open(stocked / "root/index.txt") as held:
        subprocess.run(["flock", "-n", str(held.fileno())], pass_fds=[held.fileno()], check=True)
        assert "is in use by another run" in stocked.refuse("issue", "root", "x.csr", "-o", "x.pem",
                                                            *PW)
