"""Summarise a day's flights by airport of departure."""

from typing import Any

from pandas import DataFrame

if "transformer" not in globals():
    from mage_ai.data_preparation.decorators import transformer
if "test" not in globals():
    from mage_ai.data_preparation.decorators import test


@transformer
def summarise_airports(flights: DataFrame, *args: Any, **variables: Any) -> DataFrame:
    """Return flights, cancellations and the mean departure delay (minutes) by day and airport."""
    by_airport = flights.groupby(["flight_date", "origin"], as_index=False).agg(
        flights=("flight", "size"), cancelled=("cancelled", "sum"), mean_dep_delay=("dep_delay", "mean")
    )
    return by_airport.astype({"mean_dep_delay": "float64"}).round({"mean_dep_delay": 2})


@test
def test_one_row_per_airport(airports: DataFrame, *args: Any) -> None:
    """There is one row for each day and airport."""
    assert not airports.duplicated(["flight_date", "origin"]).any(), "an airport has two rows for one day"
