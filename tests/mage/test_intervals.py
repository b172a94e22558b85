"""The times of an interval are those of the cron that Mage carries, asked by its scheduler what came last."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from mage_ai.shared.croniter import CroniterBadDateError, croniter

from promotion.configuration.interval import is_interval, times

SECOND = timedelta(seconds=1)
MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
DAYS = ["sun", "mon", "tue", "WED", "thu", "fri", "Sat"]
STEPS = st.sampled_from(["", "", "/1", "/2", "/3", "/5", "/7", "/25", "/70"])


def fields(smallest: int, largest: int, names: list[str]) -> st.SearchStrategy[str]:
    values = st.sampled_from([*map(str, range(smallest, largest + 1)), *names])
    ranges = st.one_of(st.just("*"), values, st.builds("{}-{}".format, values, values))
    parts = st.builds("{}{}".format, ranges, STEPS)
    return st.one_of(st.just("*"), st.lists(parts, min_size=1, max_size=3).map(",".join))


OF_MONTH = st.one_of(fields(1, 31, []), st.sampled_from(["?", "L", "1,15,l"]))
OF_WEEK = st.one_of(
    fields(0, 7, DAYS), st.sampled_from(["?", "1#2", "fri#4", "L0", "l7", "Mon#1,wed#3"]), st.just("*/1")
)
INTERVALS = st.tuples(fields(0, 59, []), fields(0, 23, []), OF_MONTH, fields(1, 12, MONTHS), OF_WEEK).map(" ".join)
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2040, 1, 1)).map(lambda moment: moment.replace(tzinfo=UTC))


def last(interval: str, now: datetime) -> datetime:
    """Return the time for which Mage would start a run at `now`, if it has not yet."""
    came = croniter(interval, now).get_prev(datetime)
    assert isinstance(came, datetime)
    return came


@given(INTERVALS, MOMENTS)
@settings(max_examples=500, deadline=None)
def test_mage_s_cron_moves_on_at_the_times_and_at_no_other(interval: str, now: datetime) -> None:
    assume(is_interval(interval))
    before = None
    for time in islice(times(interval, now), 3):
        assert last(interval, time + SECOND) == time
        came = last(interval, time - SECOND)
        assert came == before if before else came <= now
        before = time
    assert before


@pytest.mark.parametrize("interval", ["0 0 31 2 *", "0 0 30 feb mon", "* * 31 4,6,9,11 *", "0 0 30-31 2 */2"])
def test_a_day_that_never_comes_stops_mage_s_cron(interval: str) -> None:
    assert not is_interval(interval)
    assert croniter.is_valid(interval)  # which is all that Mage asks before it takes it
    with pytest.raises(CroniterBadDateError):
        last(interval, datetime.now(UTC))
