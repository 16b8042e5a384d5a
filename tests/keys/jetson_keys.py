# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""jetson-keys in a folder of its own, as a person would run it."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
JETSON_KEYS = TOP / "keys/jetson-keys"
PASSPHRASE = "correct horse battery"
TIMEOUT_S = 300

sys.path.insert(0, str(TOP / "tests/tools"))


class Place:
    """One folder; a passphrase lies in the file `pw`."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.write("pw", PASSPHRASE + "\n", 0o600)
        self.before = None

    def __truediv__(self, name):
        return self.folder / name

    def write(self, name, text, mode=0o644):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        return path

    def popen(self, *words, program=(JETSON_KEYS,), umask=0o022, **env):
        """umask: what a careless person has; the program must not depend on it."""
        return subprocess.Popen(
            [str(word) for word in (*program, *words)], cwd=self.folder, umask=umask,
            env={"PATH": os.environ["PATH"], "HOME": str(self.folder), "TMPDIR": "/tmp", **env},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            start_new_session=True)

    def run(self, *words, **env):
        """Returns (exit code, standard output, standard error)."""
        process = self.popen(*words, **env)
        said, failed = process.communicate(timeout=TIMEOUT_S)
        return process.returncode, said, failed

    def do(self, *words, **env):
        """It must work; returns what it says."""
        code, said, failed = self.run(*words, **env)
        assert code == 0, (code, said, failed)
        return said

    def locked(self, *words):
        return self.do(*words, "--passphrase-file", "pw")

    def refuse(self, *words, code=1, **env):
        """It must fail and change nothing; returns its one sentence."""
        before = self.tree()
        ended, said, failed = self.run(*words, **env)
        assert ended == code, (ended, said, failed)
        assert self.tree() == before
        lines = failed.splitlines()
        assert len(lines) == 1 and lines[0].startswith("jetson-keys "), failed
        return lines[0]

    def tree(self):
        """Every name with its kind, mode and content."""
        def state(path):
            mode = path.lstat().st_mode
            return oct(mode), path.read_bytes() if stat.S_ISREG(mode) else b""
        return {path: state(path) for path in sorted(self.folder.rglob("*"))}

    def check(self, folder, *words):
        """What check --json finds: (exit code, {code: sentence})."""
        code, said, failed = self.run("check", folder, "--json", *words)
        assert said, failed
        report = json.loads(said)
        assert report["good"] == (code == 0)
        assert report["good"] != any(f["severity"] == "error" for f in report["findings"])
        return code, {f["code"]: f"{f['severity']}: {Path(f['file']).name}: {f['text']}"
                      for f in report["findings"]}

    def make_root(self, name="root", **options):
        self.locked("root", name, "--name", f"Example {name}", "--type", "p256", *pairs(options))

    def make_signer(self, root="root", name="sign", install=True, **options):
        """A whole year's turn: request here, certificate there, back again."""
        self.locked("request", name, "--name", f"Example {name}")
        self.locked("issue", root, f"{name}/cms.csr", "-o", f"{name}.pem", *pairs(options))
        if install:
            self.do("install", name, f"{name}.pem", "--anchors", f"{root}/ca.pem")


def pairs(options):
    return [word for name, value in options.items() for word in (f"--{name}", str(value))]


def openssl(*words, **options):
    done = subprocess.run(["openssl", *map(str, words)], capture_output=True, timeout=TIMEOUT_S,
                          **options)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def mode_of(path):
    return stat.S_IMODE(Path(path).stat().st_mode)
