# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""Descriptions that are signed, well formed, and ask for something else than an A/B update."""

import copy

import pytest

GROUP = "What sw-description asks for"
LONGEST = 254  # bytes of a bootenv variable's value


@pytest.mark.parametrize("case, extra, says", [
    ("device", ' device = "/dev/mmcblk0p5";', "must not give device"),
    ("path", ' path = "/boot/Image";', "must not give path"),
    ("volume", ' volume = "rootfs";', "must not give volume"),
    ("mtdname", ' mtdname = "rootfs";', "must not give volume or mtdname"),
    ("offset", ' offset = "1M";', "must not give offset"),
    ("install-if-different", ' name = "rootfs"; version = "9.9"; install-if-different = true;',
     "must not give install-if-different"),
    ("install-if-higher", ' name = "rootfs"; version = "9.9"; install-if-higher = true;',
     "must not give install-if-different or install-if-higher"),
])
def test_a_field_that_fixes_the_place_is_refused(bench, case, extra, says):
    package = bench.update(("rootfs", "bootloader", "kernel"))
    package.image("rootfs").extra = extra
    bench.refuses(f"image with {case}", bench.install(package), says)


@pytest.mark.parametrize("name", ["slot", "decompressed_size", "Decompressed-Size"])
def test_an_unknown_property_is_refused(bench, name):
    package = bench.update(("rootfs", "bootloader", "kernel"))
    package.image("rootfs").properties = {name: "B"}
    bench.refuses(f"image with the unknown property {name}", bench.install(package),
                  f"unknown property '{name}'")


def installed(*names):
    """Lines for swupdate.cfg that let SWUpdate skip these images as installed already."""
    return "versions: ( " + ", ".join(f'{{ name = "{name}"; version = "2.0"; }}'
                                      for name in names) + " );"


def skippable(package, *names):
    for name in names:
        package.image(name).extra = \
            f' name = "{name}"; version = "2.0"; install-if-different = true;'


def test_an_image_that_swupdate_skips_fails_the_update(bench):
    """What is skipped would be old: the comparison is with the running slot."""
    package = bench.update()
    skippable(package, "rootfs")
    run = bench.install(package, more_config=installed("rootfs"))
    bench.fails("one image skipped as installed already", run,
                "image 'rootfs.ext4' of this update was not written", bootloader="new",
                kernel="new")


def test_an_update_of_which_everything_is_skipped_fails(bench):
    package = bench.update()
    names = ("bootloader", "boot.img", "rootfs")
    skippable(package, *names)
    run = bench.install(package, more_config=installed(*names))
    bench.refuses("all images skipped as installed already", run,
                  "image 'bootloader.img' of this update was not written")


def test_an_update_without_the_hook_is_not_selected(bench):
    package = bench.update()
    package.hook = None
    bench.fails("hook missing", bench.install(package), "no script of type 'jetson-postinstall'",
                bootloader="new", kernel="new", rootfs="new")


@pytest.mark.parametrize("case, hook, says", [
    ("without the property images", {}, "property images is missing"),
    ("with an unknown property", {"images": "IMAGES", "role": "kernel"}, "unknown property 'role'"),
    ("that names an image which is not there", {"images": "IMAGES dtb.img"},
     "image 'dtb.img' of this update was not written"),
    ("that leaves an image out", {"images": "boot.img rootfs.ext4"},
     "image 'bootloader.img' was written but the signed list does not name it"),
    ("that names nothing", {"images": " "}, "was written but the signed list does not name it"),
    ("with more than 72 words", {"images": "IMAGES" + " x" * 70}, "more than 72 words"),
    ("that keeps an unknown role", {"images": "IMAGES", "keep": "dtb"},
     "property keep names 'dtb'"),
    ("that keeps what was written", {"images": "IMAGES", "keep": "kernel"},
     "was already written by image 'boot.img'"),
])
def test_a_hook_that_does_not_fit_the_images_fails_the_update(bench, case, hook, says):
    package = bench.update()
    names = " ".join(image.name for image in package.images)
    package.hook = {name: text.replace("IMAGES", names) for name, text in hook.items()}
    bench.fails(f"hook {case}", bench.install(package), says, bootloader="new", kernel="new",
                rootfs="new")


