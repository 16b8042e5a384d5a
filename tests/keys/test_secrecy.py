# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""Secrets are private from their first byte on, and are in no argument and no output. strace sees
every file that any process makes, and every argument and variable that any program gets."""

import re
import shutil
import subprocess

import pytest
from jetson_keys import JETSON_KEYS, PASSPHRASE, Place

STRACE = ("strace", "-f", "--seccomp-bpf", "-qq", "-s", "65536", "-v", "-e")
CALLS = "openat,open,creat,mkdir,mkdirat,mknod,mknodat,umask,chmod,fchmod,fchmodat,execve,write"
# The only files that others may ever read, by their last name.
PUBLIC = re.compile(r"(\.pem|\.pub|\.csr|\.crt|/soc|/signing\.conf|/bundle)$")
NAMED = ("--name", "Example")
PW = ("--passphrase-file", "pw")


def can_trace():
    return shutil.which("strace") and subprocess.run(
        ["strace", "-qq", "true"], capture_output=True).returncode == 0


pytestmark = pytest.mark.skipif(not can_trace(), reason="strace is missing or not allowed")


@pytest.fixture(scope="module")
def traced(tmp_path_factory):
    """Every command that makes a secret, one after the other: {name: (trace, output)}."""
    place = Place(tmp_path_factory.mktemp("traced") / "place")
    runs = {"root": ["root", "root", *NAMED, "--type", "p256", *PW],
            "request": ["request", "sign", *NAMED, *PW],
            "issue": ["issue", "root", "sign/cms.csr", "-o", "new.pem", *PW],
            "renew": ["renew", "sign", *PW],
            "revoke": ["revoke", "root", "new.pem", *PW],
            "rsa": ["rsa", "rsa", *PW],
            "aes": ["aes", "aes.key"],
            "boot": ["boot", "boot", "--soc", "t234", "--type", "p256"],
            "kek": ["boot", "kek", "--soc", "t186"],
            "uefi": ["uefi", "uefi", *NAMED],
            "dev": ["dev", "dev"],
            "check": ["check", "sign", "--anchors", "root/ca.pem", *PW]}
    seen = {}
    for name, words in runs.items():
        if name == "renew":
            place.do("install", "sign", "new.pem", "--anchors", "root/ca.pem")
        trace = place / f"{name}.trace"
        process = place.popen(*words, program=(*STRACE, f"trace={CALLS}", "-o", trace, JETSON_KEYS))
        said, failed = process.communicate(timeout=300)
        assert process.returncode == 0, (name, failed)
        seen[name] = (trace.read_text(errors="replace"), said + failed)
    return place, seen


COMMANDS = ["root", "request", "issue", "renew", "revoke", "rsa", "aes", "boot", "kek", "uefi", "dev",
            "check"]


def creations(trace):
    """(line, mode with the mask taken off) of each file and folder that a process makes."""
    masks, first = {}, None
    for line in trace.splitlines():
        pid, call = re.match(r"(\d+) +(.*)", line).groups()
        if match := re.match(r"umask\((0\d*)\)", call):
            masks[pid] = int(match[1], 8)
            # What a child inherits is what the program itself set.
            first = masks[pid] if first is None else first
        elif re.match(r"(openat|open)\(.*O_CREAT|(creat|mkdir|mkdirat|mknod|mknodat)\(", call):
            mode = re.search(r", (0\d*)(, \S+)?\) += ", call)
            if mode and '"/dev/' not in call:
                yield line, int(mode[1], 8) & ~masks.get(pid, 0o022 if first is None else first)


@pytest.mark.parametrize("command", COMMANDS)
def test_no_file_is_ever_open_to_others(traced, command):
    """From its first byte on; only what is public is opened up, at the end."""
    trace = traced[1][command][0]
    made = list(creations(trace))
    assert made and not [line for line, mode in made if mode & 0o077]
    opened = 0
    for path, mode in re.findall(r'f?chmod(?:at)?\((?:AT_FDCWD, )?"?([^",]*)"?, (0\d+)', trace):
        if int(mode, 8) & 0o077:
            assert PUBLIC.search(path)
            opened += 1
    assert opened or command in ("aes", "check")


def secrets_of(place):
    """What must not be seen: the passphrase, and the inner lines of each private file."""
    found = {PASSPHRASE}
    for path in place.folder.rglob("*"):
        if path.is_file() and path.suffix in (".key", ".pem") and ".trace" not in path.name:
            text = path.read_text()
            if "CERTIFICATE" not in text:
                found.update(word.removeprefix("0x") for word in text.split()
                             if len(word) >= 8 and "-----" not in word
                             and word not in ("PRIVATE", "ENCRYPTED"))
    return found


@pytest.mark.parametrize("command", COMMANDS)
def test_no_secret_is_an_argument_a_variable_or_printed(traced, command):
    place, seen = traced
    trace, output = seen[command]
    secrets = secrets_of(place)
    assert len(secrets) > 30
    starts = [line for line in trace.splitlines() if "execve(" in line]
    assert len(starts) > 2
    for secret in secrets:
        assert secret not in output
        assert not any(secret in line for line in starts), command


def test_the_passphrase_of_a_variable_goes_no_further(tmp_path):
    place = Place(tmp_path / "place")
    process = place.popen("request", "sign", *NAMED, "--passphrase-env", "SECRET_WORD",
                          program=(*STRACE, "trace=execve", "-o", "trace", JETSON_KEYS),
                          SECRET_WORD=PASSPHRASE)
    _, failed = process.communicate(timeout=300)
    assert process.returncode == 0, failed
    starts = [line for line in (place / "trace").read_text().splitlines() if "execve(" in line
              and '"openssl"' in line]
    assert starts and not any(PASSPHRASE in line for line in starts)


@pytest.mark.parametrize("command", ["root", "request", "rsa"])
def test_a_key_with_a_passphrase_is_never_written_open(traced, command):
    """The clear key is in a pipe only: no write of it goes to a file."""
    for line in traced[1][command][0].splitlines():
        if "write(" in line and "-----BEGIN PRIVATE KEY-----" in line:
            descriptor = re.search(r"write\((\d+),", line)[1]
            assert descriptor == "1", line
