"""The Lua scripts of campaigns and their contacts."""

from __future__ import annotations

from .scripts import Script

__all__ = [
    "ADD",
    "CALL_BACK",
    "CHANGE",
    "CREATE",
    "DELETE",
    "FINISH",
    "PROGRESS",
    "REPLAN",
    "RETIRE",
]

# Asked: campaign, fields. Gives 0 when the id is taken.
CREATE = Script("""
if redis.call('HSETNX', key(asked.campaign), 'created', now) == 0 then return 0 end
for field, value in pairs(asked.fields) do
  redis.call('HSET', key(asked.campaign), field, value)
end
redis.call('HSET', key(asked.campaign), 'state', 'draft', 'reason', '')
redis.call('ZADD', prefix .. 'campaigns', now, asked.campaign)
return 1
""")

# Asked: campaign, to, allowed (state -> true), reason, by_owner, loss (or none). Gives whether it
# was done.
CHANGE = Script("""
local name = key(asked.campaign)
local kept = redis.call('HMGET', name, 'state', 'ends', 'waiting')
if not kept[1] or over(kept[1]) or not asked.allowed[kept[1]] then return 0 end
if asked.to == 'done' then
  local ended = kept[2] and tonumber(kept[2]) <= now
  if redis.call('SCARD', key(asked.campaign, 'live')) > 0 then return 0 end
  if tonumber(kept[3] or '0') > 0 and not ended then return 0 end
end
if asked.loss then redis.call('HSET', name, 'loss', asked.loss) end
move(asked.campaign, asked.to, asked.reason, asked.by_owner)
return 1
""")

# Asked: campaign. Gives {its hash, live, due, when the next is due or -1, when the last is or -1,
# claimed lately, when the first minute of those began or -1}.
PROGRESS = Script("""
local due, soon, last = 0, nil, -1
for _, part in ipairs({'asked', 'due'}) do
  local queue = key(asked.campaign, part)
  due = due + redis.call('ZCOUNT', queue, '-inf', now)
  local first = tonumber(redis.call('ZRANGEBYSCORE', queue, '(' .. string.format('%d', now), '+inf',
    'WITHSCORES', 'LIMIT', 0, 1)[2] or '')
  if first and first < (soon or math.huge) then soon = first end
  last = math.max(last, tonumber(redis.call('ZRANGE', queue, -1, -1, 'WITHSCORES')[2] or '-1'))
end
local lately, minute, since = 0, math.floor(now / 60000), -1
for past = 0, 9 do
  local placed = tonumber(redis.call('GET', key(asked.campaign, 'minute:' .. minute - past)) or '0')
  lately = lately + placed
  if placed > 0 then since = (minute - past) * 60000 end
end
return {redis.call('HGETALL', key(asked.campaign)),
  redis.call('SCARD', key(asked.campaign, 'live')), due, soon or -1, last, lately, since}
""")

# Asked: campaign. Gives 1 when nobody will change it any more, so that it may be taken away.
DELETE = Script("""
local state = redis.call('HGET', key(asked.campaign), 'state')
if not state or state == 'running' or state == 'paused' then return 0 end
if redis.call('SCARD', key(asked.campaign, 'live')) > 0 then return 0 end
redis.call('HSET', key(asked.campaign), 'state', 'canceled', 'hook', 0, 'deleted', 1)
expire_people(asked.campaign)
return 1
""")

# Asked: campaign, count. Gives whether there are more attempts of a campaign that is over.
RETIRE = Script("""
local name, attempts = key(asked.campaign), key(asked.campaign, 'attempts')
local kept = redis.call('HMGET', name, 'state', 'retired')
if not kept[1] or not over(kept[1]) then return 0 end
local first = tonumber(kept[2] or '0')
local ids = redis.call('LRANGE', attempts, first, first + asked.count - 1)
for _, id in ipairs(ids) do
  local attempt = redis.call('HMGET', attempt_key(id), 'state', 'number', 'from_number', 'sid')
  if attempt[1] == 'settled' or attempt[1] == 'void' then
    expire_attempt(id, attempt[2], attempt[3], attempt[4])
  end
end
if #ids == asked.count then
  redis.call('HSET', name, 'retired', first + #ids)
  return 1
end
redis.call('EXPIRE', name, ttl)
redis.call('EXPIRE', attempts, ttl)
return 0
""")

