# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""One virtual Jetson: QEMU, its card, its console.

The console is a socket; everything that it prints is kept in a log, with the second in front of each
line. Commands are typed into the root shell of the guest.
"""

import fcntl
import json
import re
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
# A machine on two busy cores is slow, and nothing waits for this long when all is well.
BOOT_S = 900
FIRST_SIGN_S = 180
# Configuration of the first PCI device, which is the card's controller: its address, then its command.
CONTROLLER = 0x4010000000 + (1 << 15)
RESTORED = (0x10, 0x14, 0x3C, 0x04)
PANIC_LINE = re.compile(rb"Kernel panic - not syncing[^\r\n]*")


class Unexpected(Exception):
    """What was waited for did not come, or something else came."""


class Missing(Exception):
    """What a scenario needs cannot be had here."""


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


def keep_result(build, name, text):
    """For `make vm-table`, and for the terminal."""
    folder = build / "vm" / "results"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.txt").write_text(text + "\n")
    print(f"\n{text}", flush=True)


class Machine:
    """A machine with a card of its own; use it as a context. guest: a folder of build/vm/ with disk.img
    and media.img. network: options of QEMU's user network; without, the machine has no network card."""

    def __init__(self, build, name, *, card=None, network=None, extra=(), guest="guest"):
        self.build = Path(build)
        self.guest = self.build / "vm" / guest
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
        self.monitor = None
        self.bus = None
        self.incoming = None
        # Set it before power_on() of a machine that save_state() is meant for.
        self.will_be_saved = False

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
        copy_card(self.guest / "disk.img", card)
        return card

    def argv(self, console, monitor, bus):
        """Descriptors of connected sockets: the path of a socket may have few characters only."""
        argv = ["-bios", str(self.build / "vm" / "uboot" / "first.bin"),
                "-chardev", f"socket,id=console,fd={console}", "-serial", "chardev:console",
                "-chardev", f"socket,id=monitor,fd={monitor}",
                "-mon", "chardev=monitor,mode=control",
                *self.card_drive, "-device", "sdhci-pci", "-device", "sd-card,drive=card",
                "-drive", f"if=none,id=media,file={self.guest}/media.img,format=raw,readonly=on",
                "-device", "virtio-blk-pci,drive=media,romfile=", "-device", "i6300esb", *self.extra]
        if self.will_be_saved or self.incoming:
            argv += ["-chardev", f"socket,id=qtest,fd={bus}", "-qtest", "chardev:qtest", "-qtest-log", "none"]
        if self.network:
            argv += ["-netdev", f"user,id=net,{self.network}",
                     "-device", "virtio-net-pci,netdev=net,romfile="]
        return argv

    def power_on(self, incoming=None):
        """incoming: a file that save_state() wrote; the machine goes on from there. Once in a thousand starts
        QEMU 7.2 locks itself up before the first instruction; then it is started again. Nothing that an
        update writes can bring that about: the first stage prints a line before it looks at the card."""
        for _ in range(3):
            if self.start_qemu(incoming) and (incoming or self.shows_life()):
                return
            self.note("QEMU does not run at all, it is started again")
            self.kill()
        raise Unexpected(f"three times no sign of life from QEMU within {FIRST_SIGN_S} s")

    def shows_life(self):
        start, deadline = len(self.text), time.monotonic() + FIRST_SIGN_S
        while len(self.text) == start and time.monotonic() < deadline:
            if not self.read_some(1):
                return True  # it has ended, which is for others to judge
        return len(self.text) > start

    def start_qemu(self, incoming):
        """False when it does not even answer its monitor."""
        self.console, console = socket.socketpair()
        self.monitor, monitor = socket.socketpair()
        self.bus, bus = socket.socketpair()
        self.incoming = incoming
        argv = self.argv(console.fileno(), monitor.fileno(), bus.fileno())
        if incoming:
            argv += ["-incoming", f"exec:cat '{incoming}'"]
        self.note(f"power on: {' '.join(argv)}")
        errors = self.folder / "qemu"
        # A runner that is ended leaves no machine behind.
        with open(errors, "wb") as out, console, monitor, bus:
            self.qemu = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", str(TOP / "tests" / "vm" / "machine.sh"), *argv],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                pass_fds=(console.fileno(), monitor.fileno(), bus.fileno()))
        self.answers = self.monitor.makefile("rb")
        try:
            self.monitor.settimeout(FIRST_SIGN_S)
            self.answer()
            self.command("qmp_capabilities")
            self.monitor.settimeout(BOOT_S)
            if incoming:
                self.wait_migrated("inmigrate")
                self.restore_controller(json.loads(self.registers(incoming).read_text()))
                self.command("cont")
            return True
        except TimeoutError:
            return False
        except (OSError, ValueError) as why:
            raise Unexpected(f"QEMU does not start: {errors.read_text()}") from why

    def answer(self):
        """The next message of QEMU's monitor that is no event."""
        while True:
            message = json.loads(self.answers.readline())
            if "error" in message:
                raise Unexpected(f"QEMU says {message['error']}")
            if "event" not in message:
                return message.get("return")

    def command(self, name, **arguments):
        self.monitor.sendall(json.dumps({"execute": name, "arguments": arguments}).encode())
        return self.answer()

    def wait_migrated(self, doing):
        """Until memory and devices are in the file, or taken from it."""
        deadline = time.monotonic() + BOOT_S
        while time.monotonic() < deadline:
            state = self.command("query-migrate").get("status", "none")
            if state == "failed":
                break
            if state == "completed" and doing == "save":
                return
            if doing == "inmigrate" and self.command("query-status")["status"] != doing:
                return
            time.sleep(0.02)
        raise Unexpected(f"the machine's state: {self.command('query-migrate')}")

    def save_state(self, state, card):
        """Memory and devices into one file, the card into another. The machine stands still afterwards."""
        self.command("stop")
        self.command("migrate-set-parameters", **{"max-bandwidth": 1 << 33})
        self.command("migrate", uri=f"exec:cat >'{state}'")
        self.wait_migrated("save")
        self.registers(state).write_text(json.dumps(
            {where: int(self.on_bus(f"readl {CONTROLLER + where:#x}"), 16) for where in RESTORED}))
        copy_card(self.card, card)

    @staticmethod
    def registers(state):
        return Path(f"{state}.registers")

    def on_bus(self, words):
        """Read or write as a processor would, whether the machine runs or not."""
        self.bus.settimeout(BOOT_S)
        self.bus.sendall(words.encode() + b"\n")
        answer = b""
        while not answer.endswith(b"\n"):
            answer += self.bus.recv(4096)
        if not answer.startswith(b"OK"):
            raise Unexpected(f"'{words}' on the bus: {answer!r}")
        return answer.decode()[2:].strip()

    def restore_controller(self, saved):
        """QEMU 7.2 does not save the PCI registers of the card's controller."""
        for where in RESTORED:
            self.on_bus(f"writel {CONTROLLER + where:#x} {saved[str(where)]:#x}")

    def kill(self):
        """Power cut: no program in the guest, and not QEMU itself, can finish anything."""
        if self.qemu and self.qemu.poll() is None:
            self.qemu.kill()
        if self.qemu:
            self.qemu.wait()
            self.qemu = None
            self.note("power off")
        for end in (self.console, self.monitor, self.bus):
            if end:
                end.close()
        self.console = self.monitor = self.bus = None

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

    def run(self, command, seconds=BOOT_S, check=True):
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
