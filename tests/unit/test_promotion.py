"""What a promotion takes, what it leaves, and what it says."""

from __future__ import annotations

import re
import shlex
from datetime import datetime
from pathlib import Path

import pytest
import yaml

from helpers import (
    PROJECT,
    call_script,
    commit,
    digests,
    git,
    head,
    metadata_of,
    promote,
    push,
    record,
    refused,
    released_files,
    released_text,
    remote_of,
    schedule,
    untouched,
    values,
    write,
    write_loading_pipeline,
)
from promotion.record.release import FORMAT_VERSION

MONEY = f"{PROJECT}/utils/money.py"
CLEAN = f"{PROJECT}/transformers/clean.py"
LOAD_ORDERS = f"{PROJECT}/data_loaders/load_orders.py"
LOAD_STOCK = f"{PROJECT}/data_loaders/load_stock.py"

ORDERS = {metadata_of("orders"), LOAD_ORDERS, CLEAN, MONEY}
PLATFORM = {"Dockerfile", "requirements.txt", "charts/mage/Chart.yaml"} | {
    f"{PROJECT}/metadata.yaml",
    f"{PROJECT}/io_config.yaml",
}


def configuration(environment: str) -> set[str]:
    return {f"environments/{environment}/values.yaml", f"environments/{environment}/policy.yaml", "release.yaml"}


# Whole promotions


def test_a_first_release_holds_everything_that_the_environment_runs(promoted_to_dev: Path) -> None:
    files = set(released_files(promoted_to_dev, "dev"))
    assert ORDERS | PLATFORM | configuration("dev") | {LOAD_STOCK} <= files


def test_a_release_holds_nothing_else(promoted_to_dev: Path) -> None:
    files = released_files(promoted_to_dev, "dev")
    assert not [path for path in files if path.startswith(("environments/prod", "README", ".gitignore"))]


def test_a_second_release_is_appended_to_the_first(promoted_to_dev: Path) -> None:
    first = head(promoted_to_dev, "env/dev")
    write(promoted_to_dev, {LOAD_STOCK: "x = 1\n"})
    push(promoted_to_dev)
    promote(promoted_to_dev, "main", "dev")
    assert git(remote_of(promoted_to_dev), "rev-list", "--parents", "-n", "1", "env/dev").split()[1:] == [first]
    assert record(promoted_to_dev, "dev")["number"] == 2


def test_a_release_says_since_when_and_from_where_each_pipeline_is_there(promoted_to_dev: Path) -> None:
    write(promoted_to_dev, {LOAD_STOCK: "x = 1\n"})
    push(promoted_to_dev)
    changed = head(promoted_to_dev, "main")
    promote(promoted_to_dev, "main", "dev")
    pipelines = record(promoted_to_dev, "dev")["pipelines"]
    assert (pipelines["stock"]["since"], pipelines["orders"]["since"]) == (2, 1)
    assert pipelines["stock"]["source"] == {"environment": "main", "release": None, "commit": changed}


def test_all_environments_run_the_same_after_a_chain_of_promotions(promoted_to_prod: Path) -> None:
    assert digests(promoted_to_prod, "dev") == digests(promoted_to_prod, "prod")
    image = {
        released_text(promoted_to_prod, name, "release.yaml").split("tag: ")[1][:20] for name in ("dev", "prod")
    }
    assert len(image) == 1


def test_what_main_changes_later_is_not_taken_from_an_older_release(promoted_to_dev: Path) -> None:
    write(promoted_to_dev, {LOAD_STOCK: "x = 1\n"})
    push(promoted_to_dev)
    promote(promoted_to_dev, "dev", "staging")
    assert "x = 1" not in released_text(promoted_to_dev, "staging", LOAD_STOCK)


@pytest.mark.parametrize("mode", ["--yes", "--plan"])
def test_nothing_to_do_is_done(promoted_to_dev: Path, mode: str) -> None:
    before = head(promoted_to_dev, "env/dev")
    result = call_script(promoted_to_dev, "promote", "main", "dev", mode)
    assert result.exit_code == 0
    assert "Nothing to do" in result.stdout
    assert head(promoted_to_dev, "env/dev") == before


