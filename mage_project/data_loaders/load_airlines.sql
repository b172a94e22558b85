-- Runs in the source.
select carrier, name as airline
from airlines
