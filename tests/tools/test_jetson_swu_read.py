# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""jetson-swu verify, inspect, diff, lint, extract: on packages made by plain cpio and openssl, and on
hostile ones."""

import hashlib
import json
import os
import stat
import subprocess
from pathlib import Path

import pytest
from swu_read import GOOD, JETSON_SWU, REFUSED, TOP, UNREADABLE, USAGE, Maker, Stock, run

from package import AES_IV, AES_KEY, MIB, Package
from swu import Swu

VERBS = ("build", "verify", "inspect", "diff", "lint", "extract")


@pytest.fixture(scope="module")
def stock(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stock")
    return Stock(folder)


@pytest.fixture
def maker(stock, tmp_path):
    return Maker(stock, tmp_path)


def test_help_names_every_verb():
    text = run("--help").out
    for verb in VERBS:
        assert f"  {verb} " in text
    assert run("--version").out.startswith("jetson-swu ")


@pytest.mark.parametrize("verb", VERBS[1:])
def test_each_verb_has_a_help_of_its_own(verb):
    assert run(verb, "--help").out.startswith(f"usage: jetson-swu {verb} ")


@pytest.mark.parametrize("argv", [
    [], ["frobnicate"], ["verify"], ["verify", "x"], ["verify", "-k", "a", "--no-trust", "x"],
    ["verify", "--no-trust", "x", "y"], ["verify", "-k"], ["verify", "--no-trust", "--layout", "t1", "x"],
    ["verify", "--no-trust", "--method", "dsa", "x"], ["verify", "--no-trust", "--purpose", "x", "x"],
    ["verify", "--no-trust", "--at", "today", "x"], ["inspect"], ["inspect", "--yaml", "x"],
    ["inspect", "a", "b"], ["diff", "a"], ["diff", "a", "b", "c"], ["lint"], ["lint", "--layout"],
    ["lint", "--layout", "mars", "x"], ["extract"], ["extract", "--list", "a", "b"], ["extract", "-C"]])
def test_wrong_usage_is_code_2(argv):
    answer = run(*argv, code=USAGE)
    assert answer.out == ""
    assert answer.err.startswith("jetson-swu: ") and answer.err.count("\n") == 1


@pytest.mark.parametrize("argv", [["verify", "--no-trust"], ["inspect"], ["lint"], ["extract", "--list"]])
@pytest.mark.parametrize("path", ["/nonexistent", "/dev/null", "/tmp"])
def test_what_is_no_file_is_unreadable(argv, path):
    answer = run(*argv, path, code=UNREADABLE)
    assert path in answer.err


@pytest.mark.parametrize("way", ["build", "build_by_hand"])
def test_a_package_of_ours_and_one_of_plain_cpio_and_openssl_are_good(maker, way):
    package = maker.package()
    package.image("rootfs").compress("zstd")
    swu = getattr(maker, way)(package)
    report = maker.verify(swu, "--layout", "mission", "--strict").json()
    assert report["good"] and report["signature_checked"] and report["findings"] == []
    assert report["version"] == "2.0.0"
    assert len(report["signers"]) == 1 and report["signers"][0]["digest"] == "sha256"
    members = {member["name"]: member for member in report["members"]}
    assert list(members) == ["sw-description", "sw-description.sig", "bootloader.img", "boot.img",
                             "rootfs.ext4"]
    assert members["rootfs.ext4"]["content_bytes"] == len(maker.stock.release.rootfs)
    assert members["boot.img"]["sha256"] == hashlib.sha256(maker.stock.release.boot).hexdigest()
    assert "is good" in run("verify", "-k", maker.ca, swu).out


@pytest.mark.parametrize("way", ["build", "build_by_hand"])
@pytest.mark.parametrize("method, secret", [("zlib", False), ("zlib", True), ("zstd", True), ("", True)])
def test_compression_and_encryption_are_looked_into(maker, method, secret, way):
    package = maker.package()
    image = package.image("rootfs")
    if method:
        image.compress(method)
    if secret:
        image.encrypt()
    key = maker.folder / "aes.key"
    key.write_text(f"{AES_KEY} {AES_IV}\n")
    swu = getattr(maker, way)(package)
    report = maker.verify(swu, "-K", key).json()
    assert report["findings"] == []
    assert report["members"][-1]["content_bytes"] == len(maker.stock.release.rootfs)
    if secret:
        assert maker.verify(swu).codes() == {"content-unchecked"}
        key.write_text(f"{'00' * 32} {AES_IV}\n")
        assert "bad-content" in maker.verify(swu, "-K", key, code=REFUSED).codes()


@pytest.mark.parametrize("way", ["build", "build_by_hand"])
def test_a_signature_of_plain_rsa_is_good(maker, stock, way):
    folder = stock.keys.folder / "ours"
    swu = getattr(maker, way)(signer=(folder / "rsa.key", "-"))
    run("verify", "--method", "rsa", "-k", folder / "rsa.pub", swu)
    answer = run("verify", "--json", "--method", "rsa-pss", "-k", folder / "rsa.pub", swu, code=REFUSED)
    assert answer.codes() == {"bad-signature"}
    assert maker.verify(swu, code=REFUSED).codes() == {"signature-form"}


@pytest.mark.parametrize("signer, code", [
    ("foreign", "untrusted-signer"), ("expired", "certificate-expired"),
    ("not_yet", "certificate-not-yet-valid")])
def test_signers_that_a_device_refuses_are_refused(maker, stock, signer, code):
    swu = maker.build(signer=getattr(stock.keys, signer))
    answer = maker.verify(swu, code=REFUSED)
    assert answer.codes() == {code}
    assert "is refused: 1 errors" in answer.err
    # Nothing behind the signature was believed.
    assert answer.json()["version"] is None and answer.json()["members"] == []


def test_certificates_are_judged_at_the_time_that_is_given(maker, stock):
    swu = maker.build(signer=stock.keys.expired)
    # Its authority is younger than that, so one of the two is always out of its time.
    at = maker.verify(swu, "--at", "2020-06-01", code=REFUSED).json()["findings"]
    assert at[0]["code"] == "certificate-not-yet-valid" and "development CA" in at[0]["text"]
    assert maker.verify(maker.build(), "--at", "4102444800", code=REFUSED).codes() == {
        "certificate-expired"}


def test_trust_that_is_none_is_unreadable(maker):
    swu = maker.build()
    for trust in ("/nonexistent", swu, "/dev/null"):
        assert run("verify", "-k", trust, swu, code=UNREADABLE).out == ""


def test_every_change_of_a_member_is_found(maker):
    swu = maker.build()
    for name in ("sw-description", "sw-description.sig", "boot.img", "rootfs.ext4", "bootloader.img"):
        for place in (0, 100, -1):
            # The archive's checksum is mended, as whoever attacks would.
            changed = Swu(swu)
            changed.flip(name, place)
            changed.save(maker.folder / "changed.swu")
            answer = maker.verify(maker.folder / "changed.swu", code=REFUSED)
            assert answer.codes() & {"hash-differs", "bad-signature", "signature-form", "untrusted-signer"}


def test_a_cut_package_is_refused_wherever_it_is_cut(maker):
    data = maker.build().read_bytes()
    cut = maker.folder / "cut.swu"
    for size in (0, 1, 109, 110, 500, 5000, len(data) // 2, len(data) - 600):
        cut.write_bytes(data[:size])
        assert maker.verify(cut, code=REFUSED).codes() == {"bad-archive"}
        run("inspect", cut, code=UNREADABLE)
        run("extract", "-C", maker.folder / "x", cut, code=UNREADABLE)


def test_newc_without_checksums_is_named(maker):
    folder = maker.build().parent
    names = "sw-description\nsw-description.sig\nbootloader.img\nboot.img\nrootfs.ext4\n"
    run_swu = Swu(folder / "update.swu")
    (folder / "sw-description").write_bytes(run_swu.files["sw-description"])
    (folder / "sw-description.sig").write_bytes(run_swu.files["sw-description.sig"])
    data = subprocess.run(["cpio", "-o", "-H", "newc", "--quiet"], input=names.encode(), cwd=folder,
                          check=True, capture_output=True).stdout
    (folder / "newc.swu").write_bytes(data)
    assert maker.verify(folder / "newc.swu").codes() == {"no-checksum"}
    maker.verify(folder / "newc.swu", "--strict", code=REFUSED)


def test_memory_does_not_grow_with_the_content(maker):
    content = 1 << 30
    package = maker.package()
    image = package.image("rootfs")
    packer = subprocess.run(f"head -c {content} /dev/zero | zstd -q -3 --long=24 -c", shell=True,
                            check=True, capture_output=True)
    image.data = packer.stdout
    image.compressed = "zstd"
    image.properties["decompressed-size"] = str(content)
    package.image("bootloader").data = os.urandom(96 * MIB)
    answer = maker.verify(maker.build(package))
    assert answer.json()["members"][-1]["content_bytes"] == content


def test_a_window_that_needs_more_memory_is_named_not_taken(maker):
    package = maker.package()
    image = package.image("rootfs")
    packer = subprocess.run(f"head -c {200 * MIB} /dev/zero | zstd -q -3 --long=27 -c", shell=True,
                            check=True, capture_output=True)
    image.data, image.compressed = packer.stdout, "zstd"
    image.properties["decompressed-size"] = str(200 * MIB)
    assert maker.verify(maker.build(package)).codes() == {"content-unchecked"}


SPDX = {"spdxVersion": "SPDX-2.3", "packages": [{"name": "a"}, {"name": "b"}]}
CYCLONE = {"bomFormat": "CycloneDX", "specVersion": "1.5", "components": [{"name": "a"}]}


def with_sboms(maker, **files):
    """In a section of their own, packed behind the images."""
    package = maker.package()
    entries = []
    for name, content in files.items():
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        package.files[name] = data
        entries.append(f'{{ filename = "{name}";\nsha256 = "{hashlib.sha256(data).hexdigest()}"; }}')
    package.more = "sbom: ( " + ",\n".join(entries) + " );\n"
    return maker.build(package)


def test_sboms_are_verified_and_shown(maker):
    swu = with_sboms(maker, spdx=SPDX, cyclone=CYCLONE, other=b"what?", nothing=b"")
    assert maker.verify(swu).json()["findings"] == []
    sboms = {sbom["filename"]: sbom for sbom in run("inspect", "--json", swu).json()["sboms"]}
    assert (sboms["spdx"]["format"], sboms["spdx"]["version"], sboms["spdx"]["listed"]) == (
        "SPDX", "SPDX-2.3", 2)
    assert (sboms["cyclone"]["format"], sboms["cyclone"]["listed"]) == ("CycloneDX", 1)
    assert sboms["other"]["format"] is None
    text = run("inspect", swu).out
    assert "SPDX SPDX-2.3, 2 packages" in text and "CycloneDX 1.5, 1 components" in text
    changed = Swu(swu)
    changed.flip("spdx", 5)
    changed.save(maker.folder / "changed.swu")
    assert maker.verify(maker.folder / "changed.swu", code=REFUSED).codes() == {"hash-differs"}


def test_inspect_shows_the_tree(maker):
    swu = maker.build()
    text = run("inspect", swu).out
    for word in ("version 2.0.0", "jetson-demo:1.0", "jetson-rootfs (rootfs)", "images: bootloader.img",
                 "nothing of this is verified"):
        assert word in text
    report = run("inspect", "--json", swu).json()
    assert list(report) == ["schema", "file", "bytes", "verified", "version", "description", "hardware",
                            "members", "views", "sboms"]
    assert report["verified"] is False and report["bytes"] == swu.stat().st_size
    view, = report["views"]
    assert view["name"] == "jetson-demo"
    assert [entry["role"] for entry in view["entries"]] == ["bootloader", "kernel", "rootfs", None]
    assert view["entries"][3]["properties"] == [
        {"name": "images", "value": "bootloader.img boot.img rootfs.ext4"}]


def test_hostile_text_is_shown_escaped(maker):
    package = maker.package()
    package.more = 'description = "\\x1b[2J\\x07\\r\\nnew line \\\\ \u00e4";\n'
    swu = maker.build(package)
    assert "\\x1b[2J\\x07\\x0d\\x0anew line \\\\ \\xc3\\xa4" in run("inspect", swu).out
    assert run("inspect", "--json", swu).json()["description"].startswith("\\x1b[2J")


def test_diff_of_equal_packages_is_empty(maker):
    a, b = maker.build(), maker.build()
    assert run("diff", a, b).out == ""
    assert run("diff", "--json", a, b).json()["equal"] is True


def test_diff_names_what_changed(maker, stock):
    package = maker.package(stock.other)
    package.version = "3.0.0"
    package.revision = "2.0"
    package.image("rootfs").name = "rootfs-3.ext4"
    package.hook = {"images": "boot.img rootfs-3.ext4", "keep": "bootloader"}
    package.images.pop(0)
    package.bootenv = {"mine": "1"}
    swu, other = maker.build(), maker.build(package)
    text = run("diff", swu, other, code=REFUSED).out
    for line in ("~ software version: 2.0.0 -> 3.0.0", "- hardware: jetson-demo:1.0",
                 "+ hardware: jetson-demo:2.0", "~ jetson-demo rootfs filename: rootfs.ext4 -> ",
                 "~ jetson-demo rootfs sha256: ", "~ jetson-demo kernel sha256: ",
                 "- jetson-demo bootloader: ", " keep: bootloader", "mine: 1"):
        assert line in text, text
    found = run("diff", "--json", swu, other, code=REFUSED).json()
    assert found["equal"] is False
    kinds = {(d["kind"], d["component"], d["what"]) for d in found["differences"]}
    assert ("removed", "bootloader", None) in kinds
    assert ("changed", "rootfs", "filename") in kinds
    run("diff", swu, "/nonexistent", code=UNREADABLE)


@pytest.mark.parametrize("path", sorted((TOP / "sw-description").glob("*.sw-description")),
                         ids=lambda path: path.name)
def test_our_templates_pass_lint(path):
    layout = path.name.split(".")[0].split("-")[0]
    assert run("lint", "--template", "--strict", "--layout", layout, path).out == ""
    assert "@SHA256" in run("lint", path, code=REFUSED).out


def test_lint_reads_a_package_and_a_text(maker):
    package = maker.package()
    package.more = 'reboot = false;\nbootloader_state_marker = false;\n'
    swu = maker.build(package)
    answer = run("lint", "--json", swu, code=REFUSED)
    assert answer.codes() == {"reboot-false", "state-marker-off"}
    text = maker.folder / "text"
    text.write_bytes(Swu(swu).files["sw-description"])
    assert run("lint", "--json", text, code=REFUSED).codes() == answer.codes()
    text.write_text("software = {\n  version = ;\n};\n")
    answer = run("lint", "--json", text, code=REFUSED)
    assert answer.codes() == {"bad-description"}
    assert "line 2" in answer.json()["findings"][0]["text"]


def test_lint_measures_with_the_layout(maker):
    package = Package.of(maker.stock.release, roles=("kernel", "rootfs"))
    swu = maker.build(package)
    run("lint", "--layout", "t234", swu)
    assert run("lint", "--json", "--layout", "mission", swu, code=REFUSED).codes() == {"half-slot"}
    run("verify", "-k", maker.ca, "--layout", "mission", swu, code=REFUSED)


def test_lint_lists_its_rules():
    rules = run("lint", "--rules").out.splitlines()
    assert len(rules) >= 45
    assert any(line.startswith("half-slot ") for line in rules)


def test_extract_writes_every_member(maker):
    swu, folder = maker.build(), maker.folder / "new"
    run("extract", "-C", folder, swu)
    members = Swu(swu).files
    assert sorted(path.name for path in folder.iterdir()) == sorted(members)
    for name, data in members.items():
        assert (folder / name).read_bytes() == data
    listed = run("extract", "--list", swu).out
    assert [line.split()[1] for line in listed.splitlines()] == list(members)


def test_extract_takes_the_members_that_are_named(maker):
    swu, folder = maker.build(), maker.folder / "new"
    run("extract", "-C", folder, swu, "boot.img")
    assert [path.name for path in folder.iterdir()] == ["boot.img"]
    assert "no member 'x'" in run("extract", "-C", folder, swu, "x", code=REFUSED).err


def test_extract_never_replaces_and_follows_no_link(maker):
    swu, folder = maker.build(), maker.folder / "new"
    victim = maker.folder / "victim"
    victim.write_text("mine")
    folder.mkdir()
    for make in (lambda: (folder / "boot.img").write_text("mine"),
                 lambda: (folder / "boot.img").symlink_to(victim),
                 lambda: (folder / "boot.img").symlink_to(maker.folder / "gone")):
        make()
        before = (folder / "boot.img").lstat()
        run("extract", "-C", folder, swu, "boot.img", code=REFUSED)
        assert (folder / "boot.img").lstat().st_ino == before.st_ino
        (folder / "boot.img").unlink()
    assert victim.read_text() == "mine"
    assert not (maker.folder / "gone").exists()


def test_cve_class_names_that_leave_the_folder(maker):
    swu, folder = maker.build(), maker.folder / "deep/in/new"
    folder.mkdir(parents=True)
    for name in ("../evil", "/tmp/jota-evil", "a/../../evil", "..", "evil\n", "\x1b[31mred"):
        bad = Swu(swu)
        bad.files[name] = b"evil"
        bad.save(maker.folder / "bad.swu")
        assert maker.verify(maker.folder / "bad.swu", code=REFUSED).codes() == {"bad-archive"}
        for verb in (["extract", "-C", folder], ["inspect"], ["extract", "--list"]):
            run(*verb, maker.folder / "bad.swu", code=UNREADABLE)
    assert list(folder.iterdir()) == []
    assert not list(maker.folder.rglob("evil*")) and not Path("/tmp/jota-evil").exists()


def test_extract_removes_what_was_damaged(maker):
    swu, folder = maker.build(), maker.folder / "new"
    data = bytearray(swu.read_bytes())
    data[data.find(maker.stock.release.rootfs) + 100] ^= 1
    swu.write_bytes(data)
    answer = run("extract", "-C", folder, swu, code=REFUSED)
    assert "damaged on the way" in answer.err
    assert not (folder / "rootfs.ext4").exists()
    assert (folder / "boot.img").exists()


def test_extracted_files_are_plain_whatever_the_archive_says(maker):
    swu, folder = maker.build(), maker.folder / "new"
    data = swu.read_bytes().replace(b"000081A4", b"00008FFF").replace(b"000081a4", b"00008FFF")
    swu.write_bytes(data)
    run("extract", "-C", folder, swu)
    for path in folder.iterdir():
        mode = path.stat().st_mode
        assert stat.S_ISREG(mode) and not mode & 0o7133


def test_full_output_is_an_error(maker):
    swu = maker.build()
    with open("/dev/full", "w") as full:
        done = subprocess.run([JETSON_SWU, "inspect", swu], stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == UNREADABLE and b"write the output" in done.stderr
