"""The Lua script of a claim: all that decides whether somebody is dialled, at that moment."""

from __future__ import annotations

from bot.store_lease_scripts import LEASE_MS

from .reconcile import CLOSING_MS, FEW_QUEUED, LONGEST_MS, TAKEN_BACK_MS, TAKING_MS
from .scripts import Script

__all__ = ["CLAIM", "PUT_OFF_MS"]

PUT_OFF_MS = 60_000
"""When a contact is looked at again whose number is live, or whose plan is to be made anew."""

LOOKED_AT = 100
"""At how many contacts one claim looks at most: Redis does nothing else meanwhile."""

MOST_STALE = 50
"""Of so many whose plans are over it does not look at more, but for somebody whose plan is not."""

MINUTES_TTL_S = 720

# Who was asked for before, by the same ids, is given again: the answer may have been lost.
_AGAIN = """
local function again()
  local found = {}
  for _, id in ipairs(asked.ids) do
    local attempt = whole(id)
    if not attempt then break end
    table.insert(found, attempt)
  end
  return found
end
"""

# `pause`: ms until the next call may be placed, there being `gap` ms between two. `placed`: one is.
_PACE = """
local function pause(name, field, gap)
  local free = tonumber(redis.call('HGET', name, field) or '0')
  if free > now + gap then
    -- The clock was set back, or the rate raised.
    free = now + gap
    redis.call('HSET', name, field, string.format('%.3f', free))
  end
  return math.max(0, math.ceil(free - now))
end

local function placed(name, field, gap)
  local free = tonumber(redis.call('HGET', name, field) or '0')
  -- Parts of a ms are carried on, or 300 calls a second would be 250.
  local from = now - free < 1 and free or now
  redis.call('HSET', name, field, string.format('%.3f', from + gap))
end
"""

# How many calls the alive workers can take beside what they have and what is kept free.
_ROOM = f"""
local function room(live, kept_free)
  local workers = redis.call(
    'ZRANGEBYSCORE', prefix .. 'workers', '(' .. string.format('%d', now - {LEASE_MS}), '+inf')
  local most = 0
  for _, worker in ipairs(workers) do
    local said = redis.call('HMGET', prefix .. 'worker:' .. worker, 'max_calls', 'inbound')
    most = most + (tonumber(said[1] or '') or 0) - (tonumber(said[2] or '') or 0)
  end
  return #workers, most - live - kept_free
end
"""

# The number to call from: of those most like the called one, or of all, in turn.
_FROM = """
local function alike(one, other)
  local length = 0
  while length < #one and string.byte(one, length + 1) == string.byte(other, length + 1) do
    length = length + 1
  end
  return length
end

local function from_number(campaign, numbers, is_local, number)
  local best, found = -1, {}
  for candidate in string.gmatch(numbers, '%S+') do
    local length = is_local == '1' and alike(candidate, number) or 0
    if length > best then best, found = length, {} end
    if length == best then table.insert(found, candidate) end
  end
  if #found == 1 then return found[1] end
  return found[redis.call('HINCRBY', key(campaign), 'turn', 1) % #found + 1]
end
"""

_WRITE = f"""
local function write_attempt(id, contact, from, lease_ms)
  local number, till, day = contact.number, contact.till, contact.plan_day
  leave(contact)
  contact.today = (day == contact.day and contact.today or 0) + 1
  contact.attempts, contact.day = contact.attempts + 1, day
  contact.state, contact.attempt = 'l', id
  write_contact(contact)
  redis.call('HSET', attempt_key(id),
    'campaign', contact.campaign, 'number', number, 'from_number', from, 'state', 'claimed',
    'token', '1', 'ordinal', tostring(contact.attempts), 'claimed_ms', string.format('%d', now),
    'lease_until_ms', string.format('%d', now + lease_ms), 'until_ms', till, 'day', day)
  redis.call('RPUSH', key(contact.campaign, 'attempts'), id)
  redis.call('SADD', key(contact.campaign, 'live'), id)
  redis.call('SADD', LIVE, id)
  lock(number, id)
  redis.call('ZADD', WATCH, now + lease_ms, id)
  redis.call('HINCRBY', key(contact.campaign), 'attempts', 1)
  local minute = key(contact.campaign, 'minute:' .. math.floor(now / 60000))
  redis.call('INCR', minute)
  redis.call('EXPIRE', minute, {MINUTES_TTL_S})
  return whole(id)
end
"""

# In a zone's evening, or on the day after a pause, hundreds of thousands of plans are over at once,
# and all are before whoever may be called. So those are searched by halves: most whose plans are
# over were due before most of the others.
_OPEN = f"""
-- As `taken_back_ms` in `bot.campaign.reconcile`: the more calls wait, the longer that takes.
local queued = math.max(0, redis.call('SCARD', QUEUED) - {FEW_QUEUED})
local over_ms = now + {CLOSING_MS} + math.min(queued * {TAKING_MS}, {LONGEST_MS - TAKEN_BACK_MS})

local function plan_is_over(queue, rank)
  local number = redis.call('ZRANGE', queue, rank, rank)[1]
  local contact = read_contact(asked.campaign, number)
  return contact and contact.state == 'w' and tonumber(contact.till) <= over_ms
end

-- The rank of the first of `due` contacts whose plan is not over.
local function first_open(queue, due)
  local closed, open = -1, 0
  while open < due and plan_is_over(queue, open) do closed, open = open, 2 * open + 1 end
  open = math.min(open, due)
  while open - closed > 1 do
    local middle = math.floor((closed + open) / 2)
    if plan_is_over(queue, middle) then closed = middle else open = middle end
  end
  return open
end
"""

