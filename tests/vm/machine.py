# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""One virtual Jetson: QEMU, its card, its console.

The console is a socket; everything that it prints is kept in a log, with the second in front of each
line. Commands are typed into the root shell of the guest.
"""

import fcntl
import re
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
# A machine on two busy cores is slow; nothing waits for this long when all is well.
BOOT_S = 180
PANIC_LINE = re.compile(rb"Kernel panic - not syncing[^\r\n]*")


class Unexpected(Exception):
    """What was waited for did not come, or something else came."""


def sh(*argv, **options):
    """Run a program of the host; its output is part of the error when it fails."""
    done = subprocess.run(argv, capture_output=True, text=True, check=False, **options)
    if done.returncode != 0:
        raise Unexpected(f"{argv[0]} ended with {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


def copy_card(source, target):
    sh("cp", "--sparse=always", "--reflink=auto", str(source), str(target))


def hold_image(build):
    """Nobody builds the image anew while machines run from it; for as long as the result is kept."""
    for folder in ("logs", "run"):
        (build / "vm" / folder).mkdir(parents=True, exist_ok=True)
    lock = open(build / "vm" / ".lock", "a")
    fcntl.flock(lock, fcntl.LOCK_SH)
    return lock


class Machine:
    """A machine with a card of its own; use it as a context."""

    def __init__(self, build, name, *, card=None, network=None, extra=()):
        self.build = Path(build)
        self.folder = Path(tempfile.mkdtemp(prefix=f"{name}.", dir=self.build / "vm" / "run"))
        self.card = card or self.new_card()
        self.card_drive = ["-drive", f"if=none,id=card,file={self.card},format=raw"]
        self.network = network
        self.extra = list(extra)
        self.log_path = self.build / "vm" / "logs" / f"{name}.log"
        self.log = open(self.log_path, "ab")
        self.text = b""
        self.seen = 0
        self.started = time.monotonic()
        self.line_start = True
        self.qemu = None
        self.console = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def new_card(self):
        """A copy of the card as it leaves the factory. Raw: an overlay's own tables are in QEMU's memory
        until the guest flushes, which it never does on this card, and would be lost in a power cut."""
        card = self.folder / "card.img"
        copy_card(self.build / "vm" / "guest" / "disk.img", card)
        return card

    def power_on(self):
        path = self.folder / "console"
        path.unlink(missing_ok=True)
        # A runner that is ended leaves no machine behind.
        argv = ["setpriv", "--pdeathsig", "KILL", str(TOP / "tests" / "vm" / "machine.sh"),
                "-bios", str(self.build / "vm" / "uboot" / "first.bin"),
                "-chardev", f"socket,id=console,path={path},server=on,wait=on",
                "-serial", "chardev:console",
                *self.card_drive, "-device", "sdhci-pci", "-device", "sd-card,drive=card",
                "-drive", f"if=none,id=media,file={self.build}/vm/guest/media.img,format=raw,readonly=on",
                "-device", "virtio-blk-pci,drive=media,romfile=", "-device", "i6300esb", *self.extra]
        if self.network:
            argv += ["-netdev", f"user,id=net,restrict=on,{self.network}",
                     "-device", "virtio-net-pci,netdev=net,romfile="]
        self.note(f"power on: {' '.join(argv)}")
        errors = open(self.folder / "qemu", "wb")
        self.qemu = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=errors, stderr=errors)
        errors.close()
        self.console = socket.socket(socket.AF_UNIX)
        for _ in range(300):
            try:
                self.console.connect(str(path))
                return
            except (FileNotFoundError, ConnectionRefusedError):
                if self.qemu.poll() is not None:
                    break
                time.sleep(0.05)
        raise Unexpected(f"QEMU does not start: {(self.folder / 'qemu').read_text()}")

    def kill(self):
        """Power cut: no program in the guest, and not QEMU itself, can finish anything."""
        if self.qemu and self.qemu.poll() is None:
            self.qemu.kill()
        if self.qemu:
            self.qemu.wait()
            self.qemu = None
            self.note("power off")
        if self.console:
            self.console.close()
            self.console = None

    def note(self, text):
        self.keep(f"\n--- {text}\n".encode())

    def keep(self, data):
        """Into the log, with the time in front of each line."""
        out = b""
        for part in data.replace(b"\r", b"").splitlines(keepends=True):
            if self.line_start:
                out += f"[{time.monotonic() - self.started:7.2f}] ".encode()
            out += part
            self.line_start = part.endswith(b"\n")
        self.log.write(out)
        self.log.flush()

    def read_some(self, seconds):
        self.console.settimeout(max(seconds, 0.01))
        try:
            data = self.console.recv(65536)
        except (TimeoutError, socket.timeout):
            return True
        except ConnectionResetError:
            data = b""
        if not data:
            return False
        self.text += data
        self.keep(data)
        return True

    def wait_for(self, *patterns, seconds=BOOT_S):
        """The first match of one of the patterns in what was not looked at yet; reading goes on behind it."""
        expressions = [re.compile(p.encode()) for p in patterns]
        deadline = time.monotonic() + seconds
        alive = True
        while True:
            found = [m for m in (e.search(self.text, self.seen) for e in expressions) if m]
            if found:
                first = min(found, key=lambda m: m.start())
                self.seen = first.end()
                return first
            if not alive:
                raise Unexpected(f"the machine went off while waiting for {' or '.join(patterns)}")
            if time.monotonic() > deadline:
                raise Unexpected(f"{' or '.join(patterns)} did not come in {seconds} s; last lines: "
                                 + repr(self.text[-300:]))
            alive = self.read_some(min(1.0, deadline - time.monotonic()))

    def wait_up(self, seconds=BOOT_S):
        """User space is up: (slot, release)."""
        match = self.wait_for(r"VM-UP release=(\S+) slot=([AB])", seconds=seconds)
        return match.group(2).decode(), match.group(1).decode()

    def type(self, line):
        self.console.sendall(line.encode() + b"\n")

    def run(self, command, seconds=120, check=True):
        """Output of a shell command in the guest; a code other than 0 is an error unless check is off."""
        token = secrets.token_hex(4)
        # Written in two pieces, so that the echo of what is typed is not taken for the answer.
        self.type(f"echo B''EGIN-{token}; {command}; echo E''ND-{token}=$?")
        self.wait_for(f"BEGIN-{token}\r?\n", seconds=seconds)
        start = self.seen
        match = self.wait_for(rf"END-{token}=(\d+)", seconds=seconds)
        output = self.text[start:match.start()].decode(errors="replace").replace("\r", "")
        code = int(match.group(1))
        if check and code != 0:
            raise Unexpected(f"in the guest, '{command}' ended with {code}: {output[-500:]}")
        return output if check else (code, output)

    def reboot(self):
        self.type("sync; reboot -f")
        self.wait_for(r"U-Boot [^\r\n]*-first")

    def environment(self, *names):
        """Values of U-Boot variables, None for the absent ones."""
        lines = self.run("fw_printenv").splitlines()
        values = dict(line.split("=", 1) for line in lines if "=" in line)
        return [values.get(name) for name in names]
