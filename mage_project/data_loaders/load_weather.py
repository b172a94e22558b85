"""Load one day's hourly weather at the three New York airports from the source."""

from typing import Any

from pandas import DataFrame

from mage_project.utils.dates import flight_date
from mage_project.utils.warehouse import read

if "data_loader" not in globals():
    from mage_ai.data_preparation.decorators import data_loader
if "test" not in globals():
    from mage_ai.data_preparation.decorators import test

# Local hour 1 exists twice when summer time ends; `time_hour` is the instant and exists once.
QUERY = """
select origin, time_hour, temp, wind_speed, precip, visib
from weather
where make_date(year::int, month::int, day::int) = %(day)s
"""


@data_loader
def load_weather(*args: Any, **variables: Any) -> DataFrame:
    """Return temperature (F), wind (mph), rain (inches) and visibility (miles) by airport and hour."""
    return read("source", QUERY, day=flight_date(variables))


@test
def test_one_row_per_airport_and_hour(weather: DataFrame, *args: Any) -> None:
    """A second row for an hour would double that hour's flights in the join."""
    assert not weather.duplicated(["origin", "time_hour"]).any(), "an airport has two rows for one hour"
