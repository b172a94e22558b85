"""The one way to wait: what comes is returned, what does not is told with what was seen last."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from mage_pod.waiting import NotInTime, until


def answers(*given: object) -> Callable[[], object]:
    """Return what gives these in turn, the last one for ever; an error is raised."""
    left: Iterator[object] = iter(given)
    last: list[object] = [None]

    def look() -> object:
        last[0] = next(left, last[0])
        if isinstance(last[0], Exception):
            raise last[0]
        return last[0]

    return look


def test_what_is_there_is_returned_at_once() -> None:
    started = time.monotonic()
    assert until(answers("here"), "it", seconds=0, pause=60) == "here"
    assert time.monotonic() - started < 10


def test_it_is_looked_for_until_it_is_there() -> None:
    assert until(answers(None, "", 0, "here"), "it", seconds=30) == "here"


def test_what_never_comes_is_told_with_the_time_and_what_was_seen_last() -> None:
    with pytest.raises(NotInTime, match=r"^not within 0\.05 s: a pod; seen last: 'Pending'$") as late:
        until(answers("nothing", "Pending"), "a pod", 0.05, enough=lambda seen: seen == "Running")
    assert late.value.seen == "Pending"


def test_an_error_that_may_pass_is_a_thing_seen() -> None:
    refused = ConnectionError("refused")
    assert until(answers(refused, "here"), "it", 30, retry=ConnectionError) == "here"
    with pytest.raises(NotInTime, match=r"seen last: ConnectionError: refused$") as late:
        until(answers(refused), "it", 0.05, retry=ConnectionError)
    assert late.value.__cause__ is late.value.seen is refused


def test_any_other_error_ends_the_waiting() -> None:
    with pytest.raises(ValueError, match="wrong"):
        until(answers(ValueError("wrong")), "it", 30, retry=ConnectionError)


def test_each_new_thing_seen_is_told_once() -> None:
    told: list[object] = []
    look = answers("", "no route", "no route", "full", True)
    until(look, "it", 30, enough=lambda seen: seen is True, on_change=told.append)
    assert told == ["no route", "full"]


def test_the_last_look_is_at_the_end_and_not_after_a_pause_more() -> None:
    started = time.monotonic()
    with pytest.raises(NotInTime):
        until(answers(False), "it", 0.2, pause=60)
    assert 0.2 <= time.monotonic() - started < 10