_TALKED = """
-- They have talked with us while they are being called, or do not consent to it. Whoever settles
-- the attempt is told of it; Twilio is to take back a call that nobody has answered yet.
local function note_talked(contact, outcome, plan)
  local name = attempt_key(contact.attempt)
  if redis.call('HGET', name, 'talked') == 'no_consent' then return end
  redis.call('HSET', name, 'talked', outcome)
  if plan then redis.call('HSET', name, 'call_back', cjson.encode(plan)) end
  if redis.call('HEXISTS', name, 'answered_ms') == 0 then
    redis.call('ZADD', WATCH, 'XX', FIRST, contact.attempt)
  end
end
"""

# Asked: campaign. More: number, when it is due, contact, for each; '' and '' for who does not
# consent. Gives for each what it became, 0 for a campaign that is over.
ADD = Script(f"""{_TALKED}
local function withdraw(number)
  local contact = read_contact(asked.campaign, number)
  if not contact then return 'no_consent' end
  if contact.state == 'l' then
    local name = attempt_key(contact.attempt)
    note_talked(contact, 'no_consent')
    if redis.call('HEXISTS', name, 'answered_ms') == 0 then
      redis.call('HSET', name, 'unwanted', '1')
    end
    return 'withdrawn'
  end
  if contact.state == 'w' then
    leave(contact)
    finish(contact, 'no_consent')
  end
  -- To say it again changes nothing.
  return contact.outcome == 'no_consent' and 'withdrawn' or 'no_consent'
end

local name = key(asked.campaign)
if over(redis.call('HGET', name, 'state')) then return 0 end
local results, added = {{}}, 0
for i = 5, #ARGV, 3 do
  local number = ARGV[i]
  if ARGV[i + 2] == '' then
    table.insert(results, withdraw(number))
  elseif redis.call('HEXISTS', REFUSED, number) == 1 then
    table.insert(results, 'do_not_call')
  elseif redis.call('HSETNX', shard(asked.campaign, number), number, ARGV[i + 2]) == 0 then
    table.insert(results, 'duplicate')
  else
    redis.call('ZADD', key(asked.campaign, 'due'), ARGV[i + 1], number)
    table.insert(results, 'added')
    added = added + 1
  end
end
redis.call('HINCRBY', name, 'contacts', added)
redis.call('HINCRBY', name, 'waiting', added)
return results
""")

# Asked: campaign, contacts: {number, was (due|until|day), plan (or none)} for each.
# Gives for each whether that was so.
REPLAN = Script("""
local function replan(number, was, plan)
  local contact = read_contact(asked.campaign, number)
  if not contact or contact.state ~= 'w' then return 0 end
  if contact.due .. '|' .. contact.till .. '|' .. contact.plan_day ~= was then return 0 end
  leave(contact)
  if plan then wait(contact, plan) else finish(contact, 'expired') end
  return 1
end

local done = {}
for _, given in ipairs(asked.contacts) do
  table.insert(done, replan(given.number, given.was, given.plan))
end
return done
""")

# Asked: campaign, number, plan (or none). Gives whether it was done.
CALL_BACK = Script(f"""{_TALKED}
local contact = read_contact(asked.campaign, asked.number)
if not contact or contact.state == 'd' then return 0 end
if contact.state == 'l' then
  note_talked(contact, asked.plan and 'callback' or 'expired', asked.plan)
  return 1
end
leave(contact)
if asked.plan then
  contact.outcome = 'callback'
  wait(contact, asked.plan)
else
  finish(contact, 'expired')
end
return 1
""")

# Asked: campaign, number, outcome. Gives whether it was done, or will be with the live attempt.
FINISH = Script(f"""{_TALKED}
local contact = read_contact(asked.campaign, asked.number)
if not contact then return 0 end
local function tell()
  if asked.outcome ~= 'called_back' then return end
  local attempt = contact.attempt ~= '' and contact.attempt or nil
  push(asked.campaign, asked.number, 'contact.called_back', {{attempt = attempt}})
end
if contact.state == 'l' then
  local before = redis.call('HGET', attempt_key(contact.attempt), 'talked')
  note_talked(contact, asked.outcome)
  -- Who is told of it may have heard it before.
  if before ~= asked.outcome then tell() end
  return 1
end
if contact.state ~= 'w' then return 0 end
leave(contact)
tell()
finish(contact, asked.outcome)
return 1
""")
