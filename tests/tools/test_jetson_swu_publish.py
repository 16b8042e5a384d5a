# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""jetson-swu publish against a simulation of hawkBit that misbehaves; tests/hawkbit/ has the real one.
However the server behaves: one sentence, no half update offered, and a second run that mends it."""

import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from hawkbit_simulation import PASSWORD, USER, Simulation
from swu_build import EPOCH, JETSON_SWU, TOP, Stock, Work, config, tool

sys.path.insert(0, str(TOP / "tests/device"))
from swu import Swu  # noqa: E402

PAGE = b'{"content": [], "total": 0}'


@pytest.fixture(scope="module")
def stock():
    folder = Path(tempfile.mkdtemp(prefix="jota-publish-"))
    made = Stock(folder)
    work = Work(folder / "package", made)
    work.build(config(), out="update.swu", SOURCE_DATE_EPOCH=EPOCH)
    made.swu = work.path("update.swu")
    work.build(config().replace("2.0.0", "2.1.0"), out="next.swu", SOURCE_DATE_EPOCH=EPOCH)
    made.next_swu = work.path("next.swu")
    yield made
    shutil.rmtree(folder)


@pytest.fixture
def server():
    with Simulation() as simulation:
        yield simulation


class Publisher:
    def __init__(self, stock, url):
        self.stock, self.url = stock, url
        self.env = {"PATH": os.environ["PATH"], "HAWKBIT_USER": USER, "HAWKBIT_PASSWORD": PASSWORD,
                    "no_proxy": "*"}

    def argv(self, *options, swu=None, url=None):
        trust = [] if "-k" in options else ["-k", self.stock.folder / "keys/ca.pem"]
        return [str(word) for word in (JETSON_SWU, "publish", *trust, "--url", url or self.url,
                                       *options, swu or self.stock.swu)]

    def start(self, *options, swu=None, url=None, **env):
        chosen = {**self.env, **env}
        return subprocess.Popen(self.argv(*options, swu=swu, url=url), text=True,
                                env={k: v for k, v in chosen.items() if v is not None},
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, start_new_session=True)

    def run(self, *options, **more):
        process = self.start(*options, **more)
        said, failed = process.communicate(timeout=60)
        return process.returncode, said, failed

    def publish(self, *options, **more):
        code, said, failed = self.run("--json", "--quiet", *options, **more)
        assert code == 0, failed
        return json.loads(said)

    def refuse(self, *options, code=1, **more):
        """It must fail with one sentence, which is returned."""
        if "--retries" not in options:
            options = ("--retries", "0", *options)
        ended, said, failed = self.run("--quiet", *options, **more)
        assert (ended, said) == (code, ""), (ended, said, failed)
        lines = failed.splitlines()
        assert len(lines) == 1 and lines[0].startswith("jetson-swu: "), failed
        assert PASSWORD not in failed
        return lines[0]


@pytest.fixture
def publisher(stock, server):
    return Publisher(stock, server.url)


def is_offered(server):
    """A set is what a device can be given."""
    return bool(server.sets)


def test_an_update_becomes_module_file_and_set(server, publisher, stock):
    digest = hashlib.sha256(stock.swu.read_bytes()).hexdigest()
    summary = publisher.publish()
    assert summary["sha256"] == digest and summary["version"] == "2.0.0"
    assert [(m["name"], m["version"], m["type"]) for m in server.modules] == \
        [("jetson-demo", "2.0.0", "os")]
    assert [a["hashes"]["sha256"] for a in server.modules[0]["artifacts"]] == [digest]
    assert server.sets[0]["modules"] == [{"id": server.modules[0]["id"]}]
    assert all(summary[part]["created"] for part in ("module", "artifact", "set"))


def test_a_second_run_changes_nothing_and_is_good(server, publisher):
    first = publisher.publish()
    before = len([r for r in server.requests if r.startswith("POST")])
    second = publisher.publish()
    assert len([r for r in server.requests if r.startswith("POST")]) == before
    for part in ("module", "artifact", "set"):
        assert second[part] == {"id": first[part]["id"], "created": False}


def test_other_content_under_the_same_version_is_refused(server, publisher, stock, tmp_path):
    publisher.publish()
    work = Work(tmp_path / "again", stock)
    work.build(config(), out="update.swu", SOURCE_DATE_EPOCH="1700000001")
    before = json.dumps(server.modules)
    said = publisher.refuse(swu=work.path("update.swu"))
    assert "with other content" in said and "another version" in said
    assert json.dumps(server.modules) == before


def test_the_next_version_goes_beside_the_first(server, publisher, stock):
    publisher.publish()
    publisher.publish(swu=stock.next_swu)
    assert [s["version"] for s in server.sets] == ["2.0.0", "2.1.0"]


def test_a_set_of_other_modules_is_refused(server, publisher):
    publisher.publish()
    server.sets[0]["modules"].append({"id": 4711})
    server.modules.append({"id": 4711, "name": "x", "version": "1", "type": "os", "artifacts": []})
    assert "does not hold just this update" in publisher.refuse()


def test_names_are_compared_letter_by_letter(server, publisher):
    """The server's search knows no case."""
    server.modules.append({"id": 7, "name": "JETSON-DEMO", "version": "2.0.0", "type": "os",
                           "artifacts": []})
    publisher.publish()
    assert [m["name"] for m in server.modules] == ["JETSON-DEMO", "jetson-demo"]


