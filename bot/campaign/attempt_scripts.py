"""The Lua scripts of attempts: what is looked at, and what becomes of them."""

from __future__ import annotations

from .scripts import Script

__all__ = ["ATTEMPT", "EMPTY_LIST", "LOOK", "LOST_ANSWER", "SETTLE", "VOID"]

ATTEMPT = """
local attempt = {}
local function read_attempt(id)
  local fields = redis.call('HGETALL', attempt_key(id))
  for i = 1, #fields, 2 do attempt[fields[i]] = fields[i + 1] end
  return #fields > 0
end

-- What is changed is written with `save`, or before the attempt is given.
local changed = {}
local function change(name, value)
  attempt[name] = value
  table.insert(changed, name)
  table.insert(changed, value)
end

local function save()
  if #changed > 0 then redis.call('HSET', attempt_key(asked.attempt), unpack(changed)) end
  changed = {}
end

local function given()
  save()
  return whole(asked.attempt)
end

local function retain()
  if over(redis.call('HGET', key(attempt.campaign), 'state')) then
    expire_attempt(asked.attempt, attempt.number, attempt.from_number, attempt.sid)
  end
end

local function release()
  redis.call('SREM', key(attempt.campaign, 'live'), asked.attempt)
  redis.call('SREM', LIVE, asked.attempt)
  redis.call('SREM', QUEUED, asked.attempt)
  redis.call('ZREM', WATCH, asked.attempt)
  unlock(attempt.number, asked.attempt)
  retain()
end

-- The contact, if this attempt is what it is live with.
local function live_contact()
  local contact = read_contact(attempt.campaign, attempt.number)
  return contact and contact.state == 'l' and contact.attempt == asked.attempt and contact
end

-- What they talked about with us while they were being called: a plan that they asked for, if its
-- campaign goes on; else the outcome that they are done with.
local function talk()
  if attempt.talked == 'callback' then
    if over(redis.call('HGET', key(attempt.campaign), 'state')) then return nil, nil end
    return cjson.decode(attempt.call_back), nil
  end
  return nil, attempt.talked
end
"""

# Asked: attempt, token. Gives the attempt; nothing when the token is old.
LOST_ANSWER = Script(f"""{ATTEMPT}
if not read_attempt(asked.attempt) or tonumber(attempt.token) ~= asked.token then return nil end
if attempt.sid or attempt.state ~= 'claimed' then return nil end
change('state', 'unknown')
change('token', asked.token + 1)
redis.call('ZADD', WATCH, 'XX', now, asked.attempt)
return given()
""")

# Asked: attempt, token, again_ms. The token changes, so that no list is counted twice.
EMPTY_LIST = Script(f"""{ATTEMPT}
if not read_attempt(asked.attempt) or tonumber(attempt.token) ~= asked.token then return nil end
if attempt.state ~= 'unknown' then return nil end
change('empties', tonumber(attempt.empties or '0') + 1)
change('token', asked.token + 1)
redis.call('ZADD', WATCH, 'XX', asked.again_ms, asked.attempt)
return given()
""")

# Asked: attempt, token, plan (or none), outcome, reason. Gives whether it was done.
VOID = Script(f"""{ATTEMPT}
if not read_attempt(asked.attempt) or tonumber(attempt.token) ~= asked.token then return 0 end
if attempt.state == 'void' then return 1 end
local undialled = attempt.state == 'ended' and attempt.undialled
if attempt.state ~= 'claimed' and attempt.state ~= 'unknown' and not undialled then return 0 end
change('state', 'void')
change('settled_ms', now)
if asked.reason ~= '' then change('reason', asked.reason) end
save()
release()
if undialled then
  -- That its call was placed has been told.
  push(attempt.campaign, attempt.number, 'attempt.ended', {{attempt = asked.attempt,
    call_sid = attempt.sid, outcome = 'canceled', reason = attempt.reason}})
end
count(attempt.campaign, 'attempts', -1)
local minute = key(attempt.campaign, 'minute:' .. math.floor(tonumber(attempt.claimed_ms) / 60000))
if redis.call('EXISTS', minute) == 1 then redis.call('DECR', minute) end
local contact = live_contact()
if contact then
  contact.attempts, contact.today = contact.attempts - 1, contact.today - 1
  local call_back, outcome = talk()
  if call_back then contact.outcome = 'callback' end
  local plan = call_back or not outcome and asked.plan
  if plan then
    wait(contact, plan)
  else
    finish(contact, outcome or asked.outcome)
  end
end
return 1
""")