def test_a_hook_without_images_selects_nothing(bench):
    package = bench.update()
    package.images = []
    bench.refuses("hook alone, no image", bench.install(package),
                  "image 'bootloader.img' of this update was not written")


@pytest.mark.parametrize("missing, roles", [
    ("rootfs", ("bootloader", "kernel")),
    ("kernel", ("bootloader", "rootfs")),
    ("bootloader", ("kernel", "rootfs")),
])
def test_half_a_slot_is_refused_and_the_missing_role_named(bench, missing, roles):
    run = bench.install(bench.update(roles))
    bench.fails(f"half a slot: no {missing}", run, f"requires the role {missing}",
                **{role: "new" for role in roles})


def test_a_rootfs_cannot_be_kept_while_it_is_mounted(bench):
    run = bench.install(bench.update(("bootloader", "kernel"), keep="rootfs"))
    bench.fails("keep = \"rootfs\", which is mounted", run, "is in use and cannot be copied",
                bootloader="new", kernel="new")


def test_two_images_of_one_role_are_refused(bench):
    package = bench.update()
    second = copy.deepcopy(package.image("rootfs"))
    second.name = "second.ext4"
    package.images.append(second)
    package.hook["images"] += " second.ext4"
    bench.fails("two images of one role", bench.install(package),
                "the rootfs of this update was already written by image 'rootfs.ext4'",
                bootloader="new", kernel="new", rootfs="new")


def test_a_role_that_the_layout_does_not_have_is_refused(make_bench):
    bench = make_bench(layout="t186", config='backend = "uboot";')
    package = bench.update(("bootloader", "kernel", "rootfs"))
    bench.refuses("image for a role that the layout has not", bench.install(package),
                  "layout 't186'")


@pytest.mark.parametrize("name, value", [
    ("boot_slot", "B"), ("ustate", "1"), ("slotB_ok", "1"), ("upgrade_available", "0"),
    ("bootlimit", "99"), ("bootcmd", "run evil"), ("jota_args", "single"),
])
def test_a_bootenv_section_cannot_touch_the_boot_choice(bench, name, value):
    package = bench.update()
    package.bootenv = {"harmless": "yes", name: value}
    bench.fails(f"bootenv section sets {name}", bench.install(package),
                f"'{name}' belongs to the slot state", bootloader="new", kernel="new", rootfs="new")
    assert "harmless" not in bench.env.read()


def test_a_variable_that_swupdate_cuts_fails_the_update(bench):
    """Of what is wrong with it SWUpdate says only that it is bootloader-specific."""
    package = bench.update()
    package.bootenv = {"harmless": "yes", "note": "x" * (LONGEST + 1)}
    bench.fails("bootenv section with a value that SWUpdate cuts", bench.install(package),
                "'note' has a name or value of 255 bytes or more", bootloader="new", kernel="new",
                rootfs="new")
    assert "harmless" not in bench.env.read()


def test_the_longest_variable_that_swupdate_does_not_cut_is_stored(bench):
    package = bench.update()
    package.bootenv = {"before": "1", "note": "x" * LONGEST, "behind": "2"}
    run = bench.install(package)
    assert run.code == 0, run.text
    bench.check_flipped()
    read = bench.env.read()
    assert (read["before"], read["note"], read["behind"]) == ("1", "x" * LONGEST, "2")


def test_a_second_hook_that_fails_takes_the_first_ones_word_back(bench):
    package = bench.update()
    package.add_script("check.sh", "#!/bin/sh\n[ $1 = preinst ] || exit 1\n")
    bench.fails("script behind the hook fails", bench.install(package),
                "postinstall scripts failed", bootloader="new", kernel="new", rootfs="new")


def test_a_script_that_fails_before_the_hook_ends_the_update(bench):
    package = bench.update()
    package.add_script("check.sh", "#!/bin/sh\n[ $1 = preinst ] || exit 1\n", before_hook=True)
    bench.fails("script before the hook fails", bench.install(package),
                "postinstall scripts failed", bootloader="new", kernel="new", rootfs="new")
