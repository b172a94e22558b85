"""Upsert the carriers' scores into the warehouse."""

from typing import Any

from pandas import DataFrame

from mage_project.utils.warehouse import upsert

if "data_exporter" not in globals():
    from mage_ai.data_preparation.decorators import data_exporter

TABLE = """
create schema if not exists mart;
create table if not exists mart.carrier_scores (
  flight_month text not null,
  carrier text not null,
  score double precision not null check (score between 0 and 100),
  place integer not null check (place > 0),
  grade text not null,
  primary key (flight_month, carrier)
);
"""


@data_exporter
def export_carrier_scores(scores: DataFrame, *args: Any, **variables: Any) -> None:
    """Write one row per month and carrier to `mart.carrier_scores`."""
    upsert(scores, "mart.carrier_scores", key=["flight_month", "carrier"], definition=TABLE)
