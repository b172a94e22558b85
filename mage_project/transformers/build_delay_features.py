"""Build what a model may know about a flight's delay before it departs."""

from typing import Any

import pandas as pd
from pandas import DataFrame

from mage_project.utils.dates import flight_date

if "transformer" not in globals():
    from mage_ai.data_preparation.decorators import transformer
if "test" not in globals():
    from mage_ai.data_preparation.decorators import test

KEY = ["carrier", "flight", "scheduled_at"]
FEATURES = {
    "carrier_delay": ["carrier", "origin"],
    "route_delay": ["origin", "dest"],
    "hour_delay": ["origin", "hour"],
}


@transformer
def build_delay_features(flights: DataFrame, *args: Any, **variables: Any) -> DataFrame:
    """Return the day's flights with mean arrival delays (minutes) over the days before; empty if unknown."""
    flights = flights.assign(hour=flights["scheduled_at"].dt.hour)
    day = pd.Timestamp(flight_date(variables))
    past, today = flights[flights["flight_date"] < day], flights[flights["flight_date"] == day]
    for name, group in FEATURES.items():
        means = past.groupby(group)["arr_delay"].mean().astype("float64").round(2)
        today = today.join(means.rename(name), on=group)
    return today[["flight_date", *KEY, "origin", "dest", *FEATURES]]


@test
def test_one_row_per_flight(features: DataFrame, *args: Any) -> None:
    """The warehouse upserts by this key: of two rows one would be lost."""
    assert not features.duplicated(KEY).any(), f"two rows have the same {', '.join(KEY)}"


@test
def test_one_day_only(features: DataFrame, *args: Any) -> None:
    """The days before are input, not output."""
    assert features["flight_date"].nunique() == 1, "features of more or fewer than one day"
