# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""What SWUpdate refuses by itself, before any of our code runs. Nothing is touched."""

import host
import pytest
from swu import Swu

GROUP = "Refused by SWUpdate before our code runs"


def tampered(bench, change, package=None):
    """A good .swu, changed after it was signed."""
    path = bench.build(package or bench.update())
    swu = Swu(path)
    change(swu)
    out = path.with_name("tampered.swu")
    swu.save(out)
    return out


@pytest.mark.parametrize("case, signer, says", [
    ("certificate of another authority", "foreign", "Authentication of all signatures failed"),
    ("expired certificate", "expired", "Authentication of all signatures failed"),
    ("certificate that is not valid yet", "not_yet", "Authentication of all signatures failed"),
])
def test_a_signer_that_is_not_trusted_is_refused(bench, case, signer, says):
    swu = bench.build(bench.update(), getattr(bench.stock.keys, signer))
    bench.refuses(case, bench.install(None, swu=swu), says)


def test_a_plain_rsa_signature_is_refused_where_cms_is_asked_for(bench):
    key = bench.stock.keys.folder / "ours/rsa.key"
    swu = bench.build(bench.update(), (key, "-"))
    bench.refuses("plain RSA signature, but CMS is verified", bench.install(None, swu=swu),
                  "cannot be parsed as DER-encoded CMS signature blob")


def test_a_changed_description_is_refused(bench):
    def change(swu):
        text = swu.files["sw-description"]
        swu.flip("sw-description", text.index(b"2.0.0"))
    run = bench.install(None, swu=tampered(bench, change))
    bench.refuses("one bit of sw-description changed after signing", run,
                  "Signature verification failed")


def test_a_changed_signature_is_refused(bench):
    def change(swu):
        swu.flip("sw-description.sig", -10)
    run = bench.install(None, swu=tampered(bench, change))
    bench.refuses("one bit of the signature changed", run, "Signature verification failed")


def test_an_unsigned_package_is_refused(bench):
    def change(swu):
        del swu.files["sw-description.sig"]
    # A daemon's closing line is all that is said; with -i the process often ends before it.
    with bench.daemon() as daemon:
        run = daemon.install(tampered(bench, change))
    bench.refuses("unsigned package", run, "Image invalid or corrupted")


def test_a_signature_of_another_description_is_refused(bench):
    first, second = bench.update(), bench.update()
    second.version = "2.0.1"
    signature = Swu(bench.build(second)).files["sw-description.sig"]

    def change(swu):
        swu.files["sw-description.sig"] = signature
    run = bench.install(None, swu=tampered(bench, change, first))
    bench.refuses("signature of another description", run, "Signature verification failed")


def test_swupdate_without_a_certificate_does_not_start(bench):
    run = bench.install(bench.update(), ca=None)
    bench.refuses("swupdate started without -k", run, "built for signed images")


def test_a_file_that_is_no_package_is_refused(bench):
    path = bench.work / "noise.swu"
    path.write_bytes(b"no archive" * 1000)
    run = bench.install(None, swu=path)
    bench.refuses("file that is no .swu", run, "CPIO Format not recognized")


def test_a_board_of_another_name_is_refused(bench):
    package = bench.update()
    package.board = "other-board"
    bench.refuses("package for a board of another name", bench.install(package),
                  "HW compatibility not found")


def test_another_revision_is_refused(bench):
    package = bench.update()
    package.revision = "2.0"
    bench.refuses("package for another revision of the board", bench.install(package),
                  "SW not compatible with hardware")


def test_an_image_without_a_digest_is_refused(bench):
    package = bench.update()
    package.image("rootfs").sha256 = ""
    bench.refuses("image without sha256", bench.install(package), "Hash not set for rootfs.ext4")


def test_a_digest_of_zeroes_is_refused(bench):
    package = bench.update()
    package.image("boot.img").sha256 = "00" * 32
    bench.refuses("sha256 of zeroes only", bench.install(package), "Hash not set for boot.img")


def test_a_description_with_a_syntax_error_is_refused(bench):
    package = bench.update()
    package.more = "images = (;\n"
    bench.refuses("syntax error in sw-description", bench.install(package),
                  "JSON File corrupted")


def test_an_unknown_type_is_refused(bench):
    package = bench.update()
    package.image("rootfs").type = "jetson-root"
    bench.refuses("unknown image type", bench.install(package),
                  "feature 'jetson-root' required for 'rootfs.ext4'")


def test_a_hook_without_a_type_is_refused(bench):
    package = bench.update()
    package.hook = None
    package.scripts = ['{ properties: { images = "boot.img"; }; }']
    says = "Type lua" if host.HAS_LUA else "feature 'lua' required"
    bench.refuses("script without a type", bench.install(package), says)
