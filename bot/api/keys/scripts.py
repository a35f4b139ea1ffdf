"""The Lua scripts of keys: what must be compared, counted and changed in one step.

All times are Redis's, so that workers whose clocks differ count the same minutes and days.
"""

from __future__ import annotations

from bot.store_scripts import NOW

__all__ = ["BEAT", "CLOSE", "CREATE", "DAY_MS", "LIST", "OPEN", "REVOKE", "TAKE"]

DAY_MS = 86_400_000
REVOKED_TTL_MS = 30 * DAY_MS
"""So long it is told that there was such a key."""
MARK_TTL_MS = 7_200_000
"""How far a session's audio is counted is known for longer than any session is kept idle."""
USED_EVERY_MS = 60_000
"""How exactly it is known when a key was used last."""

# Of an `audio` key: how much of today is used, in ms.
_SPENT = f"""
local today = math.floor(now / {DAY_MS})
local function spent(audio)
  local kept = redis.call('HMGET', audio, 'day', 'ms')
  return tonumber(kept[1]) == today and tonumber(kept[2]) or 0
end
"""

# A session's audio is counted by how far it has come: what is told twice, or sent again after a
# session was resumed, counts once.
_COUNT = f"""
local function count(audio, mark, ms)
  local more = ms - tonumber(redis.call('HGET', mark, 'ms') or '0')
  if more > 0 then
    redis.call('HSET', audio, 'ms', spent(audio) + more, 'day', today)
    redis.call('PEXPIRE', audio, {2 * DAY_MS})
    redis.call('HSET', mark, 'ms', ms)
  end
  redis.call('PEXPIRE', mark, {MARK_TTL_MS})
end
"""

# KEYS: index, key, origins. ARGV: id, how many there may be, origins with spaces, then fields.
# Gives when, 0 if there is such a key, or -1 if there are too many.
CREATE = f"""{NOW}
local index, key, origins = unpack(KEYS)
if redis.call('EXISTS', key) == 1 then return 0 end
if redis.call('ZCARD', index) >= tonumber(ARGV[2]) then return -1 end
redis.call('HSET', key, 'created', now, 'origins', ARGV[3], unpack(ARGV, 4))
redis.call('ZADD', index, now, ARGV[1])
for origin in string.gmatch(ARGV[3], '%S+') do redis.call('HINCRBY', origins, origin, 1) end
return now
"""

# KEYS: index, base of the keys' names. Gives for each key {id, its fields, how many sessions are
# open, how much audio of today is used in ms}; what has expired leaves the index.
LIST = f"""{NOW}{_SPENT}
local found = {{}}
for _, id in ipairs(redis.call('ZREVRANGE', KEYS[1], 0, -1)) do
  local key = KEYS[2] .. id
  local fields = redis.call('HGETALL', key)
  if #fields > 0 then
    local open = redis.call('ZCOUNT', key .. ':open', '(' .. now, '+inf')
    found[#found + 1] = {{id, fields, open, spent(key .. ':audio')}}
  else
    redis.call('ZREM', KEYS[1], id)
  end
end
return found
"""

# KEYS: key, origins. Gives whether there is such a key.
REVOKE = f"""{NOW}
local key, origins = unpack(KEYS)
local kept = redis.call('HMGET', key, 'created', 'revoked', 'origins')
if not kept[1] then return 0 end
if kept[2] then return 1 end
redis.call('HSET', key, 'revoked', now)
redis.call('PEXPIRE', key, {REVOKED_TTL_MS})
for origin in string.gmatch(kept[3], '%S+') do
  if redis.call('HINCRBY', origins, origin, -1) <= 0 then redis.call('HDEL', origins, origin) end
end
return 1
"""