# Asked: campaign, ids, gap_ms (of the account), max_concurrent, inbound_room, lease_ms.
# Gives {why there are no more, ms until that may be otherwise or -1, {attempt, …},
# {number, contact, …} whose plan is over}.
CLAIM = Script(f"""{_AGAIN}{_PACE}{_ROOM}{_FROM}{_WRITE}{_OPEN}
local claimed, stale = again(), {{}}
if #claimed > 0 then return {{'', -1, claimed, stale}} end

local campaign, name, account = asked.campaign, key(asked.campaign), prefix .. 'dial:account'
local kept = redis.call('HMGET', name, 'state', 'starts', 'ends', 'gap', 'max', 'from', 'local')
local starts, ends, gap = tonumber(kept[2] or ''), tonumber(kept[3] or ''), tonumber(kept[4] or '')
if kept[1] ~= 'running' then return {{'state', -1, claimed, stale}} end
if starts and now < starts then return {{'early', starts - now, claimed, stale}} end
if ends and now >= ends then return {{'over', -1, claimed, stale}} end

local most, why = #asked.ids, ''
local function at_most(number, reason)
  if number < most then most, why = math.max(0, number), reason end
end
local pause_ms = gap and pause(name, 'next', gap) or 0
local account_ms = asked.gap_ms and pause(account, 'next', asked.gap_ms) or 0
if pause_ms > 0 and pause_ms >= account_ms then return {{'rate', pause_ms, claimed, stale}} end
if account_ms > 0 then return {{'account_rate', account_ms, claimed, stale}} end
local live = redis.call('SCARD', LIVE)
at_most(tonumber(kept[5]) - redis.call('SCARD', key(campaign, 'live')), 'concurrency')
at_most(asked.max_concurrent - live, 'account_concurrency')
local workers, free = room(live, asked.inbound_room)
if workers == 0 then at_most(0, 'workers') else at_most(free, 'inbound') end
if gap and (not asked.gap_ms or gap >= asked.gap_ms) then at_most(1, 'rate') end
if asked.gap_ms then at_most(1, 'account_rate') end

local function consider(queue, number)
  local contact = read_contact(campaign, number)
  if not contact or contact.state ~= 'w' then
    redis.call('ZREM', queue, number)
  elseif redis.call('HEXISTS', REFUSED, number) == 1 then
    leave(contact)
    finish(contact, 'do_not_call')
  elseif tonumber(contact.till) <= over_ms then
    redis.call('ZADD', queue, now + {PUT_OFF_MS}, number)
    table.insert(stale, number)
    table.insert(stale, contact.held)
  elseif redis.call('HEXISTS', NUMBERS, number) == 1 then
    redis.call('ZADD', queue, now + {PUT_OFF_MS}, number)
  else
    local from = from_number(campaign, kept[6], kept[7], number)
    local id = asked.ids[#claimed + 1]
    table.insert(claimed, write_attempt(id, contact, from, asked.lease_ms))
  end
end

local looked_at = 0
local function look(queue)
  local first = 0
  while #claimed < most and looked_at < {LOOKED_AT} do
    local due = redis.call('ZCOUNT', queue, '-inf', now)
    -- Of each of them there are two.
    if first == 0 and #stale >= 2 * {MOST_STALE} then first = first_open(queue, due) end
    local last = math.min(due, first + most - #claimed, first + {LOOKED_AT} - looked_at) - 1
    if last < first then return end
    -- Whoever is looked at is before the others no more.
    for _, number in ipairs(redis.call('ZRANGE', queue, first, last)) do consider(queue, number) end
    looked_at = looked_at + last - first + 1
  end
end
local queues = {{key(campaign, 'asked'), key(campaign, 'due')}}
for _, queue in ipairs(queues) do look(queue) end

if #claimed > 0 then
  redis.call('HSET', name, 'claimed', redis.call('HINCRBY', account, 'claims', 1))
  if gap then placed(name, 'next', gap) end
  if asked.gap_ms then placed(account, 'next', asked.gap_ms) end
end
if #claimed < most then
  local next_ms = math.huge
  for _, queue in ipairs(queues) do
    next_ms = math.min(next_ms, redis.call('ZRANGE', queue, 0, 0, 'WITHSCORES')[2] or math.huge)
  end
  if next_ms <= now then return {{'', 0, claimed, stale}} end
  return {{'nothing_due', next_ms < math.huge and next_ms - now or -1, claimed, stale}}
end
local wait_ms = -1
if why == 'rate' then wait_ms = math.ceil(gap) end
if why == 'account_rate' then wait_ms = math.ceil(asked.gap_ms) end
return {{why, wait_ms, claimed, stale}}
""")