_SETTLE = """
local UNREACHED = {busy = 1, no_answer = 1, failed = 1, voicemail = 1, hung_up_early = 1}

local function again(contact)
  local times = tonumber(string.match(contact.retries, asked.outcome .. '=(%d+)') or '0')
  local others = string.gsub(contact.retries, asked.outcome .. '=%d+,?', '')
  contact.retries = asked.outcome .. '=' .. (times + 1) .. (others ~= '' and ',' .. others or '')
  contact.retries = string.gsub(contact.retries, ',$', '')
  wait(contact, asked.plan)
end

-- So many failed calls in a row say more about us, or about Twilio, than about those called. Gives
-- why the campaign is paused for that; nothing when it is not.
local function feed_breaker()
  local name = key(attempt.campaign)
  if asked.outcome ~= 'failed' then
    if redis.call('HEXISTS', name, 'fails') == 1 then redis.call('HSET', name, 'fails', 0) end
    return
  end
  local kept = redis.call('HMGET', name, 'state', 'breaker')
  if kept[1] ~= 'running' then return end
  local fails = redis.call('HINCRBY', name, 'fails', 1)
  if fails >= tonumber(kept[2]) then
    local last = asked.reason ~= '' and ', the last: ' .. asked.reason or ''
    local why = fails .. ' calls failed in a row' .. last
    move(attempt.campaign, 'paused', why)
    return why
  end
end
"""

# Asked: attempt, outcome, plan (or none), reason, usd (or none), usd_micros, token (or none). Gives
# whether it was settled by this; {campaign, why} if that has paused its campaign.
SETTLE = Script(f"""{ATTEMPT}{_SETTLE}
if not read_attempt(asked.attempt) then return 0 end
if attempt.state == 'settled' or attempt.state == 'void' then return 0 end
if asked.token and (attempt.state ~= 'unknown' or tonumber(attempt.token) ~= asked.token) then
  return 0
end
change('state', 'settled')
change('settled_ms', now)
change('outcome', asked.outcome)
if asked.reason ~= '' then change('reason', asked.reason) end
if asked.usd then change('usd', asked.usd) end
save()
release()
count(attempt.campaign, 'outcome:' .. asked.outcome, 1)
count(attempt.campaign, 'talked_s', tonumber(attempt.duration_s or '0'))
count(attempt.campaign, 'usd_micros', asked.usd_micros)
push(attempt.campaign, attempt.number, 'attempt.ended', {{attempt = asked.attempt,
  call_sid = attempt.sid, outcome = asked.outcome,
  reason = attempt.reason}})
local contact = live_contact()
if contact then
  contact.outcome = asked.outcome
  local call_back, outcome = talk()
  -- What was said in the call decides more, but nobody is called again who does not consent.
  if not UNREACHED[asked.outcome] and not (asked.plan and outcome == 'no_consent') then
    call_back, outcome = nil, nil
  end
  if call_back then
    contact.outcome = 'callback'
    wait(contact, call_back)
  elseif asked.plan and not outcome then
    again(contact)
  else
    finish(contact, outcome or asked.outcome)
  end
end
local why = feed_breaker()
return why and {{attempt.campaign, why}} or 1
""")

# Asked: count, again_ms. Gives {attempt, …}.
LOOK = Script("""
-- An attempt that is gone, or whose campaign is, would keep its number and its place for ever.
local function forget(id, campaign)
  redis.call('SREM', LIVE, id)
  redis.call('SREM', QUEUED, id)
  redis.call('ZREM', WATCH, id)
  if campaign then redis.call('SREM', key(campaign, 'live'), id) end
  redis.call('EXPIRE', attempt_key(id), ttl)
  local held = redis.call('HGETALL', NUMBERS)
  for i = 1, #held, 2 do
    if string.find(held[i + 1], id, 1, true) then unlock(held[i], id) end
  end
end

local found = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', WATCH, '-inf', now, 'LIMIT', 0, asked.count)) do
  local campaign = redis.call('HGET', attempt_key(id), 'campaign')
  if campaign and redis.call('HEXISTS', key(campaign), 'spec') == 1 then
    redis.call('ZADD', WATCH, now + asked.again_ms, id)
    table.insert(found, whole(id))
  else
    forget(id, campaign)
  end
end
return found
""")
