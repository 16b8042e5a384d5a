# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""docs/runbook.md does what it says: each of its blocks is run, line by line, on a device in that situation.

The word behind ```console names the function here that brings the device into the situation. Real: all programs but the reboot,
which is the model of U-Boot."""

import dataclasses
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
for folder in ("tests/device", "tests/integration", "tests/keys"):
    sys.path.insert(0, str(TOP / folder))

import host  # noqa: E402
import newslot  # noqa: E402
from bench import Bench  # noqa: E402
from jetson_keys import JETSON_KEYS, Place  # noqa: E402
from package import Package  # noqa: E402

PAGE = TOP / "docs/runbook.md"
BLOCK = re.compile(r"^```console ([a-z-]+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = dict(BLOCK.findall(PAGE.read_text()))
PROGRAMS = {name: host.BUILD / "bin" / name for name in
            ("jetson-slot", "jetson-health", "jetson-swu", "swupdate-jetson")}
CHECK = '{ name = "app"; kind = "file"; path = "/run/app"; equals = "ready"; }'
MEDIA, TRUST = "/media/usb/", "/etc/swupdate/"


@pytest.fixture(name="stock", scope="module")
def fixture_stock():
    folder = Path(tempfile.mkdtemp(prefix="jota-runbook-"))
    yield newslot.Stock(folder)
    shutil.rmtree(folder)


@dataclasses.dataclass
class Scene:
    """A device, and where the paths of the page lie here."""

    bench: Bench
    folder: Path  # commands with $ run here
    paths: dict  # of the page
    boots_app: str = "ready"  # what the application says after each boot

    def reboot(self):
        slot = self.bench.reboot()["slot"]
        self.start()
        return slot

    def start(self):
        self.bench.device.write_text("run/app", f"{self.boots_app}\n")

    def media(self, name, path):
        self.paths[MEDIA + name] = path

    def update(self):
        """A good one, on a stick."""
        release = dataclasses.replace(self.bench.stock.new)
        release.boot = newslot.make_boot(self.bench.work)
        release.rootfs = newslot.pack_tree(self.bench.tree, self.bench.work / "rootfs.ext4")
        return self.bench.build(Package.of(release, self.bench.roles))

    def checks(self, more=""):
        for root in (self.bench.root, self.bench.tree):
            newslot.put(root / "etc/swupdate-jetson/health.conf",
                        f"stability_s = 0;\nchecks = ( {CHECK}{more} );\n")

    def run(self, line):
        """(exit status, all that it printed)."""
        line, _, into = line[2:].partition(" >")
        argv = [str(self.paths.get(word, word)) for word in shlex.split(line)]
        if argv == ["reboot"]:
            self.reboot()
            return 0, ""
        env = {"PATH": os.environ["PATH"] + ":/usr/sbin:/sbin", "JOTA_ROOT": str(self.bench.root),
               "HOME": str(self.folder), "LC_ALL": "C"}
        if argv[0] == "swupdate-jetson":
            ran = host.run_once([*argv[1:], "-f", self.bench.work / "none.cfg"], self.bench.root)
            return ran.code, ran.text
        if argv[0] == "fw_setenv":
            argv = ["fw_setenv", "-c", str(self.bench.work / "fw_env.config"), *argv[1:]]
        if argv[0] == "jetson-keys":
            env = {"PATH": os.environ["PATH"], "HOME": str(self.folder)}
            argv[0] = str(JETSON_KEYS)
        argv[0] = str(PROGRAMS.get(argv[0], argv[0]))
        if argv[0] == "cat":
            argv[1] = f"{self.bench.root}{argv[1]}"
        done = subprocess.run(argv, cwd=self.folder, env=env, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, timeout=host.TIMEOUT_S,
                              check=False)
        if into:
            (self.folder / into).write_text(done.stdout)
        return done.returncode, "" if into else done.stdout


@pytest.fixture(name="scene")
def fixture_scene(stock):
    folder = Path(tempfile.mkdtemp(prefix="jota-runbook-"))
    folder.chmod(0o755)
    bench = Bench(folder / "d", stock)
    bench.tree = newslot.make_tree(bench.work / "tree", stock.keys)
    newslot.put(bench.root / "etc/os-release", 'ID=jetson-demo\nVERSION_ID="1.0.0"\n')
    newslot.put_units(bench.root)
    newslot.put(bench.root / "usr/sbin/x")
    (bench.root / newslot.PROGRAM).symlink_to(PROGRAMS["jetson-health"])
    (bench.work / "none.cfg").write_text("globals: { };\n")
    config = (bench.root / "etc/fw_env.config").read_text().replace("/dev/", f"{bench.root}/dev/")
    (bench.work / "fw_env.config").write_text(config)
    made = Scene(bench, folder, {f"{TRUST}ca.pem": stock.keys.ca})
    made.checks()
    made.start()
    bench.settle()
    yield made
    bench.device.remove()
    shutil.rmtree(folder)


# The situations

def install(scene):
    ran = host.run_once(["-i", scene.update(), "-H", "jetson-demo:1.0", "-k", scene.bench.stock.keys.ca,
                         "-f", scene.bench.work / "none.cfg"], scene.bench.root)
    assert ran.code == 0, ran.text


def pending(scene):
    install(scene)


def rolled_back(scene):
    install(scene)
    scene.boots_app = "no GPU"
    assert scene.reboot() == "B"
    assert scene.run("# jetson-health run --apply")[0] == 4
    scene.boots_app = "ready"
    assert scene.reboot() == "A"
    assert scene.run("# jetson-health run --apply")[0] == 0


def back(scene):
    install(scene)
    assert scene.reboot() == "B"
    assert scene.run("# jetson-health run --apply")[0] == 0


def take_back(scene):
    install(scene)


def both_bad(scene):
    scene.bench.settle(slotA_ok="0", slotB_ok="0")
    assert scene.reboot() == "A"
    scene.media("update.swu", scene.update())


def no_other(scene):
    scene.bench.settle(slotB_ok="0")
    scene.bench.device.write_text("run/app", "no GPU\n")
    scene.media("update.swu", scene.update())


def lost_environment(scene):
    for number, data in enumerate(scene.bench.env.copies()):
        scene.bench.env.write_copy(number, bytes(len(data)))
    assert scene.reboot() == "A"
    for name in ("join-env.sh", "jetson-ab.env"):
        scene.paths[f"/usr/share/swupdate-jetson/uboot/{name}"] = TOP / "boot/uboot" / name


def lost_key(scene):
    place = Place(scene.folder)
    for year in ("2026", "2027"):
        place.make_root(f"root-{year}")
        place.make_signer(f"root-{year}", f"sign-{year}")
        place.do("anchors", "add", "anchors.pem", f"root-{year}/ca.pem")
    # What stands for a signer here has no passphrase at its key.
    for year, name in (("2026", "lost"), ("2027", "next")):
        key = scene.folder / f"sign-{year}/open.key"
        subprocess.run(["openssl", "pkey", "-in", f"sign-{year}/cms.key", "-passin", "file:pw", "-out",
                        key], cwd=scene.folder, check=True)
        swu = scene.bench.build(Package.of(scene.bench.stock.new, scene.bench.roles),
                                (key, scene.folder / f"sign-{year}/cms.pem"))
        shutil.copy(swu, scene.folder / f"{name}.swu")
        scene.media(f"{name}.swu", scene.folder / f"{name}.swu")
    scene.paths[f"{TRUST}anchors.pem"] = scene.folder / "anchors.pem"
    # Their root file systems are noise, which is another matter.
    (scene.bench.root / newslot.PROGRAM).unlink()
    (scene.bench.root / "etc/swupdate-jetson/health.conf").unlink()


def revoked(scene):
    newslot.put(scene.bench.root / "etc/swupdate-jetson/release", "MINIMUM_VERSION=2.0.1\n")
    scene.media("revoked.swu", scene.update())


def server_down(scene):
    # Nobody listens at a port of which the kernel gives none away.
    scene.checks(', { name = "server"; kind = "update-server"; baseline = true; url = "http://127.0.0.1:1"; }')
    scene.media("update.swu", scene.update())


SITUATIONS = {name.replace("_", "-"): function for name, function in list(globals().items())
              if name.replace("_", "-") in BLOCKS}


# The page

def steps(text):
    """[(command, what it prints)] of a block."""
    found = []
    for line in text.splitlines():
        if line.startswith(("# ", "$ ")):
            found.append((line, []))
        else:
            found[-1][1].append(line)
    return found


def agrees(wanted, printed):
    """'...' is anything within a line; alone on a line, any number of lines. Blanks count as one."""
    pattern = ""
    for line in wanted:
        if line == "...":
            pattern += r"(?:[^\n]*\n)*?"
        else:
            words = [r"[^\n]*".join(re.escape(part) for part in word.split("..."))
                     for word in line.split()]
            pattern += r"[ \t]*" + r"[ \t]+".join(words) + r"[ \t]*\n"
    return re.fullmatch(pattern, printed) is not None


def test_every_block_has_a_situation():
    assert set(SITUATIONS) == set(BLOCKS) and len(BLOCKS) >= 9


def test_the_page_speaks_of_what_an_operator_meets():
    text = PAGE.read_text()
    for heading in ("The wrong slot", "Both slots bad", "A signing key is lost", "A release is revoked",
                    "The update server is down"):
        section = text.split(f"\n## {heading}\n")[1].split("\n## ")[0]
        assert "```console" in section


@pytest.mark.parametrize("name", BLOCKS)
def test_the_commands_do_what_the_page_says(scene, name):
    SITUATIONS[name](scene)
    for command, wanted in steps(BLOCKS[name]):
        code, printed = scene.run(command)
        if code:
            printed += f"[exit status {code}]\n"
        assert agrees(wanted, printed), f"{command}\nprints:\n{printed}\nthe page says:\n" + "\n".join(wanted)
