# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""Swupdates that were built to verify a bare RSA key instead of certificates: whole updates with the checks before the flip. The new
slot must hold the key that accepts this very update, or it could never be updated again."""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
for folder in ("tests/device", "tests/integration"):
    sys.path.insert(0, str(TOP / folder))

import newslot  # noqa: E402
from bench import Bench  # noqa: E402

BUILD = Path(os.environ.get("JOTA_BUILD", TOP / "build")).resolve()
# The host, and what stands for a certificate in a signer's pair.
HOSTS = {"rsa-2022.12": "-", "rsa-pss-2022.12": "-pss"}
ANCHOR = "etc/swupdate/ca.pem"  # public-key-file of the new root's swupdate.cfg


@pytest.fixture(name="stock", scope="module")
def fixture_stock():
    folder = Path(tempfile.mkdtemp(prefix="jota-anchor-"))
    yield newslot.Stock(folder)
    shutil.rmtree(folder)


@pytest.fixture(name="bench")
def fixture_bench(stock):
    folder = Path(tempfile.mkdtemp(prefix="jota-anchor-"))
    made = newslot.furnish(Bench(folder / "d", stock))
    yield made
    made.close()
    shutil.rmtree(folder)


def key(bench, whose="ours", kind="pub"):
    return bench.stock.keys.folder / whose / f"rsa.{kind}"


def install(bench, name, anchor, signed_by="ours"):
    """An update that the running swupdate accepts; anchor: what the new root holds."""
    newslot.put(bench.tree / ANCHOR, anchor.read_bytes())
    package = newslot.prepare(bench)
    swu = bench.build(package, (key(bench, signed_by, "key"), HOSTS[name]))
    assert not package.by_hand
    return bench.install(None, "-B", "jetson", swu=swu, ca=key(bench),
                         program=BUILD / "hosts" / name / "swupdate")


@pytest.fixture(name="name", params=HOSTS)
def fixture_name(request):
    assert (BUILD / "hosts" / request.param / "swupdate").exists(), "run 'make hosts'"
    return request.param


def test_a_key_that_accepts_the_update_is_an_anchor(bench, name):
    newslot.check_passed(bench, install(bench, name, key(bench)))
    report = (bench.root / "data/swupdate-jetson/health-preflip").read_text()
    assert f"'/{ANCHOR}' of the new root accepts this update" in report


def test_a_key_of_somebody_else_is_refused(bench, name):
    ran = install(bench, name, key(bench, "theirs"))
    newslot.check_refused(bench, ran, "the new slot is not booted",
                          "check 'new-anchor' of new slot B: trust-anchor-refuses: ",
                          f"'/{ANCHOR}' of the new root does not accept this update")


def test_a_certificate_is_no_key(bench, name):
    """This host could not read it, though it is of the same maker."""
    ran = install(bench, name, bench.stock.keys.ca)
    newslot.check_refused(bench, ran, "check 'new-anchor' of new slot B: trust-anchor-refuses: ")


def test_a_root_without_a_key_is_refused(bench, name):
    ran = install(bench, name, Path("/dev/null"))
    newslot.check_refused(bench, ran, "check 'new-anchor' of new slot B: trust-anchor-refuses: ")


def test_the_host_itself_takes_no_other_key(bench, name):
    """Else the tests above would show nothing about signatures."""
    ran = install(bench, name, key(bench), signed_by="theirs")
    assert ran.code == 1, ran.text
    bench.check_untouched("A")
