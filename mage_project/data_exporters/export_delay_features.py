"""Upsert the features of a day's flights into the warehouse."""

from typing import Any

from pandas import DataFrame

from mage_project.utils.warehouse import upsert

if "data_exporter" not in globals():
    from mage_ai.data_preparation.decorators import data_exporter

TABLE = """
create schema if not exists mart;
create table if not exists mart.delay_features (
  flight_date date not null,
  carrier text not null,
  flight integer not null,
  scheduled_at timestamptz not null,
  origin text not null,
  dest text not null,
  carrier_delay double precision,
  route_delay double precision,
  hour_delay double precision,
  primary key (carrier, flight, scheduled_at)
);
"""


@data_exporter
def export_delay_features(features: DataFrame, *args: Any, **variables: Any) -> None:
    """Write one row per scheduled flight to `mart.delay_features`."""
    upsert(features, "mart.delay_features", key=["carrier", "flight", "scheduled_at"], definition=TABLE)
