"""Tell which day of flights a run is about."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any


def flight_date(variables: Mapping[str, Any]) -> date:
    """Return the day named by `execution_date`: a datetime from a trigger, 'YYYY-MM-DD' from a person.

    The variable `replay_year` moves the day to that year, so that tonight's schedule finds flights in data
    of 2013. Raises ValueError when `execution_date` is missing or is not a date.
    """
    day = _as_date(variables.get("execution_date"))
    year = variables.get("replay_year")
    return _in_year(day, int(year)) if year else day


def _as_date(value: object) -> date:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    if isinstance(value, str):
        return datetime.fromisoformat(value).date()
    raise ValueError(f"execution_date is {value!r}; give the run a day, for example 2013-02-08")


def _in_year(day: date, year: int) -> date:
    if (day.month, day.day) == (2, 29):
        day = day.replace(day=28)
    return day.replace(year=year)
