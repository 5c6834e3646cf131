-- Reads a page of a collection: the next entries of an index, or the next ids, with their documents.
--
-- KEYS  1 the collection's spec, 2 its documents, 3 what is read: an index, or the ids
-- ARGV  1 "index" or "ids", or "keys" if no documents are wanted; 2 least and 3 greatest member; 4 "up" or "down"; 5 how many; 6 after how many bytes it is enough
-- Gives the edition of the catalogue, 1 if there is no more in the range, the members, and their documents.

local call, byte, sub = redis.call, string.byte, string.sub
local limit, enough = tonumber(ARGV[5]), tonumber(ARGV[6])
local edition = call('HGET', KEYS[1], 'edition') or '0'
local members
if ARGV[4] == 'down' then
  members = call('ZRANGE', KEYS[3], ARGV[3], ARGV[2], 'BYLEX', 'REV', 'LIMIT', 0, limit)
else
  members = call('ZRANGE', KEYS[3], ARGV[2], ARGV[3], 'BYLEX', 'LIMIT', 0, limit)
end
local documents, bytes, n, step = {}, 0, 0, 8
if ARGV[1] == 'keys' then n = #members end
while n < #members and bytes < enough do
  local ids = {}
  for i = n + 1, math.min(#members, n + step) do
    local member = members[i]
    if ARGV[1] == 'index' then
      local a, b, c = byte(member, -3, -1)
      member = sub(member, -3 - (a * 65536 + b * 256 + c), -4)
    end
    ids[#ids + 1] = member
  end
  for _, document in ipairs(call('HMGET', KEYS[2], unpack(ids))) do
    n = n + 1
    documents[n] = document
    if document then bytes = bytes + #document end
  end
  -- Large documents come few at a time.
  if bytes / n < 4096 then step = 256 end
end
local is_all = 0
if n == #members and n < limit then is_all = 1 end
for i = #members, n + 1, -1 do members[i] = nil end
return {edition, is_all, members, documents}