def test_a_change_that_no_release_holds_is_nothing_to_do(promoted_to_dev: Path) -> None:
    write(promoted_to_dev, {"README.md": "changed\n"})
    push(promoted_to_dev)
    assert call_script(promoted_to_dev, "promote", "main", "dev", "--plan").exit_code == 0


def test_a_plan_with_changes_says_so_and_writes_nothing(project: Path) -> None:
    before = untouched(project), git(remote_of(project), "for-each-ref")
    result = call_script(project, "promote", "main", "dev", "--plan")
    assert result.exit_code == 2
    assert "+ orders" in result.stdout
    assert (untouched(project), git(remote_of(project), "for-each-ref")) == before


def test_a_promotion_leaves_the_clone_as_it_is(project: Path) -> None:
    write(project, {"README.md": "being written\n", "notes.txt": "mine\n"})
    git(project, "add", "README.md")
    before = untouched(project)
    (project / "Dockerfile").touch()  # a question about the work tree would note the new time in the index
    promote(project, "main", "dev")
    assert untouched(project) == before


def test_a_promotion_pushes_nothing_but_the_release(promoted_to_dev: Path) -> None:
    """Git would add what the user's configuration tells it to, like tags on the branch."""
    git(promoted_to_dev, "fetch", "--quiet")
    git(promoted_to_dev, "tag", "-a", "-m", "mine", "mine", "origin/env/dev")
    git(promoted_to_dev, "config", "push.followTags", "true")
    write(promoted_to_dev, {LOAD_STOCK: "x = 1\n"})
    git(promoted_to_dev, "commit", "--quiet", "-am", "Change")
    git(promoted_to_dev, "push", "--quiet", "--no-follow-tags", "origin", "main")
    promote(promoted_to_dev, "main", "dev")
    assert git(remote_of(promoted_to_dev), "for-each-ref", "refs/tags") == ""


@pytest.mark.parametrize("where", ["a folder of the clone", "a linked work tree", "a detached head"])
def test_a_promotion_starts_from_anywhere_in_a_clone(project: Path, where: str) -> None:
    start = project / PROJECT
    if where == "a linked work tree":
        start = project.parent / "linked"
        git(project, "worktree", "add", "--quiet", "-b", "feature", str(start))
    elif where == "a detached head":
        git(project, "checkout", "--quiet", "--detach")
    promote(start, "main", "dev")
    assert record(project, "dev")["number"] == 1


def test_a_hook_that_starts_a_promotion_does_not_misdirect_it(project: Path) -> None:
    """Git tells its hooks about their repository by variables that our git must not inherit."""
    result = call_script(project, "promote", "main", "dev", "--yes", GIT_DIR="/nowhere", GIT_INDEX_FILE="/nowhere")
    assert result.exit_code == 0, result.stderr


@pytest.mark.parametrize(
    ("path", "moved"),
    [("Dockerfile", True), (f"{PROJECT}/io_config.yaml", True), (LOAD_STOCK, False), (MONEY, False)],
)
def test_the_platform_is_what_no_pipeline_claims(promoted_to_dev: Path, path: str, moved: bool) -> None:
    write(promoted_to_dev, {path: "x: 1\n"})
    push(promoted_to_dev)
    plan = call_script(promoted_to_dev, "promote", "main", "dev", "--plan", "--json").document["plan"]
    assert (plan["platform"]["before"] != plan["platform"]["after"]) is moved


# Configuration: always from main


def test_the_targets_configuration_comes_from_main(promoted_to_dev: Path) -> None:
    text = values("staging", schedules={"nightly": schedule("orders")})
    write(promoted_to_dev, {"environments/staging/values.yaml": text})
    push(promoted_to_dev)
    promote(promoted_to_dev, "dev", "staging", "-p", "stock")
    assert released_text(promoted_to_dev, "staging", "environments/staging/values.yaml") == text.strip()


def test_the_sources_configuration_stays_where_it_is(promoted_to_staging: Path) -> None:
    assert not [path for path in released_files(promoted_to_staging, "staging") if "environments/dev" in path]


def test_a_change_of_configuration_alone_is_a_release(promoted_to_staging: Path) -> None:
    text = values("staging", schedules={"nightly": schedule("orders")})
    write(promoted_to_staging, {"environments/staging/values.yaml": text})
    push(promoted_to_staging)
    result = promote(promoted_to_staging, "dev", "staging")
    assert "+ nightly  orders @daily" in result.stdout
    assert record(promoted_to_staging, "staging")["number"] == 2


