"""The Lua scripts of sessions: what must be compared and changed in one step.

Every script gets the same keys: the session's hash, its log of finals, its text, its chunks' hash,
the stream of its chunks, the set of workers that wait for news of it, and the workers' leases.
"""

from __future__ import annotations

from bot.inbox import WAKE
from bot.store_lease_scripts import LEASE_MS
from bot.store_scripts import LOST, NOW, SUPERSEDED, WRITTEN

__all__ = ["BEGIN", "COMMON", "DELETED", "EXPIRED", "FORGET", "GONE", "OWNER", "SHOW", "TAKE"]
__all__ += ["WRITE"]

DELETED = "deleted"
"""Why a session has ended that somebody deleted."""

GONE = ":deleted"
"""What follows its id where the worker that has it is told."""

EXPIRED = "idle"
"""Why one has ended of which nothing was heard for too long."""

TOMBSTONE_MS = 3_600_000
"""So long after it expired it is known that there was a session."""
SLACK_MS = 5_000
LOG_EVENTS = 20_000
"""How many finals of a session are kept: many hours' worth."""

# What all scripts begin with. `idle` is in ms.
COMMON = f"""{NOW}
local session, log, text, chunks, input, waiting, workers = unpack(KEYS)

local function keep(idle)
  redis.call('HSET', session, 'expires', now + idle)
  redis.call('PEXPIRE', session, idle + {TOMBSTONE_MS})
  for _, key in ipairs({{log, text, chunks, input, waiting}}) do
    redis.call('PEXPIRE', key, idle + {SLACK_MS})
  end
end

-- Why there is no such session for who has that key, and why it has ended; nothing if it goes on.
local function gone(key)
  local kept = redis.call('HMGET', session, 'key', 'expires', 'ended')
  if kept[1] ~= key then return 'unknown' end
  if kept[3] == '{EXPIRED}' or now >= tonumber(kept[2]) then return 'expired' end
  if kept[3] then return 'ended', kept[3] end
end
"""

# ARGV: key, worker, values, bytes of a frame, bytes of a second (0 = a container), how many bytes
# may wait, idle. Gives 1, or 0 when there is, or was, a session of that name.
BEGIN = f"""{COMMON}
if redis.call('EXISTS', session) == 1 then return 0 end
redis.call('DEL', log, text, chunks, input, waiting)
redis.call('HSET', session, 'key', ARGV[1], 'worker', ARGV[2], 'values', ARGV[3],
  'frame', ARGV[4], 'rate', ARGV[5], 'most', ARGV[6],
  'generation', 1, 'sequence', 0, 'audio_ms', 0, 'covered_ms', 0)
keep(ARGV[7])
return 1
"""

# ARGV: key, worker, idle. Gives {'taken', generation, values, sequence, from where in ms it is
# still to be understood, how much audio there was in ms, bytes of a frame, bytes of a second, how
# many bytes may wait}, or {why not, …}: {'chunks'} when its audio comes in chunks, and this worker
# is not the one that is to hear them.
TAKE = f"""{COMMON}
local why, reason = gone(ARGV[1])
if why then return {{why, reason}} end
local claim = redis.call('HMGET', session, 'generation', 'claimed', 'claimer')
if redis.call('EXISTS', chunks) == 1 and not (claim[1] == claim[2] and claim[3] == ARGV[2]) then
  return {{'chunks'}}
end
local generation = redis.call('HINCRBY', session, 'generation', 1)
redis.call('HSET', session, 'worker', ARGV[2])
keep(ARGV[3])
local kept = redis.call('HMGET', session,
  'values', 'sequence', 'covered_ms', 'audio_ms', 'frame', 'rate', 'most')
local from, rate = tonumber(kept[3]), tonumber(kept[6])
if rate > 0 then
  -- Of what was never understood for good, as silence, the oldest may be gone.
  local first = redis.call('XRANGE', input, '-', '+', 'COUNT', 1)[1]
  local bytes = first and first[2][2] or redis.call('HGET', chunks, 'bytes')
  if bytes then from = math.max(from, math.floor(bytes * 1000 / rate)) end
end
return {{'taken', generation, kept[1], tonumber(kept[2]), from, tonumber(kept[4]),
  tonumber(kept[5]), rate, tonumber(kept[7])}}
"""

