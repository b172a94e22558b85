"""Which pipelines count as failing since a release: the last run failed, and more of them do than before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promotion.cluster.failing import Failing, failing, installed_at
from promotion.cluster.scheduler_status import Counts, Ended, Runs, SchedulerStatus
from promotion.record.release import Endpoint, Image, Release, Released

NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)
TIME = timedelta(hours=1)
NONE = Counts()
NUMBER = 5


def ended(status: str = "failed", at: datetime = NOW, run: int = 41) -> Ended:
    return Ended(run, status, at, "load_stock" if status == "failed" else None)


def runs(completed: int, failed: int, last: Ended | None = None, *, scheduled: bool = True) -> Runs:
    last = last or ended("failed" if failed else "completed")
    counts = Counts(completed, failed, last)
    return Runs(counts if scheduled else NONE, NONE if scheduled else counts, 0, last)


def release(**since: int) -> Release:
    """Return release 5 with these pipelines, each with the release that brought it."""
    here = Endpoint("main", None, "c" * 40)
    return Release(
        number=NUMBER,
        environment="dev",
        action="promotion",
        source=here,
        pipelines={name: Released(f"sha256:{name}", here, number) for name, number in since.items()},
        platform="",
        configuration="",
        configuration_commit="",
        image=Image("tag"),
        smoke={},
        gates=(),
        by="Ada <ada@example.com>",
        at=NOW,
    )


def status(**of: Mapping[int, Runs]) -> SchedulerStatus:
    return SchedulerStatus(at=NOW, release=NUMBER, problem=None, triggers=(), runs=of)


def found(of: Mapping[int, Runs], time: timedelta = TIME, since: int = NUMBER) -> list[Failing]:
    return list(failing(release(stock=since), status(stock=of), NOW, time))


@pytest.mark.parametrize(
    ("of", "fails"),
    [
        ({}, False),
        ({5: runs(0, 1)}, True),
        ({5: Runs(running=1)}, False),  # it runs still
        ({5: runs(0, 1, scheduled=False)}, True),  # whatever started it
        ({5: runs(1, 1, ended("completed"))}, False),  # it came right
        ({5: runs(1, 1)}, True),
        ({4: runs(1, 1), 5: runs(1, 1)}, False),  # as often as before
        ({4: runs(1, 2), 5: runs(1, 1)}, False),
        ({3: runs(9, 0), 4: runs(0, 1), 5: runs(1, 1)}, True),  # 1 of 10 before
        ({4: runs(0, 3), 5: runs(0, 3)}, False),  # it failed always
        ({5: runs(1, 0), 6: runs(0, 1)}, False),  # of another release
    ],
)
def test_a_pipeline_fails_if_its_last_run_did_and_more_do_than_before(of: dict[int, Runs], fails: bool) -> None:
    assert bool(found(of)) == fails


def test_what_ends_after_the_watch_is_no_sign() -> None:
    late = {5: Runs(Counts(0, 1, ended(at=NOW + TIME)), first=ended(at=NOW))}
    assert found(late)
    assert not found(late, TIME - timedelta(seconds=1))


def test_a_version_is_judged_for_its_own_time() -> None:
    of = {2: runs(9, 0, ended("completed", run=39)), 3: runs(1, 0, ended("completed", run=40)), 5: runs(0, 1)}
    (young,) = found(of, since=3)
    assert (young.since, young.changed, str(young)) == (
        3,
        True,
        "1 of 2 runs failed, in block load_stock (run 41)",
    )
    of[3] = runs(1, 0, ended("completed", NOW - 2 * TIME, 40))
    (old,) = found(of, since=3)
    assert (old.since, old.changed, str(old)) == (5, False, "1 of 1 run failed, in block load_stock (run 41)")
    del of[3]  # nothing says how old it is
    assert not next(iter(found(of, since=3))).changed


def test_it_says_how_many_in_which_block_and_which_run() -> None:
    (one,) = found({4: runs(8, 0), 5: runs(1, 2)})
    assert str(one) == "2 of 3 runs failed, in block load_stock (run 41)"
    (without,) = found({5: runs(0, 1, Ended(7, "failed", NOW, None))})
    assert str(without) == "1 of 1 run failed (run 7)"


def test_what_the_release_did_not_change_is_told_as_such() -> None:
    both = release(stock=NUMBER, orders=2)
    of = {5: runs(0, 1)}
    old = {2: runs(1, 0, ended("completed", NOW - timedelta(hours=2), 40)), 5: runs(0, 1)}
    assert [
        (each.pipeline, each.changed) for each in failing(both, status(stock=of, orders=old, gone=of), NOW, TIME)
    ] == [
        ("orders", False),
        ("stock", True),
    ]


counts = st.builds(Counts, st.integers(0, 50), st.integers(0, 50))


@given(before=counts, now=counts)
def test_as_many_failures_as_before_are_no_sign(before: Counts, now: Counts) -> None:
    def share(count: Counts) -> float:
        return count.failed / (count.completed + count.failed)

    of = {4: Runs(before), 5: Runs(replace(now, last=ended()))}
    if now.failed and before != NONE:
        assert bool(found(of)) == (share(now) > share(before))
    elif not now.failed:
        assert not found(of)


def test_a_scheduler_that_starts_again_does_not_begin_the_watch_anew() -> None:
    early = runs(1, 0, ended("completed", NOW - timedelta(days=3)))
    assert installed_at(release(), status(stock={5: early}), NOW) == NOW - timedelta(days=3)
    assert installed_at(release(), status(stock={4: early}), NOW) == NOW