def test_the_plan_tells_which_databases_come_and_go(promoted_to_dev: Path) -> None:
    path = "environments/dev/values.yaml"
    write(promoted_to_dev, {path: values("dev", postgres={"databases": ["lake", "kept"]})})
    push(promoted_to_dev)
    promote(promoted_to_dev, "main", "dev")
    write(promoted_to_dev, {path: values("dev", postgres={"databases": ["kept", "sea"]})})
    push(promoted_to_dev)
    plan = call_script(promoted_to_dev, "promote", "main", "dev", "--plan", "--json").document["plan"]
    assert plan["databases"] == [
        {"name": "sea", "action": "added", "reason": "configuration, from main"},
        {"name": "lake", "action": "removed", "reason": "configuration, from main"},
    ]
    assert plan["needs"]["databases"] == ["kept", "sea"]


def test_the_plan_shows_databases_with_the_configuration(promoted_to_dev: Path) -> None:
    write(promoted_to_dev, {"environments/dev/values.yaml": values("dev", postgres={"databases": ["lake"]})})
    push(promoted_to_dev)
    plan = call_script(promoted_to_dev, "promote", "main", "dev", "--plan").stdout
    below = plan.split("Configuration", 1)[1].splitlines()
    assert below[1].startswith("  + database lake  in the chart's PostgreSQL")


def test_a_change_of_another_environments_configuration_is_nothing_to_do(promoted_to_dev: Path) -> None:
    write(promoted_to_dev, {"environments/prod/values.yaml": values("prod", schedules={})})
    push(promoted_to_dev)
    assert call_script(promoted_to_dev, "promote", "main", "dev", "--plan").exit_code == 0


# Partial promotions


def test_a_first_partial_promotion_takes_the_closure_and_the_platform(project: Path) -> None:
    promote(project, "main", "dev", "-p", "orders")
    assert set(released_files(project, "dev")) == ORDERS | PLATFORM | configuration("dev")


def test_a_partial_promotion_takes_exactly_the_closure(promoted_to_dev: Path) -> None:
    write(promoted_to_dev, {LOAD_ORDERS: "x = 1\n", LOAD_STOCK: "x = 1\n", "Dockerfile": "FROM other\n"})
    push(promoted_to_dev)
    before = digests(promoted_to_dev, "dev")
    promote(promoted_to_dev, "main", "dev", "-p", "orders")
    after = digests(promoted_to_dev, "dev")
    assert {name for name in after if after[name] != before[name]} == {"orders"}
    assert released_text(promoted_to_dev, "dev", "Dockerfile") == "FROM scratch"


def test_a_new_pipeline_brings_its_files(promoted_to_dev: Path) -> None:
    write_loading_pipeline(promoted_to_dev, "refunds", shared=True)
    write_loading_pipeline(promoted_to_dev, "unfinished")
    push(promoted_to_dev)
    promote(promoted_to_dev, "main", "dev", "-p", "refunds")
    assert sorted(digests(promoted_to_dev, "dev")) == ["orders", "refunds", "returns", "stock"]


@pytest.fixture
def shared_change(promoted_to_dev: Path) -> Path:
    """Main has a newer version of the transformer that orders and returns share."""
    write(promoted_to_dev, {CLEAN: (promoted_to_dev / CLEAN).read_text() + "# newer\n"})
    push(promoted_to_dev)
    return promoted_to_dev


def test_a_shared_file_stops_a_partial_promotion_with_three_ways_out(shared_change: Path) -> None:
    error = refused(shared_change, "promote", "main", "dev", "-p", "orders", "--yes")
    assert (error["exit_code"], error["code"]) == (5, "shared-file")
    assert "returns" in error["message"]
    assert CLEAN in error["message"]
    assert "scripts/promote.py main dev -p orders -p returns\n" in error["fix"]
    assert "scripts/promote.py main dev -p orders --verify-dependants\n" in error["fix"]
    assert "a copy of the file" in error["fix"]


def test_the_ways_out_keep_what_else_was_asked_for(shared_change: Path) -> None:
    more = ["--release-hold", "--reason", "it's urgent"]
    error = refused(shared_change, "promote", "main", "dev", "-p", "orders", *more, "--yes")
    (command,) = re.findall("include them: +scripts/promote.py (.*)", error["fix"])
    promote(shared_change, *shlex.split(command))
    assert record(shared_change, "dev")["reason"] == "it's urgent"


