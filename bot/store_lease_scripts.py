"""The Lua scripts of the leases: who is alive, and which calls have nobody."""

from __future__ import annotations

from .store_scripts import NOW

__all__ = ["CLAIM", "CLAIM_MS", "FORGET", "HELD_BY", "HOLDER", "LEASE_MS", "PUT_DOWN", "RENEW"]

LEASE_MS = 3000
CLAIM_MS = 10_000
RESCUED_MS = 60_000  # how long a call that Twilio was told to bring back may take
WORKER_TTL_S = 86_400

# Says that the call's stream of that generation is over. Needs `base` (of the workers' keys) and
# `ttl`.
_PUT_DOWN = """
local function put_down(key, sid, generation)
  local call = redis.call('HMGET', key, 'generation', 'worker', 'down', 'deleted')
  if call[4] then return end
  if generation > tonumber(call[3] or '0') then
    redis.call('HSET', key, 'down', generation)
    redis.call('EXPIRE', key, ttl)
  end
  if call[2] and generation >= tonumber(call[1] or '0') then
    redis.call('SREM', base .. call[2] .. ':calls', sid)
  end
end
"""

# KEYS: call. ARGV: sid, generation, base of the workers' keys, ttl in s.
PUT_DOWN = f"""
local base, ttl = ARGV[3], ARGV[4]
{_PUT_DOWN}
put_down(KEYS[1], ARGV[1], tonumber(ARGV[2]))
"""

# KEYS: workers, the worker's hash, its calls. ARGV: a JSON object: worker, info (field, value, …),
# held and down ({sid, generation}, …), call_base, base (of the workers' keys), ttl in s.
# Gives {ms since the last renewal or -1, ms until the next lease of another lapses or -1,
# {worker, ms since its last renewal, …} whose lease has lapsed, superseded SIDs}.
RENEW = f"""{NOW}
local asked = cjson.decode(ARGV[1])
local base, ttl = asked.base, asked.ttl
{_PUT_DOWN}

-- A clock that was set back would leave renewals in the future, which never grow old.
for _, worker in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. now, '+inf')) do
  redis.call('ZADD', KEYS[1], now, worker)
end
local renewed = redis.call('ZSCORE', KEYS[1], asked.worker)
local lapsed = renewed and now - renewed or -1
redis.call('ZADD', KEYS[1], now, asked.worker)
redis.call('EXPIRE', KEYS[1], {WORKER_TTL_S})
redis.call('HSET', KEYS[2], 'worker', asked.worker, unpack(asked.info))
redis.call('EXPIRE', KEYS[2], {WORKER_TTL_S})

for _, item in ipairs(asked.down) do
  put_down(asked.call_base .. item[1], item[1], item[2])
end

local superseded = {{}}
for _, item in ipairs(asked.held) do
  local sid, generation = item[1], item[2]
  local key = asked.call_base .. sid
  local call = redis.call('HMGET', key, 'generation', 'worker', 'down', 'ended', 'deleted')
  local owner, worker = tonumber(call[1] or '0'), call[2]
  local elsewhere = owner == generation and worker and worker ~= asked.worker
  if call[5] or owner > generation or elsewhere then
    table.insert(superseded, sid)
  elseif not call[4] and tonumber(call[3] or '0') < generation then
    if owner < generation or not worker then
      -- Taken while Redis was away, or lost by it.
      if worker then redis.call('SREM', base .. worker .. ':calls', sid) end
      redis.call('HSET', key, 'generation', generation, 'worker', asked.worker)
      redis.call('EXPIRE', key, ttl)
    end
    redis.call('SADD', KEYS[3], sid)
  end
end
redis.call('EXPIRE', KEYS[3], {WORKER_TTL_S})

local dead, due = {{}}, -1
local leases = redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')
for i = 1, #leases, 2 do
  local silent = now - leases[i + 1]
  if silent >= {LEASE_MS} then
    table.insert(dead, leases[i])
    table.insert(dead, silent)
  elseif leases[i] ~= asked.worker then
    due = {LEASE_MS} - silent
    break
  end
end
return {{lapsed, due, dead, superseded}}
"""

# KEYS: the worker's calls. ARGV: worker, base of the calls' keys.
# Gives {sid, generation, 1 if it was rescued, …}.
HELD_BY = """
local held = {}
for _, sid in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  local call = redis.call('HMGET', ARGV[2] .. sid,
    'generation', 'worker', 'down', 'ended', 'rescue', 'rescuer')
  local generation = tonumber(call[1] or '0')
  if call[2] == ARGV[1] and not call[4] and tonumber(call[3] or '0') < generation then
    table.insert(held, sid)
    table.insert(held, generation)
    table.insert(held, (tonumber(call[5] or '-1') == generation and call[6] == '') and 1 or 0)
  else
    redis.call('SREM', KEYS[1], sid)
  end
end
return held
"""

# KEYS: call, workers. Gives who holds the call's stream and is alive, or nothing.
HOLDER = f"""{NOW}
local call = redis.call('HMGET', KEYS[1], 'generation', 'worker', 'down', 'ended')
local over = call[4] or tonumber(call[3] or '0') >= tonumber(call[1] or '0')
local renewed = call[2] and not over and redis.call('ZSCORE', KEYS[2], call[2])
return renewed and now - renewed < {LEASE_MS} and call[2]
"""

# KEYS: call, workers. ARGV: generation, worker ('' = the call is rescued), ttl in s.
# Gives 1 to the one who is to see to the call now.
CLAIM = f"""{NOW}
local call = redis.call('HMGET', KEYS[1],
  'generation', 'worker', 'down', 'ended', 'rescue', 'rescuer', 'rescue_until')
local generation = tonumber(ARGV[1])
if tonumber(call[1] or '0') ~= generation or not call[2] or call[4]
    or tonumber(call[3] or '0') >= generation then
  return 0
end
local for_ms = {RESCUED_MS}
if ARGV[2] ~= '' then
  for_ms = {CLAIM_MS}
  local renewed = redis.call('ZSCORE', KEYS[2], call[2])
  if renewed and now - renewed < {LEASE_MS} then return 0 end
  if call[5] and tonumber(call[5]) == generation and call[6] ~= ARGV[2]
      and now < tonumber(call[7]) then
    return 0
  end
end
redis.call('HSET', KEYS[1],
  'rescue', generation, 'rescuer', ARGV[2], 'rescue_until', now + for_ms)
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 1
"""

# KEYS: workers, the worker's hash, its calls, its inbox. ARGV: worker, 1 if it is leaving.
# One without calls is taken off the list, unless it is alive; the calls that one leaves without
# orderly end have nobody at once. Gives 1 when it is off the list.
FORGET = f"""{NOW}
local renewed = redis.call('ZSCORE', KEYS[1], ARGV[1])
local alive = renewed and now - renewed < {LEASE_MS}
if redis.call('SCARD', KEYS[3]) == 0 and (ARGV[2] == '1' or not alive) then
  redis.call('ZREM', KEYS[1], ARGV[1])
  redis.call('DEL', KEYS[2], KEYS[3], KEYS[4])
  return 1
end
if ARGV[2] == '1' then redis.call('ZADD', KEYS[1], now - {LEASE_MS}, ARGV[1]) end
return 0
"""
