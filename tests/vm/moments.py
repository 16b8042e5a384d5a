# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""The moments of an update at which the power is cut, and the phase that a cut has hit.

A cut begins from a state that was saved once: memory and devices of a machine that stands before the
phase, with its card, or only the card of a machine that is off.
"""

import shutil
import socket
import tempfile
import threading
import time
from pathlib import Path

from card import PARTITIONS
from machine import Machine, Unexpected, copy_card
from scenarios import FIRST, boot_line, expect, first_boot, install

# The host's loopback interface is 10.0.2.2 for the guest.
NETWORK = "ipv6=off"
START = "TMPDIR=/run/update swupdate -f /etc/swupdate.cfg {}"
# Not on trial, and chosen: what a flip in the wrong place would be.
PLANT = ("printf 'boot_slot=B\\nslotB_ok=1\\nslotA_ok=1\\nupgrade_available=0\\n' >/data/early;"
         " fw_setenv -s /data/early")
COMPLETE, SELECTED = "is complete and will be selected", "is selected: the next boot"
STREAMS = (r"Installing STREAM second-2\.0\.itb", r"Installing STREAM boot\.img",
           r"Installing STREAM rootfs-2\.0")
WRITTEN = r"written to slot B, read back and equal"
WRITE_MOMENTS = [(p, f"at '{w}'") for p, w in (
    (STREAMS[0], "bootloader begins"), (STREAMS[1], "kernel begins"), (STREAMS[2], "root begins"),
    (r"second-2\.0\.itb: \d+ bytes " + WRITTEN, "bootloader read back"),
    (r"boot\.img: \d+ bytes " + WRITTEN, "kernel read back"),
    (r"rootfs-2\.0\S*: \d+ bytes " + WRITTEN, "root read back"))]
TRIAL_MOMENTS = [(p, f"at '{w}'") for p, w in (
    (r"Loading Environment", "Loading Environment"), (r"Saving Environment", "Saving Environment"),
    (r"slot B: reading B_bootloader", "reading B_bootloader"),
    (r"slot B: starting the bootloader", "starting the bootloader"),
    (r"slot B: reading B_kernel", "reading B_kernel"),
    (r"slot B: booting with root B_APP", "booting"), (r"VM-INIT release=2\.0", "first process"))]
ROLLBACK_MOMENTS = [(p, f"at '{w}'") for p, w in (
    (r"Saving Environment", "Saving Environment, the count"), (r"Bootlimit \(3\) exceeded", "Bootlimit"),
    (r"falling back to slot A", "falling back"),
    (r"falling back[^\0]*Saving Environment", "Saving Environment, the fallback"),
    (r"fallback stored", "fallback stored"), (r"slot A: starting the bootloader", "starting A"),
    (r"VM-INIT release=1\.0", "first process of A"))]


class Start:
    """Machines in front of the phases, made once."""

    def __init__(self, build, seed):
        self.build, self.seed = build, seed
        self.folder = None
        # Of a whole boot into the phase, as long as it takes on this machine.
        self.boot_s = {}

    def __enter__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="start.", dir=self.build / "vm" / "run"))
        try:
            self.before_update()
            self.after_flip()
            self.after_crashes()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)

    def machine(self):
        return Machine(self.build, f"powercut-{self.seed}-start", network=NETWORK)

    def save(self, m, name):
        m.run("sync")
        m.save_state(self.folder / f"{name}.state", self.folder / f"{name}.img")
        m.kill()

    def resume(self, m, name):
        """Memory and card of then, or only the card."""
        state = self.folder / f"{name}.state"
        copy_card(self.folder / f"{name}.img", m.card)
        m.power_on(incoming=state if state.exists() else None)

    def before_update(self):
        with self.machine() as m:
            m.will_be_saved = True
            first_boot(m)
            m.run("mkdir -p -m 0700 /run/update")
            self.save(m, "before")

    def after_flip(self):
        with self.machine() as m:
            self.resume(m, "before")
            install(m, "good-2.0")
            m.run("sync")
            m.kill()
            copy_card(m.card, self.folder / "flipped.img")
            began = time.monotonic()
            m.will_be_saved = True
            m.power_on()
            expect("first boot of the trial", ("2.0", "B", "2.0"), boot_line(m))
            self.boot_s["trial"] = time.monotonic() - began
            # The other one reads A's kernel twice.
            self.boot_s["rollback"] = 1.3 * self.boot_s["trial"]
            self.save(m, "on-trial")

    def after_crashes(self):
        """Off after the third crash: the next boot is one too many."""
        with self.machine() as m:
            self.resume(m, "before")
            install(m, "crash-3.0")
            m.reboot()
            for boot in (1, 2, 3):
                m.wait_for(r"mode=crash slot=B")
                if boot < 3:
                    m.wait_for(FIRST)
            m.kill()
            copy_card(m.card, self.folder / "crashed.img")


class Server:
    """An HTTP server for one download that sends the first bytes of a package and then no more."""

    def __init__(self, package, count):
        self.package, self.count = package, count
        self.sent = threading.Event()
        self.over = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        try:
            client, _ = self.listener.accept()
        except OSError:
            return
        with client, open(self.package, "rb") as file:
            request = b""
            while b"\r\n\r\n" not in request and (data := client.recv(4096)):
                request += data
            client.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n"
                           b"Content-Length: %d\r\n\r\n" % self.package.stat().st_size)
            client.sendall(file.read(self.count))
            self.sent.set()
            self.over.wait()

    def close(self):
        self.over.set()
        self.listener.close()


def pause(m, seconds, until=None):
    """Let the machine run; its console is read, or it would stand still. Ends early once `until` is there."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not (until and until in m.text):
        if not m.read_some(min(0.02, deadline - time.monotonic())):
            raise Unexpected("the machine went off before the cut")


