# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""jetson-health attributes: what a server is told, whatever the device's own records and the server say.

The server and swupdate's control socket are simulations that misbehave; `make hawkbit` has the real ones.
"""

import contextlib
import json
import os
import shutil
import socket
import string
import struct
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests/device"))

from device import Device  # noqa: E402
from uboot_env import SIZE_BYTES  # noqa: E402

BUILD = Path(os.environ.get("JOTA_BUILD", TOP / "build")).resolve()
JETSON_HEALTH = BUILD / "bin/jetson-health"
KIB, MIB = 1 << 10, 1 << 20
PARTITIONS_BYTES = {"bootloader": 256 * KIB, "kernel": MIB, "rootfs": MIB, "userdata": MIB}
WELL, UNWELL, USAGE, UNREADABLE, ROLLED_BACK = range(5)
STEADY = {"boot_slot": "A", "slotA_ok": "1", "slotB_ok": "1", "upgrade_available": "0",
          "bootcount": "0", "ustate": "0"}
TRIAL = {**STEADY, "boot_slot": "B", "upgrade_available": "1", "bootcount": "1",
         "update_target": "B", "ustate": "1", "jota_boot_id": "11111111-2222-3333-4444-555555555555"}
NAMES = {"jetson.slot", "jetson.last_result", "jetson.reason", "jetson.black_box"}
HARMLESS = set(string.printable[:95]) - set("\"'\\")
NASTY = 'a"b\\c\'d\x1b[31m\x7f{}$(reboot)äöü' + "x" * 500
TOKEN = "s3cret-token-of-the-device"
MESSAGE_BYTES = 3120


@pytest.fixture(name="device")
def fixture_device():
    folder = Path(tempfile.mkdtemp(prefix="jota-attr-"))
    made = Device.create(folder / "d", sizes=PARTITIONS_BYTES)
    (made.root / "data/swupdate-jetson").mkdir(parents=True)
    made.environment.change(**STEADY)
    yield made
    made.remove()
    shutil.rmtree(folder)


def run(device, *argv, code=WELL):
    env = {"PATH": os.environ["PATH"], "JOTA_ROOT": str(device.root), "no_proxy": "*"}
    done = subprocess.run([JETSON_HEALTH, "attributes", *argv], env=env, capture_output=True,
                          stdin=subprocess.DEVNULL, timeout=120, check=False)
    done.stdout, done.stderr = (data.decode(errors="replace") for data in (done.stdout, done.stderr))
    assert done.returncode == code, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
    assert TOKEN not in done.stdout + done.stderr
    for line in done.stderr.splitlines():
        assert line.startswith("jetson-health: ")
    return done


def attributes(device):
    return json.loads(run(device, "--json").stdout)


def roll_back(device, matches="jota.slot=A"):
    """Slot B is found unhealthy, then A runs."""
    device.write_text("etc/swupdate-jetson/health.conf",
                      'stability_s = 0; deadline_s = 60;\nchecks = ( { name = "app"; kind = "file"; '
                      f'path = "/proc/cmdline"; matches = "{matches}"; }} );\n')
    device.environment.change(**TRIAL)
    device.boot_into("B")
    env = {"PATH": os.environ["PATH"], "JOTA_ROOT": str(device.root)}
    done = subprocess.run([JETSON_HEALTH, "run", "--apply"], env=env, capture_output=True, text=True,
                          check=False, timeout=120)
    assert done.returncode == ROLLED_BACK, done.stdout + done.stderr
    device.boot_into("A")


def check_harmless(found):
    assert set(found) == NAMES
    for value in found.values():
        assert 1 <= len(value) <= 128 and set(value) <= HARMLESS


def test_a_new_device_has_no_last_result(device):
    assert attributes(device) == {"jetson.slot": "A", "jetson.last_result": "none",
                                  "jetson.reason": "-", "jetson.black_box": "-"}
    text = run(device).stdout.splitlines()
    assert [line.split() for line in text][0] == ["jetson.slot", "A"]


def test_an_update_on_trial_is_pending(device):
    device.environment.change(**TRIAL)
    device.boot_into("B")
    found = attributes(device)
    assert (found["jetson.slot"], found["jetson.last_result"]) == ("B", "pending")


def test_a_confirmed_update_is_a_success_also_after_it_was_reported(device):
    device.environment.change(**{**STEADY, "boot_slot": "B", "ustate": "2"})
    device.boot_into("B")
    assert attributes(device)["jetson.last_result"] == "success"
    device.environment.change(ustate="0")
    device.write_text("data/swupdate-jetson/history",
                      '{"time":1,"event":"rolled-back","slot":"B"}\n'
                      '{"time":2,"event":"confirmed","slot":"B"}\n')
    assert attributes(device)["jetson.last_result"] == "success"


def test_a_failed_update_has_its_reason_and_what_the_check_said(device):
    roll_back(device)
    found = attributes(device)
    assert found["jetson.slot"] == "A"
    assert found["jetson.last_result"] == "failure"
    assert found["jetson.reason"] == "health:app:content-differs"
    assert "/proc/cmdline" in found["jetson.black_box"]
    device.environment.change(ustate="0")
    assert attributes(device) == found


def test_after_a_fallback_the_black_box_is_what_the_kernel_left(device):
    device.environment.change(**{**STEADY, "jota_reason": "firmware:-:firmware-fallback",
                                 "ustate": "3"})
    for number, text in ((1, "an older one"), (2, 'Kernel panic: "no init"\nsecond line\n')):
        device.write_text(f"data/swupdate-jetson/failures/{number}/pstore-dmesg-ramoops-0", text)
    assert attributes(device)["jetson.black_box"] == "Kernel panic: ?no init?"


def test_a_boot_state_that_cannot_be_read_is_told_too(device):
    for number in (0, 1):
        device.environment.write_copy(number, b"\xff" * SIZE_BYTES)
    done = run(device, "--json")
    assert "warning: " in done.stderr
    assert json.loads(done.stdout)["jetson.last_result"] == "unknown"


@pytest.mark.parametrize("text", [NASTY, "\n\n\n", "\x00\x01\x02", "ÿ" * 300, '","jetson.slot":"B'])
def test_whatever_the_records_hold_the_values_are_short_and_harmless(device, text):
    roll_back(device)
    folder = device.root / "data/swupdate-jetson"
    device.environment.change(jota_reason=text.replace("\n", "").replace("\x00", "") or "x")
    (folder / "history").write_bytes(text.encode() * 20)
    box = folder / "failures/9"
    box.mkdir()
    (box / "pstore-x").write_bytes(text.encode() * 50)
    (folder / "health-failed").write_bytes(text.encode())
    check_harmless(attributes(device))


def test_garbage_where_folders_and_files_should_be_is_left_out(device):
    device.environment.change(jota_reason="firmware:-:firmware-fallback", ustate="3")
    folder = device.root / "data/swupdate-jetson"
    (folder / "failures").write_text("no folder")
    assert attributes(device)["jetson.black_box"] == "-"
    (folder / "failures").unlink()
    for name in ("x", "0", "-1", "99999999999999999999", "7"):
        (folder / "failures" / name).mkdir(parents=True)
    (folder / "failures/7/pstore-loop").symlink_to("pstore-loop")
    assert attributes(device)["jetson.black_box"] == "-"
    os.mkfifo(folder / "failures/7/pstore-fifo")
    (folder / "failures/7/pstore-loop").unlink()
    check_harmless(attributes(device))


# A server that misbehaves


class Simulation:
    """Answers requests with what answer(method, path, body) returns: a status, or a function."""

    def __init__(self, answer):
        self.requests = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do(self):
                size = int(self.headers.get("Content-Length", 0))
                body = self.rfile.read(size).decode()
                outer.requests.append((self.command, self.path, body,
                                       self.headers.get("Authorization", "")))
                what = answer(self.command, self.path, len(outer.requests))
                if callable(what):
                    what(self)
                    return
                self.send_response(what)
                if 300 <= what < 400:
                    self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_PUT = do_GET = do_POST = do

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture(name="serve")
def fixture_serve():
    with contextlib.ExitStack() as stack:
        def start(answer):
            made = Simulation(answer)
            stack.callback(made.close)
            return made
        yield start


def configure(device, url, more="", who='tenant = "DEFAULT"; id = "a b/c";'):
    device.write_text("etc/swupdate.cfg", f'globals: {{ verbose = true; }};\nsuricatta: {{ {who} url = '
                      f'"{url}/"; gatewaytoken = "{TOKEN}"; {more} }};\n')


def test_the_server_gets_them_with_the_devices_token_and_keeps_its_other_ones(device, serve):
    server = serve(lambda *_: 200)
    configure(device, server.url)
    roll_back(device)
    run(device, "--send", "--wait", "0")
    (method, path, body, authorization), = server.requests
    assert (method, path) == ("PUT", "/DEFAULT/controller/v1/a%20b%2Fc/configData")
    assert authorization == f"GatewayToken {TOKEN}"
    sent = json.loads(body)
    assert sent["mode"] == "merge" and set(sent["data"]) == NAMES
    assert sent["data"]["jetson.reason"] == "health:app:content-differs"


def test_a_device_that_is_new_to_the_server_announces_itself_first(device, serve):
    server = serve(lambda method, path, n: 404 if n == 1 else 200)
    configure(device, server.url)
    run(device, "--send", "--wait", "0")
    assert [(r[0], r[1].rpartition("/")[2]) for r in server.requests] == [
        ("PUT", "configData"), ("GET", "a%20b%2Fc"), ("PUT", "configData")]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_server_is_asked_again(device, serve, status):
    server = serve(lambda method, path, n: status if n < 3 else 200)
    configure(device, server.url)
    run(device, "--send", "--wait", "60")
    assert len(server.requests) == 3


@pytest.mark.parametrize("status", [301, 307, 400, 401, 403, 404, 410])
def test_a_refusal_is_not_repeated_and_not_followed(device, serve, status):
    server = serve(lambda *_: status)
    configure(device, server.url)
    said = run(device, "--send", "--wait", "60", code=UNWELL).stderr
    assert str(status) in said
    assert len(server.requests) <= 2 and "/elsewhere" not in [r[1] for r in server.requests]


def endless(handler):
    with contextlib.suppress(OSError):
        handler.send_response(200)
        handler.end_headers()
        while True:
            handler.wfile.write(b"x" * 65536)


def endless_headers(handler):
    with contextlib.suppress(OSError):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            handler.wfile.write(b"X: " + b"y" * 1000 + b"\r\n")


def broken(handler):
    handler.wfile.write(b"\x00\xff garbage\r\n\r\n")


@pytest.mark.parametrize("what", [endless, endless_headers, broken])
def test_an_answer_that_is_none_ends(device, serve, what):
    server = serve(lambda *_: what)
    configure(device, server.url)
    run(device, "--send", "--wait", "0", code=UNWELL)


def test_a_server_that_is_not_there_is_waited_for_no_longer_than_said(device):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))  # bound, never listening: it refuses
        configure(device, f"http://127.0.0.1:{holder.getsockname()[1]}")
        started = time.monotonic()
        assert "does not answer" in run(device, "--send", "--wait", "2", code=UNWELL).stderr
        assert time.monotonic() - started >= 1


def test_without_a_server_nothing_is_sent_and_nothing_is_wrong(device):
    assert "nothing is sent" in run(device, "--send").stderr
    device.write_text("etc/swupdate.cfg", "globals: { verbose = true; };\n")
    assert "nothing is sent" in run(device, "--send").stderr


@pytest.mark.parametrize(("text", "says"), [
    ('suricatta: { url = "http://x"; tenant = "T"; };', "'id' is not in"),
    ('suricatta: { url = "http://x"; id = "T"; };', "'tenant' is not in"),
    ('suricatta: { url = "ftp://x"; id = "T"; tenant = "T"; };', "not http:// or https://"),
    (f'suricatta: {{ url = "http://x"; id = "T"; tenant = "T"; gatewaytoken = "{TOKEN}"; '
     f'targettoken = "{TOKEN}"; }};', "swupdate takes one"),
    (f'suricatta: {{ gatewaytoken = "{TOKEN}";', "line 1"),
    ('@include "/etc/passwd"\n', "includes other files"),
    ("\x01\x02\x03", "line 1"),
])
def test_a_configuration_that_does_not_do_is_refused_in_a_sentence(device, text, says):
    device.write_text("etc/swupdate.cfg", text)
    assert says in run(device, "--send", code=UNREADABLE).stderr


def test_what_swupdate_has_from_its_command_line_can_be_given(device, serve):
    server = serve(lambda *_: 200)
    run(device, "--send", "--suricatta", f"url={server.url}", "--suricatta", "id=4711",
        "--suricatta", "tenant=T")
    assert server.requests[0][1] == "/T/controller/v1/4711/configData"
    configure(device, server.url)
    run(device, "--send", "--suricatta", "id=4712")
    assert server.requests[1][1] == "/DEFAULT/controller/v1/4712/configData"
    assert "expected NAME=VALUE" in run(device, "--send", "--suricatta", "colour=1",
                                        code=UNREADABLE).stderr


@pytest.mark.parametrize("argv", [["--wait", "x"], ["--wait", "-1"], ["--wait", "99999"], ["--apply"],
                                  ["--suricatta"], ["x"], ["--slot", "B"],
                                  ["--suricatta", "a=b"] * 9])
def test_wrong_usage_is_code_2(device, argv):
    run(device, *argv, code=USAGE)


# swupdate's control socket


class Control:
    """A simulation of swupdate's control socket: answer(command, text) gives (type, text) or None."""

    def __init__(self, path, answer):
        self.asked = []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen(8)
        self.answer = answer
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                link, _ = self.listener.accept()
            except OSError:
                return
            with link:
                data = b""
                while len(data) < MESSAGE_BYTES and (piece := link.recv(MESSAGE_BYTES - len(data))):
                    data += piece
                magic, kind, source, command, _, length = struct.unpack_from("=IIIIII", data)
                text = data[24:24 + length].decode()
                self.asked.append((magic, kind, source, command, text))
                reply = self.answer(command, text)
                if reply is not None:
                    head = struct.pack("=IIIIII", magic, reply[0], source, command, 0, 0)
                    with contextlib.suppress(OSError):
                        link.sendall((head + reply[1]).ljust(MESSAGE_BYTES, b"\0"))

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


