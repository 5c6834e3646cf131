-- Carries out changes that were worked out from documents as they were seen, and then claims further ones.
--
-- The changes are carried out all or not at all: each document must still be as it was seen, no new id may be there
-- already, and no unique index may have one of the new keys for another document. A claim changes the first documents
-- that match, by a patch; one that must be worked out by the caller is left undone, and so are those after it.
--
-- KEYS  1 the collection's spec, 2 its documents, 3 its ids; then the indexes, in the order of the catalogue
-- ARGV  1 edition of the catalogue; 2 channel for wake-ups, or nothing; 3 who writes; 4 how many of those who listen to
--       the channel are the writer's own, or nothing if the server does not know all; 5 the instructions, as
--       MessagePack; then, as many as those say: ids that were seen, their versions; pairs of id and document that are
--       written, new ones first; ids that are removed; the members of the lists
-- The instructions are a list of lists, and numbers count from 1; commit.rs and claim.rs put them together:
--   {seen, new, written, removed: how many there are of each; lists; unique; claims}
--   lists    {index (its position in the catalogue), whether members are added or taken, how many; the same of the next …}
--   unique   of {change (its place in seen and new), index, least and greatest member of the key, id}
--   claims   of {limit, version, mark of the layout, format of its header, number of its slots, patch (ready to be
--            appended), packed parts that are set (by slots), flags that are set (a byte each, "?" if it stays), indexes
--            that are touched, filters}
--     indexes  {index, its flags, its slots (a byte each); the same of the next …}
--     filters  of {tests, ranges}
--       tests    of {slot, whether its part is to be within or without, start, end or nothing, start, end …}
--       ranges   of {index (0 for the ids), least, greatest, whether it is read downwards, length of the prefix if the
--                ranges are read side by side, their members being in order behind their prefixes, else 0}
-- Gives {0, for each claim its documents as they were, or -1 if it is left to the caller}, {1} if the catalogue is
-- another, or {2, places of seen that changed, places of new that are there, {change, index, …} of taken keys}.
--
-- A call defines its functions anew. To capture a variable is what costs the most of that, so that they capture few.

local call, byte, sub = redis.call, string.byte, string.sub
local docs, ids = KEYS[2], KEYS[3]

if (call('HGET', KEYS[1], 'edition') or '0') ~= ARGV[1] then return {1} end

-- An index's member ends with the length of the id in three bytes.
local function id_of(member)
  local a, b, c = member:byte(-3, -1)
  return member:sub(-3 - (a * 65536 + b * 256 + c), -4)
end

-- A command is given 4,000 arguments at the most at once; Lua's stack has room for 8,000.
local function add(key, members, first, last)
  if first == last then return redis.call('ZADD', key, '0', members[first]) end
  for from = first, last, 2000 do
    local scored, n = {}, 0
    for i = from, math.min(last, from + 1999) do
      scored[n + 1], scored[n + 2] = '0', members[i]
      n = n + 2
    end
    redis.call('ZADD', key, unpack(scored))
  end
end
local function take(key, members, first, last)
  for from = first, last, 4000 do
    redis.call('ZREM', key, unpack(members, from, math.min(last, from + 3999)))
  end
end

local function finish(answer, is_changed)
  if is_changed and ARGV[2] ~= '' then
    redis.call('HINCRBY', KEYS[1], 'writes', 1)
    -- What was written is written: to be refused an answer here is no reason to fail.
    local listeners = ARGV[4] ~= '' and redis.pcall('PUBSUB', 'NUMSUB', ARGV[2])[2]
    if not listeners or listeners > tonumber(ARGV[4]) then redis.call('PUBLISH', ARGV[2], ARGV[3]) end
  end
  return answer
end

local seen, new, written, removed, lists, unique, claims = unpack(cmsgpack.unpack(ARGV[5]))
-- Where the arguments of each kind begin.
local versions_at = 6 + seen
local written_at = versions_at + seen
local removed_at = written_at + 2 * written
local members_at = removed_at + removed

if new == 1 and seen == 0 and #unique == 0 then
  -- One new document is written if it is not there: one command for both.
  if call('HSETNX', docs, ARGV[written_at], ARGV[written_at + 1]) == 0 then return {2, {}, {1}, {}} end
  call('ZADD', ids, '0', ARGV[written_at])