def test_a_run_that_broke_off_is_completed_by_the_next(server, publisher):
    server.status("POST distributionsets", 503)
    publisher.refuse()
    assert server.modules[0]["artifacts"] and not is_offered(server)
    summary = publisher.publish()
    assert (summary["artifact"]["created"], summary["set"]["created"]) == (False, True)


# What is sent must be what a device takes

def test_a_file_that_a_device_would_refuse_never_leaves_the_machine(server, publisher, stock,
                                                                   tmp_path):
    forged = tmp_path / "update.swu"
    damaged = Swu(stock.swu)
    damaged.flip("boot.img", 1000)
    damaged.save(forged)
    code, _, failed = publisher.run(swu=forged)
    assert code == 1 and "is not published: a device would refuse it" in failed
    assert server.requests == []


def test_a_file_of_a_signer_that_is_not_trusted_never_leaves_the_machine(server, publisher,
                                                                        tmp_path):
    tool(TOP / "keys/make-dev-keys.sh", tmp_path / "theirs")
    code, _, failed = publisher.run("-k", tmp_path / "theirs/ca.pem")
    assert code == 1 and "is not published" in failed
    assert server.requests == []


@pytest.mark.parametrize("name,says", [("update.bin", ".swu"), ("up*date.swu", "characters"),
                                       ('up"date.swu', "characters"),
                                       ("u" * 70 + ".swu", "74 characters")])
def test_a_file_name_that_the_server_would_not_keep_is_refused(server, publisher, stock, tmp_path,
                                                              name, says):
    shutil.copy(stock.swu, tmp_path / name)
    assert says in publisher.refuse(swu=tmp_path / name)
    assert server.requests == []


@pytest.mark.parametrize("options,says", [
    (("--name", 'x" or "1'), "characters"), (("--name", "*"), "characters"), (("--name", ""), "0"),
])
def test_a_name_that_would_be_a_pattern_is_refused(server, publisher, options, says):
    assert says in publisher.refuse(*options)
    assert server.requests == []


def test_a_folder_a_missing_file_and_a_fifo_are_refused(server, publisher, tmp_path):
    (tmp_path / "d.swu").mkdir()
    os.mkfifo(tmp_path / "f.swu")
    for name in ("d.swu", "f.swu", "none.swu"):
        assert name in publisher.refuse(swu=tmp_path / name)
    assert server.requests == []


def test_a_file_that_changes_while_it_is_sent_is_no_success(server, publisher, stock, tmp_path):
    swu = tmp_path / "update.swu"
    shutil.copy(stock.swu, swu)

    def replace(handler):
        os.utime(swu, ns=(1, 1))
        handler.send(200, PAGE)

    server.fault("GET softwaremodules", replace)
    assert "changed while it was published" in publisher.refuse(swu=swu)


# Words

@pytest.mark.parametrize("options,env,says", [
    (("--filter", "id==*"), {}, "belong together"), (("--rollout", "r"), {}, "belong together"),
    (("--retries", "-1"), {}, "--retries"), (("--timeout", "0"), {}, "--timeout"),
    (("--user", "a:b"), {}, "without a colon"), ((), {"HAWKBIT_USER": None}, "HAWKBIT_USER"),
    (("--password-file", "a", "--password-env", "B"), {}, "exclude"),
    (("--password", "x"), {}, "unknown option"), (("--method", "pgp"), {}, "not known"),
    (("--purpose", "x"), {}, "--purpose"), (("--groups", "x"), {}, "--groups"),
])
def test_wrong_words_end_with_2(server, publisher, options, env, says):
    assert says in publisher.refuse(*options, code=2, **env)
    assert server.requests == []


