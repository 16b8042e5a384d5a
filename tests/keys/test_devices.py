# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""What keys/README.md says of devices, asked of the real swupdate: rotation, expiry, revocation,
purpose and signer name. `swupdate -c` verifies the signature as an installation does, and stops there."""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from jetson_keys import PASSPHRASE, Place, openssl
from test_check import dated

from swu_build import BUILD, JETSON_SWU, Stock, Target, Work, config  # isort: skip
import host  # isort: skip
from swu import Swu  # isort: skip

NEW_HOST = BUILD / "hosts/builtin-2024.12.1/swupdate"
DENIED = "Authentication of all signatures failed"
PW = ("--passphrase-file", "pw")


class Fleet:
    """Two roots with a signer each, updates signed in several ways, and a device that is asked."""

    def __init__(self, folder):
        self.place = Place(folder / "place")
        (folder / "stock").mkdir()
        self.work = Work(folder / "work", Stock(folder / "stock"))
        self.target = Target(folder / "device")
        for year in ("old", "new"):
            self.place.make_root(f"root-{year}")
            self.place.make_signer(f"root-{year}", f"sign-{year}")
        self.place.do("anchors", "add", "old.pem", "root-old/ca.pem")
        self.made = {}

    def path(self, name):
        return self.place / name

    def build(self, name, *folders):
        """An update signed with jetson-swu by the signers in these folders."""
        if name not in self.made:
            signers = ", ".join(f'{{ certificate = "{self.path(folder)}/cms.pem"; '
                                f'key = "{self.path(folder)}/cms.key"; }}' for folder in folders)
            self.work.build(config(signing=f"signers: ( {signers} );"), "--passphrase-env", "P",
                            out=f"{name}.swu", P=PASSPHRASE)
            self.made[name] = self.work.path(f"{name}.swu")
        return self.made[name]

    def resign(self, name, *signers):
        """The old update with a signature that jetson-swu refuses to make: (certificate, key)s."""
        swu = Swu(self.build("old", "sign-old"))
        text = self.place.write("sw-description", swu.files["sw-description"].decode())
        words = [word for cert, key in signers for word in ("-signer", cert, "-inkey", key)]
        openssl("cms", "-sign", "-in", text, "-out", self.path("sig"), "-outform", "DER",
                "-nosmimecap", "-binary", "-passin", f"file:{self.path('pw')}", *words)
        swu.files["sw-description.sig"] = self.path("sig").read_bytes()
        out = self.work.path(f"{name}.swu")
        swu.save(out)
        return out

    def ask(self, swu, anchors, *options, program=host.LAUNCHER):
        with host.short_tmp() as tmp:
            return host.run_once([*host.common_options(tmp, anchors), *options, "-c", "-i", swu],
                                 self.target.device.root, program=program)

    def takes(self, swu, anchors, *options, **more):
        done = self.ask(swu, anchors, *options, **more)
        assert done.code == 0, done.text
        self.verify(swu, anchors, 0)

    def refuses(self, swu, anchors, *options, says=DENIED, **more):
        done = self.ask(swu, anchors, *options, **more)
        assert done.code == 1 and done.says(says), done.text

    def verify(self, swu, anchors, code, *options):
        """Our own verifier must agree with the device."""
        done = subprocess.run([JETSON_SWU, "verify", "-k", anchors, *options, swu],
                              capture_output=True, text=True, timeout=300)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def fleet():
    folder = Path(tempfile.mkdtemp(prefix="jota-fleet-"))
    made = Fleet(folder)
    yield made
    made.target.close()
    shutil.rmtree(folder)


def bundles(fleet):
    """The three states of a change of roots, each made by its command; made once."""
    made = [fleet.path(name) for name in ("old.pem", "both.pem", "new.pem")]
    if made[-1].exists():
        return made
    shutil.copy(fleet.path("old.pem"), fleet.path("both.pem"))
    fleet.place.do("anchors", "add", "both.pem", "root-new/ca.pem")
    shutil.copy(fleet.path("both.pem"), fleet.path("new.pem"))
    assert "would refuse what" in fleet.place.refuse(
        "anchors", "remove", "new.pem", "root-old/ca.pem", "--signer", "sign-old/cms.pem")
    fleet.place.do("anchors", "remove", "new.pem", "root-old/ca.pem", "--signer",
                   "sign-new/cms.pem")
    return made


def programs():
    return [pytest.param(None, id="2022.12"), pytest.param(NEW_HOST, id="2024.12.1")]


def ways(program):
    if program is None:
        return {}
    if not program.exists():
        pytest.skip("swupdate 2024.12.1 is not built: make hosts")
    return {"program": program}


def chosen(program):
    return ("-B", "jetson") if program else ()


@pytest.mark.parametrize("program", programs())
def test_a_change_of_roots_locks_no_device_out(fleet, program):
    more, options = ways(program), chosen(program)
    old, both, new = bundles(fleet)
    by_old, by_new = fleet.build("old", "sign-old"), fleet.build("new", "sign-new")
    fleet.takes(by_old, old, *options, **more)
    fleet.refuses(by_new, old, *options, **more)
    fleet.takes(by_old, both, *options, **more)
    fleet.takes(by_new, both, *options, **more)
    fleet.takes(by_new, new, *options, **more)
    fleet.refuses(by_old, new, *options, **more)
    fleet.verify(by_new, old, 1)
    fleet.verify(by_old, new, 1)


def test_an_update_with_both_signatures_suits_every_device_of_the_change(fleet):
    """For devices of which nobody knows how far they are: builds that skip unknown signers."""
    two = fleet.build("two", "sign-old", "sign-new")
    for bundle in bundles(fleet):
        done = fleet.ask(two, bundle)
        assert done.code == 0, done.text


def test_the_new_key_installs_a_whole_update(fleet):
    new = bundles(fleet)[2]
    done = fleet.target.swupdate(fleet.build("new", "sign-new"), ca=new)
    assert done.code == 0 and done.says("slot B is selected"), done.text


@pytest.mark.parametrize("program", programs())
def test_swupdate_looks_at_no_list_of_revoked_certificates(fleet, program):
    """Neither in the bundle nor in the signature; jetson-swu verify does when it is given one."""
    more, options = ways(program), chosen(program)
    place = fleet.place
    if not fleet.path("revoked.pem").exists():
        fleet.build("old", "sign-old")
        shutil.copytree(fleet.path("root-old"), fleet.path("root-copy"))
        place.locked("revoke", "root-copy", "sign-old/cms.pem")
        place.write("revoked.pem", fleet.path("old.pem").read_text() +
                    fleet.path("root-copy/crl.pem").read_text())
    by_old = fleet.build("old", "sign-old")
    done = fleet.ask(by_old, fleet.path("revoked.pem"), *options, **more)
    assert done.code == 0, done.text
    said = fleet.verify(by_old, fleet.path("old.pem"), 1, "--crl",
                        fleet.path("root-copy/crl.pem"))
    assert "revoked" in said


def test_taking_the_root_out_is_what_stops_a_lost_key(fleet):
    """With the next root trusted from the first day on, one update signed by it is enough."""
    old, both, new = bundles(fleet)
    fleet.takes(fleet.build("new", "sign-new"), both)
    fleet.refuses(fleet.build("old", "sign-old"), new)


@pytest.mark.parametrize("program", programs())
@pytest.mark.parametrize("start, end", [("20200101000000Z", "20210101000000Z"),
                                        ("20980101000000Z", "20990101000000Z")],
                         ids=["expired", "clock-behind"])
def test_the_device_s_clock_decides_about_the_signer(fleet, program, start, end):
    """The time of signing does not count, and a clock that is behind makes each certificate a future
    one. jetson-swu does not even sign with it."""
    more, options = ways(program), chosen(program)
    cert = certificate(fleet, start, end)
    swu = fleet.resign("dated", (cert, fleet.path("sign-old/cms.key")))
    fleet.refuses(swu, fleet.path("old.pem"), *options, **more)
    said = fleet.work.refuse(config(
        signing=f'signers: ( {{ certificate = "{cert}"; key = "{fleet.path("sign-old/cms.key")}"; }}'
                " );"), "--passphrase-env", "P", P=PASSPHRASE)
    assert "expired at 2021" in said or "not yet valid" in said


def certificate(fleet, start, end):
    """Of the old signer's key, by the old root; `dated` wants the names of a stock."""
    for name, target in (("root", "root-old"), ("sign", "sign-old")):
        link = fleet.path(name)
        link.unlink(missing_ok=True)
        link.symlink_to(target)
    dated(fleet.place, "dated.pem", start, end)
    return fleet.path("dated.pem")


