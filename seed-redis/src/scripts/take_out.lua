-- Takes an entry out of an index whose document is still what was seen.
--
-- KEYS  1 the collection's documents, 2 the index
-- ARGV  1 the document's id; 2 the document; 3 the member

if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
return redis.call('ZREM', KEYS[2], ARGV[3])
