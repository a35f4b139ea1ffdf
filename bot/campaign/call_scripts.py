"""The Lua scripts of attempts' calls: what is learned of them."""

from __future__ import annotations

from .attempt_scripts import ATTEMPT
from .reconcile import CLOSED_LOOK_MS
from .scripts import ENDED_LOOK_MS, Script

__all__ = ["CLOSED", "NOTE"]

_NOTE = f"""
local RANK = {{queued = 1, initiated = 2, ringing = 3, ['in-progress'] = 4, completed = 5, busy = 5,
  ['no-answer'] = 5, failed = 5, canceled = 5}}

local function tell(kind)
  push(attempt.campaign, attempt.number, kind, {{attempt = asked.attempt, call_sid = attempt.sid}})
end

-- A call is one attempt's: what was found to be another's stays that one's.
local function bind()
  local name = prefix .. 'dial:sid:' .. asked.sid
  local owner = redis.call('GET', name)
  if owner and owner ~= asked.attempt then return false end
  redis.call('SET', name, asked.attempt)
  change('sid', asked.sid)
  if attempt.state == 'settled' or attempt.state == 'void' then retain() end
  return true
end

-- A call that was given up as never placed turns up: it counts, unless its contact is in another.
-- Who is done stays so: what became of them is not decided again by a call that comes too late.
local function revive()
  if redis.call('HEXISTS', key(attempt.campaign), 'deleted') == 1 then return false end
  local contact = read_contact(attempt.campaign, attempt.number)
  if not contact or contact.state == 'l' then return false end
  if contact.state == 'w' then
    leave(contact)
    contact.state, contact.attempt = 'l', asked.attempt
  else
    count(attempt.campaign, 'done_attempts', 1)
  end
  contact.today = (attempt.day == contact.day and contact.today or 0) + 1
  contact.attempts, contact.day = contact.attempts + 1, attempt.day
  write_contact(contact)
  -- Why it was given up is not so.
  redis.call('HDEL', attempt_key(asked.attempt), 'reason', 'settled_ms')
  attempt.reason, attempt.settled_ms = nil, nil
  if redis.call('HEXISTS', REFUSED, attempt.number) == 1 then change('unwanted', '1') end
  count(attempt.campaign, 'attempts', 1)
  redis.call('PERSIST', attempt_key(asked.attempt))
  redis.call('SADD', key(attempt.campaign, 'live'), asked.attempt)
  redis.call('SADD', LIVE, asked.attempt)
  lock(attempt.number, asked.attempt)
  redis.call('ZADD', WATCH, now, asked.attempt)
  return true
end

local function look_in(ms)
  local look = redis.call('ZSCORE', WATCH, asked.attempt)
  if look and now + ms < tonumber(look) then redis.call('ZADD', WATCH, now + ms, asked.attempt) end
end

local function place()
  change('state', 'placed')
  change('placed_ms', now)
  redis.call('SADD', QUEUED, asked.attempt)
  local called = prefix .. 'called:' .. attempt.number .. ':' .. attempt.from_number
  redis.call('SET', called, asked.attempt)
  -- They have asked not to be called, or have called us: Twilio is to be told at once.
  if attempt.unwanted or attempt.talked then
    redis.call('ZADD', WATCH, 'XX', FIRST, asked.attempt)
  end
  tell('attempt.placed')
end

-- Twilio did dial, and its word of that was late: what was taken back is a call like any other.
local function dialled(status)
  local rank = RANK[status] or 0
  if not attempt.undialled or rank <= RANK.queued or status == 'canceled' then return false end
  if attempt.state == 'void' then
    if not revive() then return false end
    change('state', 'ended')
  end
  redis.call('HDEL', attempt_key(asked.attempt), 'undialled')
  attempt.undialled = nil
  return true
end

local function follow(status)
  local rank = RANK[status]
  local known = RANK[attempt.status] or 0
  if not rank or rank <= known then return end
  -- Twilio had it in its queue until it was taken back: nobody's telephone rang.
  if status == 'canceled' and known <= RANK.queued then change('undialled', '1') end
  change('status', status)
  if rank > RANK.queued then redis.call('SREM', QUEUED, asked.attempt) end
  if status == 'in-progress' then
    change('answered_ms', now)
    tell('attempt.answered')
  elseif rank == 5 then
    change('state', 'ended')
    change('ended_ms', now)
    look_in({ENDED_LOOK_MS})
  end
end
"""

# Asked: attempt, sid, status, facts. Gives the attempt; nothing when there is none.
NOTE = Script(f"""{ATTEMPT}{_NOTE}
if not read_attempt(asked.attempt) then return nil end
if attempt.sid and attempt.sid ~= asked.sid then return given() end
if not attempt.sid and not bind() then return given() end
if attempt.state == 'settled' or dialled(asked.status) then return given() end
if attempt.state == 'void' and (attempt.undialled or not revive()) then return given() end
if attempt.state ~= 'placed' and attempt.state ~= 'ended' then place() end
for name, value in pairs(asked.facts) do
  if not attempt[name] then change(name, value) end
end
follow(asked.status)
return given()
""")

# Asked: attempt, sid. Gives whether Twilio has not told of the call's end.
CLOSED = Script(f"""{ATTEMPT}{_NOTE}
if not read_attempt(asked.attempt) then return 0 end
if attempt.state ~= 'placed' or attempt.sid ~= asked.sid then return 0 end
change('closed_ms', now)
save()
look_in({CLOSED_LOOK_MS})
return 1
""")
