"""Join flights with the weather at departure and the plane that flew."""

from typing import Any

from pandas import DataFrame

if "transformer" not in globals():
    from mage_ai.data_preparation.decorators import transformer
if "test" not in globals():
    from mage_ai.data_preparation.decorators import test


@transformer
def join_flights(
    flights: DataFrame, weather: DataFrame, planes: DataFrame, *args: Any, **variables: Any
) -> DataFrame:
    """Return the flights with weather and plane columns, empty where the source has none.

    Raises pandas.errors.MergeError instead of multiplying rows when weather or planes are ambiguous.
    """
    joined = flights.merge(weather, on=["origin", "time_hour"], how="left", validate="many_to_one")
    joined = joined.merge(planes, on="tailnum", how="left", validate="many_to_one")
    return joined.drop(columns="time_hour").astype({"plane_year": "Int64", "seats": "Int64"})


@test
def test_key_is_still_unique(flights: DataFrame, *args: Any) -> None:
    """A join must not multiply flights."""
    assert not flights.duplicated(["carrier", "flight", "scheduled_at"]).any(), "the join multiplied flights"
