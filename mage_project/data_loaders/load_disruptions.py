"""Load a day's flights from the warehouse and tell which were disrupted."""

from typing import Any

from pandas import DataFrame

from mage_project.utils.dates import flight_date
from mage_project.utils.warehouse import read

if "data_loader" not in globals():
    from mage_ai.data_preparation.decorators import data_loader
if "test" not in globals():
    from mage_ai.data_preparation.decorators import test

QUERY = """
select
  flight_date::text, origin, dest, carrier, flight, arr_delay, cancelled,
  arr_delay is null or arr_delay >= %(late_minutes)s as disrupted
from mart.flights
where flight_date = %(day)s
"""


@data_loader
def load_disruptions(*args: Any, **variables: Any) -> DataFrame:
    """Return the day's flights; `disrupted` if cancelled, diverted or `late_minutes` late."""
    return read("default", QUERY, day=flight_date(variables), late_minutes=variables["late_minutes"])


@test
def test_cancelled_flights_are_disrupted(flights: DataFrame, *args: Any) -> None:
    """A cancelled flight never arrives."""
    assert flights.loc[flights["cancelled"], "disrupted"].all(), "a cancelled flight counts as undisturbed"
