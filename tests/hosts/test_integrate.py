# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""handlers/integrate.sh: repeatable, reversible, and careful about what it is pointed at."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("JOTA_BUILD", TOP / "build"))
HERE_ONLY = {"plugin.c", "weak_host.h"}  # the other form


def run(*words, script=TOP / "handlers/integrate.sh"):
    done = subprocess.run([str(word) for word in (script, *words)], text=True, capture_output=True,
                          timeout=60)
    return done.returncode, done.stdout + done.stderr


def snapshot(folder):
    """Contents and times: a file that is written again with the same contents is built again."""
    return {path.relative_to(folder): (path.read_bytes(), path.stat().st_mtime_ns)
            for path in sorted(folder.rglob("*")) if path.is_file()}


def contents(folder):
    return {name: data for name, (data, _) in snapshot(folder).items()}


@pytest.fixture(params=["2022.12", "2024.12.1"])
def tree(request, tmp_path):
    """What the script looks at, from a real source tree."""
    source = BUILD / "host" / f"swupdate-{request.param}"
    shutil.copytree(source / "handlers", tmp_path / "swupdate/handlers")
    (tmp_path / "swupdate/core").mkdir()
    shutil.copy2(source / "core/swupdate.c", tmp_path / "swupdate/core")
    return tmp_path / "swupdate"


def test_the_handlers_and_two_blocks_are_added(tree):
    before = contents(tree)
    code, text = run(tree)
    assert code == 0, text
    after = contents(tree)
    options = "Kconfig" if (tree / "handlers/Kconfig").exists() else "Config.in"
    assert {str(name) for name in after if before.get(name) != after[name]} == {
        "handlers/Makefile", f"handlers/{options}",
        *(f"handlers/jetson/{path.name}" for path in (TOP / "handlers").glob("*.[ch]")
          if path.name not in HERE_ONLY),
        "handlers/jetson/builtin.c", "handlers/jetson/Makefile"}
    for name, line in (("Makefile", "obj-$(CONFIG_JETSON_HANDLERS) += jetson/"),
                       (options, "config JETSON_HANDLERS")):
        path = Path("handlers") / name
        assert after[path].startswith(before[path])
        assert after[path].decode().splitlines().count(line) == 1


def test_a_second_run_changes_nothing(tree):
    run(tree)
    before = snapshot(tree)
    code, text = run(tree)
    assert (code, snapshot(tree)) == (0, before)
    assert " 0 files written" in text


def test_undo_takes_everything_back(tree):
    before = contents(tree)
    run(tree)
    code, text = run("--undo", tree)
    assert code == 0, text
    assert contents(tree) == before
    assert not (tree / "handlers/jetson").exists()


def test_undo_of_nothing_changes_nothing(tree):
    before = snapshot(tree)
    assert run("--undo", tree)[0] == 0
    assert snapshot(tree) == before


def test_what_others_appended_stays(tree):
    makefile = tree / "handlers/Makefile"
    original = makefile.read_text()
    run(tree)
    makefile.write_text(makefile.read_text() + "obj-y += theirs.o\n")
    for _ in range(2):
        assert run(tree)[0] == 0
    assert makefile.read_text().splitlines().count("obj-$(CONFIG_JETSON_HANDLERS) += jetson/") == 1
    run("--undo", tree)
    assert makefile.read_text() == original + "obj-y += theirs.o\n"


def copy_of_ours(folder):
    shutil.copytree(TOP / "handlers", folder / "handlers")
    return folder / "handlers/integrate.sh"


def test_only_a_handler_that_changed_is_copied_again(tree, tmp_path):
    script = copy_of_ours(tmp_path / "ours")
    run(tree, script=script)
    before = snapshot(tree)
    hook = script.with_name("hook.c")
    hook.write_text(hook.read_text() + "/* changed */\n")
    code, text = run(tree, script=script)
    after = snapshot(tree)
    assert [str(name) for name in after if after[name] != before[name]] == ["handlers/jetson/hook.c"]
    assert (code, " 1 files written" in text) == (0, True)


def test_a_handler_that_is_gone_does_not_stay(tree, tmp_path):
    script = copy_of_ours(tmp_path / "ours")
    script.with_name("more.c").write_text("int jota_more;\n")
    run(tree, script=script)
    assert (tree / "handlers/jetson/more.c").exists()
    script.with_name("more.c").unlink()
    run(tree, script=script)
    assert not (tree / "handlers/jetson/more.c").exists()


def test_a_block_without_its_end_is_refused(tree):
    run(tree)
    makefile = tree / "handlers/Makefile"
    makefile.write_text("".join(makefile.read_text().splitlines(True)[:-1]))
    before = snapshot(tree)
    for words in ((tree,), ("--undo", tree)):
        code, text = run(*words)
        assert (code, "without its end" in text) == (1, True), text
        assert makefile.read_bytes() == before[Path("handlers/Makefile")][0]


@pytest.mark.parametrize("gone", ["core/swupdate.c", "handlers/Makefile", "handlers"])
def test_a_folder_that_is_no_source_tree_is_refused(tree, gone):
    path = tree / gone
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    before = snapshot(tree)
    code, text = run(tree)
    assert code == 1
    assert "is no source tree of SWUpdate" in text
    assert snapshot(tree) == before


def test_our_own_tree_is_refused():
    code, text = run(TOP)
    assert (code, "is no source tree of SWUpdate" in text) == (1, True)


def test_help_is_shown_and_an_unknown_option_is_not_taken(tree):
    assert run("--help")[0] == 0
    assert "CONFIG_EXTRA_LDLIBS" in run("--help")[1]
    assert run()[0] == 2
    before = snapshot(tree)
    assert run("--remove", tree) == (1, "integrate.sh: unknown option '--remove'; see --help\n")
    assert snapshot(tree) == before


def test_a_path_with_a_space_is_taken(tree, tmp_path):
    other = tmp_path / "with a space"
    tree.rename(other)
    assert run(other)[0] == 0
    assert run("--undo", other)[0] == 0
