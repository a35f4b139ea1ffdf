"""The store's Lua scripts: what must be compared and changed in one step.

A call's hash tells who holds its stream: `worker` does, unless the call has `ended` or is put
`down`, which is the generation of its latest stream that is known to be over. A worker's set of
calls is only an index of that, and may name calls that are no longer its own.
"""

from __future__ import annotations

__all__ = ["DELETE", "FINISH", "LOST", "NOW", "SUPERSEDED", "TAKE", "WRITE", "WRITTEN"]

WRITTEN = 1
LOST = 0
SUPERSEDED = -1

LOG_EVENTS = 20_000
"""How many events of a call are kept, about: Redis lets go of whole nodes of a hundred."""

DELETED_TTL_S = 86_400
"""How long it is remembered that a call was deleted: a worker that was frozen meanwhile has all of
it, and would write it anew. No call lasts longer than a day, and no host is left frozen for one."""

# Redis's clock is the only one that all workers share. In ms, for 14 digits survive a script.
NOW = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
"""

# KEYS: call, log, index. ARGV: generation ('' = owns nothing), writer, acknowledged, sequence,
# record ('' = unchanged), ttl in s, sid, start in ms, oldest start to keep in ms, base of the
# workers' keys, 1 if the record is closed ('' = it is not), then sequence and event for each. Gives
# {verdict, the sequence up to which the writer's changes are here}.
WRITE = f"""
if redis.call('HEXISTS', KEYS[1], 'deleted') == 1 then
  return {{{SUPERSEDED}, 0}}
end
local generation = tonumber(ARGV[1])
local owner = tonumber(redis.call('HGET', KEYS[1], 'generation') or '0')
if generation and generation < owner then
  return {{{SUPERSEDED}, 0}}
end
-- Whoever has told the dialog of the call's end has closed the record: what its former holder, who
-- was frozen meanwhile perhaps, still knows of it comes too late.
local closed = redis.call('HMGET', KEYS[1], 'closer', 'closed')
if generation and closed[1] and closed[1] ~= ARGV[2] and generation <= tonumber(closed[2]) then
  return {{{SUPERSEDED}, 0}}
end
local field = 'sequence:' .. ARGV[2]
local here = tonumber(redis.call('HGET', KEYS[1], field) or '0')
if tonumber(ARGV[3]) > here then
  return {{{LOST}, here}}
end
local sequence = tonumber(ARGV[4])
if sequence > here then
  if ARGV[5] ~= '' then
    local former = redis.call('HGET', KEYS[1], 'worker')
    if former and generation > owner then
      -- Taken while Redis was away. Who holds it will say so when renewing its lease.
      redis.call('HDEL', KEYS[1], 'worker')
      redis.call('SREM', ARGV[10] .. former .. ':calls', ARGV[7])
    end
    redis.call('HSET', KEYS[1], 'json', ARGV[5], 'generation', ARGV[1])
    if ARGV[11] ~= '' then
      redis.call('HSET', KEYS[1], 'closer', ARGV[2], 'closed', ARGV[1])
    end
    redis.call('ZADD', KEYS[3], ARGV[8], ARGV[7])
    redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', ARGV[9])
    redis.call('EXPIRE', KEYS[3], ARGV[6])
  end
  for i = 12, #ARGV, 2 do
    if tonumber(ARGV[i]) > here then
      redis.call('XADD', KEYS[2], 'MAXLEN', '~', {LOG_EVENTS}, '*', 'event', ARGV[i + 1])
    end
  end
  redis.call('HSET', KEYS[1], field, sequence)
  redis.call('EXPIRE', KEYS[1], ARGV[6])
  redis.call('EXPIRE', KEYS[2], ARGV[6])
end
return {{{WRITTEN}, math.max(sequence, here)}}
"""

# KEYS: call, workers. ARGV: generation, worker, ttl in s, sid, base of the workers' keys.
# Gives {verdict, ms since the former holder's last renewal ('' = there is none), field, value, …}.
TAKE = f"""{NOW}
local generation = tonumber(ARGV[1])
local call = redis.call('HMGET', KEYS[1], 'generation', 'worker', 'down', 'ended', 'deleted')
local owner, former = tonumber(call[1] or '0'), call[2]
if call[5] or generation < owner or (generation == owner and former and former ~= ARGV[2]) then
  return {{{SUPERSEDED}}}
end
local silent = ''
if former and generation > owner then
  local renewed = redis.call('ZSCORE', KEYS[2], former)
  if renewed and not call[4] and tonumber(call[3] or '0') < owner then
    silent = math.max(0, now - renewed)
  end
  redis.call('SREM', ARGV[5] .. former .. ':calls', ARGV[4])
end
redis.call('HSET', KEYS[1], 'generation', ARGV[1], 'worker', ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[3])
local calls = ARGV[5] .. ARGV[2] .. ':calls'
redis.call('SADD', calls, ARGV[4])
redis.call('EXPIRE', calls, ARGV[3])
local answer = redis.call('HGETALL', KEYS[1])
table.insert(answer, 1, {WRITTEN})
table.insert(answer, 2, silent)
return answer
"""

# KEYS: call. ARGV: ended, ttl in s, sid, base of the workers' keys, generation ('' = whichever),
# who asks. Gives 1 to the first, as often as he asks: the answer may have been lost.
FINISH = """
if redis.call('HEXISTS', KEYS[1], 'deleted') == 1 then return 0 end
local generation = tonumber(ARGV[5])
if generation and generation < tonumber(redis.call('HGET', KEYS[1], 'generation') or '0') then
  return 0
end
if redis.call('HSETNX', KEYS[1], 'ended', ARGV[1]) == 1 then
  redis.call('HSET', KEYS[1], 'finisher', ARGV[6])
end
redis.call('EXPIRE', KEYS[1], ARGV[2])
local worker = redis.call('HGET', KEYS[1], 'worker')
if worker then redis.call('SREM', ARGV[4] .. worker .. ':calls', ARGV[3]) end
return redis.call('HGET', KEYS[1], 'finisher') == ARGV[6] and 1 or 0
"""

# KEYS: call, log, index. ARGV: sid, base of the workers' keys. Gives how much there was.
# That it was deleted is remembered: who had the call may end it later, or write what it knows.
DELETE = f"""
if redis.call('HEXISTS', KEYS[1], 'deleted') == 1 then return 0 end
local worker = redis.call('HGET', KEYS[1], 'worker')
if worker then redis.call('SREM', ARGV[2] .. worker .. ':calls', ARGV[1]) end
local deleted = redis.call('ZREM', KEYS[3], ARGV[1]) + redis.call('DEL', KEYS[1], KEYS[2])
if deleted > 0 then
  redis.call('HSET', KEYS[1], 'deleted', 1)
  redis.call('EXPIRE', KEYS[1], {DELETED_TTL_S})
end
return deleted
"""
