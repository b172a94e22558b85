"""Upsert flights into the fact table of the warehouse: a second run of the same day changes nothing."""

from typing import Any

from pandas import DataFrame

from mage_project.utils.warehouse import upsert

if "data_exporter" not in globals():
    from mage_ai.data_preparation.decorators import data_exporter

TABLE = """
create schema if not exists mart;
create table if not exists mart.flights (
  flight_date date not null,
  carrier text not null,
  flight integer not null,
  scheduled_at timestamptz not null,
  origin text not null,
  dest text not null,
  tailnum text,
  distance integer not null,
  cancelled boolean not null,
  dep_delay integer,
  arr_delay integer,
  air_time integer check (air_time > 0),
  temp double precision,
  wind_speed double precision,
  precip double precision,
  visib double precision,
  plane_year integer,
  manufacturer text,
  model text,
  seats integer,
  primary key (carrier, flight, scheduled_at)
);
create index if not exists flights_by_date on mart.flights (flight_date);
"""


@data_exporter
def export_flights(flights: DataFrame, *args: Any, **variables: Any) -> None:
    """Write one row per scheduled flight to `mart.flights`."""
    upsert(flights, "mart.flights", key=["carrier", "flight", "scheduled_at"], definition=TABLE)