@pytest.mark.parametrize("program", programs())
def test_an_expired_root_takes_its_signers_along(fleet, program):
    """A good certificate does not help: a root has to outlive the devices."""
    more, options = ways(program), chosen(program)
    certificate(fleet, "20200101000000Z", "20210101000000Z")
    dated(fleet.place, "ended-root.pem", "20200101000000Z", "20210101000000Z", ca=True)
    work = fleet.path("by-ended")
    work.mkdir(exist_ok=True)
    (work / "ext").write_text("basicConstraints=CA:FALSE\nkeyUsage=digitalSignature\n")
    request = openssl("req", "-new", "-subj", "/CN=by ended", "-key",
                      fleet.path("sign-old/cms.key"), "-passin", f"file:{fleet.path('pw')}")
    (work / "csr").write_text(request)
    openssl("x509", "-req", "-in", work / "csr", "-CA", fleet.path("ended-root.pem"), "-CAkey",
            fleet.path("root-old/ca.key"), "-passin", f"file:{fleet.path('pw')}", "-days", "30",
            "-set_serial", "77", "-extfile", work / "ext", "-out", work / "cms.pem")
    swu = fleet.resign("by-ended", (work / "cms.pem", fleet.path("sign-old/cms.key")))
    fleet.refuses(swu, fleet.path("ended-root.pem"), *options, **more)