# ARGV: generation, writer, acknowledged, sequence, record ('' = unchanged), idle, worker, id, base
# of the workers' keys, then sequence and event for each. Gives {verdict, the sequence up to which
# the writer's changes are here}; of what is superseded, {verdict, 1 if it was deleted, else 0}. An
# event is a line of JSON about a final, and its message.
WRITE = f"""{COMMON}
local base, field = ARGV[9], 'sequence:' .. ARGV[2]
{WAKE}
local kept = redis.call('HMGET', session, 'generation', 'worker', 'ended', 'expires')
local generation, owner = tonumber(ARGV[1]), tonumber(kept[1] or '0')
if generation < owner or (generation == owner and kept[2] and kept[2] ~= ARGV[7]) then
  return {{{SUPERSEDED}, kept[3] == '{DELETED}' and 1 or 0}}
end
if kept[4] and now >= tonumber(kept[4]) then
  if kept[3] then return {{{SUPERSEDED}, 0}} end
  -- It goes on, while Redis was away for longer than what was kept of it lives.
  redis.call('DEL', log, text, chunks, input)
  redis.call('HSET', session, 'sequence', 0, 'sure', 0, 'rated', 0, field, 0)
end
local here = tonumber(redis.call('HGET', session, field) or '0')
if tonumber(ARGV[3]) > here then return {{{LOST}, here}} end

local news = false

local function write(record)
  redis.call('HSET', session, 'generation', generation, 'worker', ARGV[7],
    'key', record.key, 'values', record.values,
    'frame', record.frame, 'rate', record.rate, 'most', record.most,
    'audio_ms', record.audio_ms, 'covered_ms', record.covered_ms)
  redis.call('HSETNX', session, 'sequence', 0)
  if record.ended ~= '' then
    redis.call('HSET', session, 'ended', record.ended)
    redis.call('DEL', input)
    news = true
  end
  if record.heard < 0 then return end
  news = news or tonumber(redis.call('HGET', chunks, 'heard') or '-1') ~= record.heard
  redis.call('HSET', chunks, 'heard', record.heard, 'heard_bytes', record.heard_bytes,
    'interims', record.interims, 'not_honoured', record.not_honoured)
  for index, fault in pairs(record.faults) do
    redis.call('HSET', chunks, 'f:' .. index, fault)
  end
  local next = tonumber(redis.call('HGET', chunks, 'next') or '0')
  if next < record.heard then
    redis.call('HSET', chunks, 'next', record.heard, 'bytes', record.heard_bytes)
  end
  redis.call('XTRIM', input, 'MINID', (record.keep + 1) .. '-0')
end

local function append(event)
  local line = string.find(event, '\\n', 1, true)
  local final = cjson.decode(string.sub(event, 1, line - 1))
  if final.sequence <= tonumber(redis.call('HGET', session, 'sequence') or '0') then return end
  redis.call('HSET', session, 'sequence', final.sequence)
  redis.call('XADD', log, 'MAXLEN', '~', {LOG_EVENTS}, final.sequence .. '-0',
    'message', string.sub(event, line + 1))
  if final.text ~= '' then
    local space = redis.call('STRLEN', text) > 0 and ' ' or ''
    redis.call('APPEND', text, space .. final.text)
  end
  redis.call('HINCRBYFLOAT', session, 'sure', final.sure)
  redis.call('HINCRBYFLOAT', session, 'rated', final.rated)
end

local sequence = tonumber(ARGV[4])
if sequence > here then
  if ARGV[5] ~= '' then write(cjson.decode(ARGV[5])) end
  for i = 10, #ARGV, 2 do
    if tonumber(ARGV[i]) > here then append(ARGV[i + 1]) end
  end
  redis.call('HSET', session, field, sequence)
  keep(ARGV[6])
  if news then wake(waiting, ARGV[8], ARGV[7]) end
end
return {{{WRITTEN}, math.max(sequence, here)}}
"""

# ARGV: key, worker. Gives the worker that has the session and is alive, or nothing; nor when who
# asks may not take it, or another one is taking it since it was found not to hear its chunks (see
# `chunk_scripts`).
OWNER = f"""{COMMON}
if gone(ARGV[1]) then return false end
local kept = redis.call('HMGET', session,
  'worker', 'claimer', 'generation', 'claimed', 'claimed_until')
local claimed = kept[3] == kept[4]
if claimed and now < tonumber(kept[5]) then return false end
if redis.call('EXISTS', chunks) == 1 and not (claimed and kept[2] == ARGV[2]) then return false end
local renewed = redis.call('ZSCORE', workers, kept[1])
return renewed and now - renewed < {LEASE_MS} and kept[1]
"""

# ARGV: key. Gives {'active' or 'ended', reason, values, worker, sequence, audio in ms, ms until it
# expires, text, how sure, of how much, chunks}, or {why not}.
SHOW = f"""{COMMON}
local why, reason = gone(ARGV[1])
if why and (why ~= 'ended' or reason == '{DELETED}') then return {{why, reason}} end
local kept = redis.call('HMGET', session, 'values', 'worker', 'sequence', 'audio_ms', 'expires',
  'sure', 'rated')
return {{why or 'active', reason or '', kept[1], kept[2] or '', tonumber(kept[3]),
  tonumber(kept[4]), kept[5] - now, redis.call('GET', text) or '', kept[6] or '0', kept[7] or '0',
  tonumber(redis.call('HGET', chunks, 'next') or '0')}}
"""

# ARGV: key, idle, id, base of the workers' keys. Gives {'deleted'}, or {why not, …}.
# Who has the session may write nothing of it any more.
FORGET = f"""{COMMON}
local base = ARGV[4]
{WAKE}
local why, reason = gone(ARGV[1])
if why and (why ~= 'ended' or reason == '{DELETED}') then return {{why, reason}} end
redis.call('DEL', log, text, chunks, input)
redis.call('HSET', session, 'ended', '{DELETED}', 'values', '')
redis.call('HINCRBY', session, 'generation', 1)
wake(waiting, ARGV[3])
local owner = redis.call('HGET', session, 'worker')
if owner then tell(owner, ARGV[3] .. '{GONE}') end
return {{'deleted'}}
"""