def test_an_anchor_is_demanded(publisher, stock):
    done = subprocess.run([JETSON_SWU, "publish", "--url", publisher.url, stock.swu], text=True,
                          capture_output=True, env=publisher.env)
    assert done.returncode == 2 and "-k TRUST" in done.stderr


@pytest.mark.parametrize("url,says", [
    ("http://updates.example", "in the clear"), ("http://user:secret@127.0.0.1", "has a user"),
    ("http://127.0.0.1/?q=1", "a query"), ("ftp://127.0.0.1", "no address"),
    ("file:///etc/passwd", "no address"), ("127.0.0.1 x", "no address"), ("https://", "no address"),
    ("http://127.0.0.1:99999", "no address"), ("http://127.0.0.1.evil.example", "in the clear"),
])
def test_an_address_that_cannot_be_meant_is_refused(publisher, url, says):
    said = publisher.refuse(url=url)
    assert says in said and "secret" not in said


@pytest.mark.parametrize("way", ["file", "variable", "environment"])
def test_the_password_comes_from_a_file_or_the_environment(server, publisher, tmp_path, way):
    (tmp_path / "password").write_text(PASSWORD + "\n")
    options, env = {"file": (("--password-file", tmp_path / "password"), {}),
                    "variable": (("--password-env", "SECRET"), {"SECRET": PASSWORD}),
                    "environment": ((), {"HAWKBIT_PASSWORD": PASSWORD})}[way]
    publisher.publish(*options, **{"HAWKBIT_PASSWORD": None, **env})
    assert is_offered(server)


def test_without_a_password_and_a_terminal_it_says_what_is_missing(server, publisher):
    assert "HAWKBIT_PASSWORD" in publisher.refuse(HAWKBIT_PASSWORD=None)
    assert server.requests == []


def test_the_password_is_in_no_argument_and_no_output(server, publisher):
    server.fault("GET softwaremodules", lambda handler: handler.hang(2))
    process = publisher.start("--timeout", "9")
    while not server.requests:
        time.sleep(0.01)
    argv = Path(f"/proc/{process.pid}/cmdline").read_bytes()
    process.kill()
    said, failed = process.communicate()
    assert PASSWORD.encode() not in argv and PASSWORD not in said + failed


# A server that refuses or misbehaves

REFUSALS = [
    ("GET softwaremodules", 401, None, "does not know user 'publisher'"),
    ("GET softwaremodules", 403, "no role", "does not let user 'publisher' do this"),
    ("GET softwaremodules", 404, None, "has no management interface (404)"),
    ("POST softwaremodules", 404, "Type 'os' does not exist", "Type 'os' does not exist"),
    ("POST softwaremodules/11/artifacts", 413, None, "takes (413)"),
    ("POST softwaremodules/11/artifacts", 403, "File size quota exceeded", "quota"),
    ("POST softwaremodules/11/artifacts", 400, "hash does not match", "hash does not match"),
    ("GET softwaremodules", 418, None, "refuses the request (418)"),
    ("GET softwaremodules", 301, None, "sends us elsewhere (301)"),
    ("GET softwaremodules", 500, "boom", "an error of its own (500), it says: 'boom'"),
    ("GET softwaremodules", 429, None, "too busy (429)"),
    ("POST distributionsets", 409, "exists", "(409)"),
]


@pytest.mark.parametrize("what,status,message,says", REFUSALS,
                         ids=[f"{r[1]} {r[0]}" for r in REFUSALS])
def test_a_refusal_is_one_sentence_and_offers_no_device_half(server, publisher, what, status,
                                                            message, says):
    server.status(what, status, message, times=99)
    said = publisher.refuse()
    assert says in said
    assert not is_offered(server)


def test_a_wrong_password_is_not_tried_again(server, publisher):
    said = publisher.refuse("--retries", "5", HAWKBIT_PASSWORD="wrong")
    assert "does not know user" in said
    assert len(server.requests) == 1


