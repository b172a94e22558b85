-- One row per day and airport. Mage uploads the rows of the block above to staging.airport_days first
-- (upstream_block_configuration in the pipeline). All statements here are one transaction.
create schema if not exists mart;

create table if not exists mart.airport_days (
  flight_date date not null,
  origin text not null,
  flights integer not null check (flights > 0),
  cancelled integer not null check (cancelled between 0 and flights),
  mean_dep_delay double precision,
  primary key (flight_date, origin)
);

insert into mart.airport_days (flight_date, origin, flights, cancelled, mean_dep_delay)
select flight_date, origin, flights, cancelled, mean_dep_delay
from {{ df_1 }}
on conflict (flight_date, origin) do update set
  flights = excluded.flights,
  cancelled = excluded.cancelled,
  mean_dep_delay = excluded.mean_dep_delay;
