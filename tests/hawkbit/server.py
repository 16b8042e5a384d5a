#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""A real hawkBit update server of one's own: on the loopback interface, a free port, a database in a
folder. `make hawkbit-server` runs it in the foreground; tests use HawkBit as a context manager."""

import argparse
import base64
import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("JOTA_BUILD", TOP / "build")).resolve()
# A machine with two busy processors takes minutes; waiting costs nothing when it is there.
READY_TIMEOUT_S = 300
STOP_TIMEOUT_S = 20
USER = "admin"
TENANT = "DEFAULT"


class NoServer(Exception):
    """The server does not run; the text says why."""


class NoJar(NoServer):
    """It cannot even be started: it is not on this machine."""


class Program:
    """What runs: HAWKBIT_JAR, an update server as hawkBit builds it, or what deps/hawkbit.sh left."""

    def __init__(self):
        chosen = os.environ.get("HAWKBIT_JAR")
        self.jar = Path(chosen) if chosen else None
        self.parts = [BUILD / "hawkbit" / name for name in ("classes", "lib")]
        if self.jar and not self.jar.is_file():
            raise NoJar(f"HAWKBIT_JAR names '{chosen}', which is no file")
        if not self.jar and not all(part.is_dir() for part in self.parts):
            raise NoJar("hawkBit is not there; run 'make hawkbit-deps', which says why, or set "
                        "HAWKBIT_JAR to an update server's jar")
        if not shutil.which("java"):
            raise NoJar("java is missing: run 'deps/install.sh hawkbit'")

    @property
    def name(self):
        if self.jar:
            return self.jar.stem
        return "hawkBit " + next((self.parts[1]).glob("hawkbit-core-*.jar")).stem[13:]

    def words(self):
        if self.jar:
            return ["-jar", self.jar]
        classes, libraries = self.parts
        return ["-cp", f"{classes}:{libraries}/*", "Start"]

    def settings(self, folder, password):
        """What the two have different names for."""
        url = f"jdbc:h2:file:{folder}/database"
        if self.jar:
            return {
                "spring.datasource.url": f"{url};MODE=LEGACY",
                "org.eclipse.hawkbit.artifact.fs.path": folder / "artifacts",
                "hawkbit.security.user.admin.password": "{noop}" + password,
            }
        return {
            "spring.datasource.url": f"{url};MODE=MySQL;DB_CLOSE_ON_EXIT=FALSE",
            "spring.main.allow-bean-definition-overriding": "true",
            "spring.security.user.name": USER,
            "spring.security.user.password": "{noop}" + password,
        }


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class RestError(Exception):
    def __init__(self, status, text):
        self.status, self.text = status, text
        super().__init__(f"{status}: {text}")


class HawkBit:
    """start() and stop() may be called again: the database stays in the folder until close()."""

    def __init__(self, folder=None, options=()):
        self.program = Program()
        self._own = None if folder else tempfile.TemporaryDirectory(prefix="jota-hawkbit-")
        self.folder = Path(folder or self._own.name)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.password, self.gateway_token = secrets.token_urlsafe(18), secrets.token_urlsafe(18)
        self.options, self.process, self.seconds = list(options), None, 0.0

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self):
        return self.folder / "server.log"

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.close()

    def _settings(self):
        """Secrets go into a file: everybody can read arguments."""
        return {
            "server.address": "127.0.0.1",
            "server.port": self.port,
            **self.program.settings(self.folder, self.password),
            "org.eclipse.hawkbit.repository.file.path": self.folder / "artifacts",
            "hawkbit.server.ddi.security.authentication.gatewaytoken.enabled": "true",
            "hawkbit.server.ddi.security.authentication.gatewaytoken.key": self.gateway_token,
            "hawkbit.server.ddi.security.authentication.targettoken.enabled": "true",
            # One address stands for all devices of a test.
            "hawkbit.server.security.dos.filter.enabled": "false",
            "hawkbit.controller.minPollingTime": "00:00:01",
            "hawkbit.controller.pollingTime": "00:00:02",
            "hawkbit.rollout.scheduler.fixedDelay": "1000",
            # No message broker, neither by the name of this release nor by that of the next ones.
            "hawkbit.dmf.rabbitmq.enabled": "false",
            "hawkbit.dmf.enabled": "false",
            "spring.autoconfigure.exclude":
                "org.springframework.boot.autoconfigure.amqp.RabbitAutoConfiguration",
            "server.tomcat.basedir": self.folder / "tomcat",
            "spring.servlet.multipart.location": self.folder,
        }

    def start(self):
        settings = self.folder / "application.properties"
        settings.touch(mode=0o600)
        settings.write_text("".join(f"{k}={v}\n" for k, v in self._settings().items()))
        # One compiler level and one collector: a test's server lives for minutes.
        argv = ["java", "-Xmx512m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC",
                f"-Djava.io.tmpdir={self.folder}", *self.program.words(),
                f"--spring.config.additional-location=file:{settings}", *self.options]
        env = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "TMPDIR": str(self.folder)}
        started = time.monotonic()
        # In our process group: whoever kills that must not leave a server behind.
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([str(word) for word in argv], cwd=self.folder, env=env,
                                            stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=subprocess.STDOUT)
        try:
            self._wait_until_ready(started + READY_TIMEOUT_S)
        except BaseException:
            self.stop()
            raise
        self.seconds = time.monotonic() - started

    def _wait_until_ready(self, until):
        while True:
            if self.process.poll() is not None:
                raise NoServer(f"hawkBit ended with {self.process.returncode}:\n{self.tail()}")
            with contextlib.suppress(OSError, RestError):
                self.get("softwaremoduletypes")
                return
            if time.monotonic() > until:
                raise NoServer(f"hawkBit is not ready after {READY_TIMEOUT_S} s:\n{self.tail()}")
            time.sleep(0.25)

    def tail(self, lines=15):
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def stop(self):
        """Asks it to end, then kills it; by its own process id."""
        if not self.process:
            return
        self.process.terminate()
        try:
            self.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def hand_over(self, path):
        """What another process needs to use this server: join() takes it."""
        path.touch(mode=0o600)
        path.write_text(json.dumps({"port": self.port, "password": self.password,
                                    "gateway_token": self.gateway_token}))

    @classmethod
    def join(cls, path):
        """A server that another process started and will stop."""
        server = cls.__new__(cls)
        server.process = server._own = None
        for name, value in json.loads(path.read_text()).items():
            setattr(server, name, value)
        return server

    def close(self):
        self.stop()
        if self._own:
            self._own.cleanup()

    # The management interface

    def rest(self, method, path, body=None, **query):
        """JSON of the answer, None for an empty one; RestError for a refusal."""
        data = None if body is None else json.dumps(body).encode()
        return self._ask(method, path, data, "application/json", query)

    def _ask(self, method, path, data, kind, query):
        url = f"{self.url}/rest/v1/{path}" + ("?" + urllib.parse.urlencode(query) if query else "")
        request = urllib.request.Request(url, data, method=method)
        secret = base64.b64encode(f"{USER}:{self.password}".encode()).decode()
        request.add_header("Authorization", f"Basic {secret}")
        request.add_header("Accept", "application/json")
        if data is not None:
            request.add_header("Content-Type", kind)
        # No proxy stands between us and ourselves.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=60) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            raise RestError(error.code, error.read().decode(errors="replace")) from None
        return json.loads(text) if text else None

    def get(self, path, **query):
        return self.rest("GET", path, **query)

    def post(self, path, body=None):
        return self.rest("POST", path, body)

    def all(self, path, **query):
        return self.get(path, limit=500, **query)["content"]

    def upload(self, module, path):
        """As somebody with a browser would, without a look at the file."""
        edge = secrets.token_hex(16)
        head = (f'--{edge}\r\nContent-Disposition: form-data; name="file"; '
                f'filename="{path.name}"\r\nContent-Type: application/octet-stream\r\n\r\n')
        data = head.encode() + path.read_bytes() + f"\r\n--{edge}--\r\n".encode()
        return self._ask("POST", f"softwaremodules/{module}/artifacts", data,
                         f"multipart/form-data; boundary={edge}", {"filename": path.name})

    def add_target(self, name):
        return self.post("targets", [{"controllerId": name, "name": name}])[0]

    def attributes(self, target):
        return self.get(f"targets/{target}/attributes") or {}

    def actions(self, target):
        """Newest first."""
        return self.all(f"targets/{target}/actions", sort="id:DESC")

    def status(self, target, action):
        """What the device said, oldest first: [(type, [messages])]."""
        found = self.all(f"targets/{target}/actions/{action}/status", sort="id:ASC")
        return [(one["type"], one.get("messages", [])) for one in found]

    def outcome(self, target, action):
        """How an action ended: "finished", "error", "canceled"; "" while it is open."""
        ended = [kind for kind, _ in self.status(target, action)
                 if kind in ("finished", "error", "canceled")]
        return ended[-1] if ended else ""

    def set_of(self, target, which):
        """Version of its "installed" or "assigned" distribution set, None when it has none."""
        found = self.get(f"targets/{target}/{which}DS")
        return found["version"] if found else None

    def cancel(self, target, action, force=False):
        """force: do not wait for the device's word; only after a cancel without it."""
        query = {"force": "true"} if force else {}
        return self.rest("DELETE", f"targets/{target}/actions/{action}", **query)

    def wait_for(self, what, condition, timeout_s=60):
        """condition() until it is true; its value."""
        until = time.monotonic() + timeout_s
        while not (value := condition()):
            if time.monotonic() > until:
                raise AssertionError(f"after {timeout_s} s the server still does not have {what}")
            time.sleep(0.2)
        return value


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, help="keep the database here (default: temporary)")
    args = parser.parse_args()
    # Ended like by Ctrl-C: the server must not stay behind.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with HawkBit(args.folder) as server:
            secret = server.folder / "password"
            secret.touch(mode=0o600)
            secret.write_text(server.password + "\n")
            print(f"{server.program.name} is ready after {server.seconds:.0f} s, process "
                  f"{server.process.pid}; Ctrl-C ends it\n"
                  f"  address         {server.url}\n  user            {USER}\n"
                  f"  password file   {secret}\n  gateway token   {server.gateway_token}\n"
                  f"  log             {server.log}", flush=True)
            server.process.wait()
            sys.exit(f"hawkBit ended with {server.process.returncode}:\n{server.tail()}")
    except NoServer as error:
        sys.exit(f"server.py: {error}")
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
