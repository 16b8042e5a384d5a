# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""swupdate with our handlers, once for one update or as a daemon. JOTA_HOST names which one:
Debian's unmodified binary with the plugin, unless it is one of `make hosts`."""

import contextlib
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("JOTA_BUILD", TOP / "build")).resolve()
HOST = os.environ.get("JOTA_HOST") or "debian-plugin"
IS_BUILTIN = HOST.startswith("builtin-")
HAS_LUA = HOST == "debian-plugin"
# Debian's build has delta updates, ours do without.
FORKS_DOWNLOADER = HOST == "debian-plugin"
SWUPDATE = BUILD / ("host/debian/usr/bin/swupdate" if HOST == "debian-plugin" else
                    f"hosts/{HOST}/swupdate")
PLUGIN = None if IS_BUILTIN else BUILD / "plugin/jetson-handlers.so"
LAUNCHER = BUILD / "bin/swupdate-jetson"
CLIENT = BUILD / "host/debian/usr/bin/swupdate-client"  # for every host: they speak one language
TIMEOUT_S = 300  # what hangs, hangs: nothing here is about speed, on whatever machine
# swupdate binds one of eleven names that all of one machine share. What it says when there is none left, before it does anything;
# it ends then, by exit or by a signal, as its threads happen to run.
NO_TURN = "Error binding notifier socket"
LOG_LINE = re.compile(r"\[[A-Z]+ *\] : (?:SWUPDATE [a-z]+ (?:\[\d+\]|[:!])|"
                      r"No SWUPDATE running :) +(?:ERROR : |\[\w+\] : )?(?P<text>.*)$")

# ipc_message of SWUpdate 2022.12 (include/network_ipc.h): magic, type, then a union as large as
# its largest member.
IPC_MAGIC = 0x14052001
IPC_BYTES = 3120
REQ_INSTALL, ACK, NACK, SET_UPDATE_STATE, GET_UPDATE_STATE = 0, 1, 2, 7, 8
REQUEST = struct.Struct("@IIiiN512s256s256s?7x")


class Run:
    """What one run said and how it ended."""

    def __init__(self, code, text):
        self.code = code
        self.text = text

    @property
    def sentences(self):
        """Lines of the log without what SWUpdate puts before them."""
        found = []
        for line in self.text.splitlines():
            # What SWUpdate prints without a line feed stands before the next line's head.
            match = LOG_LINE.search(line)
            found += [line[:match.start()].strip(), match["text"].strip()] if match else [line]
        return found

    def says(self, fragment):
        """The sentence that contains the fragment, None when there is none."""
        return next((line for line in self.sentences if fragment in line), None)


def environment(tmp, root=None, plugin=PLUGIN, **more):
    """Nothing of the caller's environment reaches swupdate."""
    env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(tmp), "TMPDIR": str(tmp),
           "LC_ALL": "C", "SWUPDATE": str(SWUPDATE), "JETSON_HANDLERS": str(plugin)}
    if root:
        env["JOTA_ROOT"] = str(root)
    return {**env, **{name: str(value) for name, value in more.items() if value is not None}}


