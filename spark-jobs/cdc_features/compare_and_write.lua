-- Keys: features hash and windows hash of each entity. Arguments: newest window start that is no longer kept (epoch
-- seconds), the version that older changes are right as of, then of each entity how many changes it has, and window,
-- version and payload of each. A change replaces what is not newer, or not newer than it is right as of; a version never
-- gets smaller.
local call = redis.call
local expired, as_of = tonumber(ARGV[1]), ARGV[2]
local next_one = 3
for k = 1, #KEYS, 2 do
  local features, windows = KEYS[k], KEYS[k + 1]
  local first = next_one + 1
  next_one = first + 3 * tonumber(ARGV[next_one])
  for i = first, next_one - 1, 3 do
    local window, version, payload = ARGV[i], ARGV[i + 1], ARGV[i + 2]
    local stored = string.sub(call('HGET', windows, window) or '', 1, 20)
    if stored <= version or stored <= as_of then
      if stored > version then version = stored end
      call('HSET', windows, window, version .. '|' .. payload)
    end
  end
  local latest, shown
  local all = call('HGETALL', windows)
  for i = 1, #all, 2 do
    local start = tonumber(all[i])
    if start <= expired then
      call('HDEL', windows, all[i])
    elseif #all[i + 1] > 21 and (not latest or start > latest) then
      latest, shown = start, all[i + 1]
    end
  end
  call('DEL', features)
  if shown then
    call('HSET', features, '_version', string.sub(shown, 1, 20), unpack(cjson.decode(string.sub(shown, 22))))
  end
end
