"""Bad input: each a refusal with a stable code and a next step, and nothing written."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any

import pytest
import yaml

from basics.process import without_credentials
from helpers import (
    PROJECT,
    SECRET,
    call_script,
    commit,
    edit_branch,
    git,
    metadata_of,
    push,
    refused,
    released_text,
    remote_of,
    values,
    write,
    write_environment_gates,
)

MONEY = f"{PROJECT}/utils/money.py"


# git


def test_no_git_on_the_path(project: Path, tmp_path: Path) -> None:
    error = refused(project, "promote", "main", "dev", "--yes", PATH=str(tmp_path))
    assert (error["exit_code"], error["code"]) == (1, "program-missing")


def test_a_folder_outside_of_any_repository(tmp_path: Path) -> None:
    result = call_script(tmp_path, "promote", "main", "dev", "--yes", "--json")
    assert (result.exit_code, result.document["error"]["code"]) == (1, "not-a-repository")
    assert str(tmp_path) in result.document["error"]["message"]
    assert not list(tmp_path.iterdir())


def test_a_pipeline_whose_name_is_no_text(project: Path) -> None:
    folder = os.fsencode(project / PROJECT / "pipelines") + b"/caf\xe9"
    os.mkdir(folder)  # noqa: PTH102
    with open(folder + b"/metadata.yaml", "wb") as metadata:  # noqa: PTH123
        metadata.write(b"blocks: []\n")
    push(project)
    error = refused(project, "promote", "main", "dev", "--yes")
    assert (error["exit_code"], error["code"]) == (3, "bad-name")
    assert "caf\\udce9" in error["message"]


def test_a_clone_without_a_remote(project: Path) -> None:
    git(project, "remote", "remove", "origin")
    error = refused(project, "promote", "main", "dev", "--yes")
    assert (error["exit_code"], error["code"]) == (1, "no-remote")


def test_a_remote_that_cannot_be_reached(project: Path) -> None:
    git(project, "remote", "set-url", "origin", "../nowhere.git")
    error = refused(project, "promote", "main", "dev", "--yes")
    assert (error["exit_code"], error["code"]) == (1, "remote-unreachable")
    assert "nowhere.git" in error["message"]


def test_an_empty_remote(project: Path) -> None:
    shutil.rmtree(remote_of(project))
    git(project.parent, "init", "--quiet", "--bare", "remote.git")
    error = refused(project, "promote", "main", "dev", "--yes")
    assert (error["code"], error["fix"]) == ("no-main", "git push origin main")


def unpack(clone: Path) -> None:
    """Have a file for each object of `clone`."""
    for pack in (clone / ".git/objects/pack").glob("*.pack"):
        moved = pack.rename(clone / pack.name)
        with moved.open("rb") as objects:
            subprocess.run(["git", "unpack-objects", "-q"], cwd=clone, stdin=objects, check=True)
        moved.unlink()


def test_a_clone_that_has_lost_a_file(project: Path) -> None:
    oid = git(project, "rev-parse", f"HEAD:{MONEY}")
    unpack(project)
    (project / ".git/objects" / oid[:2] / oid[2:]).unlink()
    error = refused(project, "promote", "main", "dev", "--yes")
    assert (error["code"], error["exit_code"], error["fix"]) == ("object-missing", 1, "git fsck")
    assert oid in error["message"]


def test_a_shallow_clone(promoted_to_dev: Path) -> None:
    push(promoted_to_dev)
    folder = promoted_to_dev.parent
    git(folder, "clone", "--quiet", "--depth=1", remote_of(promoted_to_dev).as_uri(), "shallow")
    error = refused(folder / "shallow", "promote", "main", "dev", "--yes")
    assert (error["code"], error["fix"]) == ("shallow-clone", "git fetch --unshallow")


@pytest.mark.parametrize("staged", [False, True])
def test_uncommitted_work_that_would_be_left_out(project: Path, staged: bool) -> None:
    write(project, {MONEY: "changed = 1\n"})
    if staged:
        git(project, "add", MONEY)
    error = refused(project, "promote", "main", "dev", "--yes")
    assert (error["exit_code"], error["code"]) == (1, "uncommitted-changes")
    assert error["message"] == f"not committed: {MONEY}; promotions take what origin/main has"


def test_an_untracked_file_that_would_be_left_out(project: Path) -> None:
    write(project, {f"{PROJECT}/utils/è nuovo.py": ""})
    error = refused(project, "promote", "main", "dev", "--yes")
    assert error["code"] == "uncommitted-changes"
    assert f"{PROJECT}/utils/è nuovo.py" in error["message"]


def test_a_renamed_file_that_would_be_left_out(project: Path) -> None:
    git(project, "mv", MONEY, f"{PROJECT}/utils/moved.py")
    assert refused(project, "promote", "main", "dev", "--yes")["code"] == "uncommitted-changes"


def test_uncommitted_configuration_of_the_target(promoted_to_dev: Path) -> None:
    write(promoted_to_dev, {"environments/staging/values.yaml": values("staging") + "# soon\n"})
    assert refused(promoted_to_dev, "promote", "dev", "staging", "--yes")["code"] == "uncommitted-changes"


def test_an_unpushed_commit(project: Path) -> None:
    write(project, {MONEY: "changed = 1\n"})
    commit(project, "Round up")
    error = refused(project, "promote", "main", "dev", "--yes")
    assert (error["exit_code"], error["code"]) == (1, "unpushed-commits")
    assert re.fullmatch("not pushed: [0-9a-f]+ Round up; promotions take what origin/main has", error["message"])


def test_work_that_no_promotion_would_take_is_no_hindrance(project: Path) -> None:
    write(project, {"README.md": "being written\n", "debug.log": "ignored\n", "notes.txt": "mine\n"})
    assert call_script(project, "promote", "main", "dev", "--plan").exit_code == 2


def test_work_on_main_is_no_hindrance_between_environments(promoted_to_dev: Path) -> None:
    write(promoted_to_dev, {MONEY: "changed = 1\n"})
    assert call_script(promoted_to_dev, "promote", "dev", "staging", "--plan").exit_code == 2


def test_nobody_known_as_the_author(project: Path) -> None:
    git(project, "config", "user.useConfigOnly", "true")
    nobody = {f"GIT_{role}_{what}": "" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    error = refused(project, "promote", "main", "dev", "--yes", **nobody)
    assert (error["exit_code"], error["code"]) == (1, "no-identity")
    assert "git config user.name" in error["fix"]


@pytest.mark.parametrize("password", [SECRET, f"x@{SECRET}", f"x:{SECRET}"])
def test_credentials_in_the_remotes_address_are_never_shown(project: Path, password: str) -> None:
    git(project, "remote", "set-url", "origin", f"http://ada:{password}@localhost:1/remote.git")
    result = call_script(project, "promote", "main", "dev", "--yes", "--json")
    assert result.document["error"]["code"] == "remote-unreachable"
    assert SECRET not in result.stdout + result.stderr
    assert "ada" not in result.stdout + result.stderr


@pytest.mark.parametrize("password", [SECRET, f"x@{SECRET}", f"x:{SECRET}"])
def test_credentials_are_taken_out_of_whatever_a_program_says(password: str) -> None:
    said = f"fatal: 'https://ada:{password}@example.com/a@b' and ssh://{password}@example.com:22/x\n"
    assert without_credentials(said) == "fatal: 'https://…@example.com/a@b' and ssh://…@example.com:22/x\n"


# Names on the command line


@pytest.mark.parametrize(
    ("script", "arguments"),
    [
        ("promote", ["main", "qa"]),
        ("promote", ["qa", "dev"]),
        ("promote", ["main", "../dev"]),
        ("rollback", ["qa", "--reason", "x"]),
        ("status", ["qa"]),
        ("verify", ["qa"]),
    ],
)
def test_an_unknown_environment(project: Path, script: str, arguments: list[str]) -> None:
    error = refused(project, script, *arguments, *([] if script in ("status", "verify") else ["--yes"]))
    assert (error["exit_code"], error["code"]) == (64, "unknown-environment")
    assert "dev" in error["fix"]


@pytest.mark.parametrize(
    ("script", "arguments"), [("promote", ["dev", "staging"]), ("rollback", ["dev", "--to", "1", "--reason", "x"])]
)
def test_an_unknown_pipeline(promoted_to_dev: Path, script: str, arguments: list[str]) -> None:
    push(promoted_to_dev)
    write(promoted_to_dev, {MONEY: "changed = 1\n"})
    push(promoted_to_dev)
    assert call_script(promoted_to_dev, "promote", "main", "dev", "--yes").exit_code == 0
    error = refused(promoted_to_dev, script, *arguments, "-p", "order", "--yes")
    assert (error["exit_code"], error["code"]) == (64, "unknown-pipeline")
    assert error["fix"] == "write orders"


@pytest.mark.parametrize("arguments", [[], ["main"], ["main", "dev", "--plan", "--yes"], ["main", "dev", "--ye"]])
def test_a_command_line_that_is_none(project: Path, arguments: list[str]) -> None:
    error = refused(project, "promote", *arguments)
    assert (error["exit_code"], error["code"]) == (64, "usage")


def test_no_terminal_and_neither_yes_nor_plan(project: Path) -> None:
    error = refused(project, "promote", "main", "dev")
    assert (error["exit_code"], error["code"]) == (64, "no-terminal")
    assert "--yes" in error["fix"]
    assert "--plan" in error["fix"]


def test_a_rollback_without_a_reason(promoted_to_dev: Path) -> None:
    error = refused(promoted_to_dev, "rollback", "dev", "--yes")
    assert (error["exit_code"], error["code"]) == (64, "no-reason")


def test_a_released_hold_without_a_reason(promoted_to_dev: Path) -> None:
    error = refused(promoted_to_dev, "promote", "main", "dev", "--release-hold", "--yes")
    assert (error["exit_code"], error["code"]) == (64, "no-reason")


def test_a_release_that_is_not_there(promoted_to_dev: Path) -> None:
    error = refused(promoted_to_dev, "rollback", "dev", "--to", "7", "--reason", "x", "--yes")
    assert (error["exit_code"], error["code"]) == (64, "unknown-release")


def test_a_rollback_of_the_only_release(promoted_to_dev: Path) -> None:
    error = refused(promoted_to_dev, "rollback", "dev", "--reason", "x", "--yes")
    assert (error["exit_code"], error["code"]) == (64, "nothing-older")
    assert error["message"] == "dev has no earlier release to go back to"


def test_a_rollback_of_an_environment_without_release(project: Path) -> None:
    error = refused(project, "rollback", "dev", "--reason", "x", "--yes")
    assert (error["exit_code"], error["code"]) == (64, "no-release")


def test_a_source_without_release(project: Path) -> None:
    error = refused(project, "promote", "dev", "staging", "--yes")
    assert (error["exit_code"], error["code"]) == (64, "no-release")


@pytest.mark.parametrize(("source", "target"), [("main", "staging"), ("dev", "prod"), ("dev", "dev")])
def test_a_source_that_the_policy_does_not_name(promoted_to_dev: Path, source: str, target: str) -> None:
    write(promoted_to_dev, {MONEY: "changed = 1\n"})
    push(promoted_to_dev)
    error = refused(promoted_to_dev, "promote", source, target, "--yes")
    assert (error["exit_code"], error["code"]) == (4, "wrong-source")
    assert error["fix"].startswith("scripts/promote.py ")


# Configuration


@pytest.mark.parametrize("name", ["values.yaml", "policy.yaml"])
def test_malformed_configuration_is_named_with_file_and_line(project: Path, name: str) -> None:
    path = f"environments/dev/{name}"
    write(project, {path: "env: dev\nsource: [main\n"})
    push(project)
    error = refused(project, "promote", "main", "dev", "--yes")
    (finding,) = error["findings"]
    assert (error["code"], error["exit_code"]) == ("bad-configuration", 3)
    assert (finding["code"], finding["path"], finding["line"]) == ("malformed-yaml", path, 3)


@pytest.mark.parametrize("name", ["values.yaml", "policy.yaml"])
def test_missing_configuration_is_named(project: Path, name: str) -> None:
    (project / f"environments/dev/{name}").unlink()
    push(project)
    (finding,) = refused(project, "promote", "main", "dev", "--yes")["findings"]
    assert (finding["code"], finding["path"]) == ("file-missing", f"environments/dev/{name}")


def test_configuration_that_is_not_utf8(project: Path) -> None:
    write(project, {"environments/dev/values.yaml": b"env: dev # caf\xe9\n"})
    push(project)
    (finding,) = refused(project, "promote", "main", "dev", "--yes")["findings"]
    assert (finding["code"], finding["path"]) == ("not-utf8", "environments/dev/values.yaml")


def test_an_environment_whose_name_can_be_no_branch(project: Path) -> None:
    shutil.copytree(project / "environments/dev", project / "environments/my dev")
    push(project)
    error = refused(project, "promote", "main", "my dev", "--yes")
    assert "bad-name" in {finding["code"] for finding in error["findings"]}


def test_another_environments_broken_configuration_is_no_hindrance(promoted_to_dev: Path) -> None:
    write(promoted_to_dev, {"environments/prod/policy.yaml": "source: [staging\n"})
    push(promoted_to_dev)
    assert call_script(promoted_to_dev, "promote", "dev", "staging", "--plan").exit_code == 2


# The project: what a pull request can bring; all that the gate finds is in test_static_gate.py


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({metadata_of("orders"): "blocks: [\n"}, "malformed-yaml"),
        ({metadata_of("orders"): b"name: caf\xe9\n"}, "not-utf8"),
        ({f"{PROJECT}/data_loaders/load_orders.py": "import mage_project.nowhere\n"}, "import-missing"),
        ({f"{PROJECT}/pipelines/empty folder/.gitkeep": ""}, "bad-name"),
        ({metadata_of("orders"): "blocks: [{uuid: ../../x, type: custom}]\n"}, "path-outside-project"),
        ({f"{PROJECT}/io_config.yaml": f"default:\n  POSTGRES_PASSWORD: {SECRET}\n"}, "secret-in-clear"),
    ],
)
def test_a_finding_of_the_static_gate_stops_the_release(
    project: Path, files: dict[str, str | bytes], code: str
) -> None:
    write_environment_gates(project, "dev", ["static"])
    write(project, files)
    push(project)
    error = refused(project, "promote", "main", "dev", "--yes")
    assert (error["exit_code"], error["code"]) == (3, "static-gate")
    assert code in {finding["code"] for finding in error["findings"]}


def test_a_secret_in_clear_is_never_shown(project: Path) -> None:
    write_environment_gates(project, "dev", ["static"])
    io = {"settings": {"WAREHOUSE_PASSWORD": SECRET}, "secrets": {}}
    files = {
        f"{PROJECT}/io_config.yaml": f"default:\n  POSTGRES_PASSWORD: {SECRET}\n",
        "environments/dev/values.yaml": values("dev", io=io),
    }
    write(project, files)
    push(project)
    for form in ([], ["--json"]):
        result = call_script(project, "promote", "main", "dev", "--plan", *form)
        assert result.exit_code == 3
        assert SECRET not in result.stdout + result.stderr


def test_a_secret_in_the_place_of_its_reference_is_never_shown(project: Path) -> None:
    io = {"settings": {}, "secrets": {"WAREHOUSE_PASSWORD": SECRET}}
    write(project, {"environments/dev/values.yaml": values("dev", io=io)})
    push(project)
    result = call_script(project, "promote", "main", "dev", "--plan", "--json")
    assert "io.secrets.WAREHOUSE_PASSWORD" in result.document["error"]["findings"][0]["problem"]
    assert SECRET not in result.stdout + result.stderr


def test_a_broken_pipeline_on_main_does_not_blind_the_status(promoted_to_dev: Path) -> None:
    write(promoted_to_dev, {metadata_of("orders"): b"name: caf\xe9\n"})
    push(promoted_to_dev)
    assert call_script(promoted_to_dev, "status").exit_code == 0


# Names that are no trouble


def test_spaces_and_accents_in_file_names_are_promoted(project: Path) -> None:
    path = f"{PROJECT}/assets/prix d'été.csv"
    write(project, {path: "a;b\n"})
    push(project)
    plan = call_script(project, "promote", "main", "dev", "--plan", "--json").document["plan"]
    assert path in {entry["path"] for entry in plan["files"]}


def test_a_file_name_that_is_no_text_is_promoted(project: Path) -> None:
    folder = os.fsencode(project / PROJECT / "assets")
    os.mkdir(folder)  # noqa: PTH102 (a path in bytes)
    with open(folder + b"/prix \xe9.csv", "wb"):  # noqa: PTH123
        pass
    push(project)
    assert call_script(project, "promote", "main", "dev", "--yes").exit_code == 0
    listing = git(remote_of(project), "ls-tree", "-r", "--name-only", "env/dev")
    assert '"mage_project/assets/prix \\351.csv"' in listing


# An env branch that somebody wrote to


@pytest.mark.parametrize("content", [None, "release: []\n", "image: {tag: x}\nrelease: {format_version: '9.0'}\n"])
@pytest.mark.parametrize("script", ["promote", "status"])
def test_a_release_without_a_readable_record(promoted_to_dev: Path, script: str, content: str | None) -> None:
    edit_branch(promoted_to_dev, "env/dev", {"release.yaml": content})
    arguments = ["main", "dev", "--yes"] if script == "promote" else []
    error = refused(promoted_to_dev, script, *arguments)
    assert (error["exit_code"], error["code"]) == (1, "release-unreadable")
    assert "env/dev" in error["message"]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("number", "two"),
        ("source.commit", 7),
        ("pipelines.stock.digest", {}),
        ("pipelines.stock.since", [1]),
        ("holds", [{"pipeline": "a", "digest": [], "release": 1, "reason": "x"}]),
        ("renamed", {"a": 1}),
        ("renamed", "x"),
    ],
)
def test_a_record_with_values_of_another_type(promoted_to_dev: Path, key: str, value: Any) -> None:
    overlay = yaml.safe_load(released_text(promoted_to_dev, "dev", "release.yaml"))
    *parents, last = key.split(".")
    reduce(getitem, parents, overlay["release"])[last] = value
    edit_branch(promoted_to_dev, "env/dev", {"release.yaml": yaml.safe_dump(overlay, sort_keys=False)})
    assert refused(promoted_to_dev, "status")["code"] == "release-unreadable"
