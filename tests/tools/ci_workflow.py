# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""Runs the pipelines of docs/ci/ as their services do: every line of every job, in a clean folder, with
the variables that the service gives and nothing else. What the services themselves do is acted: the
checkout, the artifacts between jobs, and the container, for which this machine stands."""

import os
import re
import shlex
import shutil
import subprocess

import yaml
from swu_build import TOP, tool

EXAMPLES = TOP / "docs/ci"
PASSPHRASE = "a passphrase with spaces"
TAG = "v2.3.4"
INSTALL = "apt-get -q install -y --no-install-recommends "
UPDATE = "apt-get -q update"
EXPRESSION = re.compile(r"\$\{\{\s*(\w+)\.(\w+)\s*\}\}")


def git(folder, *words):
    return tool("git", "-c", "user.name=t", "-c", "user.email=t@example", *words, cwd=folder)


def make_repository(folder):
    folder.mkdir(exist_ok=True)
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A", "-f")
    git(folder, "commit", "-q", "-m", "one")


def own_source(folder):
    """A repository with the files of this tree, as a pipeline would clone it."""
    listed = tool("git", "ls-files", "-z", "-c", "-o", "--exclude-standard", cwd=TOP) \
        if (TOP / ".git").exists() else None
    names = listed.decode().split("\0") if listed else \
        [str(p.relative_to(TOP)) for p in TOP.rglob("*") if p.is_file() and
         p.relative_to(TOP).parts[0] != "build"]
    for name in filter(None, names):
        if not (TOP / name).is_file():
            continue
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(TOP / name, folder / name)
    make_repository(folder)
    return folder


def customer(folder, stock):
    """The repository of somebody who makes updates; the key is not in it. Returns the key's path."""
    shutil.copytree(EXAMPLES, folder / "docs-ci")
    shutil.copy(EXAMPLES / "update.conf", folder / "update.conf")
    (folder / "keys").mkdir()
    shutil.copy(stock.folder / "keys/ca.pem", folder / "keys/ca.pem")
    shutil.copy(stock.folder / "keys/cms.pem", folder / "keys/signer.pem")
    (folder / "images").mkdir()
    for name in ("bootloader.img", "boot.img", "rootfs.ext4"):
        shutil.copy(stock.folder / name, folder / "images" / name)
    make_repository(folder)
    key = folder.parent / "protected-key"
    tool("openssl", "pkcs8", "-topk8", "-in", stock.folder / "keys/cms.key", "-out", key,
         "-passout", f"pass:{PASSPHRASE}")
    key.chmod(0o600)
    return key


class Line:
    """What was run, and what became of it."""

    def __init__(self, job, text, ran):
        self.job, self.text, self.ran = job, text, ran


class Service:
    """What both services have in common."""

    def __init__(self, folder, repository, key, source, server):
        self.folder, self.repository, self.key = folder, repository, key
        self.variables = {"SWUPDATE_JETSON_URL": f"file://{source}", "SWUPDATE_JETSON_REF": "main",
                          "HAWKBIT_URL": server["url"], "HAWKBIT_USER": server["user"]}
        self.secrets = {"SIGNING_PASSPHRASE": PASSPHRASE, "HAWKBIT_PASSWORD": server["password"]}
        self.lines, self.said = [], ""

    def environment(self, work):
        home = work.parent / (work.name + "-home")
        home.mkdir(exist_ok=True)
        return {"PATH": os.environ["PATH"], "HOME": str(home), "TMPDIR": str(home), "CI": "true",
                "no_proxy": "127.0.0.1"}

    def shell(self, job, lines, work, env):
        """One shell for all lines, ended by the first that fails."""
        run = []
        for text in lines:
            skip = packages_are_there(text)
            self.lines.append(Line(job, text, not skip))
            if not skip:
                run.append(text)
        done = subprocess.run(["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c",
                               "\n".join(run)], cwd=work, env=env, text=True, timeout=600,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        self.said += done.stdout
        assert done.returncode == 0, f"{job}: {done.stdout}"

    def copy(self, source, target, names):
        for name in names:
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source / name, target / name)


def packages_are_there(line):
    """Installing what is installed would only need a network: such a line is read, not run."""
    if line == UPDATE:
        return True
    if not line.startswith(INSTALL):
        return False
    names = shlex.split(line.removeprefix(INSTALL))
    done = subprocess.run(["dpkg-query", "-W", "-f", "${db:Status-Status}\n", *names], text=True,
                          capture_output=True)
    if done.returncode == 0 and set(done.stdout.split()) == {"installed"}:
        return True
    tool("apt-get", "-q", "update")
    return False


class GitLab(Service):
    def run(self):
        text = yaml.safe_load((EXAMPLES / "gitlab-ci.yml").read_text())
        done = {}
        for stage in text["stages"]:
            for name, job in text.items():
                if isinstance(job, dict) and job.get("stage") == stage:
                    done[name] = self.job(name, job, [done[need] for need in job.get("needs", [])])
        return done["publish"] / "published.json"

    def job(self, name, job, needs):
        work = self.folder / name
        git(self.folder, "clone", "-q", self.repository, work)
        artifacts = work.parent / (name + "-artifacts")
        artifacts.mkdir()
        for need in needs:
            shutil.copytree(need, work, dirs_exist_ok=True)
        env = {**self.environment(work), **self.variables, **self.secrets, **job.get("variables", {}),
               "CI_COMMIT_TAG": TAG, "CI_PROJECT_DIR": str(work), "SIGNING_KEY": str(self.key)}
        self.shell(name, job["before_script"] + job["script"], work, env)
        self.shell(name, job.get("after_script", []), work, env)
        assert not (work / "signer.key").is_symlink()
        self.copy(work, artifacts, job["artifacts"]["paths"])
        return artifacts


class GitHub(Service):
    def run(self):
        text = yaml.safe_load((EXAMPLES / "github-actions.yml").read_text())
        self.secrets["SIGNING_KEY"] = self.key.read_text()
        self.uploads = {}
        for name, job in text["jobs"].items():
            work = self.folder / name
            work.mkdir()
            for step in job["steps"]:
                self.step(name, step, work)
            assert not (work / "signer.key").exists()
        return self.folder / "publish/published.json"

    def step(self, job, step, work):
        if "uses" in step:
            self.use(step["uses"].split("@")[0], step.get("with", {}), work)
            return
        env = {**self.environment(work), "GITHUB_REF_NAME": TAG, "GITHUB_WORKSPACE": str(work)}
        for name, value in step.get("env", {}).items():
            env[name] = EXPRESSION.sub(self.value_of, value)
        self.shell(job, step["run"].splitlines(), work, env)

    def value_of(self, match):
        return {"vars": self.variables, "secrets": self.secrets}[match[1]][match[2]]

    def use(self, action, words, work):
        if action == "actions/checkout":
            clone = self.folder / "checkout"
            git(self.folder, "clone", "-q", self.repository, clone)
            shutil.copytree(clone, work, dirs_exist_ok=True)
        elif action == "actions/upload-artifact":
            self.uploads[words["name"]] = self.folder / "uploaded"
            self.copy(work, self.folder / "uploaded", words["path"].split())
        elif action == "actions/download-artifact":
            shutil.copytree(self.uploads[words["name"]], work, dirs_exist_ok=True)
            for path in work.rglob("*"):
                if path.is_file():
                    path.chmod(0o644)
        else:
            raise AssertionError(f"nobody acts '{action}' here")
