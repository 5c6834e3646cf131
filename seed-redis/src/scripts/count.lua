-- Counts the entries of some ranges.
--
-- KEYS  1 the collection's spec, 2 what is counted: an index, or the ids
-- ARGV  least and greatest member of each range
-- Gives the edition of the catalogue and the number.

local total = 0
for i = 1, #ARGV, 2 do
  total = total + redis.call('ZLEXCOUNT', KEYS[2], ARGV[i], ARGV[i + 1])
end
return {redis.call('HGET', KEYS[1], 'edition') or '0', total}