@pytest.fixture(name="control")
def fixture_control(device):
    with contextlib.ExitStack() as stack:
        def start(answer, where="tmp"):
            (device.root / where).mkdir(parents=True, exist_ok=True)
            made = Control(device.root / where / "sockinstctrl", answer)
            stack.callback(made.close)
            return made
        yield start


READY = b'{"server":{"status":0,"time":"2026-11-23T10:00:00.000+0000"}}'
NOT_YET = b'{"server":{"status":0,"time":"1970-01-01T00:00:00.000+0000"}}'


@pytest.mark.parametrize("where", ["tmp", "run/swupdate"])
def test_swupdate_is_told_once_it_has_set_itself_up(device, control, where):
    status = [NOT_YET, NOT_YET, READY]
    made = control(lambda command, text: (1, status.pop(0) if command == 3 else b""), where)
    run(device, "--identify", "--wait", "60")
    assert [(a[1], a[2], a[3]) for a in made.asked] == [(5, 2, 3)] * 3 + [(5, 2, 1)]
    told = {one["name"]: one["value"] for one in json.loads(made.asked[-1][4])["identify"]}
    assert told == attributes(device)


def test_a_board_without_a_clock_is_told_in_the_end(device, control):
    made = control(lambda command, text: (1, NOT_YET))
    run(device, "--identify", "--wait", "1")
    assert made.asked[-1][3] == 1


@pytest.mark.parametrize("reply", [None, (2, b""), (77, b"x"), (1 << 31, b"\xff" * 3000)])
def test_a_swupdate_that_does_not_take_them_is_an_error_and_no_hang(device, control, reply):
    control(lambda command, text: reply)
    assert "takes the attributes" in run(device, "--identify", "--wait", "0", code=UNWELL).stderr


def test_no_swupdate_is_an_error(device):
    run(device, "--identify", "--wait", "0", code=UNWELL)
    (device.root / "tmp/sockinstctrl").write_text("no socket")
    run(device, "--identify", "--wait", "0", code=UNWELL)
