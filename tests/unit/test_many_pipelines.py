"""What people read stays one screen, however many pipelines there are."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from helpers import PROJECT, call_script, promote, push, refused, tree_of, write, write_loading_pipeline
from promotion.gates.mage_gate import needed
from promotion.pipelines.project import Project

CLEAN = f"{PROJECT}/transformers/clean.py"
LINES, COLUMNS = 60, 400


@pytest.fixture
def many(project: Path) -> Path:
    """A clone whose dev has fifty pipelines more than `project`, which share a transformer that main has newer."""
    for number in range(50):
        write_loading_pipeline(project, f"sales_{number:02}", shared=True)
    push(project)
    promote(project, "main", "dev")
    write(project, {CLEAN: (project / CLEAN).read_text() + "# newer\n"})
    push(project)
    return project


def test_a_plan_of_many_shows_the_first_and_counts_the_others(many: Path) -> None:
    plan = call_script(many, "promote", "main", "dev", "--plan").stdout
    assert "sales_00" in plan
    assert "sales_49" not in plan
    assert "more: see --json" in plan
    assert len(plan.splitlines()) < LINES
    assert max(map(len, plan.splitlines())) < COLUMNS


def test_the_document_has_them_all(many: Path) -> None:
    plan = call_script(many, "promote", "main", "dev", "--plan", "--json").document["plan"]
    assert sum(row["name"].startswith("sales_") for row in plan["pipelines"]) == 50


def test_a_file_shared_by_many_is_refused_with_a_short_way_to_include_them(many: Path) -> None:
    error = refused(many, "promote", "main", "dev", "-p", "orders", "--yes")
    assert error["code"] == "shared-file"
    assert "are not selected and would change: each shares" in error["message"]
    assert max(map(len, f"{error['message']}\n{error['fix']}".splitlines())) < COLUMNS
    include = next(line for line in error["fix"].splitlines() if "include them:" in line)
    promote(many, *shlex.split(include.partition("scripts/promote.py")[2]))
    assert call_script(many, "promote", "main", "dev", "--plan").exit_code == 0


def test_the_status_of_many_shows_those_that_differ(many: Path) -> None:
    shown = call_script(many, "status").stdout
    assert "sales_00" in shown  # staging does not have it yet
    promote(many, "main", "dev")
    promote(many, "dev", "staging")
    promote(many, "staging", "prod")
    write(many, {f"{PROJECT}/data_loaders/load_stock.py": "newer = 1\n"})
    push(many)
    shown = call_script(many, "status").stdout
    assert [line.split()[0] for line in shown.splitlines() if "≠" in line] == ["stock", "✓"]
    assert "= 52 more are the same" in shown
    assert len(shown.splitlines()) < LINES


def test_mage_reads_what_the_changed_pipelines_need_and_nothing_that_is_others(sources: Path) -> None:
    project = Project(tree_of(sources))
    read, stock = set(needed(project, ["stock"])), set(project.closure("stock").files)
    others = {path for name in ("orders", "returns") for path in project.closure(name).files}
    assert stock | {f"{PROJECT}/metadata.yaml"} <= read
    assert others - stock
    assert not read & (others - stock)


def test_the_status_of_many_with_stale_data_counts_most_of_them(many: Path) -> None:
    write(many, {CLEAN: (many / CLEAN).read_text() + "newer = 1\n"})
    push(many)
    assert max(map(len, promote(many, "main", "dev").stdout.splitlines())) < COLUMNS
    shown = call_script(many, "status", "dev").stdout.splitlines()
    assert sum(line.startswith("BACKFILL dev ") for line in shown) == 6
    assert "BACKFILL dev and 47 more: scripts/promote.py backfill dev" in shown
    assert len(call_script(many, "promote", "backfill", "dev").stdout.splitlines()) == 52
