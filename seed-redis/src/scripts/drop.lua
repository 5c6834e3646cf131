-- Removes a collection with its indexes.
--
-- KEYS  1 the collection's spec, 2 its documents, 3 its ids; then its indexes
-- ARGV  1 edition of the catalogue that names the indexes; 2 channel for wake-ups; 3 who writes
-- Gives 0, or 1 if the edition is another.

if (redis.call('HGET', KEYS[1], 'edition') or '0') ~= ARGV[1] then return 1 end
if redis.call('UNLINK', unpack(KEYS)) > 0 then redis.call('PUBLISH', ARGV[2], ARGV[3]) end
return 0
