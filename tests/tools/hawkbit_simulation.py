# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""A SIMULATION of the part of hawkBit's management interface that publishing uses, which can be told
to misbehave. That the real server answers like this is shown by `make check-hawkbit`."""

import base64
import contextlib
import hashlib
import json
import re
import ssl
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

USER, PASSWORD = "publisher", "pass: word\\'\"$x"
REST = "/rest/v1/"
FILE_PART = re.compile(rb'name="file"; filename="(?P<name>[^"]*)".*?\r\n\r\n', re.DOTALL)


class Refusal(Exception):
    def __init__(self, status, message):
        self.status, self.message = status, message
        super().__init__(message)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.handle_one()

    def do_POST(self):
        self.handle_one()

    def handle_one(self):
        simulation = self.server.simulation
        path, _, query = self.path.partition("?")
        what = f"{self.command} {path.removeprefix(REST)}"
        with simulation.lock:
            simulation.requests.append(what)
            fault = simulation.next_fault(what)
        if fault and fault.get("before_body"):
            fault["act"](self)
            return
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if fault:
            if fault.get("do_it_first"):
                simulation.answer(self.command, path, query, body, self.headers)
            fault["act"](self)
            return
        try:
            with simulation.lock:
                status, value = simulation.answer(self.command, path, query, body, self.headers)
        except Refusal as refusal:
            status, value = refusal.status, {"message": refusal.message}
        self.send(status, json.dumps(value).encode() if value is not None else b"")

    def send(self, status, data, **headers):
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(data)

    def hang(self, seconds):
        self.server.simulation.stopped.wait(seconds)
        self.close_connection = True

    def cut(self):
        self.close_connection = True


class Simulation:
    """Context manager; `url` is where it listens."""

    def __init__(self, certificate=None, key=None):
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.simulation = self
        self.lock, self.stopped = threading.RLock(), threading.Event()
        self.modules, self.sets, self.rollouts, self.targets = [], [], [], {}
        self.requests, self.faults = [], []
        scheme = "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
            scheme = "https"
        self.url = f"{scheme}://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        self.server.shutdown()
        self.server.server_close()

    # Misbehaviour

    def fault(self, what, act, times=1, **options):
        """The next `times` requests that start with `what` are answered by act(handler)."""
        self.faults.append({"what": what, "act": act, "left": times, **options})

    def status(self, what, status, message=None, times=1, **options):
        text = json.dumps({"message": message} if message else {}).encode()
        self.fault(what, lambda handler: handler.send(status, text), times, **options)

    def says(self, what, data, times=1, **headers):
        self.fault(what, lambda handler: handler.send(200, data, **headers), times)

    def next_fault(self, what):
        for fault in self.faults:
            if what.startswith(fault["what"]) and fault["left"] > 0:
                fault["left"] -= 1
                return fault
        return None

    # The interface

    def answer(self, method, path, query, body, headers):
        known = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if headers.get("Authorization") != f"Basic {known}":
            raise Refusal(401, "Unauthorized")
        if not path.startswith(REST):
            raise Refusal(404, "Not Found")
        words = path.removeprefix(REST).split("/")
        options = dict(urllib.parse.parse_qsl(query))
        if words == ["softwaremodules"]:
            return self.things(method, self.modules, body, options, "artifacts")
        if words == ["distributionsets"]:
            return self.things(method, self.sets, body, options, "modules")
        if words == ["rollouts"]:
            return self.rollout(method, body, options)
        if words[0] == "softwaremodules" and words[2:] == ["artifacts"]:
            return self.artifacts(method, self.by_id(self.modules, words[1]), body, options)
        if words[0] == "distributionsets" and words[2:] == ["assignedSM"]:
            wanted = [one["id"] for one in self.by_id(self.sets, words[1])["modules"]]
            return 200, self.page([m for m in self.modules if m["id"] in wanted])
        if words[0] == "distributionsets" and words[2:] == ["assignedTargets"]:
            return self.assign(self.by_id(self.sets, words[1]), json.loads(body))
        if words[0] == "rollouts" and words[2:] == ["start"]:
            self.by_id(self.rollouts, words[1])["status"] = "running"
            return 200, None
        raise Refusal(404, "Not Found")

    @staticmethod
    def by_id(things, number):
        for one in things:
            if str(one["id"]) == number:
                return one
        raise Refusal(404, f"There is no {number}.")

    @staticmethod
    def page(things):
        return {"content": things, "total": len(things), "size": len(things)}

    @staticmethod
    def matching(things, options):
        """Like the real one it knows no case."""
        wanted = dict(re.findall(r'(\w+)=="([^"]*)"', options.get("q", "")))
        return [one for one in things
                if all(str(one[name]).lower() == value.lower() for name, value in wanted.items())]

    def things(self, method, things, body, options, part):
        if method == "GET":
            return 200, self.page(self.matching(things, options))
        made = []
        for one in json.loads(body):
            if any(all(other[k] == one[k] for k in ("name", "version", "type")) for other in things):
                raise Refusal(409, "The given entity already exists in database")
            made.append({part: [], **one, "id": len(things) + 11})
            things.append(made[-1])
        return 201, made

    def artifacts(self, method, module, body, options):
        if method == "GET":
            return 200, module["artifacts"]
        match = FILE_PART.search(body)
        data = body[match.end():body.rindex(b"\r\n--")]
        digest = hashlib.sha256(data).hexdigest()
        if options["sha256sum"] != digest:
            raise Refusal(400, "The given sha256 hash does not match")
        if any(one["providedFilename"] == options["filename"] for one in module["artifacts"]):
            raise Refusal(409, "File with that name already exists in the Software Module")
        module["artifacts"].append({"id": len(module["artifacts"]) + 31, "size": len(data),
                                    "providedFilename": options["filename"],
                                    "hashes": {"sha256": digest}})
        return 201, module["artifacts"][-1]

    def rollout(self, method, body, options):
        if method == "GET":
            found = self.matching(self.rollouts, options)
            for one in found:
                if one["status"] == "creating" and one["ready_at"] < time.monotonic():
                    one["status"] = "ready"
            return 200, self.page(found)
        self.rollouts.append({**json.loads(body), "id": len(self.rollouts) + 51,
                              "status": "creating", "ready_at": time.monotonic() + 0.5})
        return 201, self.rollouts[-1]

    def assign(self, chosen, wanted):
        known = [one["id"] for one in wanted if one["id"] in self.targets]
        new = [name for name in known if self.targets[name] != chosen["id"]]
        self.targets.update({name: chosen["id"] for name in new})
        return 200, {"assigned": len(new), "alreadyAssigned": len(known) - len(new),
                     "total": len(known)}
