# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""The new slot is looked at before it may boot: real swupdate, real hook, real jetson-health. Whatever is wrong
with the new slot, or with jetson-health itself, ends with a sentence, an EMPTY target and the running slot untouched."""

import dataclasses
import os
import random
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from newslot import (HEALTH, KERNEL, PROGRAM, check_passed, check_refused, configure, furnish, install,
                     make_boot, pack_tree, put, put_checks, replace_program, set_checks)
from package import Package, run


@pytest.fixture
def bench(make_bench):
    """A device with jetson-health and a release for it; tests spoil one thing."""
    return furnish(make_bench())


# A good slot

@pytest.mark.parametrize("packed", [False, True])
def test_a_slot_that_can_confirm_itself_is_booted(bench, packed):
    check_passed(bench, install(bench, make_boot(bench.work, packed=packed)))


def test_the_report_is_kept_for_people(bench):
    check_passed(bench, install(bench))
    report = (bench.root / "data/swupdate-jetson/health-preflip").read_text()
    assert all(kind in report for kind in ("new-init", "new-modules", "new-anchor", "new-units"))


def test_a_script_as_init_needs_its_interpreter(bench):
    (bench.tree / "sbin/init").unlink()
    put(bench.tree / "sbin/init", "#! /usr/bin/program -e\nexec /sbin/init.real\n", 0o755)
    check_passed(bench, install(bench))


def test_drop_ins_that_come_to_nothing_are_no_reason(bench):
    folder = "etc/systemd/system/swupdate.service.d/"
    put(bench.tree / folder / "a.conf", "[Unit]\nConditionPathExists=/run/later\n[Service]\nExecStart=\n"
        "ExecStart=/opt/none\n")
    put(bench.tree / folder / "b.conf", "[Service]\nExecStart=\nExecStart=/usr/bin/program -y\n")
    check_passed(bench, install(bench))


# A slot with one thing wrong

def without(path):
    return lambda tree: (tree / path).unlink()


def mask(tree):
    (tree / "etc/systemd/system/swupdate.service").symlink_to("/dev/null")


def drop_in(text, name="etc/systemd/system/swupdate.service.d/10-site.conf"):
    def spoil(tree):
        put(tree / name, text)
    spoil.__name__ = text.replace("\n", " ")[:40]
    return spoil


def disable(tree):
    (tree / "etc/systemd/system/multi-user.target.wants/jetson-health.service").unlink()


def other_system(tree):
    put(tree / "usr/lib/os-release", "ID=other\nVERSION_ID=2\n")


def other_machine(tree):
    program = bytearray((tree / "usr/lib/systemd/systemd").read_bytes())
    program[18:20] = b"\x28\x00"
    put(tree / "usr/lib/systemd/systemd", bytes(program), 0o755)


def link_loop(tree):
    (tree / "sbin/init").unlink()
    (tree / "sbin/init").symlink_to("init")


def out_of_the_tree(tree):
    """There is such a program on this machine, but not in the tree."""
    (tree / "sbin/init").unlink()
    (tree / "sbin/init").symlink_to("../../../../../../bin/sh")


@pytest.mark.parametrize("spoil, reason, says", [
    (without(f"lib/modules/{KERNEL}/modules.dep"), "modules-differ",
     f"the new kernel is {KERNEL}, the new root has no '/lib/modules/{KERNEL}/modules.dep'"),
    (mask, "unit-masked",
     "unit 'swupdate.service' is masked by '/etc/systemd/system/swupdate.service'"),
    (drop_in("[Service]\nExecStart=\nExecStart=/opt/none\n"), "new-program",
     "unit 'swupdate.service' cannot start (/etc/systemd/system/swupdate.service.d/10-site.conf): "
     "'/opt/none' is not in the new root"),
    (drop_in("[Service]\nExecStart=/usr/bin/program\n"), "unit-settings",
     "unit 'swupdate.service' has 2 lines of ExecStart="),
    (drop_in("[Unit]\nConditionPathExists=/etc/none\n", "usr/lib/systemd/system/jetson-.service.d/a.conf"),
     "unit-condition", "unit 'jetson-health.service' will not start: ConditionPathExists=/etc/none"),
    (disable, "unit-not-enabled", "unit 'jetson-health.service' is not enabled in the new root"),
    (without("usr/bin/program"), "new-program", "'/usr/bin/program' is not in the new root"),
    (other_system, "other-system", "os-release is 'other', expected 'jetson-demo'"),
    (without("usr/lib/os-release"), "missing", "the new root has no '/etc/os-release'"),
    (other_machine, "new-program", "'/sbin/init' of the new root is for 32-bit Arm"),
    (link_loop, "new-program", "more than 40 symbolic links"),
    (out_of_the_tree, "new-program", "'/sbin/init' is not in the new root"),
    (without("etc/swupdate/ca.pem"), "no-trust-anchor", "'/etc/swupdate/ca.pem' is not in the new"),
], ids=lambda value: getattr(value, "__name__", None))
def test_a_spoilt_root_is_refused(bench, spoil, reason, says):
    spoil(bench.tree)
    check_refused(bench, install(bench), "the new slot is not booted", f": {reason}: ", says)


def test_a_root_that_trusts_other_keys_is_refused(bench):
    theirs = bench.stock.keys.folder / "theirs/ca.pem"
    put(bench.tree / "etc/swupdate/ca.pem", theirs.read_bytes())
    check_refused(bench, install(bench), "trust-anchor-refuses",
                  "'/etc/swupdate/ca.pem' of the new root does not accept this update")


@pytest.mark.parametrize("cmdline, says", [
    ("quiet root=/dev/mmcblk0p1 rw", "fixes one slot: 'root=/dev/mmcblk0p1'"),
    ("root=/dev/a quiet root=PARTLABEL=APP", "is ambiguous: 'root=/dev/a root=PARTLABEL=APP'"),
    ("jota.slot=A", "fixes one slot: 'jota.slot=A'"),
])
def test_a_command_line_that_fixes_a_slot_is_refused(bench, cmdline, says):
    check_refused(bench, install(bench, make_boot(bench.work, cmdline)), "root-fixed", says)


def test_a_kernel_of_another_build_is_refused(bench):
    boot = make_boot(bench.work, release="5.10.216-tegra", packed=True)
    check_refused(bench, install(bench, boot), "modules-differ", "the new kernel is 5.10.216-tegra")


def test_a_kernel_without_a_release_is_refused(bench):
    check_refused(bench, install(bench, make_boot(bench.work, release="")), "kernel-unknown",
                  "does not tell its release")


def test_a_damaged_file_system_is_refused(bench):
    image = bytearray(pack_tree(bench.tree, bench.work / "rootfs.ext4"))
    image[1024 + 58] = 2  # s_state: has errors
    check_refused(bench, install(bench, rootfs=bytes(image)), "filesystem-damaged")


def test_noise_instead_of_a_file_system_is_refused(bench):
    noise = random.Random(5).randbytes(2 << 20)
    check_refused(bench, install(bench, rootfs=noise), "filesystem-damaged",
                  "holds no file system that is known here")


def test_e2fsck_of_the_running_system_is_asked(bench):
    (bench.root / "usr/sbin/e2fsck").symlink_to(shutil.which("e2fsck", path="/usr/sbin:/sbin"))
    image = bench.work / "rootfs.ext4"
    pack_tree(bench.tree, image)
    run("debugfs", "-w", "-R", "clri /usr/lib/os-release", image)
    check_refused(bench, install(bench, rootfs=image.read_bytes()), "filesystem-damaged",
                  "e2fsck says")


@pytest.mark.parametrize("here, there, reason", [
    ("MINIMUM_VERSION=3.0\n", "", "version-too-low"),
    ("", "MINIMUM_FROM=1.5\n", "version-too-low"),
    ("DATA_MAX=4\n", "DATA_VERSION=5\n", "data-too-new"),
    ("DATA_MAX=4\n", "DATA_VERSION=latest\n", "no-version"),
])
def test_slots_that_do_not_suit_each_other_are_refused(bench, here, there, reason):
    put(bench.root / "etc/swupdate-jetson/release", here)
    put(bench.tree / "etc/swupdate-jetson/release", there)
    check_refused(bench, install(bench), f": {reason}: ")


# Root file systems that the kernel has to read

def pack_other(bench, kind):
    out = bench.work / f"rootfs.{kind}"
    out.unlink(missing_ok=True)
    if kind == "squashfs":
        run("mksquashfs", bench.tree, out, "-quiet", "-no-progress", "-all-root", "-comp", "gzip")
    else:
        run("mkfs.erofs", "--quiet", out, bench.tree)
    data = out.read_bytes()
    return data + bytes(-len(data) % 4096)


def known_to_the_kernel(kind):
    """The driver may be a module that the first mount loads."""
    subprocess.run(["modprobe", "-q", kind], check=False, stderr=subprocess.DEVNULL)
    return kind in Path("/proc/filesystems").read_text().split()


def test_a_root_that_cannot_be_looked_into_is_refused(bench):
    """Here because a file is no partition; without root it is the same."""
    check_refused(bench, install(bench, rootfs=pack_other(bench, "squashfs")), "filesystem-closed",
                  "holds squashfs, which cannot be looked into", "(root, a partition, kernel 5.6 and")


@pytest.mark.root
@pytest.mark.parametrize("kind", ["squashfs", "erofs"])
@pytest.mark.parametrize("spoil, says", [(None, ""), (out_of_the_tree, "'/sbin/init' is not in the new root")],
                         ids=["good", "out of the tree"])
def test_a_root_that_the_kernel_reads_is_looked_into(make_bench, kind, spoil, says):
    made = furnish(make_bench(loops=True))
    if spoil:
        spoil(made.tree)
    mounts = Path("/proc/self/mountinfo").read_text()
    ran = install(made, rootfs=pack_other(made, kind))
    assert Path("/proc/self/mountinfo").read_text() == mounts
    if not known_to_the_kernel(kind):
        check_refused(made, ran, "filesystem-closed", f"holds {kind}, which cannot be looked into")
    elif spoil:
        check_refused(made, ran, "new-program", says)
    else:
        check_passed(made, ran)


@pytest.mark.root
def test_a_damaged_squashfs_is_refused(make_bench):
    made = furnish(make_bench(loops=True))
    image = bytearray(pack_other(made, "squashfs"))
    image[48:96] = b"\xff" * 48  # where its tables begin
    ran = install(made, rootfs=bytes(image))
    check_refused(made, ran, "filesystem-closed", "which cannot be looked into")


# What the integrator says

def test_a_check_of_the_configuration_replaces_the_built_in_one(bench):
    set_checks(bench, '{ name = "mine"; kind = "new-release"; phase = "preflip"; '
               'version = "^2\\\\.0"; version_of_update = true; },'
               '{ name = "kernel"; kind = "new-modules"; phase = "preflip"; severity = "warning"; }')
    (bench.tree / f"lib/modules/{KERNEL}/modules.dep").unlink()
    ran = install(bench)
    check_passed(bench, ran)
    assert ran.says("check 'kernel' before the flip: modules-differ"), ran.text


def test_a_version_other_than_that_of_the_update_is_refused(bench):
    set_checks(bench, '{ name = "mine"; kind = "new-release"; phase = "preflip"; '
               "version_of_update = true; }")
    put(bench.tree / "usr/lib/os-release", "ID=jetson-demo\nVERSION_ID=2.0.1\n")
    check_refused(bench, install(bench), "check 'mine' of new slot B: other-system",
                  "'2.0.1', the update is version '2.0.0'")


def test_a_bad_configuration_refuses_the_update(bench):
    set_checks(bench, '{ name = "mine"; kind = "new-relaese"; phase = "preflip"; }')
    check_refused(bench, install(bench), "kind 'new-relaese' is not known")


def test_switched_off_is_said(bench):
    configure(bench, 'preflip = "off";')
    (bench.tree / "sbin/init").unlink()
    ran = install(bench)
    assert ran.code == 0 and ran.says("is not checked before it boots: preflip is 'off'"), ran.text
    bench.check_flipped()


# What works before the update

LINK = '{ name = "link"; kind = "command"; argv = [ "/opt/link" ]; baseline = true; }'
KEPT = "data/swupdate-jetson/health-baseline"


def set_baseline(bench, works, head="stability_s = 0; "):
    """A check that counts after the update only if it passed before it: a cable, say. For both slots."""
    for root in (bench.root, bench.tree):
        put_checks(root, LINK, head)
    # Programs of checks run as nobody when the tests run as root.
    for folder in (bench.root, bench.root.parent):
        folder.chmod(0o755)
    plug(bench, works)


def plug(bench, works):
    put(bench.root / "opt/link", f"#!/bin/sh\necho the cable; exit {0 if works else 1}\n", 0o755)


def health(bench, *argv):
    env = {"PATH": os.environ["PATH"], "JOTA_ROOT": str(bench.root)}
    return subprocess.run([HEALTH, *argv], env=env, text=True, capture_output=True, check=False,
                          stdin=subprocess.DEVNULL, timeout=120)


def boot_new_slot(bench):
    assert bench.reboot()["slot"] == "B"
    # What is asked of the kernel that runs is not the matter here.
    put(bench.root / "proc/sys/kernel/osrelease", f"{KERNEL}\n")
    put(bench.root / f"lib/modules/{KERNEL}/modules.dep")
    return health(bench, "run", "--apply")


def test_what_failed_before_the_update_is_no_reason_to_roll_back(bench):
    set_baseline(bench, works=False)
    ran = install(bench)
    check_passed(bench, ran)
    assert ran.says("check 'link' fails before the update (exit-status: exit status 1: the cable), "
                    "so it will not count after it"), ran.text
    done = boot_new_slot(bench)
    assert done.returncode == 0 and "not-in-baseline" in done.stdout, done.stdout + done.stderr
    assert (bench.state()["boot_slot"], bench.state()["ustate"]) == ("B", "2")


def test_what_worked_before_the_update_must_work_after_it(bench):
    set_baseline(bench, works=True)
    check_passed(bench, install(bench))
    plug(bench, works=False)
    done = boot_new_slot(bench)
    assert done.returncode == 4, done.stdout + done.stderr
    assert bench.device.environment.read()["jota_reason"] == "health:link:exit-status"
    assert (bench.state()["boot_slot"], bench.state()["ustate"]) == ("A", "3")


def test_a_baseline_of_an_earlier_update_does_not_count(bench):
    """It passed then. Now nobody can say: the new one could not be kept."""
    set_baseline(bench, works=True)
    assert health(bench, "run", "--phase", "baseline").returncode == 0
    before = (bench.root / KEPT).read_text()
    plug(bench, works=False)
    check_passed(bench, install(bench))
    assert (bench.root / KEPT).read_text() != before
    assert boot_new_slot(bench).returncode == 0


def lose_data(bench):
    """A data partition that is not there, and so no place to remember anything."""
    shutil.rmtree(bench.root / "data")
    put(bench.root / "data", "no directory\n")


def test_a_baseline_that_cannot_be_kept_is_told_and_costs_no_update(bench):
    set_baseline(bench, works=True)
    lose_data(bench)
    ran = install(bench)
    check_passed(bench, ran)
    assert ran.says("what works before the update is not kept, so no check in baseline mode will count")
    plug(bench, works=False)
    done = boot_new_slot(bench)
    assert done.returncode == 0 and "no-baseline" in done.stdout, done.stdout + done.stderr


def test_a_baseline_that_cannot_be_kept_refuses_the_update_where_that_is_wanted(bench):
    set_baseline(bench, works=True, head="stability_s = 0; baseline_required = true; ")
    lose_data(bench)
    check_refused(bench, install(bench), "what works before the update is not kept")


# The configuration of the checks that comes with the new slot

def no_checks(tree):
    (tree / "etc/swupdate-jetson/health.conf").unlink()


def open_to_all(tree):
    (tree / "etc/swupdate-jetson/health.conf").chmod(0o666)


def no_file(tree):
    no_checks(tree)
    (tree / "etc/swupdate-jetson/health.conf").symlink_to("/etc/os-release")


def checks(text):
    def spoil(tree):
        put_checks(tree, text)
    spoil.__name__ = text[:40]
    return spoil


NEW_KIND = checks('{ name = "x"; kind = "gpu-temperature"; }')


@pytest.mark.parametrize("spoil, says", [
    (no_checks, "its jetson-health.service is enabled: it would confirm nothing"),
    (open_to_all, "has mode 0666, others could change it"),
    (no_file, "'/etc/swupdate-jetson/health.conf' of the new root is no regular file"),
    (checks('{ name = "k"; kind = "mount"; path = "/"; }'), "line 3: check 'k' stands in line 2 already"),
    (checks('{ name = "x"; kind = "mount"; path = "/"; deadline_s = -1; }'),
     "line 3: check 'x': deadline_s is -1"),
    (checks('{ name = "x"; kind = "mount"; }'), "field 'path' is missing"),
    (checks("{ name ="), "line 3: syntax error"),
], ids=lambda value: getattr(value, "__name__", None))
def test_checks_that_the_new_slot_could_not_run_are_refused(bench, spoil, says):
    spoil(bench.tree)
    check_refused(bench, install(bench), "check 'new-health' of new slot B", says)


@pytest.mark.parametrize("same", [True, False])
def test_a_word_that_only_another_jetson_health_may_know_is_refused_with_the_same_one(bench, same):
    NEW_KIND(bench.tree)
    program = b"\x7fELF: jetson-health of this release" + bytes(9000)
    (bench.root / PROGRAM).unlink()
    put(bench.root / PROGRAM, HEALTH.read_bytes(), 0o755)
    put(bench.tree / PROGRAM, HEALTH.read_bytes() if same else program, 0o755)
    ran = install(bench)
    if same:
        check_refused(bench, ran, "check 'new-health' of new slot B: configuration",
                      "kind 'gpu-temperature' is not known")
    else:
        check_passed(bench, ran)
        report = (bench.root / "data/swupdate-jetson/health-preflip").read_text()
        assert "another jetson-health, which may know more" in report


# jetson-health that cannot do its work

def test_without_jetson_health_it_is_as_before_and_said(bench):
    (bench.root / PROGRAM).unlink()
    (bench.tree / "sbin/init").unlink()
    ran = install(bench)
    assert ran.code == 0, ran.text
    assert ran.says("the new slot is not checked before it boots: there is no /usr/sbin/jetson-health")
    bench.check_flipped()


@pytest.mark.parametrize("asked", ["health.conf", "preflip"])
def test_checks_that_nobody_can_make_refuse_the_update(bench, asked):
    (bench.root / PROGRAM).unlink()
    if asked == "preflip":
        configure(bench, 'preflip = "required";')
    else:
        set_checks(bench, "")
    check_refused(bench, install(bench), "'/usr/sbin/jetson-health' is not installed", asked)


def sleepers(bench):
    """Programs that the scripts here leave behind would have this in their command line."""
    mark = f"{bench.work}/sleeper".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if mark in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                pass
    return found


def test_a_check_that_hangs_is_ended_with_what_it_started(bench):
    configure(bench, "preflip_deadline_s = 2;")
    (bench.work / "sleeper").symlink_to(shutil.which("sleep"))
    replace_program(bench, f"trap '' TERM\n{bench.work}/sleeper 600 &\nwhile :; do "
                    f"{bench.work}/sleeper 600; done")
    began = time.monotonic()
    ran = install(bench)
    check_refused(bench, ran, "did not end within 2 s (preflip_deadline_s)")
    assert time.monotonic() - began < 30
    assert sleepers(bench) == []


@pytest.mark.parametrize("script, says", [
    ("kill -SEGV $$", "was killed by signal 11"),
    ("exit 0", "ended without a verdict (exit status 0)"),
    ("echo 'verdict: pass'; exit 3", "ended without a verdict (exit status 3)"),
    ("echo 'verdict: maybe'", "ended without a verdict (exit status 0)"),
    ("printf 'verdict: pass'", "ended without a verdict (exit status 0)"),
    ("exec yes 'verdict: pass'", "printed more than 1048576 bytes and was ended"),
    ("exec 1>&- 2>&-; exit 0", "ended without a verdict"),
    ("printf 'verdict: refuse: \\033[2Jred\\n'", "?[2Jred"),
], ids=["crash", "silent", "contradiction", "neither", "cut off", "gigabyte", "closed", "terminal"])
def test_jetson_health_that_goes_wrong_refuses_the_update(bench, script, says):
    replace_program(bench, script)
    check_refused(bench, install(bench), says)


def test_a_program_that_others_can_change_is_not_run(bench):
    replace_program(bench, "echo 'verdict: pass'")
    (bench.root / PROGRAM).chmod(0o777)
    check_refused(bench, install(bench), "expected a program that only root can change")


def test_it_sees_nothing_of_swupdate(bench):
    seen = bench.work / "seen"
    replace_program(bench, f"{{ ls /proc/self/fd | wc -l; env; }} >{seen}; echo 'verdict: pass'")
    ran = install(bench, JOTA_SECRET="x")
    check_passed(bench, ran)
    lines = seen.read_text().splitlines()
    assert int(lines[0]) <= 4, lines  # three and the folder that is listed
    assert not any(line.startswith(("JOTA_", "LD_PRELOAD", "TMPDIR")) for line in lines), lines


def test_swupdate_that_is_killed_takes_the_checks_along(bench):
    """The next update then goes well: nothing holds the slot."""
    (bench.work / "sleeper").symlink_to(shutil.which("sleep"))
    put(bench.root / "usr/sbin/e2fsck", f"#!/bin/sh\nexec {bench.work}/sleeper 600\n", 0o755)
    with bench.daemon() as daemon:
        release = dataclasses.replace(bench.stock.new, boot=make_boot(bench.work),
                                      rootfs=pack_tree(bench.tree, bench.work / "rootfs.ext4"))
        swu = bench.build(Package.of(release, bench.roles))
        connection = daemon.begin()
        with connection:
            connection.sendall(swu.read_bytes())
            daemon.wait_for(lambda: sleepers(bench), "check that runs")
            os.kill(daemon.process.pid, 9)
            daemon.process.wait()
            until = time.monotonic() + 10
            while sleepers(bench) and time.monotonic() < until:
                time.sleep(0.05)
    assert sleepers(bench) == []
    assert bench.boots_next() == bench.running
