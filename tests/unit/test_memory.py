"""What is remembered beside a clone: it makes commands faster, and nothing else."""

from __future__ import annotations

import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from helpers import (
    PROJECT,
    block,
    call_script,
    commit,
    promote,
    push,
    run_script,
    write,
    write_pipeline,
    write_policy,
)
from promotion.changes.sides import main_side
from promotion.configuration.environment import load_environment
from promotion.gates.static_gate import static_findings
from promotion.pipelines.project import Project
from promotion.record.release import Release, releases
from promotion.repository.git import Repository
from promotion.repository.memory import Memory

CLEAN = f"{PROJECT}/transformers/clean.py"


def plan(clone: Path) -> Any:
    return run_script(clone, "promote", "main", "dev", "--plan", "--json").document


def folder(clone: Path) -> Path:
    return clone / ".git" / "promotion"


def test_a_plan_is_the_same_with_and_without_it(project: Path) -> None:
    cold = plan(project)
    assert list(folder(project).iterdir())
    assert plan(project) == cold
    shutil.rmtree(folder(project))
    assert plan(project) == cold


def test_a_changed_file_is_read_again(promoted_to_dev: Path) -> None:
    assert not plan(promoted_to_dev)["plan"]["changes"]
    write(promoted_to_dev, {CLEAN: f"import {PROJECT}.utils.other\n", f"{PROJECT}/utils/other.py": ""})
    push(promoted_to_dev)
    warm = plan(promoted_to_dev)
    assert f"{PROJECT}/utils/other.py" in [file["path"] for file in warm["plan"]["files"] if file["pipelines"]]
    shutil.rmtree(folder(promoted_to_dev))
    assert plan(promoted_to_dev) == warm


def test_a_new_file_is_found_by_pipelines_that_did_not_change(project: Path) -> None:
    reads_all = (
        "import glob\nfrom mage_ai.settings.repo import get_repo_path\nglob.glob(get_repo_path() + '/sql/*.sql')\n"
    )
    write(project, {CLEAN: reads_all, f"{PROJECT}/sql/first.sql": "select 1\n"})
    push(project)
    plan(project)
    write(project, {f"{PROJECT}/sql/second.sql": "select 2\n"})
    push(project)
    users = {file["path"]: file["pipelines"] for file in plan(project)["plan"]["files"]}
    assert users[f"{PROJECT}/sql/second.sql"] == users[f"{PROJECT}/sql/first.sql"] != []


@pytest.mark.parametrize(
    "content", [b"", b"not what we wrote", b"\x80\x04N."], ids=["empty", "noise", "no mapping"]
)
def test_a_damaged_one_is_worked_out_again(project: Path, content: bytes) -> None:
    cold = plan(project)
    for file in folder(project).iterdir():
        file.write_bytes(content)
    assert plan(project) == cold


def test_a_block_that_finds_another_file_is_looked_at_again(project: Path) -> None:
    """The closure has the same files, but where Mage looks depends on what else there is."""
    configuration = {"file_path": "x/loader.py"}
    write_pipeline(project, "stock", [block("load", "data_loader", configuration=configuration)])
    declared = "files: {pipelines/stock/metadata.yaml: ['*/x/loader.py']}\n"
    other, loader = f"{PROJECT}/x/other.py", f"{PROJECT}/data_loaders/x/loader.py"
    promotion = f"{PROJECT}/pipelines/stock/promotion.yaml"
    write(project, {promotion: declared, loader: "no_decorator = 1\n", other: ""})
    write_policy(project, "dev", gates=["static"])
    push(project)
    first = codes(project)
    (project / other).unlink()
    push(project)
    warm = codes(project)
    assert first != warm == {"decorator-missing"}


def codes(clone: Path) -> set[str]:
    """Return the codes of what the static gate finds in main as a release of dev."""
    with Repository.find(clone) as repository:
        repository.fetch()
        main = main_side(repository).tree
        return {finding.code for finding in static_findings(Project(main), [load_environment(main, "dev")])}