def at_moment(m, moments, number, chance, spread):
    """A chosen moment: where the console shows that it has come, and a blink more."""
    pattern, words = moments[number % len(moments)]
    m.wait_for(pattern)
    pause(m, chance.uniform(0, spread))
    return words


def first_image_offset(package):
    """Where the first image begins, behind description and signature."""
    head = package.read_bytes()[:1 << 20]
    return head.index(b"second-2.0.itb\0", head.index(b"sw-description.sig\0"))


def download(m, chance, number):
    """So many bytes of the package have come over the network, and then the power goes."""
    package = m.build / "vm" / "guest" / "packages" / "good-2.0.swu"
    image = first_image_offset(package)
    chosen = [1, 110, 600, image // 2, image - 120, image + 16]
    count = chosen[number // 2 % len(chosen)] if number % 2 == 0 else chance.randrange(1, image + 200)
    server = Server(package, count)
    try:
        m.type(START.format(f"-d '-u http://10.0.2.2:{server.port}/good-2.0.swu'"))
        deadline = time.monotonic() + 600
        while not server.sent.is_set():
            if time.monotonic() > deadline:
                raise Unexpected("swupdate does not download")
            pause(m, 0.05)
        pause(m, chance.uniform(0, 1.5))
    finally:
        server.close()
    return f"{count} bytes downloaded"


def write(m, chance, number, plant):
    m.type(START.format("-i /run/media/good-2.0.swu") + " &")
    if plant:
        m.wait_for(STREAMS[2])
        m.run(PLANT)
        pause(m, chance.uniform(0, 1))
        return "flip planted"
    if number % 2 == 0:
        return at_moment(m, WRITE_MOMENTS, number // 2, chance, 0.3)
    m.wait_for(STREAMS[0])
    seconds = chance.uniform(0, 12)
    pause(m, seconds, until=SELECTED.encode())
    return f"{seconds:.3f} s after the first stream"


def flip(m, chance, number):
    m.type(START.format("-i /run/media/good-2.0.swu") + " &")
    m.wait_for(COMPLETE)
    seconds = (number // 2 % 12) * 0.01 if number % 2 == 0 else chance.uniform(0, 0.15)
    pause(m, seconds, until=SELECTED.encode())
    return f"{seconds:.3f} s after 'is complete'"


def boot(m, chance, number, moments, length_s):
    if number % 2 == 0:
        return at_moment(m, moments, number // 2, chance, 0.05)
    seconds = chance.uniform(0, length_s)
    pause(m, seconds, until=b"VM-UP")
    return f"{seconds:.3f} s after the power came"


def confirm(m, chance, number):
    m.type("jetson-slot mark-success && echo CONF''IRMED")
    seconds = (number // 2 % 10) * 0.04 if number % 2 == 0 else chance.uniform(0, 0.45)
    pause(m, seconds, until=b"\nCONFIRMED")
    return f"{seconds:.3f} s after the command"


def reach(m, phase, start, chance, number, plant):
    """Bring the machine into the phase and to the moment: what the phase is taken for, and the moment."""
    m.seen = len(m.text)
    number //= 6
    if phase in ("download", "write", "flip"):
        start.resume(m, "before")
        if phase == "download":
            return phase, download(m, chance, number)
        return phase, write(m, chance, number, plant) if phase == "write" else flip(m, chance, number)
    start.resume(m, {"trial": "flipped", "confirm": "on-trial", "rollback": "crashed"}[phase])
    if phase == "confirm":
        return phase, confirm(m, chance, number)
    moments = TRIAL_MOMENTS if phase == "trial" else ROLLBACK_MOMENTS
    return phase, boot(m, chance, number, moments, start.boot_s[phase])


def touched(card, before):
    """Does anything in slot B differ from the card before the update?"""
    with open(card, "rb") as new, open(before, "rb") as old:
        for label, (offset, size) in PARTITIONS.items():
            if label.startswith("B_"):
                new.seek(offset)
                old.seek(offset)
                if new.read(size) != old.read(size):
                    return True
    return False


def phase_hit(m, phase, start):
    """What console and card say, now that the power is off. Once 'selected' was said the new slot is on
    trial; what was written tells a write from a download."""
    if phase == "confirm":
        return "too late" if b"\nCONFIRMED" in m.text.replace(b"\r", b"") else phase
    if phase in ("trial", "rollback"):
        return "too late" if b"VM-UP" in m.text else phase
    if SELECTED.encode() in m.text:
        return "trial"
    if COMPLETE.encode() in m.text:
        return "flip"
    return "write" if touched(m.card, start.folder / "before.img") else "download"
