-- Rebuilt as a whole, in one transaction: readers see the old rows until the new ones are there.
create table if not exists reference.time_zones (
  time_zone text primary key,
  airports integer not null,
  highest_feet integer not null
);

delete from reference.time_zones;

insert into reference.time_zones (time_zone, airports, highest_feet)
select time_zone, count(*), max(altitude_feet)
from reference.airports
where time_zone is not null
group by time_zone;
