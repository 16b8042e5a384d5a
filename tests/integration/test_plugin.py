# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""The plugin form: it wakes up in swupdate only, and only in one that it was compiled for."""

import os
import shutil
import subprocess

import host
import pytest
from package import TOP

GROUP = "The plugin"
HEADERS = host.BUILD / "host/swupdate-2022.12/include"


def test_children_of_swupdate_do_not_inherit_the_preload(bench):
    out = bench.work / "environ"
    run = bench.install(bench.update(), config=f'postupdatecmd = "/usr/bin/env > {out}";')
    assert run.code == 0, run.text
    assert "TMPDIR=" in out.read_text()
    assert "LD_PRELOAD" not in out.read_text()


def test_scripts_of_the_update_do_not_inherit_the_preload(bench):
    out = bench.work / "environ"
    package = bench.update()
    package.add_script("env.sh", f"#!/bin/sh\n/usr/bin/env > {out}\n")
    run = bench.install(package)
    assert run.code == 0, run.text
    assert "LD_PRELOAD" not in out.read_text()


def test_other_preloads_stay(bench, tmp_path):
    (tmp_path / "other.c").write_text("int jota_test_other;\n")
    library = tmp_path / "other.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, tmp_path / "other.c"], check=True)
    out = bench.work / "environ"
    run = bench.install(bench.update(), config=f'postupdatecmd = "/usr/bin/env > {out}";',
                        LD_PRELOAD=library)
    assert run.code == 0, run.text
    assert f"LD_PRELOAD={library}\n" in out.read_text()


CHILD = r"""
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
struct call { int when; void *data; }; /* script_handler_data: POSTINSTALL is 2 */
extern int register_handler(const char *, int (*)(void *, void *), int, void *);
extern int (*bootloader_env_set)(const char *, const char *);
#pragma weak register_handler
#pragma weak bootloader_env_set
static int set_from_child(void *img, void *data)
{
	int status = -1;
	pid_t child;

	(void)img;
	if (((struct call *)data)->when != 2)
		return 0;
	child = fork();
	if (child == 0) {
		alarm(20);
		_exit(bootloader_env_set("from_child", "1") == 0 ? 0 : 42);
	}
	waitpid(child, &status, 0);
	return WIFEXITED(status) && WEXITSTATUS(status) == 42 ? 0 : -1;
}
__attribute__((constructor)) static void start(void)
{
	if (register_handler) /* the launcher is no host */
		register_handler("test-child", set_from_child, 4 | 32, NULL);
}
"""


def test_a_variable_set_from_a_child_process_is_refused(bench, tmp_path):
    """R4: children are copies of swupdate; what they change in memory is no part of the update."""
    (tmp_path / "child.c").write_text(CHILD)
    library = tmp_path / "child.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, tmp_path / "child.c"], check=True)
    package = bench.update()
    package.scripts.append('{ type = "test-child"; }')
    run = bench.install(package, LD_PRELOAD=library)
    assert run.code == 0, run.text
    assert "'from_child' is set from a child process of swupdate" in run.text
    assert "from_child" not in bench.env.read()
    bench.check_flipped()


@pytest.mark.parametrize("argv", [
    ["/bin/sh", "-c", "true"], ["/bin/true"], ["/usr/bin/env"],
    ["/usr/bin/python3", "-c", "import subprocess; subprocess.run(['/bin/true'], check=True)"],
], ids=["shell", "true", "env", "python"])
def test_the_plugin_sleeps_silently_in_other_programs(argv):
    done = subprocess.run(argv, env={"LD_PRELOAD": str(host.PLUGIN), "PATH": "/usr/bin:/bin"},
                          text=True, capture_output=True, timeout=300)
    assert done.returncode == 0
    assert done.stderr == ""
    assert "jetson" not in done.stdout.replace(str(host.PLUGIN), "")


def test_the_plugin_sleeps_in_other_tools_of_swupdate():
    client = host.SWUPDATE.with_name("swupdate-client")
    done = subprocess.run([client, "-h"], env={"LD_PRELOAD": str(host.PLUGIN)}, text=True,
                          capture_output=True, timeout=300)
    assert "jetson" not in done.stderr


def test_the_plugin_refers_to_its_host_weakly():
    """A strong reference would keep every child of swupdate from starting."""
    out = subprocess.run(["nm", "-D", "--undefined-only", host.PLUGIN], check=True, text=True,
                         capture_output=True).stdout
    kinds = {line.split()[-1].split("@")[0]: line.split()[-2] for line in out.splitlines()}
    ours = ("register_handler", "register_bootloader", "register_notifier", "copyimage", "notify",
            "dict_get_value", "loglevel", "swupdate_progress_info", "get_bootloader")
    assert {name: kinds.get(name) for name in ours} == \
        {name: "v" if name == "loglevel" and kinds.get(name) == "v" else "w" for name in ours}