elseif seen + new > 0 then
  -- Everything is checked before anything is written, for what is written stays.
  local changed, there, broken, new_ids = {}, {}, {}, {}
  if seen > 0 then
    local values = call('HMGET', docs, unpack(ARGV, 6, versions_at - 1))
    for i = 1, seen do
      local value = values[i]
      if not value or sub(value, 1, 8) ~= ARGV[versions_at + i - 1] then changed[#changed + 1] = i end
    end
  end
  if new > 0 then
    for i = 1, new do new_ids[i] = ARGV[written_at + 2 * i - 2] end
    local values = call('HMGET', docs, unpack(new_ids))
    for i = 1, new do
      if values[i] then there[#there + 1] = i end
    end
  end
  for _, key in ipairs(unique) do
    local change, index, least, greatest, id = unpack(key)
    for _, member in ipairs(call('ZRANGE', KEYS[3 + index], least, greatest, 'BYLEX', 'LIMIT', 0, 2)) do
      if id_of(member) ~= id then
        broken[#broken + 1] = change
        broken[#broken + 1] = index
        break
      end
    end
  end
  if #changed + #there + #broken > 0 then return {2, changed, there, broken} end

  if written > 0 then call('HSET', docs, unpack(ARGV, written_at, removed_at - 1)) end
  if removed > 0 then
    call('HDEL', docs, unpack(ARGV, removed_at, members_at - 1))
    take(ids, ARGV, removed_at, members_at - 1)
  end
  if new > 0 then add(ids, new_ids, 1, new) end
end
for i = 1, #lists, 3 do
  local work = lists[i + 1] and add or take
  work(KEYS[3 + lists[i]], ARGV, members_at, members_at + lists[i + 2] - 1)
  members_at = members_at + lists[i + 2]
end
if #claims == 0 then return finish({0}, seen + new > 0) end

-- Compares byte by byte: Lua's own comparison goes by the server's locale.
local function is_less(a, b)
  local n, at = math.min(#a, #b), 1
  -- Most begin alike.
  while at + 7 <= n and a:sub(at, at + 7) == b:sub(at, at + 7) do at = at + 8 end
  for i = at, n do
    local x, y = a:byte(i), b:byte(i)
    if x ~= y then return x < y end
  end
  return #a < #b
end

local function passes(test, part)
  for i = 3, #test, 2 do
    local from, past = test[i], test[i + 1]
    if part == from or not is_less(part, from) and (past == '' or is_less(part, past)) then return test[2] end
  end
  return not test[2]
end

-- Reads the next members of a range, and moves behind them; says whether there are no more.
local function read(range, page)
  local index, least, greatest, is_down = unpack(range, 1, 4)
  local members
  if is_down then
    members = redis.call('ZRANGE', KEYS[3 + index], greatest, least, 'BYLEX', 'REV', 'LIMIT', 0, page)
  else
    members = redis.call('ZRANGE', KEYS[3 + index], least, greatest, 'BYLEX', 'LIMIT', 0, page)
  end
  local last = members[#members]
  if last then range[is_down and 3 or 2] = '(' .. last end
  return members, #members < page
end

-- Reads ranges side by side: gives what reads the next members of all, in their common order.
local function merged(ranges)
  -- The heads of the ranges, the next one last.
  local heads, is_down = {}, ranges[1][4]
  local function advance(head, page)
    head.at = head.at + 1
    if head.at > #head.members then
      if head.is_all then return end
      head.members, head.is_all = read(head.range, page)
      head.at = 1
      if #head.members == 0 then return end
    end
    head.behind = sub(head.members[head.at], head.range[5] + 1)
    local low, high = 1, #heads + 1
    while low < high do
      local middle = math.floor((low + high) / 2)
      if is_less(heads[middle].behind, head.behind) == is_down then low = middle + 1 else high = middle end
    end
    table.insert(heads, low, head)
  end
  local is_begun = false
  return function(_, page)
    if not is_begun then
      is_begun = true
      -- Nothing is known yet of how the members are spread.
      local each = math.floor(page / #ranges) + 1
      for _, range in ipairs(ranges) do advance({range = range, members = {}, at = 0}, each) end
    end
    local members = {}
    while #members < page and #heads > 0 do
      local head = table.remove(heads)
      members[#members + 1] = head.members[head.at]
      advance(head, page)
    end
    return members, #heads == 0
  end
end

-- Finds what a claim takes: the ids, the documents and their unpacked headers; nothing if it is left to the caller.
local function find(limit, mark, format, filters)
  local found, values_found, headers, taken, n, looks, bytes = {}, {}, {}, {}, 0, 0, 0
  for f = 1, #filters do
    local tests, ranges = filters[f][1], filters[f][2]
    local next_of = read
    -- Which parts pass; most documents have the same.
    local known = {}
    if ranges[1] and ranges[1][5] > 0 then
      next_of = merged(ranges)
      ranges = {ranges[1]}
    end
    for r = 1, #ranges do
      local range, page = ranges[r], math.min(1000, limit - n)
      while n < limit do
        -- So many entries are looked at for one claim at the most.
        if looks >= 4000 then
          if n > 0 then return found, values_found, headers end
          return nil
        end
        local members, is_all = next_of(range, page)
        local m = #members
        if m == 0 then break end
        looks = looks + m
        local candidates = members
        if range[1] > 0 then
          candidates = {}
          for i = 1, m do candidates[i] = id_of(members[i]) end
        end
        local values = call('HMGET', docs, unpack(candidates))
        for i = 1, m do
          local id, value = candidates[i], values[i]
          if value and not taken[id] then
            -- A document of another layout, with many patches or large is for the caller.
            if #value > 1048576 or sub(value, 9, 12) ~= mark or byte(value, 13) >= 8 then return nil end
            local header = {struct.unpack(format, value)}
            local fits = true
            for t = 1, #tests do
              local part = header[6 + tests[t][1]]
              local passed = known[t]
              if not passed then
                passed = {}
                known[t] = passed
              end
              if passed[part] == nil then passed[part] = passes(tests[t], part) end
              if not passed[part] then fits = false; break end
            end
            if fits then
              n = n + 1
              found[n], values_found[n], headers[n], taken[id] = id, value, header, true
              bytes = bytes + #value
              -- What one claim gives is held at once, here and by whoever asked.
              if bytes >= 16777216 then return found, values_found, headers end
              if n == limit then break end
            end
          end
        end
        if is_all then break end
        page = math.min(500, math.max(limit - n, page * 2))
      end
    end
  end
  return found, values_found, headers
end

local function are_set(flags, wanted)
  for i = 1, #wanted do
    if flags:byte(wanted:byte(i)) ~= 49 then return false end
  end
  return true
end

-- Works out which of the indexes documents with these flags leave and enter, and their flags afterwards.
local function moves_of(indexes, flags, flags_set)
  local bytes = {flags:byte(1, -1)}
  for i = 1, #flags_set do
    local flag = flags_set:byte(i)
    if flag ~= 63 then bytes[i] = flag end
  end
  local after = string.char(unpack(bytes))
  local moves = {flags = after}
  for i = 1, #indexes, 3 do
    local leaves, enters = are_set(flags, indexes[i + 1]), are_set(after, indexes[i + 1])
    if leaves or enters then
      moves[#moves + 1] = {
        key = KEYS[3 + indexes[i]], slots = indexes[i + 2], leaves = leaves, enters = enters, left = {}, entered = {},
      }
    end
  end
  return moves
end

local function key_of(header, slots, sets)
  local key = ''
  for i = 1, #slots do
    local slot = slots:byte(i)
    local set = sets and sets[slot]
    key = key .. (set and set:sub(3) or header[6 + slot])
  end
  return key
end

-- Changes what was found.
local function apply(version, slots, patch, sets, flags_set, indexes, found, values, headers)
  -- What becomes of the entries and the flags, by the flags as they are.
  local known, writes, ending, ending_size = {}, {}, nil, nil
  for i = 1, #found do
    local id, value, header = found[i], values[i], headers[i]
    local flags = header[6]
    local moves = known[flags]
    if not moves then
      moves = moves_of(indexes, flags, flags_set)
      known[flags] = moves
    end
    if #id ~= ending_size then
      ending_size = #id
      ending = string.char(math.floor(ending_size / 65536), math.floor(ending_size / 256) % 256, ending_size % 256)
    end
    local tail = id .. ending
    for m = 1, #moves do
      local move = moves[m]
      local before = move.leaves and key_of(header, move.slots)
      local after = move.enters and key_of(header, move.slots, sets)
      if before ~= after then
        if before then move.left[#move.left + 1] = before .. tail end
        if after then move.entered[#move.entered + 1] = after .. tail end
      end
    end
    -- Of the header, what lies between the parts that are set is taken over as it is.
    local from = 16 + #flags
    local pieces = {version, sub(value, 9, 12), string.char(byte(value, 13) + 1), sub(value, 14, 15), moves.flags}
    local n, offset = 5, from
    for slot = 1, slots do
      local size = #header[6 + slot] + 2
      local set = sets[slot]
      if set then
        if offset > from then n = n + 1; pieces[n] = sub(value, from, offset - 1) end
        n = n + 1
        pieces[n] = set
        from = offset + size
      end
      offset = offset + size
    end
    pieces[n + 1], pieces[n + 2] = sub(value, from), patch
    writes[2 * i - 1], writes[2 * i] = id, table.concat(pieces)
  end
  for from = 1, #writes, 4000 do call('HSET', docs, unpack(writes, from, math.min(#writes, from + 3999))) end
  for _, moves in pairs(known) do
    for m = 1, #moves do
      local move = moves[m]
      take(move.key, move.left, 1, #move.left)
      add(move.key, move.entered, 1, #move.entered)
    end
  end
end

local answer, is_left, is_changed = {0}, false, seen + new > 0
for c = 1, #claims do
  local limit, version, mark, format, slots, patch, sets, flags_set, indexes, filters = unpack(claims[c])
  local found, values, headers
  if not is_left then found, values, headers = find(limit, mark, format, filters) end
  if found then
    if #found > 0 then
      apply(version, slots, patch, sets, flags_set, indexes, found, values, headers)
      is_changed = true
    end
    answer[c + 1] = values
  else
    is_left = true
    answer[c + 1] = -1
  end
end
return finish(answer, is_changed)