def test_a_bit_that_flips_is_not_believed(project: Path) -> None:
    cold = plan(project)
    (file,) = folder(project).iterdir()
    sound = file.read_bytes()
    for place in range(5000, len(sound), len(sound) // 20):
        file.write_bytes(sound[:place] + bytes([sound[place] ^ 4]) + sound[place + 1 :])
        assert call_script(project, "promote", "main", "dev", "--plan", "--json").document == cold


def test_what_lies_too_deep_is_not_remembered(tmp_path: Path) -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    memory = Memory(tmp_path)
    memory.remember("lists", "deep", deep)
    memory.save()
    assert Memory(tmp_path).known("lists", "deep") is None


def test_a_folder_that_nobody_may_enter_is_done_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> bool:
        raise PermissionError(path)

    monkeypatch.setattr(Path, "is_file", refuse)  # tests may run as root, whom nothing is refused
    assert Memory(tmp_path).recall("lengths", "key", lambda: 1) == 1


def test_while_it_is_locked_it_is_done_without(project: Path) -> None:
    cold = plan(project)
    (file,) = folder(project).iterdir()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("begin exclusive")
        assert plan(project) == cold


def test_what_a_kill_left_half_written_is_taken_back(project: Path) -> None:
    cold = plan(project)
    (file,) = folder(project).iterdir()
    killed = f"""
import os, signal, sqlite3
connection = sqlite3.connect({str(file)!r}, isolation_level=None)
connection.execute("pragma cache_size = 1")  # so that it writes to the file before it is done
connection.execute("begin")
connection.execute("update memory set value = x'00'")
os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", killed], check=False).returncode == -signal.SIGKILL
    assert file.with_name(f"{file.name}-journal").exists()
    assert plan(project) == cold


def test_where_it_cannot_be_written_it_is_done_without(project: Path) -> None:
    cold = plan(project)
    shutil.rmtree(folder(project))
    folder(project).write_text("in the way")
    assert plan(project) == cold


def test_another_clone_of_the_code_does_not_believe_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = Memory(tmp_path)
    assert first.recall("lengths", "key", lambda: 1) == 1
    first.save()
    assert Memory(tmp_path).recall("lengths", "key", lambda: 2) == 1
    monkeypatch.setattr("promotion.repository.memory._version", lambda: "of-other-code")
    other = Memory(tmp_path)
    assert other.recall("lengths", "key", lambda: 2) == 2
    other.save()
    assert [file.name for file in tmp_path.iterdir()] == ["memory-of-other-code.sqlite"]


def test_a_failure_is_not_remembered(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    with pytest.raises(ZeroDivisionError):
        memory.recall("quotients", "zero", lambda: 1 // 0)
    assert memory.recall("quotients", "zero", lambda: 7) == 7


def test_a_release_is_remembered_as_it_is_read(two_changes: Path) -> None:
    for name in ("stock", "orders"):
        promote(two_changes, "main", "dev", "-p", name, "--reason", "new prices")
    remembered, read = releases_of(two_changes), releases_of(two_changes, forget=True)
    assert remembered == read
    assert [release.number for release in read] == [3, 2, 1]


def releases_of(clone: Path, *, forget: bool = False) -> list[Release]:
    if forget:
        shutil.rmtree(folder(clone))
    with Repository.find(clone) as repository:
        repository.fetch()
        return list(releases(repository, "dev"))


def test_a_commit_without_changes_reads_nothing_new(project: Path) -> None:
    plan(project)
    before = {file.name: file.stat().st_mtime_ns for file in folder(project).iterdir()}
    write(project, {"README.md": "no part of a release\n"})
    commit(project)
    push(project)
    plan(project)
    assert {file.name: file.stat().st_mtime_ns for file in folder(project).iterdir()} == before


def squares(folder: Path, numbers: range) -> list[int]:
    """Return the squares of `numbers` that are remembered, 0 for the others; then all are."""
    memory = Memory(folder)
    known = [memory.known("squares", str(number), 0) for number in numbers]
    for number in numbers:
        memory.recall("squares", str(number), lambda number=number: number**2)  # type: ignore[misc]
    memory.save()
    return known


def test_many_values_are_read_as_few_are(tmp_path: Path) -> None:
    many = range(2000)
    assert set(squares(tmp_path, many)) == {0}
    assert squares(tmp_path, many) == [number**2 for number in many]
    assert squares(tmp_path, range(1990, 2010)) == [*(number**2 for number in range(1990, 2000)), *[0] * 10]


def test_what_two_commands_find_at_once_is_kept_of_both(tmp_path: Path) -> None:
    one, other = Memory(tmp_path), Memory(tmp_path)
    for memory, key in ((one, "one"), (other, "other")):
        memory.recall("names", key, lambda key=key: key.upper())  # type: ignore[misc]
    one.save()
    other.save()
    known = Memory(tmp_path)
    assert [known.known("names", key) for key in ("one", "other")] == ["ONE", "OTHER"]


def test_what_is_remembered_in_the_place_of_something_replaces_it(tmp_path: Path) -> None:
    for value in (1, 2):
        memory = Memory(tmp_path)
        memory.remember("newest", "key", value)
        memory.save()
    assert Memory(tmp_path).known("newest", "key") == 2


def test_a_large_file_is_begun_anew_with_what_was_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    squares(tmp_path, range(10))
    monkeypatch.setattr("promotion.repository.memory._LARGEST", 0)
    assert squares(tmp_path, range(9, 11)) == [81, 0]
    monkeypatch.undo()
    assert squares(tmp_path, range(7, 12)) == [0, 0, 81, 100, 0]
