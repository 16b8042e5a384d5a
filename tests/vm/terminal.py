# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""What `make vm` promises, by its own script on a terminal: the steps of its first lines, in their order."""

import os
import pty
import select
import socket
import subprocess
import termios
import urllib.request

from machine import BOOT_S, TOP, Machine, Unexpected, sh
from scenarios import boot_line, expect, scenario
from web import free_port, wait_for_page

LEAVE = b"\x01x"  # Ctrl-A X


class Terminal:
    """The far end of a pseudo terminal, with a socket's methods."""

    def __init__(self, descriptor):
        self.descriptor = descriptor
        self.timeout_s = None

    def settimeout(self, seconds):
        self.timeout_s = seconds

    def recv(self, size):
        if not select.select([self.descriptor], [], [], self.timeout_s)[0]:
            raise socket.timeout
        try:
            return os.read(self.descriptor, size)
        except OSError:  # nobody has the near end any more
            return b""

    def sendall(self, data):
        os.write(self.descriptor, data)

    def close(self):
        os.close(self.descriptor)


class AtTheTerminal(Machine):
    """The machine as `make vm` starts it."""

    def power_on(self, incoming=None):
        self.web, self.ssh = free_port(), free_port()
        far, near = pty.openpty()
        flags = termios.tcgetattr(near)
        flags[1] &= ~termios.ONLCR  # the guest ends its lines itself
        termios.tcsetattr(near, termios.TCSANOW, flags)
        self.console = Terminal(far)
        self.qemu = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", str(TOP / "tests" / "vm" / "interactive.sh")],
            stdin=near, stdout=near, stderr=near, start_new_session=True,
            env={**os.environ, "JOTA_BUILD": str(self.build), "VM_CARD": str(self.card),
                 "VM_WEB_PORT": str(self.web), "VM_SSH_PORT": str(self.ssh)})
        os.close(near)

    def web_status(self):
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with direct.open(f"http://127.0.0.1:{self.web}/index.html", timeout=BOOT_S) as page:
            return page.status

    def by_ssh(self, command):
        return sh("ssh", "-p", str(self.ssh), "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
                  "-o", "LogLevel=ERROR", "-F", "none", "root@127.0.0.1", command, stdin=subprocess.DEVNULL)


@scenario("make vm: its own steps at a terminal, web page, SSH, an update, and the key that leaves it")
def terminal(build, name):
    with AtTheTerminal(build, name) as machine:
        machine.power_on()
        machine.wait_for("leave it +Ctrl-A X")
        machine.wait_for(f"http://127.0.0.1:{machine.web}/")
        expect("first boot", ("1.0", "A", "1.0"), boot_line(machine))
        expect("running slot, by SSH", "A", machine.by_ssh("jetson-slot get-slot").strip())
        wait_for_page(machine)
        expect("status of the web page", 200, machine.web_status())
        machine.run("update good-2.0")
        machine.run("jetson-slot info")
        machine.type("reboot -f")
        expect("trial", ("2.0", "B", "2.0"), boot_line(machine))
        machine.run("jetson-slot mark-success")
        machine.console.sendall(LEAVE)
        while machine.read_some(1):
            pass
        expect("exit status after Ctrl-A X", 0, machine.qemu.wait(BOOT_S))
        if b"QEMU: Terminated" not in machine.text[-200:]:
            raise Unexpected(f"the end of the terminal: {machine.text[-200:]!r}")
    return "web page and SSH answer, 2.0 confirmed in B, Ctrl-A X leaves"
