# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""The way between a device and the server: it can be closed, lose a download half-way or hold one up, and
it knows in which order the device said what."""

import contextlib
import dataclasses
import re
import socket
import threading

PIECE_BYTES = 16384
LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
DOWNLOAD = re.compile(rb"^GET /\S+/softwaremodules/\d+/artifacts/\S+\.swu ")


@dataclasses.dataclass
class Request:
    head: str
    body: str = ""

    @property
    def line(self):
        return self.head.partition("\r\n")[0]


class _Reader:
    """Requests out of the bytes of one connection; what they mean to the server is its business."""

    def __init__(self, found):
        self.rest, self.found = b"", found

    def feed(self, data):
        self.rest += data
        while b"\r\n\r\n" in self.rest:
            head, _, rest = self.rest.partition(b"\r\n\r\n")
            match = LENGTH.search(head)
            size = int(match[1]) if match else 0
            if len(rest) < size:
                return
            self.found(Request(head.decode(errors="replace"), rest[:size].decode(errors="replace")))
            self.rest = rest[size:]


class Gate:
    """Listens on a loopback port of its own and hands on to `port`."""

    def __init__(self, port):
        self.upstream = ("127.0.0.1", port)
        self.requests, self.lock = [], threading.Lock()
        self.cut_after = None  # bytes of the next download's connection, then it breaks, once
        self.hold_after = None  # bytes of downloads, after which they wait for release()
        self.held, self._go_on = threading.Event(), threading.Event()
        self._links, self._closed = set(), False
        self.listener = None
        self.port = 0
        self.open()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def open(self):
        """The same port as before."""
        self._closed = False
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", self.port))
        self.port = self.listener.getsockname()[1]
        self.listener.listen(16)
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def shut(self):
        """Nobody listens any more, and what was connected is cut."""
        self._closed = True
        # A blocked accept() of another thread ends by shutdown, not by close.
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self._go_on.set()
        with self.lock:
            links = list(self._links)
        for link in links:
            with contextlib.suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)

    def hold_download(self, after_bytes):
        self.held.clear()
        self._go_on.clear()
        self.hold_after = after_bytes

    def release(self):
        self.hold_after = None
        self._go_on.set()

    def said(self, pattern):
        """Positions of the requests whose line and body match, oldest first."""
        with self.lock:
            return [n for n, request in enumerate(self.requests)
                    if re.search(pattern, f"{request.line}\n{request.body}", re.DOTALL)]

    def _accept(self, listener):
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(self.upstream)
            except OSError:
                client.close()
                continue
            with self.lock:
                self._links |= {client, server}
            connection = _Connection(self, client, server)
            for work in (connection.up, connection.down):
                threading.Thread(target=work, daemon=True).start()
            if self._closed:
                self.shut()

    def note(self, request):
        with self.lock:
            self.requests.append(request)


class _Connection:
    def __init__(self, gate, client, server):
        self.gate, self.client, self.server = gate, client, server
        self.downloading, self.passed_bytes = False, 0

    def _found(self, request):
        self.gate.note(request)
        self.downloading = bool(DOWNLOAD.match(request.head.encode()))
        self.passed_bytes = 0

    def up(self):
        reader = _Reader(self._found)
        with contextlib.suppress(OSError):
            while data := self.client.recv(PIECE_BYTES):
                # First noted, then sent: the answer cannot come before it.
                reader.feed(data)
                self.server.sendall(data)
        self._end()

    def down(self):
        with contextlib.suppress(OSError):
            while data := self.server.recv(PIECE_BYTES):
                if self.downloading and not self._passes(len(data)):
                    break
                self.client.sendall(data)
        self._end()

    def _passes(self, size):
        gate = self.gate
        self.passed_bytes += size
        if gate.cut_after is not None and self.passed_bytes > gate.cut_after:
            gate.cut_after = None
            return False
        if gate.hold_after is not None and self.passed_bytes > gate.hold_after:
            gate.held.set()
            gate._go_on.wait()
        return True

    def _end(self):
        for link in (self.client, self.server):
            with contextlib.suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)
            link.close()
        with self.gate.lock:
            self.gate._links -= {self.client, self.server}
