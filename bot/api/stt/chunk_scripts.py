"""The Lua scripts of chunks that came by HTTP: taken in their order by whichever worker gets them,
kept until they are understood for good, and answered once.

Keys as those of `store_scripts`. Of a session's chunks there are in their hash::

    next           the index of the next one
    last           the index of the final one
    bytes          how much audio there is in all
    heard          the index of the first one that nobody has heard
    heard_bytes    how much audio is in those before
    interims       what was understood of the latest, not for good: a JSON array of messages
    not_honoured   parameters of which who recognizes makes nothing, with commas between
    told           the sequence up to which finals were in an answer
    d:{index}      the digest of a chunk
    f:{index}      what was wrong with a chunk, as JSON
    a:{index}      what was answered to a chunk: see `ANSWER`

and of its stream of chunks an entry's id is `{index + 1}-0`, and `at` where in the session's bytes
it begins.
"""

from __future__ import annotations

from bot.inbox import WAKE
from bot.store_lease_scripts import CLAIM_MS, LEASE_MS

from .store_scripts import COMMON

__all__ = ["ANSWER", "CAME", "MOST_BYTES", "PUT"]

CAME = ":in"
"""What ends the news that a chunk of a session came; other news is that one was heard."""

DIGESTS = 1000
"""Of so many chunks it is known what was in them."""
RESENT = 8
"""A chunk without an index that has the same bytes as one of so many is that one again."""
ANSWERS = 64
MOST_CHUNKS = 20_000
MOST_BYTES = 16 * 1024 * 1024
"""How much of a session is kept at once; of a container all, for it is read from its beginning."""

# Whether `asker` is to take the session, which nobody has who is alive: 1 for one worker, for a
# while. `held`: it has it, or is taking it; `unreachable`: who does not hear it, whatever its lease
# says.
_ORPHAN = f"""
local function orphan(asker, held, unreachable)
  local kept = redis.call('HMGET', session,
    'generation', 'worker', 'claimed', 'claimer', 'claimed_until')
  local owner = kept[2]
  if held == '1' then return 0 end
  if owner and owner ~= asker and owner ~= unreachable then
    local renewed = redis.call('ZSCORE', workers, owner)
    if renewed and now - renewed < {LEASE_MS} then return 0 end
  end
  if kept[3] == kept[1] and kept[4] ~= asker and now < tonumber(kept[5]) then return 0 end
  redis.call('HSET', session,
    'claimed', kept[1], 'claimer', asker, 'claimed_until', now + {CLAIM_MS})
  return 1
end
"""

# ARGV: key, worker, 1 if it has the session, index ('' = not told), digest, audio, 1 if it is the
# final one, 1 if it is silence, idle, id, base of the workers' keys.
# Gives {'stored' or 'again', index, owner, 1 if who asks is to take the session}, or {why not, …}:
# 'early', the next index; 'conflict', index; 'full', s to wait; 'long'; 'streamed', its audio comes
# another way.
PUT = f"""{COMMON}
local base = ARGV[11]
{WAKE}
{_ORPHAN}
local why, reason = gone(ARGV[1])
if why and why ~= 'ended' then return {{why}} end
local kept = redis.call('HMGET', session, 'worker', 'rate', 'most', 'audio_ms', 'early')
local known = redis.call('HMGET', chunks, 'next', 'last', 'bytes', 'heard_bytes')
local next, bytes = tonumber(known[1] or '0'), tonumber(known[3] or '0')
local index, digest, audio, final = tonumber(ARGV[4]), ARGV[5], ARGV[6], ARGV[7] == '1'

local function wait()
  redis.call('SADD', waiting, ARGV[2])
  keep(ARGV[9])
end

local function taken()
  wait()
  if kept[1] ~= ARGV[2] then tell(kept[1], ARGV[10] .. '{CAME}') end
end

if not index then
  index = next
  if ARGV[8] ~= '1' then
    for earlier = next - 1, math.max(0, next - {RESENT}), -1 do
      if redis.call('HGET', chunks, 'd:' .. earlier) == digest then
        index = earlier
        break
      end
    end
  end
end
if index < next then
  local before = redis.call('HGET', chunks, 'd:' .. index)
  if before and before ~= digest then return {{'conflict', index}} end
  if why then return {{'again', index, '', 0}} end
  if final and index == next - 1 and not known[2] then
    redis.call('HSET', chunks, 'last', index)
  end
  taken()
  return {{'again', index, kept[1], orphan(ARGV[2], ARGV[3], '')}}
end
if why then return {{why, reason}} end
if known[2] then return {{'ended', 'final_chunk'}} end
if not known[1] and tonumber(kept[4]) > 0 then return {{'streamed'}} end
if index > next then
  wait()
  redis.call('HSET', session, 'early', 1)
  return {{'early', next}}
end
local rate, most = tonumber(kept[2]), tonumber(kept[3])
local entries = redis.call('XLEN', input)
if rate == 0 and entries > 0 and (bytes + #audio > {MOST_BYTES} or entries >= {MOST_CHUNKS}) then
  return {{'long'}}
end
local unheard = bytes - tonumber(known[4] or '0')
if unheard > 0 and (unheard + #audio > most or entries >= {MOST_CHUNKS}) then
  wait()
  local over = math.max(0, unheard + #audio - most)
  return {{'full', math.max(1, math.ceil(over / math.max(1, rate)))}}
end
redis.call('XADD', input, (index + 1) .. '-0', 'at', bytes, 'final', ARGV[7], 'audio', audio)
redis.call('HSET', chunks, 'next', index + 1, 'bytes', bytes + #audio, 'd:' .. index, digest)
redis.call('HDEL', chunks, 'd:' .. index - {DIGESTS})
if final then redis.call('HSET', chunks, 'last', index) end
taken()
if kept[5] then
  redis.call('HDEL', session, 'early')
  wake(waiting, ARGV[10])
end
return {{'stored', index, kept[1], orphan(ARGV[2], ARGV[3], '')}}
"""

