"""Builders for tests: a small project, git commands, and the scripts as a user runs them."""

from __future__ import annotations

import hashlib
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import chdir, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest import mock

import yaml

from basics import yaml_file
from basics.errors import Finding
from demonstration.example import example_of
from promotion.cli import boundary
from promotion.cli.parser import parser_of
from promotion.configuration.environment import load_environment
from promotion.gates import static_gate
from promotion.pipelines.project import Project
from promotion.record.release import FILE, IMAGE_SOURCE, Release, releases
from promotion.repository.git import Repository
from promotion.repository.tree import Tree, tree_of_folder

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = example_of(ROOT)
SCRIPTS = ROOT / "scripts"
PROJECT = "mage_project"
_parser_of = cache(parser_of)  # making one takes longer than a small command, and it can parse many times
_OF_A_TEAM = ("mage_project/", "environments/", "packages/")
SECRET = "hunter2-correct-horse"

# Nothing of the machine's own git configuration reaches a test.
GIT = {
    "GIT_CONFIG_GLOBAL": str(Path(__file__).with_name("git.config")),
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Ada Example",
    "GIT_AUTHOR_EMAIL": "ada@example.com",
    "GIT_COMMITTER_NAME": "Ada Example",
    "GIT_COMMITTER_EMAIL": "ada@example.com",
}

LOADER = """\
import os

if 'data_loader' not in globals():
    from mage_ai.data_preparation.decorators import data_loader


@data_loader
def load(*args, **kwargs):
    return [os.getenv('ENV'), {name!r}]
"""
TRANSFORMER = """\
from mage_project.utils.money import rounded

if 'transformer' not in globals():
    from mage_ai.data_preparation.decorators import transformer


@transformer
def clean(data, *args, **kwargs):
    return [rounded(item) for item in data]
"""
MONEY = "def rounded(amount):\n    return amount\n"
IO_CONFIG = """\
default:
  POSTGRES_HOST: "{{ env_var('WAREHOUSE_HOST') }}"
  POSTGRES_PASSWORD: "{{ env_var('WAREHOUSE_PASSWORD') }}"
"""
# As Mage needs it to reach a database.
WHOLE_IO_CONFIG = """\
default:
  POSTGRES_HOST: "{{ env_var('WAREHOUSE_HOST') }}"
  POSTGRES_PORT: "{{ env_var('WAREHOUSE_PORT') }}"
  POSTGRES_DBNAME: "{{ env_var('WAREHOUSE_DATABASE') }}"
  POSTGRES_USER: "{{ env_var('WAREHOUSE_USER') }}"
  POSTGRES_PASSWORD: "{{ env_var('WAREHOUSE_PASSWORD') }}"
"""


@dataclass(frozen=True)
class Result:
    """What a script left behind when it ended."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON document on stdout, which has the form that its schema promises."""
        return output_document(self.stdout)


def output_document(text: str) -> dict[str, Any]:
    """Read one JSON document of a command, which has the form that its schema promises."""
    document = json.loads(text)
    assert isinstance(document, dict)
    _output_schema().validate(document)
    return document


@cache
def _output_schema() -> Any:
    from jsonschema import Draft202012Validator  # only here: the import takes two seconds

    return Draft202012Validator(json.loads((SCRIPTS.parent / "docs" / "output.schema.json").read_text()))


def work_tree_files() -> dict[str, Path]:
    """Return the files of this repository, committed or not; links to folders are some of them."""
    listing = git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    files = {path: ROOT / path for path in listing.split("\0") if path}
    return {path: file for path, file in files.items() if file.is_file() or file.is_symlink()}


def repository_files() -> dict[str, Path]:
    """Return the files of this repository, committed or not, with the example where a team's project would be."""
    files = work_tree_files()
    if EXAMPLE == ROOT:
        return files
    prefix = f"{EXAMPLE.relative_to(ROOT)}/"
    others = {path: file for path, file in files.items() if not path.startswith((prefix, *_OF_A_TEAM))}
    others |= {path: file for path, file in files.items() if path == "packages/README.md"}
    example = {path.removeprefix(prefix): file for path, file in files.items() if path.startswith(prefix)}
    return others | example