GARBAGE = {
    "no JSON": b"<html>hello</html>", "half JSON": b'{"content": [', "empty": b"",
    "two values": PAGE + PAGE, "NUL": b'{"content"\0: []}', "another shape": b'{"items": []}',
    "a number": b"7", "a list": b"[]", "null": b"null", "content is text": b'{"content": "no"}',
    "deep": b"[" * 5000, "numbers as text":
    b'{"content": [{"name": "jetson-demo", "version": "2.0.0", "type": "os", "id": "1"}]}',
    "id 0": b'{"content": [{"name": "jetson-demo", "version": "2.0.0", "type": "os", "id": 0}]}',
    "negative id": b'{"content": [{"name": "jetson-demo","version":"2.0.0","type":"os","id":-4}]}',
    "null in a list": b'{"content": [null, 3, "x"]}',
}


@pytest.mark.parametrize("data", GARBAGE.values(), ids=GARBAGE.keys())
def test_an_answer_that_makes_no_sense_is_one_sentence(server, publisher, data):
    server.says("GET softwaremodules", data, times=99)
    if data == GARBAGE["null in a list"]:
        # Entries that are nothing are not ours: it is made, and then its files make no sense.
        assert "artifacts" in publisher.refuse()
    else:
        said = publisher.refuse()
        assert "is it an update server" in said or "is the address right" in said
    assert not is_offered(server)


@pytest.mark.parametrize("data", [b"[]", b"{}", b"null", b'[{"id": "x"}]', b"", b"\xff\xfe",
                                  b'[{"id": 5}, {"id": 6}]'])
@pytest.mark.parametrize("what", ["POST softwaremodules", "POST softwaremodules/11/artifacts",
                                  "POST distributionsets"])
def test_garbage_after_a_post_is_no_success(server, publisher, what, data):
    server.fault(what, lambda handler: handler.send(201, data), times=99)
    publisher.refuse()


def test_an_endless_answer_is_cut(server, publisher):
    def flood(handler):
        handler.send_response(200)
        handler.end_headers()
        try:
            while not server.stopped.is_set():
                handler.wfile.write(b" " * 65536)
        except OSError:
            handler.close_connection = True

    server.fault("GET softwaremodules", flood)
    assert "more than 4 MiB" in publisher.refuse()


def test_control_characters_of_a_server_do_not_reach_the_terminal(server, publisher):
    server.status("GET softwaremodules", 500, "\x1b]0;owned\x07")
    said = publisher.refuse()
    assert "\x1b" not in said and "owned" in said


def test_a_server_that_does_not_answer_is_given_up_in_time(server, publisher):
    server.fault("GET softwaremodules", lambda handler: handler.hang(20))
    started = time.monotonic()
    assert "does not answer in time" in publisher.refuse("--timeout", "1")
    assert time.monotonic() - started < 6


def test_a_server_that_answers_a_byte_now_and_then_is_waited_for(server, publisher):
    def drip(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(PAGE)))
        handler.end_headers()
        for byte in PAGE[:6]:
            handler.wfile.write(bytes([byte]))
            time.sleep(0.3)
        handler.wfile.write(PAGE[6:])

    server.fault("GET softwaremodules", drip)
    publisher.publish("--timeout", "2")
    assert is_offered(server)


def test_nobody_listens(publisher):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    assert "cannot connect" in publisher.refuse(url=f"http://127.0.0.1:{port}")


def test_a_connection_that_breaks_off(server, publisher):
    server.fault("GET softwaremodules", lambda handler: handler.cut())
    assert "broke off" in publisher.refuse()


# Trying again

MAKING = ("POST softwaremodules", "POST softwaremodules/11/artifacts", "POST distributionsets")
TROUBLE = [(what, "503") for what in (*MAKING, "GET softwaremodules", "GET distributionsets")]
TROUBLE += [(what, trouble) for what in MAKING for trouble in ("409", "done, but cut")]
TROUBLE += [("GET softwaremodules", "cut"), ("POST distributionsets", "429")]


