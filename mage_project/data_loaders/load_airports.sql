-- Runs in the source. Aliases avoid words that Mage reserves: name would become _name.
select
  faa,
  name as airport,
  lat as latitude,
  lon as longitude,
  alt as altitude_feet,
  tzone as time_zone
from airports
