-- Carries out changes that were worked out from documents as they were seen, and then claims further ones.
--
-- The changes are carried out all or not at all: each document must still be as it was seen, no new id may be there
-- already, and no unique index may have one of the new keys for another document. A claim changes the first documents
-- that match, by a patch; one that must be worked out by the caller is left undone, and so are those after it.
--
-- KEYS  1 the collection's spec, 2 its documents, 3 its ids; then the indexes, in the order of the catalogue
-- ARGV  1 edition of the catalogue; 2 channel for wake-ups, or nothing; 3 who writes; 4 the plan, as MessagePack; then,
--       as many as the plan says: ids that were seen, their versions; pairs of id and document that are written, new
--       ones first; ids that are removed; the members of the plan's lists
-- The plan (commit.rs and claim.rs put it together; positions are from 1, an index is its position in the catalogue):
--   seen, new, written, removed   how many there are of each
--   lists      of members: {index, whether they are added or taken, how many}
--   unique     {change (its place in seen and new), index, least and greatest member of the key, id}
--   claims     of
--     limit, version, mark (of the layout), format (of its header), slots (how many), patch (ready to be appended)
--     sets     packed parts, by their slots
--     flags    {flag, whether it is met then}
--     indexes  that are touched: index, flags, slots
--     filters  of
--       tests  slot, is_within, ranges: {start, end or nothing}
--       ranges index (0 for the ids), least, greatest, is_down, prefix: its length if the ranges are read side by side,
--              their members being in order behind their prefixes, else 0
-- Gives {0, for each claim its documents as they were, or -1 if it is left to the caller}, {1} if the catalogue is
-- another, or {2, places of seen that changed, places of new that are there, {change, index, …} of taken keys}.

local call, byte, sub, concat = redis.call, string.byte, string.sub, table.concat
local spec, docs, ids = KEYS[1], KEYS[2], KEYS[3]
-- The most arguments that a command is given at once; Lua's stack has room for 8,000.
local CHUNK = 4000
-- A document with more patches, or larger, is written whole by the caller.
local MOST_PATCHES, LARGE = 8, 1048576
-- How many entries are looked at for one claim.
local MOST_LOOKS = 4000

if (call('HGET', spec, 'edition') or '0') ~= ARGV[1] then return {1} end

local plan = cmsgpack.unpack(ARGV[4])
local at = 4
local function slice(n) local first = at + 1; at = at + n; return first, at end

-- An index's member ends with the length of the id in three bytes.
local function id_of(member)
  local a, b, c = byte(member, -3, -1)
  return sub(member, -3 - (a * 65536 + b * 256 + c), -4)
end
local endings = {}
local function ending(n)
  local known = endings[n]
  if not known then
    known = string.char(math.floor(n / 65536), math.floor(n / 256) % 256, n % 256)
    endings[n] = known
  end
  return known
end

local function add(key, members, first, last)
  if first == last then return call('ZADD', key, '0', members[first]) end
  for from = first, last, CHUNK / 2 do
    local scored, n = {}, 0
    for i = from, math.min(last, from + CHUNK / 2 - 1) do
      scored[n + 1], scored[n + 2] = '0', members[i]
      n = n + 2
    end
    call('ZADD', key, unpack(scored))
  end
end
local function take(key, members, first, last)
  for from = first, last, CHUNK do
    call('ZREM', key, unpack(members, from, math.min(last, from + CHUNK - 1)))
  end
end