@pytest.mark.parametrize("what,trouble", TROUBLE, ids=[f"{t} {w}" for w, t in TROUBLE])
def test_trouble_that_passes_is_got_over(server, publisher, stock, what, trouble):
    if trouble.isdigit():
        server.status(what, int(trouble))
    else:
        server.fault(what, lambda handler: handler.cut(), do_it_first=trouble.startswith("done"))
    code, _, failed = publisher.run("--retries", "1")
    assert code == 0 and "Trying again in 1 s" in failed, failed
    # Exactly one of each, whatever was answered.
    assert [len(server.modules), len(server.sets)] == [1, 1]
    data = stock.swu.read_bytes()
    assert [a["size"] for a in server.modules[0]["artifacts"]] == [len(data)]


def test_tries_end(server, publisher):
    server.status("GET softwaremodules", 503, times=99)
    said = publisher.refuse("--retries", "1")
    assert "gave up after 2 tries" in said and "(503)" in said
    assert len(server.requests) == 2


def test_an_interrupted_upload_ends_with_its_signal_and_offers_nothing(server, publisher):
    server.fault("POST softwaremodules/11/artifacts", lambda handler: handler.hang(20),
                 before_body=True)
    process = publisher.start("--quiet")
    while "POST softwaremodules/11/artifacts" not in server.requests:
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    _, failed = process.communicate(timeout=10)
    assert process.returncode == 128 + signal.SIGTERM and "interrupted" in failed
    assert not is_offered(server)
    publisher.publish()
    assert is_offered(server)


# TLS

@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    made = {}
    for name, subject, days in (("good", "IP:127.0.0.1", 2), ("other", "DNS:elsewhere.example", 2)):
        made[name] = (folder / f"{name}.pem", folder / f"{name}.key")
        tool("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-days", days, "-subj", "/CN=test", "-addext", f"subjectAltName={subject}",
             "-keyout", made[name][1], "-out", made[name][0])
    return made


def test_tls_with_the_authority_given(tls, stock):
    with Simulation(*tls["good"]) as server:
        Publisher(stock, server.url).publish("--cacert", tls["good"][0])
        assert is_offered(server)


@pytest.mark.parametrize("certificate,authority", [("good", None), ("good", "other"),
                                                   ("other", "other")])
def test_a_certificate_that_is_not_trusted_gets_no_password(tls, stock, certificate, authority):
    with Simulation(*tls[certificate]) as server:
        options = ("--cacert", tls[authority][0]) if authority else ()
        said = Publisher(stock, server.url).refuse("--retries", "3", *options)
        assert "is not trusted" in said
        assert server.requests == []


def test_an_authority_that_cannot_be_read(tls, stock, tmp_path):
    (tmp_path / "no.pem").write_text("no certificate\n")
    with Simulation(*tls["good"]) as server:
        for name in ("no.pem", "none.pem"):
            said = Publisher(stock, server.url).refuse("--cacert", tmp_path / name)
            assert "no certificate that can be read" in said


def test_tls_to_a_server_without_it(server, publisher):
    assert "no TLS with" in publisher.refuse(url=server.url.replace("http:", "https:"))


# Rollouts and assignments

def test_a_rollout_is_made_started_and_left_alone(server, publisher):
    words = ("--rollout", "spring", "--filter", "id==jetson-*", "--groups", "3")
    assert publisher.publish(*words)["rollout"]["created"]
    assert [(r["name"], r["status"], r["amountGroups"], r["distributionSetId"])
            for r in server.rollouts] == [("spring", "running", 3, server.sets[0]["id"])]
    assert not publisher.publish(*words)["rollout"]["created"]
    assert len(server.rollouts) == 1


def test_a_rollout_of_something_else_is_refused(server, publisher, stock):
    publisher.publish("--rollout", "spring", "--filter", "id==a")
    for filter_, swu in (("id==b", None), ("id==a", stock.next_swu)):
        said = publisher.refuse("--rollout", "spring", "--filter", filter_, swu=swu)
        assert "another distribution set or filter" in said


def test_devices_get_the_update_assigned(server, publisher):
    server.targets = {"one": None, "two": None}
    summary = publisher.publish("--assign", "one", "--assign", "two")
    assert (summary["assigned"], summary["already_assigned"]) == (2, 0)
    summary = publisher.publish("--assign", "one", "--assign", "two")
    assert (summary["assigned"], summary["already_assigned"]) == (0, 2)


def test_a_device_that_the_server_does_not_know_is_named_as_missing(server, publisher):
    server.targets = {"one": None}
    assert "of 2 targets the server knows only 1" in publisher.refuse("--assign", "one", "--assign",
                                                                      "nobody")
