"""Soak time: what goes on has run long enough where it comes from, by the releases and by nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from basics.errors import Malformed
from helpers import PROJECT, promote, push, record, refused, write, write_policy
from promotion.commands.promote import plan_promotion
from promotion.configuration.policy import read_policy
from promotion.options import Options
from promotion.repository.git import Repository

LOAD_STOCK = f"{PROJECT}/data_loaders/load_stock.py"


@pytest.fixture
def soaking(promoted_to_staging: Path) -> Path:
    """Staging wants a day in dev, where a newer `stock` has just arrived beside the old `orders` and `returns`."""
    write(promoted_to_staging, {LOAD_STOCK: "x = 1\n"})
    write_policy(promoted_to_staging, "staging", soak=24)
    push(promoted_to_staging)
    promote(promoted_to_staging, "main", "dev")
    return promoted_to_staging


def released_at(clone: Path, name: str) -> datetime:
    return datetime.fromisoformat(record(clone, name)["at"])


def refusals(clone: Path, now: datetime, *pipelines: str) -> list[str]:
    with Repository.find(clone) as repository:
        plan = plan_promotion(repository, "dev", "staging", Options(pipelines), now)
        return [f"{refusal.code}: {refusal.message}" for refusal in plan.verdict.refusals]


@pytest.mark.parametrize(
    ("after", "refused_with"), [(timedelta(hours=24, seconds=-1), 1), (timedelta(hours=24), 0)]
)
def test_a_digest_goes_on_when_its_hours_are_over(soaking: Path, after: timedelta, refused_with: int) -> None:
    assert len(refusals(soaking, released_at(soaking, "dev") + after)) == refused_with


def test_the_refusal_tells_what_still_soaks_and_until_when(soaking: Path) -> None:
    over = released_at(soaking, "dev") + timedelta(hours=24)
    error = refused(soaking, "promote", "dev", "staging", "--yes")
    assert (error["code"], error["exit_code"]) == ("soaking", 4)
    assert f"(until {over:%Y-%m-%d %H:%M} UTC)" in error["message"]
    assert "stock" in error["message"]
    assert "orders" not in error["message"]


def test_what_changes_in_dev_alone_begins_again_and_nothing_else(soaking: Path) -> None:
    write(soaking, {f"{PROJECT}/data_loaders/load_orders.py": "x = 1\n"})
    push(soaking)
    stock_over = released_at(soaking, "dev") + timedelta(hours=24)
    promote(soaking, "main", "dev")
    orders_over = released_at(soaking, "dev") + timedelta(hours=24)
    assert refusals(soaking, stock_over, "stock") == []
    (told,) = refusals(soaking, orders_over - timedelta(seconds=1), "orders")
    assert told.startswith("soaking: not yet 24 hours in dev: orders ")


def test_the_platform_soaks_too(promoted_to_staging: Path) -> None:
    write(promoted_to_staging, {"requirements.txt": "pandas\n"})
    write_policy(promoted_to_staging, "staging", soak=0.5)
    push(promoted_to_staging)
    promote(promoted_to_staging, "main", "dev")
    (told,) = refusals(promoted_to_staging, datetime.now(UTC))
    assert told.startswith("soaking: not yet 0.5 hours in dev: @platform ")


def test_a_digest_that_runs_nowhere_does_not_soak(soaking: Path) -> None:
    write(soaking, {f"{PROJECT}/utils/money.py": "def rounded(amount):\n    return 0\n"})
    write(soaking, {f"{PROJECT}/data_loaders/load_returns.py": "newer = 1\n"})
    push(soaking)
    promote(soaking, "main", "dev")
    with Repository.find(soaking) as repository:
        options = Options(("orders",), verify_dependants=True)
        later = datetime.now(UTC) + timedelta(days=2)
        (refusal,) = plan_promotion(repository, "dev", "staging", options, later).verdict.refusals
    assert "returns" in refusal.message
    assert "the source does not run it" in refusal.message


@pytest.mark.parametrize(
    "duration", ["a day", "2", "2 h", "-1h", "2w", "99999d", True, -1, None, 1e9, float("nan")]
)
def test_what_is_no_duration(duration: Any) -> None:
    with pytest.raises(Malformed, match=r"soak: .* is not a duration"):
        read_policy("policy.yaml", {"source": "dev", "gates": [], "soak": duration})


@pytest.mark.parametrize(
    ("written", "hours"), [(0, 0), (24, 24), (0.5, 0.5), ("30m", 0.5), ("24h", 24), ("1.5d", 36)]
)
def test_a_duration_has_a_unit_or_is_in_hours(written: Any, hours: float) -> None:
    assert read_policy("policy.yaml", {"source": "dev", "gates": [], "soak": written}).soak == hours


def test_nothing_can_soak_on_main() -> None:
    with pytest.raises(Malformed, match="soak: nothing runs on main"):
        read_policy("policy.yaml", {"source": "main", "gates": [], "soak": 1})