def test_a_release_of_the_platform_alone_says_so(promoted_to_dev: Path) -> None:
    write(promoted_to_dev, {"Dockerfile": "FROM other\n"})
    push(promoted_to_dev)
    promote(promoted_to_dev, "main", "dev")
    assert ": platform from main" in git(remote_of(promoted_to_dev), "log", "-1", "--format=%s", "env/dev")


def test_including_the_dependants_moves_the_shared_file_for_all(shared_change: Path) -> None:
    promote(shared_change, "main", "dev", "-p", "orders", "-p", "returns")
    assert "# newer" in released_text(shared_change, "dev", CLEAN)
    assert call_script(shared_change, "verify", "dev").exit_code == 0


def test_verified_dependants_are_smoke_tested_whatever_the_policy_asks_for(shared_change: Path) -> None:
    result = call_script(
        shared_change, "promote", "main", "dev", "-p", "orders", "--verify-dependants", "--plan", "--json"
    )
    assert result.exit_code == 2
    plan = result.document["plan"]
    assert {"orders", "returns"} <= set(plan["smoke"]["due"])
    assert plan["gates"] == ["smoke"]
    shown = call_script(shared_change, "promote", "main", "dev", "-p", "orders", "--verify-dependants", "--plan")
    assert "Gates due      smoke (smoke, local: " in shown.stdout


def test_a_pipeline_that_shares_nothing_passes_a_shared_change_by(shared_change: Path) -> None:
    write(shared_change, {LOAD_STOCK: "x = 1\n"})
    push(shared_change)
    promote(shared_change, "main", "dev", "-p", "stock")
    assert "# newer" not in released_text(shared_change, "dev", CLEAN)


def test_a_dependant_is_shown_as_affected(shared_change: Path) -> None:
    result = call_script(shared_change, "promote", "main", "dev", "-p", "orders", "--verify-dependants", "--plan")
    assert result.exit_code == 2
    assert "! returns" in result.stdout
    assert "~ orders" in result.stdout


# Removals


@pytest.fixture
def removed_orders(promoted_to_dev: Path) -> Path:
    """Main has no pipeline orders any more, nor the loader that only it used."""
    (promoted_to_dev / metadata_of("orders")).unlink()
    (promoted_to_dev / LOAD_ORDERS).unlink()
    push(promoted_to_dev)
    return promoted_to_dev


@pytest.mark.parametrize("selection", [[], ["-p", "orders"]])
def test_a_removed_pipeline_leaves_and_shared_files_stay(removed_orders: Path, selection: list[str]) -> None:
    result = promote(removed_orders, "main", "dev", *selection)
    assert "- orders" in result.stdout
    files = set(released_files(removed_orders, "dev"))
    assert not {metadata_of("orders"), LOAD_ORDERS} & files
    assert {CLEAN, MONEY} < files
    assert sorted(digests(removed_orders, "dev")) == ["returns", "stock"]


def test_a_removal_that_was_not_selected_does_not_happen(removed_orders: Path) -> None:
    write(removed_orders, {LOAD_STOCK: "x = 1\n"})
    push(removed_orders)
    promote(removed_orders, "main", "dev", "-p", "stock")
    assert "orders" in digests(removed_orders, "dev")


def test_a_file_that_a_pipeline_no_longer_needs_leaves_with_it(promoted_to_dev: Path) -> None:
    write_loading_pipeline(promoted_to_dev, "orders")
    write_loading_pipeline(promoted_to_dev, "returns")
    (promoted_to_dev / CLEAN).unlink()
    (promoted_to_dev / MONEY).unlink()
    push(promoted_to_dev)
    promote(promoted_to_dev, "main", "dev", "-p", "orders")
    assert CLEAN in released_files(promoted_to_dev, "dev")
    promote(promoted_to_dev, "main", "dev", "-p", "returns")
    assert not {CLEAN, MONEY} & set(released_files(promoted_to_dev, "dev"))


# The record and the output


