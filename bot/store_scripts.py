"""The store's Lua scripts: what must be compared and changed in one step."""

from __future__ import annotations

__all__ = ["FINISH", "LOST", "SUPERSEDED", "TAKE", "WRITE", "WRITTEN"]

WRITTEN = 1
LOST = 0
SUPERSEDED = -1

# KEYS: call, log, index. ARGV: generation ('' = owns nothing), writer, acknowledged, mark,
# record ('' = unchanged), ttl in s, sid, start in ms, oldest start to keep in ms, then mark and
# event for each. Gives {verdict, the mark up to which the writer's changes are here}.
WRITE = f"""
local generation = tonumber(ARGV[1])
if generation and generation < tonumber(redis.call('HGET', KEYS[1], 'generation') or '0') then
  return {{{SUPERSEDED}, 0}}
end
local field = 'mark:' .. ARGV[2]
local here = tonumber(redis.call('HGET', KEYS[1], field) or '0')
if tonumber(ARGV[3]) > here then
  return {{{LOST}, here}}
end
local mark = tonumber(ARGV[4])
if mark > here then
  if ARGV[5] ~= '' then
    redis.call('HSET', KEYS[1], 'json', ARGV[5], 'generation', ARGV[1])
    redis.call('ZADD', KEYS[3], ARGV[8], ARGV[7])
    redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', ARGV[9])
    redis.call('EXPIRE', KEYS[3], ARGV[6])
  end
  for i = 10, #ARGV, 2 do
    if tonumber(ARGV[i]) > here then
      redis.call('XADD', KEYS[2], '*', 'event', ARGV[i + 1])
    end
  end
  redis.call('HSET', KEYS[1], field, mark)
  redis.call('EXPIRE', KEYS[1], ARGV[6])
  redis.call('EXPIRE', KEYS[2], ARGV[6])
end
return {{{WRITTEN}, math.max(mark, here)}}
"""

# KEYS: call. ARGV: generation, worker, ttl in s. Gives {verdict, field, value, …}.
TAKE = f"""
local generation = tonumber(ARGV[1])
local owner = tonumber(redis.call('HGET', KEYS[1], 'generation') or '0')
if generation < owner then return {{{SUPERSEDED}}} end
if generation == owner then
  local worker = redis.call('HGET', KEYS[1], 'worker')
  if worker and worker ~= ARGV[2] then return {{{SUPERSEDED}}} end
end
redis.call('HSET', KEYS[1], 'generation', ARGV[1], 'worker', ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[3])
local answer = redis.call('HGETALL', KEYS[1])
table.insert(answer, 1, {WRITTEN})
return answer
"""

# KEYS: call. ARGV: ended, ttl in s. Gives 1 to the first.
FINISH = """
local first = redis.call('HSETNX', KEYS[1], 'ended', ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[2])
return first
"""
