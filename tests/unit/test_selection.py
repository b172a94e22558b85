"""What selectors bring, and the reason that the plan gives for each pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from basics.errors import UsageError
from helpers import (
    LOADER,
    PROJECT,
    block,
    call_script,
    promote,
    push,
    refused,
    tree_of,
    write,
    write_loading_pipeline,
    write_pipeline,
)
from promotion.changes.selection import select
from promotion.pipelines.project import Project
from promotion.repository.tree import Tree, tree_of_folder


@pytest.fixture
def chain(sources: Path) -> Path:
    """`report` waits for `totals`, which reads the tables of `orders`; finance owns both, `stock` needs nobody."""
    for name, tags in (("totals", ["finance"]), ("report", ["finance", "daily"])):
        write_loading_pipeline(sources, name)
        write_pipeline(sources, name, [block(f"load_{name}", "data_loader")], tags=tags)
    write(sources, {f"{PROJECT}/pipelines/totals/promotion.yaml": "needs: [orders]\n"})
    waiting = LOADER.format(name="report") + "\n\ndef wait():\n    return api.check_status('totals', None)\n"
    write(sources, {f"{PROJECT}/data_loaders/load_report.py": waiting})
    return sources


def selected(
    source: Path, *wanted: str, exclude: tuple[str, ...] = (), target: Tree | None = None
) -> dict[str, str]:
    before = target if target is not None else tree_of_folder(source, [])
    chosen = select(Project(tree_of(source)), Project(before), "dev", wanted, exclude)
    assert isinstance(chosen, Mapping)
    return dict(chosen)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (["totals"], {"totals": "selected"}),
        (
            ["+report"],
            {"report": "selected", "totals": "upstream of report", "orders": "upstream of report"},
        ),
        (["orders+"], {"orders": "selected", "totals": "downstream of orders", "report": "downstream of orders"}),
        (["+totals+"], {"totals": "selected", "orders": "upstream of totals", "report": "downstream of totals"}),
        (
            [f"path:{PROJECT}/transformers/clean.py"],
            {
                "orders": f"path:{PROJECT}/transformers/clean.py",
                "returns": f"path:{PROJECT}/transformers/clean.py",
            },
        ),
        (["tag:finance"], {"totals": "tag:finance", "report": "tag:finance"}),
        (["+tag:daily"], {"report": "tag:daily", "totals": "upstream of report", "orders": "upstream of report"}),
        (
            ["stock", "tag:finance", "totals"],
            {"stock": "selected", "totals": "tag:finance", "report": "tag:finance"},
        ),
    ],
)
def test_a_selector_brings_pipelines_each_with_its_reason(
    chain: Path, wanted: list[str], expected: dict[str, str]
) -> None:
    assert selected(chain, *wanted) == expected


def test_modified_is_what_differs_comes_or_goes(chain: Path) -> None:
    before = tree_of(chain)
    write(chain, {f"{PROJECT}/data_loaders/load_stock.py": "newer = 1\n"})
    write_loading_pipeline(chain, "fresh")
    (chain / f"{PROJECT}/pipelines/report/metadata.yaml").unlink()
    assert set(selected(chain, "state:modified", target=before)) == {"stock", "fresh", "report"}


def test_nothing_modified_is_an_empty_selection(chain: Path) -> None:
    assert selected(chain, "state:modified", target=tree_of(chain)) == {}


def test_what_was_modified_may_all_be_excluded(chain: Path) -> None:
    assert selected(chain, "state:modified", target=tree_of(chain), exclude=("stock",)) == {}


def test_exclusions_take_out_what_selectors_brought(chain: Path) -> None:
    assert set(selected(chain, "+report", exclude=("orders",))) == {"report", "totals"}


def test_an_exclusion_alone_leaves_all_others(chain: Path) -> None:
    assert selected(chain, exclude=("tag:finance", "stock")) == dict.fromkeys(
        ["orders", "returns"], "all of dev but tag:finance, stock"
    )


def test_no_selector_takes_everything(chain: Path) -> None:
    assert select(Project(tree_of(chain)), Project(tree_of(chain)), "dev", (), ()) is None


@pytest.mark.parametrize(
    ("selector", "code", "fix"),
    [
        ("ordres", "unknown-pipeline", "write orders"),
        ("+ordres+", "unknown-pipeline", "write orders"),
        ("xyz", "unknown-pipeline", "one of orders, report, returns, stock, totals"),
        ("tag:finanec", "unknown-tag", "write finance"),
        ("path:utils/money.py", "unknown-path", f"write {PROJECT}/utils/money.py"),
        ("state:new", "unknown-selector", "NAME, +NAME, NAME+, tag:TAG, path:FILE or state:modified"),
        ("owner:me", "unknown-selector", "NAME, +NAME, NAME+, tag:TAG, path:FILE or state:modified"),
    ],
)
@pytest.mark.parametrize("as_exclusion", [False, True])
def test_a_selector_that_matches_nothing_is_refused_with_near_names(
    chain: Path, selector: str, code: str, fix: str, as_exclusion: bool
) -> None:
    wanted, exclude = ((), (selector,)) if as_exclusion else ((selector,), ())
    with pytest.raises(UsageError) as caught:
        selected(chain, *wanted, exclude=exclude)
    assert (caught.value.code, caught.value.fix) == (code, fix)


def test_excluding_everything_is_refused(chain: Path) -> None:
    with pytest.raises(UsageError) as caught:
        selected(chain, "stock", exclude=("stock",))
    assert caught.value.code == "nothing-selected"


# On the command line


@pytest.fixture
def shared_change(promoted_to_dev: Path) -> Path:
    """`main` has newer versions of `stock` and of the transformer that `orders` and `returns` share."""
    for path in ("transformers/clean.py", "data_loaders/load_stock.py"):
        write(promoted_to_dev, {f"{PROJECT}/{path}": (promoted_to_dev / PROJECT / path).read_text() + "# newer\n"})
    push(promoted_to_dev)
    return promoted_to_dev


def test_the_plan_has_one_row_a_pipeline_with_the_selector_that_brought_it(shared_change: Path) -> None:
    result = call_script(shared_change, "promote", "main", "dev", "--plan", "-p", "state:modified", "-p", "stock")
    assert result.exit_code == 2
    rows = [line for line in result.stdout.splitlines() if line.startswith("  ~ ") and " → " in line]
    assert len(rows) == 3
    assert all("  state:modified; " in row for row in rows)


def test_an_excluded_user_of_a_shared_file_still_stops_the_promotion(shared_change: Path) -> None:
    error = refused(
        shared_change, "promote", "main", "dev", "--yes", "-p", "state:modified", "--exclude", "returns"
    )
    assert (error["exit_code"], error["code"]) == (5, "shared-file")
    assert "scripts/promote.py main dev -p orders -p stock -p returns\n" in error["fix"]
    typed = "scripts/promote.py main dev -p state:modified --exclude returns"
    assert f"{typed} --verify-dependants\n" in error["fix"]
    assert "give orders a copy" in error["fix"]


def test_a_promotion_of_what_was_modified_leaves_nothing_modified(shared_change: Path) -> None:
    promote(shared_change, "main", "dev", "-p", "state:modified")
    result = call_script(shared_change, "promote", "main", "dev", "--plan", "-p", "state:modified")
    assert (result.exit_code, "Nothing to do" in result.stdout) == (0, True)


def test_removed_pipelines_are_modified_and_shared_files_stay(promoted_to_dev: Path) -> None:
    (promoted_to_dev / f"{PROJECT}/pipelines/orders/metadata.yaml").unlink()
    (promoted_to_dev / f"{PROJECT}/data_loaders/load_orders.py").unlink()
    push(promoted_to_dev)
    plan = call_script(
        promoted_to_dev, "promote", "main", "dev", "--plan", "--json", "-p", "state:modified"
    ).document["plan"]
    assert [(row["name"], row["action"]) for row in plan["pipelines"]] == [("orders", "removed")]
    assert {row["path"].split("/")[1] for row in plan["files"]} == {"pipelines", "data_loaders"}
