"""Give raw flights types, a key and the mark `cancelled`; shared by flights_daily and delay_features."""

from typing import Any

import pandas as pd
from pandas import DataFrame

if "transformer" not in globals():
    from mage_ai.data_preparation.decorators import transformer
if "test" not in globals():
    from mage_ai.data_preparation.decorators import test

KEY = ["carrier", "flight", "scheduled_at"]
MINUTES = ["dep_delay", "arr_delay", "air_time"]


@transformer
def clean_flights(flights: DataFrame, *args: Any, **variables: Any) -> DataFrame:
    """Return one row per scheduled flight; delays and air time in minutes, empty when it did not fly."""
    time_hour = pd.to_datetime(flights["time_hour"], utc=True)
    cleaned = DataFrame(
        {
            "flight_date": pd.to_datetime(flights[["year", "month", "day"]]),
            "carrier": flights["carrier"],
            "flight": flights["flight"],
            "scheduled_at": time_hour + pd.to_timedelta(flights["minute"], unit="min"),
            "time_hour": time_hour,
            "origin": flights["origin"],
            "dest": flights["dest"],
            "tailnum": flights["tailnum"],
            "distance": flights["distance"],
            "cancelled": flights["dep_time"].isna(),
        }
    )
    return cleaned.join(flights[MINUTES].astype("Int64"))


@test
def test_key_is_unique(flights: DataFrame, *args: Any) -> None:
    """The warehouse upserts by this key: of two rows one would be lost."""
    assert not flights.duplicated(KEY).any(), f"two flights have the same {', '.join(KEY)}"


@test
def test_air_times_are_positive(flights: DataFrame, *args: Any) -> None:
    """A flight that landed was in the air."""
    assert (flights["air_time"].dropna() > 0).all(), "a flight has no or negative air time"


@test
def test_cancelled_flights_did_not_fly(flights: DataFrame, *args: Any) -> None:
    """A cancelled flight has neither delay nor air time."""
    assert flights.loc[flights["cancelled"], MINUTES].isna().all(axis=None), "a cancelled flight has flown"