# ARGV: key, worker, 1 if it has the session, who of the others is unreachable, index, 1 if it is to
# be answered now. Gives {'wait', owner, 1 if who asks is to take the session}, or {'fault', JSON},
# or {'answer', what is answered as JSON, text of all finals, why it has ended, message of each
# final}, or {why not}.
#
# What is answered is kept, and what was in it is not in the next one: finals with a sequence above
# `from` up to `to`; `interims`; `not_honoured`; the text's first `bytes`, and how `sure` it is of
# `rated` bytes.
# The final chunk is answered with all there is once the session has ended.
ANSWER = f"""{COMMON}
{_ORPHAN}
local why, reason = gone(ARGV[1])
if why and why ~= 'ended' then return {{why}} end
local index = tonumber(ARGV[5])
local known = redis.call('HMGET', chunks, 'heard', 'last', 'told', 'interims',
  'f:' .. index, 'a:' .. index, 'not_honoured')
if known[5] then return {{'fault', known[5]}} end
local heard, whole = tonumber(known[1] or '0'), tonumber(known[2]) == index
local before = known[6] and cjson.decode(known[6])
if before and (not whole or before.status == 'ended' or before.status == 'unheard') then
  -- As it was.
elseif not (why or (index < heard and not whole) or ARGV[6] == '1') then
  local owner = redis.call('HGET', session, 'worker')
  return {{'wait', owner, orphan(ARGV[2], ARGV[3], ARGV[4])}}
else
  local kept = redis.call('HMGET', session, 'sequence', 'audio_ms', 'sure', 'rated')
  local from, to = before and before.from or tonumber(known[3] or '0'), tonumber(kept[1])
  -- What was answered to it is long forgotten: what is new is for the chunks of today.
  if index < heard - {ANSWERS} then from = to end
  local status = 'active'
  if why then
    status = (whole or index < heard) and 'ended' or 'unheard'
  elseif whole or index >= heard then
    status = 'waiting'
  end
  before = {{
    from = from, to = to,
    audio_ms = tonumber(kept[2]), bytes = redis.call('STRLEN', text),
    sure = tonumber(kept[3] or '0'), rated = tonumber(kept[4] or '0'),
    interims = why and '' or known[4] or '', status = status,
    not_honoured = known[7] or '',
  }}
  -- Of a session that was deleted nothing is to be kept any more.
  if redis.call('EXISTS', chunks) == 1 then
    redis.call('HSET', chunks, 'told', before.to, 'a:' .. index, cjson.encode(before))
    redis.call('HDEL', chunks, 'a:' .. index - {ANSWERS})
  end
end
local answer = {{'answer', cjson.encode(before), '', reason or ''}}
if before.bytes > 0 then answer[3] = redis.call('GETRANGE', text, 0, before.bytes - 1) end
if before.to > before.from then
  local first, last = (before.from + 1) .. '-0', before.to .. '-0'
  for _, entry in ipairs(redis.call('XRANGE', log, first, last)) do
    table.insert(answer, entry[2][2])
  end
end
return answer
"""
