-- Puts another catalogue in the place of the one that is there.
--
-- KEYS  1 the collection's spec, 2 its documents; then the indexes that go
-- ARGV  1 edition that must be there; 2 the new one; 3 the catalogue; 4 "empty" if the collection must have no documents
-- Gives 0, 1 if the edition is another, or 2 if there are documents.

if (redis.call('HGET', KEYS[1], 'edition') or '0') ~= ARGV[1] then return 1 end
if ARGV[4] == 'empty' and redis.call('EXISTS', KEYS[2]) == 1 then return 2 end
redis.call('HSET', KEYS[1], 'edition', ARGV[2], 'catalogue', ARGV[3])
if #KEYS > 2 then redis.call('UNLINK', unpack(KEYS, 3)) end
return 0
