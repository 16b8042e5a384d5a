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
READY_TIMEOUT_S = 240
STOP_TIMEOUT_S = 20
USER = "admin"
TENANT = "DEFAULT"


class NoServer(Exception):
    """The server does not run; the text says why."""


class NoJar(NoServer):
    """It cannot even be started: it is not on this machine."""


def find_jar():
    """What deps/hawkbit.sh left, or HAWKBIT_JAR."""
    chosen = os.environ.get("HAWKBIT_JAR")
    if chosen:
        if not Path(chosen).is_file():
            raise NoJar(f"HAWKBIT_JAR names '{chosen}', which is no file")
        return Path(chosen)
    found = sorted((BUILD / "hawkbit").glob("hawkbit-update-server-*.jar"))
    if not found:
        raise NoJar("hawkBit is not there; run 'make hawkbit-deps', which says why, or set "
                    "HAWKBIT_JAR to an update server's jar")
    return found[-1]


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

    def __init__(self, folder=None, jar=None, options=()):
        self.jar = Path(jar) if jar else find_jar()
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
            "spring.datasource.url": f"jdbc:h2:file:{self.folder}/database;MODE=LEGACY",
            "org.eclipse.hawkbit.artifact.fs.path": self.folder / "artifacts",
            "org.eclipse.hawkbit.repository.file.path": self.folder / "artifacts",
            "hawkbit.security.user.admin.password": "{noop}" + self.password,
            "hawkbit.server.ddi.security.authentication.gatewaytoken.enabled": "true",
            "hawkbit.server.ddi.security.authentication.gatewaytoken.key": self.gateway_token,
            "hawkbit.server.ddi.security.authentication.targettoken.enabled": "true",
            # One address stands for all devices of a test.
            "hawkbit.server.security.dos.filter.enabled": "false",
            "hawkbit.controller.minPollingTime": "00:00:01",
            "hawkbit.controller.pollingTime": "00:00:02",
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
        argv = ["java", "-Xmx768m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-jar", self.jar,
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

    def cancel(self, target, action):
        return self.rest("DELETE", f"targets/{target}/actions/{action}")

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
            print(f"hawkBit ({server.jar.name}) is ready after {server.seconds:.0f} s, process "
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
