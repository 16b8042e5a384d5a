# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""The device's side of a conversation with hawkBit: swupdate's own daemon for it, suricatta, with our
handlers, on a device of tests/device/."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
for folder in ("tests/integration", "tests/device", "tests/tools"):
    sys.path.insert(0, str(TOP / folder))

import host  # noqa: E402
from bench import Bench  # noqa: E402
from package import JETSON_SWU, Keys, Release  # noqa: E402
from server import USER  # noqa: E402

SURICATTA = """suricatta: {{
  tenant = "{tenant}"; id = "{name}"; url = "{url}"; gatewaytoken = "{token}";
  polldelay = 1; retry = 2; retrywait = 1;
}};
identify: ( {identify} );"""


def run_publish(server, ca, swu, *options, password=None):
    """jetson-swu publish, as a pipeline would call it; how it ended."""
    env = {"PATH": os.environ["PATH"], "HAWKBIT_URL": server.url, "HAWKBIT_USER": USER,
           "HAWKBIT_PASSWORD": password or server.password, "no_proxy": "*"}
    argv = [JETSON_SWU, "publish", "-k", ca, "--json", "--quiet", *options, swu]
    return subprocess.run([str(word) for word in argv], env=env, text=True, timeout=300,
                          capture_output=True, stdin=subprocess.DEVNULL, check=False)


def publish(server, ca, swu, *options):
    """What it says as JSON."""
    done = run_publish(server, ca, swu, *options)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


class Stock:
    """Keys and releases, as the integration tests have them."""

    def __init__(self, folder):
        self.keys = Keys(folder)
        self.old, self.new = Release.make(folder, "old"), Release.make(folder, "new")
        self.newer = Release.make(folder, "newer")

    def note(self, *_):
        """Only the integration tests fill docs/failures.md."""


class Device:
    """A bench, and the name that the server knows it by."""

    def __init__(self, folder, stock, server, name):
        self.bench = Bench(folder, stock)
        self.server, self.name = server, name

    def close(self):
        self.bench.device.remove()

    def suricatta(self, **identify):
        return Suricatta(self, identify)


class Suricatta:
    """swupdate -u until close(). Its configuration has the token, so it is a file of mode 0600."""

    def __init__(self, device, identify):
        self.tmp = Path(tempfile.mkdtemp(prefix="j", dir="/tmp"))
        names = ", ".join(f'{{ name = "{k}"; value = "{v}"; }}' for k, v in identify.items())
        text = SURICATTA.format(tenant="DEFAULT", name=device.name, url=device.server.url,
                                token=device.server.gateway_token, identify=names)
        options = host.common_options(self.tmp, device.bench.stock.keys.ca, "", text)
        (self.tmp / "swupdate.cfg").chmod(0o600)
        self.log = open(self.tmp / "log", "w+b")
        # SIGPIPE stays ignored, as systemd starts services: see fielded.py.
        self.process = subprocess.Popen(
            [str(word) for word in host.command(host.LAUNCHER, [*options, "-u", ""])], cwd=self.tmp,
            env=host.environment(self.tmp, device.bench.root, no_proxy="*"), stdout=self.log,
            stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True,
            restore_signals=False)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def read(self):
        self.log.flush()
        return (self.tmp / "log").read_text(errors="replace")

    def wait_for(self, pattern, timeout_s=90):
        """Until the log has it; what it matched."""
        until = time.monotonic() + timeout_s
        while not (match := re.search(pattern, self.read())):
            assert self.process.poll() is None, self.read()
            assert time.monotonic() < until, f"nobody says '{pattern}':\n{self.read()}"
            time.sleep(0.1)
        return match

    def close(self):
        host.kill_group(self.process)
        self.log.close()
        shutil.rmtree(self.tmp, ignore_errors=True)