def environment(**extra: str) -> dict[str, str]:
    """Return the environment of a script or of git: the machine's, without its git settings."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return inherited | GIT | extra


def git(folder: Path, *arguments: str, stdin: str | None = None) -> str:
    """Run git in `folder` and return what it printed."""
    done = subprocess.run(
        ["git", *arguments],
        cwd=folder,
        input=stdin,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"git {arguments}: {done.stderr}"
    return done.stdout.strip()


class Program(subprocess.Popen[str]):
    """A program that runs, in a session of its own; what is left of it after the `with` block is killed."""

    def __init__(
        self, *words: str | Path, environment: Mapping[str, str], cwd: Path | str = "/", **more: Any
    ) -> None:
        """Start it; `more` is for `Popen`."""
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        super().__init__(words, env=environment, cwd=cwd, text=True, start_new_session=True, **{**pipes, **more})

    def line(self) -> str:
        """Return the next line of its standard output."""
        assert self.stdout is not None
        return self.stdout.readline()

    def end(self) -> None:
        """Kill what is left of it."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        super().__exit__(None, None, None)  # closes the pipes and waits

    def __exit__(self, *_: object) -> None:
        self.end()


def command(name: str, *arguments: str) -> list[str]:
    """Return the command line of the script `name`."""
    return [sys.executable, str(SCRIPTS / f"{name}.py"), *arguments]


def run_command(words: Sequence[str], clone: Path, **variables: str) -> Result:
    """Run a program in `clone` with no terminal; `variables` are added to its environment."""
    return run_at_most(60, words, clone, **variables)


