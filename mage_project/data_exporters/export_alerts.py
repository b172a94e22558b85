"""Upsert the alerts of all airports into the warehouse."""

from typing import Any

from pandas import DataFrame

from mage_project.utils.warehouse import upsert

if "data_exporter" not in globals():
    from mage_ai.data_preparation.decorators import data_exporter

TABLE = """
create schema if not exists mart;
create table if not exists mart.late_flight_alerts (
  flight_date date not null,
  origin text not null,
  disrupted integer not null check (disrupted > 0),
  digest text not null,
  primary key (flight_date, origin)
);
"""


@data_exporter
def export_alerts(digests: list[dict[str, Any]], *args: Any, **variables: Any) -> None:
    """Write one row per day and airport to `mart.late_flight_alerts`; the digests arrive as one list."""
    upsert(DataFrame(digests), "mart.late_flight_alerts", key=["flight_date", "origin"], definition=TABLE)