-- Everything is checked before anything is written, for what is written stays.
local changed, there, broken = {}, {}, {}
local seen, new, written, removed = plan.seen, plan.new, plan.written, plan.removed
if seen > 0 then
  local values = call('HMGET', docs, unpack(ARGV, slice(seen)))
  for i = 1, seen do
    local value = values[i]
    if not value or sub(value, 1, 8) ~= ARGV[at + i] then changed[#changed + 1] = i end
  end
  at = at + seen
end
local written_first, written_last = slice(2 * written)
local new_ids = {}
for i = 1, new do new_ids[i] = ARGV[written_first + 2 * i - 2] end
-- One new document is written if it is not there: one command for both.
local is_alone = new == 1 and seen == 0 and #plan.unique == 0
if new > 0 and not is_alone then
  local values = call('HMGET', docs, unpack(new_ids))
  for i = 1, new do
    if values[i] then there[#there + 1] = i end
  end
end
for _, key in ipairs(plan.unique) do
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

if is_alone then
  if call('HSETNX', docs, ARGV[written_first], ARGV[written_last]) == 0 then return {2, {}, {1}, {}} end
elseif written > 0 then
  call('HSET', docs, unpack(ARGV, written_first, written_last))
end
if removed > 0 then
  local first, last = slice(removed)
  call('HDEL', docs, unpack(ARGV, first, last))
  take(ids, ARGV, first, last)
end
if new > 0 then add(ids, new_ids, 1, new) end
for _, list in ipairs(plan.lists) do
  local work = list[2] and add or take
  work(KEYS[3 + list[1]], ARGV, slice(list[3]))
end

local function finish(answer, is_changed)
  if is_changed and ARGV[2] ~= '' then
    call('HINCRBY', spec, 'writes', 1)
    call('PUBLISH', ARGV[2], ARGV[3])
  end
  return answer
end
local is_changed = seen + new > 0
-- What is below is for claims alone; even to define it takes its time.
if #plan.claims == 0 then return finish({0}, is_changed) end

-- Compares byte by byte: Lua's own comparison goes by the server's locale.
local function is_less(a, b)
  for i = 1, math.min(#a, #b) do
    local x, y = byte(a, i), byte(b, i)
    if x ~= y then return x < y end
  end
  return #a < #b
end
local function passes(test, part)
  local is_in = false
  for _, range in ipairs(test.ranges) do
    if not is_less(part, range[1]) and (range[2] == '' or is_less(part, range[2])) then is_in = true end
  end
  return is_in == test.is_within
end

-- Reads the next members of a range, and moves behind them; says whether there are no more.
local function read(range, page)
  local members
  if range.is_down then
    members = call('ZRANGE', KEYS[3 + range.index], range.greatest, range.least, 'BYLEX', 'REV', 'LIMIT', 0, page)
  else
    members = call('ZRANGE', KEYS[3 + range.index], range.least, range.greatest, 'BYLEX', 'LIMIT', 0, page)
  end
  local last = members[#members]
  if last then
    if range.is_down then range.greatest = '(' .. last else range.least = '(' .. last end
  end
  return members, #members < page
end

-- Reads ranges side by side: gives what reads the next members of all, in their common order.
local function merged(ranges)
  -- The heads of the ranges, the next one last.
  local heads, is_down = {}, ranges[1].is_down
  local function advance(head, page)
    head.at = head.at + 1
    if head.at > #head.members then
      if head.is_all then return end
      head.members, head.is_all = read(head.range, page)
      head.at = 1
      if #head.members == 0 then return end
    end
    head.behind = sub(head.members[head.at], head.range.prefix + 1)
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
local function find(claim)
  local limit, mark, format = claim.limit, claim.mark, claim.format
  local found, values_found, headers, taken, n, looks = {}, {}, {}, {}, 0, 0
  for _, filter in ipairs(claim.filters) do
    local tests, ranges, next_of = filter.tests, filter.ranges, read
    -- Which parts pass; most documents have the same.
    local known = {}
    for t = 1, #tests do known[t] = {} end
    if ranges[1] and ranges[1].prefix > 0 then
      next_of = merged(ranges)
      ranges = {ranges[1]}
    end
    for _, range in ipairs(ranges) do
      local page = limit - n
      while n < limit do
        if looks >= MOST_LOOKS then
          if n > 0 then return found, values_found, headers end
          return nil
        end
        local members, is_all = next_of(range, page)
        local m = #members
        if m == 0 then break end
        looks = looks + m
        local candidates = members
        if range.index > 0 then
          candidates = {}
          for i = 1, m do candidates[i] = id_of(members[i]) end
        end
        local values = call('HMGET', docs, unpack(candidates))
        for i = 1, m do
          local id, value = candidates[i], values[i]
          if value and not taken[id] then
            if #value > LARGE or sub(value, 9, 12) ~= mark or byte(value, 13) >= MOST_PATCHES then return nil end
            local header = {struct.unpack(format, value)}
            local fits = true
            for t = 1, #tests do
              local test = tests[t]
              local part = header[6 + test.slot]
              local is_fit = known[t][part]
              if is_fit == nil then
                is_fit = passes(test, part)
                known[t][part] = is_fit
              end
              if not is_fit then fits = false; break end
            end
            if fits then
              n = n + 1
              found[n], values_found[n], headers[n], taken[id] = id, value, header, true
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

-- Works out which indexes a document with these flags leaves and enters, and its flags afterwards.
local function moves_of(claim, flags)
  local bytes = {byte(flags, 1, -1)}
  local function are_set(list)
    for _, flag in ipairs(list) do if bytes[flag] ~= 49 then return false end end
    return true
  end
  local moves = {}
  for i, index in ipairs(claim.indexes) do moves[i] = {slots = index.slots, at = i, leaves = are_set(index.flags)} end
  for _, flag in ipairs(claim.flags) do bytes[flag[1]] = flag[2] and 49 or 48 end
  local rest = {flags = string.char(unpack(bytes))}
  for i, index in ipairs(claim.indexes) do
    moves[i].enters = are_set(index.flags)
    if moves[i].leaves or moves[i].enters then rest[#rest + 1] = moves[i] end
  end
  return rest
end

local function key_of(header, slots, sets)
  local key = ''
  for i = 1, #slots do
    local slot = slots[i]
    local set = sets and sets[slot]
    key = key .. (set and sub(set, 3) or header[6 + slot])
  end
  return key
end

local function apply(claim, found, values, headers)
  local moves_by_flags, writes, leaving, entering = {}, {}, {}, {}
  for i = 1, #claim.indexes do leaving[i], entering[i] = {}, {} end
  for i = 1, #found do
    local id, value, header = found[i], values[i], headers[i]
    local flags = header[6]
    local moves = moves_by_flags[flags]
    if not moves then
      moves = moves_of(claim, flags)
      moves_by_flags[flags] = moves
    end
    local tail = id .. ending(#id)
    for m = 1, #moves do
      local move = moves[m]
      local before = move.leaves and key_of(header, move.slots)
      local after = move.enters and key_of(header, move.slots, claim.sets)
      if before ~= after then
        if before then local list = leaving[move.at]; list[#list + 1] = before .. tail end
        if after then local list = entering[move.at]; list[#list + 1] = after .. tail end
      end
    end
    local from = 16 + #flags
    local pieces = {
      claim.version, sub(value, 9, 12), string.char(byte(value, 13) + 1), sub(value, 14, 15), moves.flags,
    }
    local n, offset = 5, from
    for slot = 1, claim.slots do
      local size = #header[6 + slot] + 2
      local set = claim.sets[slot]
      if set then
        if offset > from then n = n + 1; pieces[n] = sub(value, from, offset - 1) end
        n = n + 1
        pieces[n] = set
        from = offset + size
      end
      offset = offset + size
    end
    pieces[n + 1], pieces[n + 2] = sub(value, from), claim.patch
    writes[2 * i - 1], writes[2 * i] = id, concat(pieces)
  end
  for from = 1, #writes, CHUNK do call('HSET', docs, unpack(writes, from, math.min(#writes, from + CHUNK - 1))) end
  for i, index in ipairs(claim.indexes) do
    take(KEYS[3 + index.index], leaving[i], 1, #leaving[i])
    add(KEYS[3 + index.index], entering[i], 1, #entering[i])
  end
end

local answer, is_left = {0}, false
for c, claim in ipairs(plan.claims) do
  local found, values, headers
  if not is_left then found, values, headers = find(claim) end
  if found then
    if #found > 0 then
      apply(claim, found, values, headers)
      is_changed = true
    end
    answer[c + 1] = values
  else
    is_left = true
    answer[c + 1] = -1
  end
end
return finish(answer, is_changed)