def run_at_most(seconds: float, words: Sequence[str], clone: Path, **variables: str) -> Result:
    """Do what `run_command` does with a program that may take longer."""
    done = subprocess.run(
        words,
        cwd=clone,
        env=environment(**variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    return Result(done.returncode, done.stdout, done.stderr)


def run_script(clone: Path, name: str, *arguments: str, **variables: str) -> Result:
    """Run `scripts/<name>.py` in `clone`, as `run_command` does."""
    return run_command(command(name, *arguments), clone, **variables)


def call_script(clone: Path, name: str, *arguments: str, **variables: str) -> Result:
    """Do what `run_script` does in this process: many times faster, for whatever is not about processes."""
    command: Any = import_module(f"promotion.cli.{name}")
    stdout, stderr = io.StringIO(), io.StringIO()
    with (
        chdir(clone),
        redirect_stdout(stdout),
        redirect_stderr(stderr),
        mock.patch.dict(os.environ, GIT | variables),
        mock.patch.object(boundary, "parser_of", _parser_of),
    ):
        exit_code = boundary.run(command, arguments)
    assert "error[unexpected]" not in stderr.getvalue(), stderr.getvalue()
    return Result(exit_code, stdout.getvalue(), stderr.getvalue())


def promote(clone: Path, *arguments: str) -> Result:
    """Promote without a question, as a step towards what is tested: it must succeed."""
    result = call_script(clone, "promote", *arguments, "--yes")
    assert result.exit_code == 0, result.stderr
    return result


def change_dev(clone: Path, path: str, content: str) -> None:
    """Release a change to dev."""
    write(clone, {path: content})
    push(clone)
    promote(clone, "main", "dev")


def roll_back_dev(clone: Path, *arguments: str) -> str:
    """Roll dev back; return what it printed."""
    result = call_script(clone, "rollback", "dev", "--yes", "--reason", "wrong totals", *arguments)
    assert result.exit_code == 0, result.stderr
    return result.stdout


def write(clone: Path, files: Mapping[str, str | bytes]) -> None:
    """Write files, each given by its path in the clone."""
    for name, content in files.items():
        path = clone / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def change_files(clone: Path, files: Mapping[str, str | None]) -> None:
    """Write files, each given by its path in the clone; None removes one."""
    write(clone, {path: text for path, text in files.items() if text is not None})
    for path in (path for path, text in files.items() if text is None):
        (clone / path).unlink()


def block(uuid: str, kind: str, upstream: Sequence[str] = (), **more: Any) -> dict[str, Any]:
    """Return one block's entry of metadata.yaml."""
    return {"uuid": uuid, "type": kind, "language": "python", "upstream_blocks": list(upstream), **more}


def dumped(content: Mapping[str, Any], **options: Any) -> str:
    """Return `content` as YAML."""
    return str(yaml.dump(content, Dumper=yaml_file.DUMPER, **options))


def write_pipeline(clone: Path, name: str, blocks: Sequence[Mapping[str, Any]], **more: Any) -> None:
    """Write the pipeline's metadata.yaml."""
    metadata = {"name": name, "uuid": name, "type": "python", "blocks": [dict(entry) for entry in blocks], **more}
    write(clone, {metadata_of(name): dumped(metadata)})


def metadata_of(pipeline: str) -> str:
    """Return the path of the pipeline's metadata.yaml."""
    return f"{PROJECT}/pipelines/{pipeline}/metadata.yaml"


def write_loading_pipeline(clone: Path, name: str, *, shared: bool = False) -> None:
    """Write a pipeline with a loader of its own and, when `shared`, the transformer `clean` after it."""
    write(clone, {f"{PROJECT}/data_loaders/load_{name}.py": LOADER.format(name=name)})
    blocks = [block(f"load_{name}", "data_loader")]
    if shared:
        blocks.append(block("clean", "transformer", [f"load_{name}"]))
    write_pipeline(clone, name, blocks)


def rename(clone: Path, old: str, new: str) -> None:
    """Rename a pipeline as Mage does: the folder, and name and uuid in its metadata.yaml."""
    git(clone, "mv", f"{PROJECT}/pipelines/{old}", f"{PROJECT}/pipelines/{new}")
    path = clone / metadata_of(new)
    text = path.read_text().replace(f"name: {old}\n", f"name: {new}\n").replace(f"uuid: {old}\n", f"uuid: {new}\n")
    path.write_text(text)


def values(name: str, **changes: Any) -> str:
    """Return the environment's values.yaml."""
    content = {
        "env": name,
        "io": {
            "settings": {"WAREHOUSE_HOST": f"warehouse.{name}.svc"},
            "secrets": {"WAREHOUSE_PASSWORD": {"name": "warehouse", "key": "password"}},
        },
        "schedules": {},
    }
    return dumped(content | changes)


def schedule(pipeline: str, interval: str = "@daily") -> dict[str, Any]:
    """Return one entry of `schedules`."""
    return {"pipeline": pipeline, "interval": interval, "enabled": True, "timeout": 600}


def write_environment(clone: Path, name: str, source: str, gates: Sequence[str] = ()) -> None:
    """Write the environment's folder."""
    write(
        clone,
        {
            f"environments/{name}/values.yaml": values(name),
            f"environments/{name}/policy.yaml": dumped({"source": source, "gates": list(gates)}),
        },
    )


def write_project(clone: Path) -> None:
    """Write three pipelines: `orders` and `returns` share a transformer and a module, `stock` stands alone."""
    write(
        clone,
        {
            ".gitignore": "*.log\n",
            "Dockerfile": "FROM scratch\n",
            "requirements.txt": "",
            "charts/mage/Chart.yaml": "apiVersion: v2\nname: mage\nversion: 0.1.0\n",
            "README.md": "not part of a release\n",
            f"{PROJECT}/metadata.yaml": "project_uuid: 1234\n",
            f"{PROJECT}/io_config.yaml": IO_CONFIG,
            f"{PROJECT}/transformers/clean.py": TRANSFORMER,
            f"{PROJECT}/utils/money.py": MONEY,
        },
    )
    write_loading_pipeline(clone, "orders", shared=True)
    write_loading_pipeline(clone, "returns", shared=True)
    write_loading_pipeline(clone, "stock")
    for name, source in (("dev", "main"), ("staging", "dev"), ("prod", "staging")):
        write_environment(clone, name, source)


def make_clone(folder: Path) -> Path:
    """Make a bare remote and a clone of it with the small project on main; return the clone."""
    clone = folder / "clone"
    clone.mkdir(parents=True)
    git(folder, "init", "--quiet", "--template=", "--bare", "--initial-branch=main", "remote.git")
    git(clone, "init", "--quiet", "--template=", "--initial-branch=main")
    git(clone, "remote", "add", "origin", "../remote.git")
    write_project(clone)
    push(clone, "Begin")
    return clone


def commit(clone: Path, message: str = "Change") -> None:
    """Commit everything in the clone."""
    git(clone, "add", "--all")
    git(clone, "commit", "--quiet", "--allow-empty", "-m", message)


def push(clone: Path, message: str = "Change") -> None:
    """Commit everything in the clone and push it to main."""
    commit(clone, message)
    git(clone, "push", "--quiet", "origin", "HEAD:main")


def remote_of(clone: Path) -> Path:
    """Return the bare repository that the clone pushes to."""
    return clone.parent / "remote.git"


def head(clone: Path, branch: str) -> str:
    """Return the commit that the remote's `branch` points to."""
    return git(remote_of(clone), "rev-parse", f"refs/heads/{branch}")


def released_files(clone: Path, environment_name: str) -> list[str]:
    """Return the paths in the environment's release."""
    listing = git(remote_of(clone), "ls-tree", "-r", "-z", "--name-only", head(clone, f"env/{environment_name}"))
    return [path for path in listing.split("\0") if path]


def released_text(clone: Path, environment_name: str, path: str) -> str:
    """Return one file of the environment's release."""
    return git(remote_of(clone), "show", f"env/{environment_name}:{path}")


def record(clone: Path, environment_name: str) -> dict[str, Any]:
    """Return the `release` part of the environment's release.yaml."""
    record = yaml.load(released_text(clone, environment_name, "release.yaml"), yaml_file.LOADER)["release"]
    assert isinstance(record, dict)
    return record


def replace_newest(clone: Path, make: Callable[[Release], Release], at: datetime) -> None:
    """Put what `make` makes of dev's newest release in its place, as a commit of the moment `at`."""
    with Repository.find(clone) as repository:
        repository.fetch()
        release, *before = releases(repository, "dev")[:2]
        text = make(release).to_yaml().encode()
        record = Tree({FILE: repository.write_blob(text)}, repository)
        tree = repository.tree(release.commit).overlaid_with(record)
        commit = repository.commit(tree, before[0].commit if before else None, "Release", at)
        repository.push("env/dev", commit, release.commit)


def digests(clone: Path, environment_name: str) -> dict[str, str]:
    """Return the digest of each pipeline that the environment runs."""
    return {name: entry["digest"] for name, entry in record(clone, environment_name)["pipelines"].items()}


def edit_branch(clone: Path, branch: str, files: Mapping[str, str | None]) -> None:
    """Write to a remote branch by hand, as nobody should: None removes a file."""
    other = clone.parent / "by hand"
    if not other.exists():
        git(clone.parent, "clone", "--quiet", str(remote_of(clone)), str(other))
    git(other, "fetch", "--quiet")
    git(other, "checkout", "--quiet", "-B", "edit", f"origin/{branch}")
    for path, content in files.items():
        if content is None:
            (other / path).unlink()
        else:
            write(other, {path: content})
    commit(other, "By hand")
    git(other, "push", "--quiet", "origin", f"HEAD:{branch}")


def remote_refs(clone: Path) -> str:
    """Return every ref of the remote with its commit, as git's files have them."""
    remote = remote_of(clone)
    files = [remote / "packed-refs", *sorted((remote / "refs").rglob("*"))]
    return "".join(f"{path.relative_to(remote)}\n{path.read_text()}" for path in files if path.is_file())


def untouched(clone: Path) -> dict[str, str]:
    """Return what no command may change in a clone: its files, index, HEAD, branches, tags and configuration."""
    state = {
        str(path.relative_to(clone)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(clone.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(clone).parts
    }
    names = (
        "index",
        "HEAD",
        "config",
        "packed-refs",
        "refs/heads/**/*",
        "refs/tags/**/*",
        "refs/stash",
        "worktrees/**/*",
    )
    for path in sorted(path for name in names for path in (clone / ".git").glob(name) if path.is_file()):
        state[str(path.relative_to(clone))] = path.read_bytes().hex()
    return state


def refused(clone: Path, name: str, *arguments: str, **variables: str) -> dict[str, Any]:
    """Run a script that must refuse and write nothing; return the `error` of its JSON document."""
    before = untouched(clone), remote_refs(clone)
    result = call_script(clone, name, *arguments, "--json", **variables)
    assert (untouched(clone), remote_refs(clone)) == before, "a refusal wrote something"
    error: dict[str, Any] = result.document["error"]
    assert error["exit_code"] == result.exit_code != 0
    assert f"error[{error['code']}]: {error['message'].splitlines()[0]}" in result.stderr
    assert error["fix"], "a refusal says what to do next"
    return error


def example_checkout(folder: Path) -> Path:
    """Make a repository in `folder` of what the image of the example is built from; return the folder."""
    for path, file in repository_files().items():
        if path.split("/")[0] in IMAGE_SOURCE:
            write(folder, {path: file.read_bytes()})
    git(folder, "init", "--quiet", "--template=", "--initial-branch=main")
    commit(folder)
    return folder


def tree_of(folder: Path) -> Tree:
    """Return the tree of all files below `folder`, which is no clone."""
    paths = [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_symlink() or path.is_file()]
    return tree_of_folder(folder, paths)


def static_findings(folder: Path, files: Mapping[str, str | bytes] | None = None) -> list[Finding]:
    """Write `files` into `folder` and return what the static gate of dev says of it."""
    write(folder, files or {})
    tree = tree_of(folder)
    findings = static_gate.static_findings(Project(tree), [load_environment(tree, "dev")])
    assert all(finding.fix for finding in findings)
    return findings


def places(findings: Sequence[Finding]) -> list[tuple[str, str, int | None]]:
    """Return code, path and line of each finding."""
    return [(finding.code, finding.path, finding.line) for finding in findings]


def only(findings: Sequence[Finding]) -> Finding:
    """Return the one finding."""
    assert len(findings) == 1, findings
    return findings[0]


def write_program(path: Path, script: str) -> None:
    """Write a program of the shell: a hook of git, or one that is found on PATH before the real one."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def write_environment_gates(clone: Path, name: str, gates: Sequence[str]) -> None:
    """Make `gates` due in the environment."""
    write_policy(clone, name, gates=list(gates))


def write_policy(clone: Path, name: str, **keys: Any) -> None:
    """Set keys of the environment's policy.yaml."""
    path = clone / f"environments/{name}/policy.yaml"
    policy = yaml.load(path.read_text(), yaml_file.LOADER)
    path.write_text(dumped(policy | keys, sort_keys=False))


def refusal_codes(clone: Path, *arguments: str) -> list[str]:
    """Return the codes of all that refuses the promotion that `arguments` ask for."""
    plan = call_script(clone, "promote", *arguments, "--plan", "--json").document["plan"]
    return [refusal["code"] for refusal in plan["refusals"]]


def sign(clone: Path) -> Path:
    """Let git sign in the clone, with a key that it knows as Ada's; return the key's file."""
    key, signers = clone.parent / "key", clone.parent / "signers"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "ada", "-f", str(key)], check=True)
    signers.write_text(f"ada@example.com {key.with_suffix('.pub').read_text()}")
    settings = {"gpg.format": "ssh", "user.signingkey": f"{key}.pub", "commit.gpgsign": "true"}
    for name, value in (settings | {"gpg.ssh.allowedSignersFile": str(signers)}).items():
        git(clone, "config", name, value)
    return key