def test_the_plugin_exports_nothing():
    out = subprocess.run(["nm", "-D", "--defined-only", host.PLUGIN], check=True, text=True,
                         capture_output=True).stdout
    assert [line for line in out.splitlines() if " jota_" in line] == []


def build_plugin(folder, include):
    """The plugin compiled against other headers, with the flags of the real one."""
    folder.mkdir()
    plugin = folder / "jetson-handlers.so"
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "libubootenv", "libconfig",
                            "libxxhash", "libmd"], check=True, text=True,
                           capture_output=True).stdout.split()
    sources = sorted((TOP / "handlers").glob("*.c"))
    subprocess.run(["gcc", "-std=gnu17", "-D_GNU_SOURCE", "-O1", "-shared", "-fPIC",
                    "-fvisibility=hidden", f"-I{TOP / 'lib'}", "-isystem", include, "-include",
                    TOP / "handlers/weak_host.h", "-Wl,--exclude-libs,ALL", "-o", plugin, *sources,
                    host.BUILD / "lib/libjota.a", *flags], check=True, timeout=300)
    return plugin


@pytest.mark.parametrize("case, before", [
    ("member added at the start of an image", "struct sw_version id;"),
    ("member added before the properties", "struct dict properties;"),
    ("member added at the end of an image", "LIST_ENTRY(img_type) next;"),
])
def test_a_host_with_another_layout_is_declined_loudly(bench, tmp_path, case, before):
    """A struct that moved would make us read the wrong bytes as sizes and flags."""
    include = tmp_path / "include"
    shutil.copytree(HEADERS, include)
    header = include / "swupdate.h"
    text = header.read_text()
    name = before if before in text else before.replace("LIST_ENTRY(img_type) next;",
                                                        "LIST_ENTRY(img_type) next;\t")
    assert text.count(name) == 1, f"'{before}' in swupdate.h"
    header.write_text(text.replace(name, "char jota_test_more[64];\n\t" + name))
    plugin = build_plugin(tmp_path / "plugin", include)
    run = bench.install(bench.update(), "-B", "none", plugin=plugin)
    assert run.says("NOT loaded. This swupdate lays out its images differently"), run.text
    bench.refuses(f"plugin built for another swupdate ({case})", run,
                  "feature 'jetson-bootloader' required")


def test_the_same_build_with_the_right_headers_is_taken(bench, tmp_path):
    """The test above would prove nothing if its way of building were the reason."""
    plugin = build_plugin(tmp_path / "plugin", HEADERS)
    assert bench.install(bench.update(), plugin=plugin).code == 0


def test_a_host_that_exports_nothing_of_ours_is_declined_loudly(tmp_path):
    """As a build of swupdate without Lua would be: some symbols are there, not all."""
    source = tmp_path / "host.c"
    source.write_text("int register_handler(void) { return 0; }\n"
                      "int main(void) { return 0; }\n")
    program = tmp_path / "host"
    subprocess.run(["gcc", "-rdynamic", "-o", program, source], check=True)
    done = subprocess.run([program], env={"LD_PRELOAD": str(host.PLUGIN)}, text=True,
                          capture_output=True, timeout=300)
    assert done.returncode == 0
    assert "does not export 'copyimage'" in done.stderr
    assert "NOT loaded" in done.stderr


def test_a_swupdate_that_exports_nothing_is_declined_loudly(tmp_path):
    """Only its name says what it is: built without Lua, swupdate exports no symbol of ours."""
    source = tmp_path / "host.c"
    source.write_text("int main(void) { return 0; }\n")
    for name, speaks in (("swupdate", True), ("swupdate-client", False), ("sw", False)):
        program = tmp_path / name
        subprocess.run(["gcc", "-o", program, source], check=True)
        done = subprocess.run([program], env={"LD_PRELOAD": str(host.PLUGIN)}, text=True,
                              capture_output=True, timeout=300)
        assert done.returncode == 0, name
        assert ("NOT loaded" in done.stderr) == speaks, f"{name}: {done.stderr}"
        assert ("does not export 'register_handler'" in done.stderr) == speaks
        assert ("Build swupdate with CONFIG_LUA" in done.stderr) == speaks


def test_the_environment_of_the_tests_reaches_nobody():
    assert "JOTA_ROOT" not in host.environment("/tmp") or os.environ.get("JOTA_ROOT") is None
