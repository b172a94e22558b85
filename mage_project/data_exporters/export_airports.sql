/* Mage uploads the rows of {{ df_1 }} to staging.airports before this block runs. The table is named here
   because the block above reads another database: its query, which Mage would put here, only works there. */
create schema if not exists reference;

create table if not exists reference.airports (
  faa text primary key check (faa ~ '^[0-9A-Z]{3}$'),
  airport text not null,
  latitude double precision not null check (latitude between -90 and 90),
  longitude double precision not null check (longitude between -180 and 180),
  altitude_feet integer not null,
  time_zone text
);

delete from reference.airports where faa not in (select faa from staging.airports);

insert into reference.airports (faa, airport, latitude, longitude, altitude_feet, time_zone)
select faa, airport, latitude, longitude, altitude_feet, time_zone
from staging.airports
on conflict (faa) do update set
  airport = excluded.airport,
  latitude = excluded.latitude,
  longitude = excluded.longitude,
  altitude_feet = excluded.altitude_feet,
  time_zone = excluded.time_zone;