@pytest.mark.parametrize("purpose, plain, code", [("both", 0, 0), ("emailProtection", 0, 1),
                                                  ("codeSigning", 1, 0)])
def test_the_purpose_is_that_which_the_device_asks_for(fleet, purpose, plain, code):
    cert = fleet.path(f"for-{purpose}.pem")
    request = openssl("req", "-new", "-subj", "/CN=purpose", "-key", fleet.path("sign-old/cms.key"),
                      "-passin", f"file:{fleet.path('pw')}")
    fleet.place.write("purpose.csr", request)
    fleet.place.locked("issue", "root-old", "purpose.csr", "-o", cert, "--purpose", purpose)
    swu = fleet.resign(purpose, (cert, fleet.path("sign-old/cms.key")))
    asked = {}
    for name in ("emailProtection", "codeSigning"):
        asked[name] = fleet.ask(swu, fleet.path("old.pem"), "--cert-purpose", name).code
    assert asked == {"emailProtection": plain, "codeSigning": code}
    assert fleet.ask(swu, fleet.path("old.pem")).code == plain


def test_a_forced_name_refuses_another_signer_of_the_same_root(fleet):
    by_old = fleet.build("old", "sign-old")
    fleet.takes(by_old, fleet.path("old.pem"), "--forced-signer-name", "Example sign-old")
    fleet.refuses(by_old, fleet.path("old.pem"), "--forced-signer-name", "Example other",
                  says="does not match expected")


def test_a_forced_name_does_not_stop_whoever_has_a_lost_key(fleet):
    """In builds that skip unknown signers, Debian's too, any certificate may bear the name: the
    signature that counts and the name that is compared need not be of the same signer."""
    work = fleet.path("impostor")
    work.mkdir()
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-subj", f"/O={'long' * 15}/CN=Example other", "-days", "9", "-keyout", work / "key", "-out",
            work / "pem")
    # Signers stand sorted by their bytes, a longer issuer's name behind; the last name counts.
    swu = fleet.resign("impostor", (fleet.path("sign-old/cms.pem"), fleet.path("sign-old/cms.key")),
                       (work / "pem", work / "key"))
    done = fleet.ask(swu, fleet.path("old.pem"), "--forced-signer-name", "Example other")
    assert done.code == 0, done.text
    fleet.verify(swu, fleet.path("old.pem"), 1, "--signer", "Example other")


def test_the_readme_tells_the_steps_that_are_tested_here():
    text = (Path(__file__).parents[2] / "keys/README.md").read_text()
    for words in ("jetson-keys anchors add", "jetson-keys anchors remove", "jetson-keys issue",
                  "jetson-keys request", "jetson-keys install", "jetson-keys renew",
                  "jetson-keys revoke", "jetson-keys boot", "jetson-keys check"):
        assert re.search(re.escape(words), text), words
