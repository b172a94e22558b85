"""The times of an interval are those at which Mage starts runs."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice

import pytest

from promotion.configuration.interval import is_interval, times

FRIDAY = datetime(2026, 11, 27, 22, 40, 30, tzinfo=UTC)


def following(interval: str, after: datetime = FRIDAY) -> list[str]:
    return [f"{time:%Y-%m-%d %H:%M}" for time in islice(times(interval, after), 3)]


@pytest.mark.parametrize(
    ("interval", "expected"),
    [
        ("@hourly", ["2026-11-27 23:00", "2026-11-28 00:00", "2026-11-28 01:00"]),
        ("@daily", ["2026-11-28 00:00", "2026-11-29 00:00", "2026-11-30 00:00"]),
        ("@weekly", ["2026-11-30 00:00", "2026-12-07 00:00", "2026-12-14 00:00"]),  # Mondays
        ("@monthly", ["2026-12-01 00:00", "2027-01-01 00:00", "2027-02-01 00:00"]),
        ("@once", []),
        ("@always_on", []),
    ],
)
def test_a_word_stands_for_the_times_that_mage_gives_it(interval: str, expected: list[str]) -> None:
    assert following(interval) == expected


@pytest.mark.parametrize(
    ("interval", "expected"),
    [
        ("* * * * *", ["2026-11-27 22:41", "2026-11-27 22:42", "2026-11-27 22:43"]),
        ("40 22 * * *", ["2026-11-28 22:40", "2026-11-29 22:40", "2026-11-30 22:40"]),
        ("*/20 6-7 * * mon-FRI", ["2026-11-30 06:00", "2026-11-30 06:20", "2026-11-30 06:40"]),
        ("5/25 0 1 jan *", ["2027-01-01 00:05", "2027-01-01 00:30", "2027-01-01 00:55"]),
        ("0 0 * * 7", ["2026-11-29 00:00", "2026-12-06 00:00", "2026-12-13 00:00"]),
        ("0 0 31 * *", ["2026-12-31 00:00", "2027-01-31 00:00", "2027-03-31 00:00"]),
        ("0 0 29 feb *", ["2028-02-29 00:00", "2032-02-29 00:00"]),
        ("0 0 L * ?", ["2026-11-30 00:00", "2026-12-31 00:00", "2027-01-31 00:00"]),
        ("0 0 ? * fri#5", ["2027-01-29 00:00", "2027-04-30 00:00", "2027-07-30 00:00"]),
        ("0 0 * * mon#1,L5", ["2026-12-07 00:00", "2026-12-25 00:00", "2027-01-04 00:00"]),
    ],
)
def test_five_fields_stand_for_the_times_that_cron_gives_them(interval: str, expected: list[str]) -> None:
    assert following(interval) == expected


def test_of_a_day_of_the_month_and_one_of_the_week_one_will_do() -> None:
    assert following("0 0 13 * fri") == ["2026-12-04 00:00", "2026-12-11 00:00", "2026-12-13 00:00"]


@pytest.mark.parametrize(
    ("interval", "expected"),
    [
        ("0 0 13 * *", ["2026-12-13 00:00", "2027-01-13 00:00", "2027-02-13 00:00"]),
        ("0 0 13 * */1", ["2026-11-28 00:00", "2026-11-29 00:00", "2026-11-30 00:00"]),
        ("0 0 */2 * */1", ["2026-11-29 00:00", "2026-12-01 00:00", "2026-12-03 00:00"]),
    ],
)
def test_every_day_is_a_condition_where_mage_takes_it_for_one(interval: str, expected: list[str]) -> None:
    assert following(interval) == expected


@pytest.mark.parametrize(
    ("interval", "expected"),
    [
        ("0 22-1 * * *", ["2026-11-27 23:00", "2026-11-28 00:00", "2026-11-28 01:00"]),
        ("0 0 * * sat-mon", ["2026-11-28 00:00", "2026-11-29 00:00", "2026-11-30 00:00"]),
        ("59-59 23 * * *", ["2026-11-27 23:00", "2026-11-27 23:01", "2026-11-27 23:02"]),
        ("50-10/7 23 * * *", ["2026-11-27 23:05", "2026-11-27 23:50", "2026-11-27 23:57"]),
    ],
)
def test_a_range_around_the_end_is_what_mage_makes_of_it(interval: str, expected: list[str]) -> None:
    assert following(interval) == expected


def test_the_29th_of_february_comes_even_after_2096() -> None:
    assert following("0 0 29 2 *", datetime(2096, 3, 1, tzinfo=UTC)) == ["2104-02-29 00:00"]


@pytest.mark.parametrize("interval", ["0 0 31 2 *", "0 0 30 feb mon", "0 0 31 apr,jun *"])
def test_a_day_that_never_comes_is_no_interval(interval: str) -> None:
    assert not is_interval(interval)
