"""Load a day's scheduled flights and those of the week before from the source."""

from typing import Any

from pandas import DataFrame

from mage_project.utils.dates import flight_date
from mage_project.utils.warehouse import read

if "data_loader" not in globals():
    from mage_ai.data_preparation.decorators import data_loader
if "test" not in globals():
    from mage_ai.data_preparation.decorators import test

QUERY = """
select *
from flights
where make_date(year::int, month::int, day::int) between %(day)s::date - %(history_days)s::int and %(day)s
"""


@data_loader
def load_flight_history(*args: Any, **variables: Any) -> DataFrame:
    """Return the rows of `flights` of the run's day and of the `history_days` before it."""
    return read("source", QUERY, day=flight_date(variables), history_days=variables["history_days"])


@test
def test_there_are_flights(flights: DataFrame, *args: Any) -> None:
    """Every day of the year has flights: none means that the source is not loaded yet."""
    assert len(flights) > 0, "the source has no flights in this week"