@contextlib.contextmanager
def short_tmp():
    """Its sockets' paths must stay below 108 bytes, so not below a test's own folder."""
    path = Path(tempfile.mkdtemp(prefix="j", dir="/tmp"))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def kill_group(process):
    """The process and what it forked; it leads a group of its own."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def command(program, argv):
    """A swupdate that our handlers are compiled into needs of the launcher only the interface."""
    if program != LAUNCHER or not IS_BUILTIN:
        return [program, *argv]
    chosen = any(str(word).startswith(("-B", "--bootloader")) for word in argv)
    return [SWUPDATE, *([] if chosen else ["-B", "jetson"]), *argv]


def start(argv, env, log):
    """SIGPIPE is ignored, as systemd starts services: the launcher sees to that itself."""
    argv = command(argv[0], argv[1:])
    return subprocess.Popen([str(word) for word in argv], env=env, stdin=subprocess.DEVNULL,
                            stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
                            cwd=env["TMPDIR"], restore_signals=argv[0] == LAUNCHER)


def turns():
    """Try, and try again while others have all the names. Ends when somebody waited for too long."""
    until = time.monotonic() + TIMEOUT_S
    while time.monotonic() < until:
        yield
        time.sleep(0.2)
    raise AssertionError(f"eleven other swupdates ran on this machine for {TIMEOUT_S} s")


def run_once(argv, root=None, timeout_s=TIMEOUT_S, program=LAUNCHER, **more):
    """Run to the end: Run(code, text). A program that hangs is killed and has the code None."""
    for _ in turns():
        ran = run_now([program, *argv], root, timeout_s, more)
        if ran.code == 0 or NO_TURN not in ran.text:
            return ran


def run_now(argv, root, timeout_s, more):
    with short_tmp() as tmp, tempfile.TemporaryFile() as log:
        process = start(argv, environment(tmp, root, **more), log)
        try:
            code = process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            kill_group(process)
        log.seek(0)
        return Run(code, log.read().decode(errors="replace"))


def common_options(tmp, ca, config="", more_config=""):
    """Options that every run has; the file keeps /etc/swupdate.cfg out. config: for globals."""
    file = tmp / "swupdate.cfg"
    file.write_text(f"globals: {{ {config} }};\n{more_config}\n")
    options = ["-f", file, "-H", "jetson-demo:1.0", "-l", "3"]
    return options + ["-k", ca] if ca else options


class Daemon:
    """swupdate that waits for updates on its control socket."""

    def __init__(self, root, ca, options=(), config="", program=LAUNCHER, **more):
        self.tmp = Path(tempfile.mkdtemp(prefix="j", dir="/tmp"))
        self.log = open(self.tmp / "log", "w+b")
        self.env = environment(self.tmp, root, **more)
        self.socket = self.tmp / "sockinstctrl"
        self.process = None
        try:
            self._start([program, *common_options(self.tmp, ca, config), *options])
        except BaseException:
            self.close()
            raise

    def _start(self, argv):
        for _ in turns():
            before = len(self.read())
            self.process = start(argv, self.env, self.log)
            if self._is_up(before):
                return
            self.process.wait(TIMEOUT_S)
            self.socket.unlink(missing_ok=True)

    def _is_up(self, before):
        """False: others have all the names."""
        try:
            self.wait_for(self.socket.exists, "control socket")
            self._settle()
        except AssertionError:
            if NO_TURN not in self.read()[before:]:
                raise
            return False
        return True

    def _settle(self):
        """swupdate opens its socket before it forks its chunk downloader, which would inherit the
        connection of an early client: nobody could then tell that an update has ended."""
        if not FORKS_DOWNLOADER:
            return
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        self.wait_for(lambda: children.read_text().strip(), "forked chunk downloader")

    def wait_for(self, condition, what, timeout_s=TIMEOUT_S):
        until = time.monotonic() + timeout_s
        while not condition():
            if self.process.poll() is not None:
                raise AssertionError(f"swupdate ended ({self.process.returncode}) while waiting "
                                     f"for {what}:\n{self.read()}")
            if time.monotonic() > until:
                raise AssertionError(f"no {what} after {timeout_s} s:\n{self.read()}")
            time.sleep(0.01)

    def read(self):
        self.log.flush()
        return (self.tmp / "log").read_text(errors="replace")

    def connect(self):
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(TIMEOUT_S)
        until = time.monotonic() + TIMEOUT_S
        while True:
            try:
                connection.connect(str(self.socket))
                return connection
            except ConnectionRefusedError:  # bound, not listening yet
                if self.process.poll() is not None or time.monotonic() > until:
                    raise AssertionError(f"nobody listens, swupdate's exit code: "
                                         f"{self.process.poll()}:\n{self.read()}") from None
                time.sleep(0.01)

    def ask(self, kind, data=b""):
        """Send one message; returns (ACK or NACK, data of the answer)."""
        with self.connect() as connection:
            message = struct.pack("@ii", IPC_MAGIC, kind) + data
            connection.sendall(message.ljust(IPC_BYTES, b"\0"))
            return receive(connection)

    def set_state(self, digit):
        """What any local user who reaches the socket can do."""
        return self.ask(SET_UPDATE_STATE, digit.encode())[0]

    def get_state(self):
        kind, data = self.ask(GET_UPDATE_STATE)
        return chr(data[0]) if kind == ACK else None

    def begin(self):
        """Ask for an installation; what is sent on the connection then is the .swu."""
        connection = self.connect()
        request = REQUEST.pack(1, 0, 0, 0, 0, b"", b"", b"", False)
        connection.sendall((struct.pack("@ii", IPC_MAGIC, REQ_INSTALL) + request)
                           .ljust(IPC_BYTES, b"\0"))
        kind, _ = receive(connection)
        if kind != ACK:
            connection.close()
            raise AssertionError("swupdate refused to take an update")
        return connection

    def install(self, swu):
        """One whole update; Run(0 or 1, what was said about it)."""
        before = len(self.read())
        connection = self.begin()
        with connection:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.sendall(Path(swu).read_bytes())
                connection.shutdown(socket.SHUT_WR)
            return self.ended(before)

    def client(self, *words):
        """SWUpdate's own client: what it says, and its exit code (None: it hung)."""
        with tempfile.TemporaryFile() as log:
            process = subprocess.Popen([CLIENT, *map(str, words)], env=self.env, stdout=log,
                                       stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                       start_new_session=True)
            try:
                code = process.wait(TIMEOUT_S)
            except subprocess.TimeoutExpired:
                code = None
            finally:
                kill_group(process)
            log.seek(0)
            return Run(code, log.read().decode(errors="replace"))

    def ended(self, before=0):
        """Wait for the end of the update that runs."""
        self.wait_for(lambda: "Waiting for requests..." in self.read()[before:],
                      "end of the update")
        # It says so a moment before it waits: a request in between would be lost.
        time.sleep(0.05)
        text = self.read()[before:]
        return Run(0 if "SWUPDATE successful !" in text else 1, text)

    def ran(self):
        """What was said so far; 0 stands for a daemon that goes on."""
        return Run(0, self.read())

    def close(self):
        if self.process:
            kill_group(self.process)
        self.log.close()
        shutil.rmtree(self.tmp, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def receive(connection):
    data = b""
    while len(data) < IPC_BYTES:
        piece = connection.recv(IPC_BYTES - len(data))
        if not piece:
            raise AssertionError(f"swupdate answered with {len(data)} of {IPC_BYTES} bytes")
        data += piece
    magic, kind = struct.unpack_from("@ii", data)
    assert magic == IPC_MAGIC
    return kind, data[8:]