# KEYS: key, rate. Gives {'taken'}, {'gone'}, or {'wait', how long in ms, how many a minute}.
# The bucket holds a minute's worth, and is filled evenly.
TAKE = f"""{NOW}
local key, rate = unpack(KEYS)
local kept = redis.call('HMGET', key, 'created', 'revoked', 'per_minute', 'used')
if not kept[1] or kept[2] then return {{'gone'}} end
if now - tonumber(kept[4] or '0') >= {USED_EVERY_MS} then redis.call('HSET', key, 'used', now) end
local most = tonumber(kept[3])
if not most then return {{'taken'}} end
local state = redis.call('HMGET', rate, 'left', 'at')
local passed = math.max(0, now - tonumber(state[2] or now))
local left = math.min(most, tonumber(state[1] or most) + passed * most / 60000)
if left < 1 then return {{'wait', math.ceil((1 - left) * 60000 / most), most}} end
redis.call('HSET', rate, 'left', tostring(left - 1), 'at', now)
redis.call('PEXPIRE', rate, 61000)
return {{'taken'}}
"""

# KEYS: key, open, audio, mark. ARGV: session, worker, lease in ms. Gives {'open', how much of
# today is used, how far the session's audio is counted}, {'gone'}, {'sessions', how many may
# be}, or {'quota', seconds a day, ms of today that are left}. A session that is counted already
# goes on with who asks.
OPEN = f"""{NOW}{_SPENT}
local key, open, audio, mark = unpack(KEYS)
local kept = redis.call('HMGET', key, 'created', 'revoked', 'sessions', 'audio_s_per_day')
if not kept[1] or kept[2] then return {{'gone'}} end
local used, quota = spent(audio), tonumber(kept[4])
if quota and used >= quota * 1000 then
  return {{'quota', quota, (today + 1) * {DAY_MS} - now}}
end
redis.call('ZREMRANGEBYSCORE', open, '-inf', now)
local most = tonumber(kept[3])
if most and redis.call('ZCARD', open) >= most and not redis.call('ZSCORE', open, ARGV[1]) then
  return {{'sessions', most}}
end
redis.call('ZADD', open, now + ARGV[3], ARGV[1])
redis.call('PEXPIRE', open, ARGV[3])
redis.call('HSET', mark, 'owner', ARGV[2])
redis.call('PEXPIRE', mark, {MARK_TTL_MS})
return {{'open', used, tonumber(redis.call('HGET', mark, 'ms') or '0')}}
"""

# KEYS: key, open, audio, then each session's mark. ARGV: worker, lease in ms, then session and how
# far its audio is, in ms, for each. Gives {whether the key was revoked, how much of today is used,
# how much of today is left, sessions that have gone over to other workers…}.
BEAT = f"""{NOW}{_SPENT}{_COUNT}
local key, open, audio = unpack(KEYS)
local answer = {{0, 0, (today + 1) * {DAY_MS} - now}}
for at = 4, #KEYS do
  local mark, session, ms = KEYS[at], ARGV[2 * at - 5], tonumber(ARGV[2 * at - 4])
  count(audio, mark, ms)
  local owner = redis.call('HGET', mark, 'owner')
  if owner and owner ~= ARGV[1] then
    answer[#answer + 1] = session
  else
    redis.call('HSET', mark, 'owner', ARGV[1])
    redis.call('ZADD', open, now + ARGV[2], session)
    redis.call('PEXPIRE', open, ARGV[2])
  end
end
if redis.call('HEXISTS', key, 'revoked') == 1 then answer[1] = 1 end
answer[2] = spent(audio)
return answer
"""

# KEYS: open, audio, mark. ARGV: session, worker, how far its audio is in ms. Its place is another's
# by now if it has gone over to another worker.
CLOSE = f"""{NOW}{_SPENT}{_COUNT}
local open, audio, mark = unpack(KEYS)
count(audio, mark, tonumber(ARGV[3]))
if redis.call('HGET', mark, 'owner') == ARGV[2] then
  redis.call('HDEL', mark, 'owner')
  redis.call('ZREM', open, ARGV[1])
end
"""
