# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""jetson-swu publish and the real hawkBit: what it says is there, is there."""

import hashlib
import itertools
import json
import random

import pytest
from package import Package
from server import RestError

_versions = (f"4.{n}" for n in itertools.count())


@pytest.fixture
def package(stock, tmp_path):
    """A package of a version that the server does not have."""

    def make(version=None, release=None, name="update.swu"):
        made = Package.of(release or stock.new)
        made.version = version or next(_versions)
        swu = made.build(tmp_path / f"swu-{random.getrandbits(40):x}", stock.keys.good)
        return swu.rename(swu.with_name(name)), made.version

    return make


def module(server, summary):
    return server.get(f"softwaremodules/{summary['module']['id']}")


def test_module_file_and_set_are_what_was_given(server, publish, package):
    swu, version = package()
    summary = publish(swu)
    made = module(server, summary)
    assert (made["name"], made["version"], made["type"]) == ("jetson-demo", version, "os")
    files = server.get(f"softwaremodules/{made['id']}/artifacts")
    assert [(f["providedFilename"], f["size"], f["hashes"]["sha256"]) for f in files] == [
        ("update.swu", swu.stat().st_size, hashlib.sha256(swu.read_bytes()).hexdigest())]
    there = server.get(f"distributionsets/{summary['set']['id']}")
    assert (there["name"], there["version"], there["complete"]) == ("jetson-demo", version, True)
    assert [m["id"] for m in there["modules"]] == [made["id"]]


def test_a_second_run_makes_nothing(server, publish, package):
    swu, _ = package()
    first = publish(swu)
    before = [server.get(kind)["total"] for kind in ("softwaremodules", "distributionsets")]
    second = publish(swu)
    assert before == [server.get(kind)["total"] for kind in ("softwaremodules", "distributionsets")]
    for part in ("module", "artifact", "set"):
        assert second[part] == {"id": first[part]["id"], "created": False}


def test_other_content_of_a_version_is_refused_and_nothing_changes(server, publish, package, stock):
    swu, version = package()
    summary = publish(swu)
    files = f"softwaremodules/{summary['module']['id']}/artifacts"
    before = json.dumps(server.get(files))
    other, _ = package(version, stock.newer)
    assert "with other content" in publish(other, refused=True)
    assert json.dumps(server.get(files)) == before


def test_what_broke_off_after_the_module_is_completed(server, publish, package):
    swu, version = package()
    made = server.post("softwaremodules",
                       [{"name": "jetson-demo", "version": version, "type": "os"}])[0]
    summary = publish(swu)
    assert summary["module"] == {"id": made["id"], "created": False}
    assert summary["artifact"]["created"] and summary["set"]["created"]


def test_a_set_of_that_version_with_something_else_is_refused(server, publish, package):
    swu, version = package()
    other = server.post("softwaremodules", [{"name": "x", "version": version, "type": "os"}])[0]
    server.post("distributionsets", [{"name": "jetson-demo", "version": version, "type": "os",
                                      "modules": [{"id": other["id"]}]}])
    assert "does not hold just this update" in publish(swu, refused=True)


def test_a_wrong_password_is_refused(publish, package):
    assert "does not know user 'admin' with this password (401)" in \
        publish(package()[0], refused=True, password="wrong")


def test_a_type_that_the_server_does_not_have_is_named(publish, package):
    assert "nosuch" in publish(package()[0], "--module-type", "nosuch", refused=True)


def test_a_path_below_the_servers_address_is_explained(server, publish, package):
    said = publish(package()[0], "--url", server.url + "/rest/v1", refused=True)
    assert "without '/rest/v1'" in said


def test_a_rollout_is_made_started_and_found_again(server, publish, package):
    for name in ("fleet-1", "fleet-2"):
        try:
            server.add_target(name)
        except RestError as error:
            assert error.status == 409
    swu, version = package()
    words = ("--rollout", f"r-{version}", "--filter", "id==fleet-*", "--groups", "2")
    summary = publish(swu, *words)
    assert summary["rollout"]["created"]
    rollout = server.get(f"rollouts/{summary['rollout']['id']}")
    assert rollout["distributionSetId"] == summary["set"]["id"]
    assert rollout["totalTargets"] == 2
    server.wait_for("a running rollout", lambda: server.get(
        f"rollouts/{summary['rollout']['id']}")["status"] == "running")
    assert publish(swu, *words)["rollout"] == {"id": rollout["id"], "created": False}
    assert "another distribution set or filter" in \
        publish(swu, "--rollout", f"r-{version}", "--filter", "id==fleet-1", refused=True)


def test_a_rollout_for_nobody_is_refused_by_the_server(publish, package):
    said = publish(package()[0], "--rollout", "nobody", "--filter", "id==nobody-*", refused=True)
    assert "does not match any existing targets" in said


def test_a_device_that_the_server_does_not_know_is_no_success(publish, package):
    said = publish(package()[0], "--assign", "never-seen", refused=True)
    assert "of 1 targets the server knows only 0" in said


def test_an_assignment_is_repeated_without_harm(server, publish, package):
    server.add_target("assigned")
    swu, _ = package()
    assert publish(swu, "--assign", "assigned")["assigned"] == 1
    assert publish(swu, "--assign", "assigned")["already_assigned"] == 1
    assert len(server.actions("assigned")) == 1
