# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""The kernel that will really boot is the one that is judged before the flip: that of the boot image, or on boards that are
set up so, the one that extlinux.conf of the new root names. Real swupdate and jetson-health; a fake efivarfs."""

import gzip

import pytest
from newslot import (KERNEL, PASSED, check_passed, check_refused, furnish, install, make_boot, put, set_checks)
from package import KIB, make_kernel

OTHER = "5.15.148-tegra"
CONF = "boot/extlinux/extlinux.conf"
EXTLINUX, BOOTIMG, GRUB = 1, 2, 0


@pytest.fixture
def orin(make_bench):
    """Its boot image has the kernel whose modules are there, and so has its root."""
    made = furnish(make_bench(layout="t234"))
    made.device.uefi.set("L4TDefaultBootMode", EXTLINUX)
    put_kernel(made.tree, KERNEL)
    return made


@pytest.fixture
def uboot(make_bench):
    """U-Boot starts something that is not ours: it may boot either kernel. Here it comes to the same in the end."""
    made = furnish(make_bench())
    made.env.change(bootcmd="run board_boot", board_boot="run jota_boot; reset")
    put_kernel(made.tree, KERNEL)
    return made


def put_kernel(tree, release, append="${cbootargs} quiet", packed=False, path="/boot/Image"):
    kernel = bytearray(make_kernel("root", 300 * KIB))
    banner = f"Linux version %s\0Linux version {release} (builder@host) #1 SMP\n".encode()
    kernel[200 * KIB:200 * KIB + len(banner)] = banner
    put(tree / "boot/Image", gzip.compress(bytes(kernel), 1) if packed else bytes(kernel))
    put(tree / CONF, f"TIMEOUT 30\nDEFAULT primary\nMENU TITLE L4T\nLABEL primary\n"
        f"      MENU LABEL primary kernel\n      LINUX {path}\n      APPEND {append}\n")


def expect_flip(orin, ran):
    assert ran.code == 0 and ran.says(PASSED), ran.text
    assert orin.device.uefi.next() == "B"
    assert orin.device.uefi.record()["B"] == "trial"


def expect_refusal(orin, ran, *says):
    assert ran.code == 1, ran.text
    for words in says:
        assert ran.says(words) is not None, f"nobody says '{words}':\n{ran.text}"
    assert orin.device.uefi.next() == "A"
    assert orin.device.uefi.record()["B"] == "empty"


def spoilt_boot(bench):
    """A boot image whose kernel has no modules, and whose command line fixes a slot."""
    return make_boot(bench.work, "root=/dev/mmcblk0p1", release=OTHER)


# The root boots

@pytest.mark.parametrize("packed", [False, True])
def test_a_kernel_of_the_root_with_its_modules_is_booted(orin, packed):
    put_kernel(orin.tree, KERNEL, packed=packed)
    expect_flip(orin, install(orin))


def test_the_boot_image_does_not_matter_where_the_root_boots(orin):
    expect_flip(orin, install(orin, spoilt_boot(orin)))


def test_a_kernel_of_the_root_without_its_modules_is_refused(orin):
    put_kernel(orin.tree, OTHER)
    expect_refusal(orin, install(orin), "check 'new-modules' of new slot B: modules-differ",
                   f"the new kernel '/boot/Image' is {OTHER}, the new root has no "
                   f"'/lib/modules/{OTHER}/modules.dep'")


@pytest.mark.parametrize("append, says", [
    ("root=/dev/mmcblk0p1 rw", "extlinux.conf of the new root fixes one slot: 'root=/dev/mmcblk0p1'"),
    ("jota.slot=A root=PARTLABEL=APP", "is ambiguous: 'jota.slot=A root=PARTLABEL=APP'"),
])
def test_a_line_of_the_root_that_fixes_a_slot_is_refused(orin, append, says):
    put_kernel(orin.tree, KERNEL, append)
    expect_refusal(orin, install(orin), "check 'new-command-line' of new slot B: root-fixed", says)


def test_a_word_that_is_allowed_does_not_fix_a_slot(orin):
    put_kernel(orin.tree, KERNEL, "root=LABEL=whatever rw")
    set_checks(orin, '{ name = "mine"; kind = "new-command-line"; phase = "preflip"; '
               'allow = [ "root=LABEL=whatever" ]; }')
    expect_flip(orin, install(orin))


def no_kernel(tree):
    (tree / "boot/Image").unlink()


def kernel_out_of_the_tree(tree):
    no_kernel(tree)
    (tree / "boot/Image").symlink_to("../../../../../../bin/sh")


def dangling_default(tree):
    put(tree / CONF, (tree / CONF).read_text().replace("DEFAULT primary", "DEFAULT backup"))


def no_initrd(tree):
    put(tree / CONF, (tree / CONF).read_text() + "INITRD /boot/initrd\n")


def endless(tree):
    put(tree / CONF, "#" * 70000)


@pytest.mark.parametrize("spoil, reason, says", [
    (no_kernel, "kernel-unknown", "entry 'primary' of extlinux.conf: '/boot/Image' is not in the new"),
    (kernel_out_of_the_tree, "kernel-unknown", "entry 'primary' of extlinux.conf: '/boot/Image' is not"),
    (dangling_default, "kernel-unknown", "0 entries have the label 'backup' that boots, expected 1"),
    (no_initrd, "missing", "entry 'primary' of extlinux.conf names '/boot/initrd', which is no file"),
    (endless, "kernel-unknown", "has more than 65536 bytes"),
], ids=lambda value: getattr(value, "__name__", None))
def test_an_entry_that_cannot_boot_is_refused(orin, spoil, reason, says):
    spoil(orin.tree)
    expect_refusal(orin, install(orin), f": {reason}: ", says)


def test_without_extlinux_the_firmware_takes_the_boot_image(orin):
    (orin.tree / CONF).unlink()
    expect_refusal(orin, install(orin, spoilt_boot(orin)), f"the new kernel is {OTHER}")
    orin.remember()
    expect_flip(orin, install(orin))


# The boot image boots

def test_the_root_does_not_matter_where_the_boot_image_boots(orin):
    orin.device.uefi.set("L4TDefaultBootMode", BOOTIMG)
    put_kernel(orin.tree, OTHER, "root=/dev/mmcblk0p1")
    expect_flip(orin, install(orin))


def test_our_boot_script_takes_the_boot_image(make_bench):
    made = furnish(make_bench())
    put_kernel(made.tree, OTHER, "root=/dev/mmcblk0p1")
    check_passed(made, install(made))


# Nobody can tell

@pytest.mark.parametrize("mode", [None, GRUB])
def test_both_must_do_when_the_firmware_does_not_say_which(orin, mode):
    says = "is absent" if mode is None else f"is {mode}"
    if mode is None:
        orin.device.uefi.delete("L4TDefaultBootMode")
    else:
        orin.device.uefi.set("L4TDefaultBootMode", mode)
    expect_refusal(orin, install(orin, spoilt_boot(orin)), f"the new kernel is {OTHER}",
                   "what boots is not known (", says)
    orin.remember()
    put_kernel(orin.tree, OTHER)
    expect_refusal(orin, install(orin), f"the new kernel '/boot/Image' is {OTHER}",
                   f"{says}), so both must do")
    orin.remember()
    put_kernel(orin.tree, KERNEL)
    expect_flip(orin, install(orin))


def test_both_must_do_when_uboot_starts_something_else(uboot):
    put_kernel(uboot.tree, OTHER)
    check_refused(uboot, install(uboot), "modules-differ",
                  "what boots is not known (U-Boot's bootcmd is 'run board_boot'), so both must do")


def test_a_root_without_extlinux_leaves_the_boot_image(uboot):
    (uboot.tree / CONF).unlink()
    check_passed(uboot, install(uboot))


@pytest.mark.parametrize("word", ["partition", "root"])
def test_the_configuration_can_say_which(uboot, word):
    set_checks(uboot, "".join(
        f'{{ name = "{kind}"; kind = "{kind}"; phase = "preflip"; kernel = "{word}"; }},'
        for kind in ("new-modules", "new-command-line")).rstrip(","))
    if word == "partition":
        put_kernel(uboot.tree, OTHER, "root=/dev/mmcblk0p1")
        check_passed(uboot, install(uboot))
    else:
        check_passed(uboot, install(uboot, spoilt_boot(uboot)))


def test_a_word_that_is_none_is_refused(uboot):
    set_checks(uboot, '{ name = "x"; kind = "new-modules"; phase = "preflip"; kernel = "grub"; }')
    check_refused(uboot, install(uboot), "kernel is 'grub', expected one of: auto, partition, root, both")