def test_the_record_is_a_values_overlay_with_the_image_first(promoted_to_dev: Path) -> None:
    text = released_text(promoted_to_dev, "dev", "release.yaml")
    overlay = yaml.safe_load(text)
    assert list(overlay) == ["image", "release"]
    assert overlay["image"]["tag"].startswith("src-")
    assert text.splitlines()[1:3] == ["image:", f"  tag: {overlay['image']['tag']}"]


def test_the_record_says_who_and_why(project: Path) -> None:
    promote(project, "main", "dev", "--reason", "quarter's end: “go”")
    assert record(project, "dev")["by"] == "Ada Example <ada@example.com>"
    assert record(project, "dev")["reason"] == "quarter's end: “go”"
    assert "quarter's end: “go”" in git(remote_of(project), "log", "-1", "--format=%B", "env/dev")


def test_the_commit_says_what_came_from_where_and_who_made_it_when(promoted_to_dev: Path) -> None:
    write(promoted_to_dev, {LOAD_ORDERS: "newer = 1\n"})
    push(promoted_to_dev)
    promote(promoted_to_dev, "main", "dev", "--reason", "Promoted-By: Eve <eve@example.com>")
    remote = remote_of(promoted_to_dev)
    assert git(remote, "log", "-1", "--format=%(trailers)", "env/dev").splitlines() == [
        "Promotion-Changed: orders",
        f"Promotion-Source: main@{head(promoted_to_dev, 'main')}",
        "Promotion-Target: dev release 2",
        "Promoted-By: Ada Example <ada@example.com>",
    ]
    made = int(datetime.fromisoformat(record(promoted_to_dev, "dev")["at"]).timestamp())
    assert git(remote, "log", "-1", "--format=%at %ct", "env/dev") == f"{made} {made}"


def test_json_is_one_document_for_a_release(project: Path) -> None:
    document = promote(project, "main", "dev", "--json").document
    assert document["format_version"] == FORMAT_VERSION
    assert document["release"]["number"] == 1
    assert document["release"]["commit"] == head(project, "env/dev")
    assert {entry["name"]: entry["action"] for entry in document["plan"]["pipelines"]} == {
        "orders": "added",
        "returns": "added",
        "stock": "added",
    }


def test_json_is_one_document_for_a_refused_plan(shared_change: Path) -> None:
    result = call_script(shared_change, "promote", "main", "dev", "-p", "orders", "--plan", "--json")
    assert result.exit_code == 5
    assert result.document["format_version"] == FORMAT_VERSION
    assert result.document["error"]["code"] == "shared-file"
    assert [refusal["code"] for refusal in result.document["plan"]["refusals"]] == ["shared-file"]


@pytest.mark.parametrize("script", ["promote", "rollback", "status", "verify"])
def test_json_is_one_document_for_a_wrong_command_line(project: Path, script: str) -> None:
    result = call_script(project, script, "--json", "--nonsense")
    assert result.exit_code == 64
    assert (result.document["format_version"], result.document["error"]["code"]) == (FORMAT_VERSION, "usage")


def test_a_plan_reads_well_on_a_terminal_of_any_kind(project: Path) -> None:
    result = call_script(
        project, "promote", "main", "dev", "--plan", LC_ALL="C", PYTHONIOENCODING="ascii", COLUMNS="20"
    )
    assert result.exit_code == 2, result.stderr


def test_unpushed_work_on_a_branch_of_ones_own_is_no_hindrance(project: Path) -> None:
    git(project, "checkout", "--quiet", "-b", "feature")
    write(project, {LOAD_STOCK: "x = 1\n"})
    commit(project)
    promote(project, "main", "dev")
    assert "x = 1" not in released_text(project, "dev", LOAD_STOCK)


def test_the_plan_tells_what_changes_in_a_schedule(promoted_to_dev: Path) -> None:
    path = "environments/dev/values.yaml"
    write(promoted_to_dev, {path: values("dev", schedules={"nightly": schedule("orders")})})
    push(promoted_to_dev)
    promote(promoted_to_dev, "main", "dev")
    changed = schedule("orders") | {"timeout": 1200, "variables": {"share": 0.5}}
    write(promoted_to_dev, {path: values("dev", schedules={"nightly": changed})})
    push(promoted_to_dev)
    plan = call_script(promoted_to_dev, "promote", "main", "dev", "--plan").stdout
    assert "timeout 600 s → orders @daily, timeout 1200 s, variables {'share': 0.5}" in plan
