# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""What `jetson-swu verify` says about a package, and what `swupdate -c` does with it: SWUpdate's own
parser is the judge. Where it passes over a mistake without a word, we are stricter; those are named."""

import json
import subprocess

import pytest
from host import BUILD, HAS_LUA, common_options, run_once, short_tmp
from package import Package

GROUP = "Packages looked through before they are sent"
JETSON_SWU = BUILD / "bin/jetson-swu"
HASH = "ab" * 32
ROWS = []


def row(code, refused=True):
    """A package with one mistake. refused: by SWUpdate too."""
    def add(change):
        ROWS.append(pytest.param(change, code, refused, id=change.__name__.replace("_", "-")))
        return change
    return add


@row(None, False)
def good(package):
    pass


@row(None, False)
def sbom_beside_the_images(package):
    package.files["bom"] = b"{}"
    package.more = ('sbom: ( { filename = "bom"; sha256 = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe7'
                    '7e8310c060f61caaff8a"; } );\n')


@row("unknown-type")
def a_type_nobody_has(package):
    package.image("rootfs").type = "jetson-rootsf"


@row("unknown-compression")
def a_compression_nobody_has(package):
    package.image("rootfs").compressed = "bzip2"


@row("needs-xz")
def xz_for_an_old_swupdate(package):
    package.image("rootfs").compressed = "xz"
    package.image("rootfs").properties["decompressed-size"] = "1"


@row("missing-sha256")
def no_hash(package):
    package.image("rootfs").sha256 = ""


@row("bad-sha256")
def short_hash(package):
    package.image("rootfs").sha256 = HASH[:62]


@row("bad-sha256")
def long_hash(package):
    package.image("rootfs").sha256 = HASH + "ab"


@row("bad-sha256")
def hash_of_zeros(package):
    package.image("rootfs").sha256 = "00" * 32


@row("hash-differs")
def wrong_hash(package):
    package.image("rootfs").sha256 = HASH


@row("wrong-section")
def hook_among_the_images(package):
    package.image("rootfs").type = "jetson-postinstall"


@row("wrong-section")
def image_among_the_files(package):
    package.more = f'files: ( {{ filename = "boot.img"; type = "jetson-rootfs"; sha256 = "{HASH}"; }} );\n'


@row("missing-version")
def no_version(package):
    package.description = lambda text=package.description(): text.replace('version = "2.0.0";', "")


@row("missing-hardware")
def no_hardware(package):
    package.description = lambda text=package.description(): text.replace(
        'hardware-compatibility: [ "1.0" ];', "")


@row("nothing-to-install")
def nothing(package):
    package.description = lambda: ('software = { version = "1"; jetson-demo = { '
                                   'hardware-compatibility: [ "1.0" ]; }; };')
    package.images = []


@row("bad-description")
def no_syntax(package):
    package.more = "images: ( ;\n"


@row("bad-description")
def an_attribute_twice(package):
    package.image("rootfs").extra = ' type = "raw";'


@row("dangling-ref")
def a_link_of_another_form(package):
    package.more = 'files: ( { ref = "here"; } );\n'


@row("bad-description")
def links_in_a_circle(package):
    package.more = 'files: ( { ref = "#./files"; } );\n'


@row("dangling-ref", False)
def a_link_to_nowhere(package):
    package.more = 'files: ( { ref = "#./gone"; } );\n'


@row("missing-filename", False)
def an_image_without_file(package):
    package.more = f'files: ( {{ path = "/x"; sha256 = "{HASH}"; }} );\n'


@row("wrong-kind", False)
def a_boolean_in_quotes(package):
    package.image("rootfs").extra = ' encrypted = "true";'


@row("unknown-attribute", False)
def a_misspelt_attribute(package):
    package.image("rootfs").extra = ' sha265 = "x";'


@row("missing-hook", False)
def no_hook(package):
    package.hook = None


@row("half-slot", False)
def half_a_slot(package):
    package.images = [package.image("boot.img")]
    package.hook = {"images": "boot.img"}


@row("slot-variable", False)
def a_slot_variable(package):
    package.bootenv = {"boot_slot": "B"}


def look_through(swu, ca):
    done = subprocess.run([JETSON_SWU, "verify", "--json", "-k", ca, "--layout", "mission", swu],
                          capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode in (0, 1), done.stderr
    return {finding["code"]: finding["level"] for finding in json.loads(done.stdout)["findings"]}


@pytest.mark.parametrize("change, code, refused", ROWS)
def test_our_verdict_and_swupdates(stock, tmp_path, change, code, refused):
    package = Package.of(stock.new)
    change(package)
    swu = package.build(tmp_path / "p", stock.keys.good)
    found = look_through(swu, stock.keys.ca)
    assert code is None and found == {} or code in found, found
    with short_tmp() as tmp:
        run = run_once(["-c", "-i", swu, *common_options(tmp, stock.keys.ca)])
    # Links in a circle end it with a signal.
    assert (run.code != 0) == refused, run.text


def test_a_script_without_a_type_is_taken_for_lua(stock, tmp_path):
    """A swupdate with Lua would find it only when it runs it; we say so on every host."""
    package = Package.of(stock.new)
    package.add_script("x.sh", "#!/bin/sh\n")
    package.scripts = [text.replace('type = "shellscript";', "") for text in package.scripts]
    swu = package.build(tmp_path / "p", stock.keys.good)
    assert look_through(swu, stock.keys.ca)["missing-script-type"] == "error"
    with short_tmp() as tmp:
        run = run_once(["-c", "-i", swu, *common_options(tmp, stock.keys.ca)])
    assert run.code == (0 if HAS_LUA else 1), run.text
