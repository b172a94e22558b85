-- Runs in the source. Aliases keep clear of words that Mage reserves: name would arrive as _name.
select
  faa,
  name as airport,
  lat as latitude,
  lon as longitude,
  alt as altitude_feet,
  tzone as time_zone
from airports
