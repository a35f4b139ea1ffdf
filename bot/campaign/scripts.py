"""What all scripts of the campaigns share, and how they are run.

A script is given no keys: which it needs it often learns only in Redis, so that it makes their
names itself (the deployment needs one Redis, no cluster of them). Its arguments: the time in ms
('' = Redis's own), the prefix, the time to live in s, what is asked as a JSON object, and more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import orjson
from redis.asyncio import Redis
from redis.exceptions import NoScriptError

from bot.redis_link import RedisLink

__all__ = ["Script", "Scripts"]

ENDED_LOOK_MS = 15_000
"""When the sweeper looks at an attempt that has ended and is not settled: its worker has died."""

_BEGIN = """
local prefix, ttl, asked = ARGV[2], ARGV[3], cjson.decode(ARGV[4])
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local LIVE, WATCH = prefix .. 'dial:live', prefix .. 'dial:watch'
local QUEUED = prefix .. 'dial:queued'
-- When whom Twilio may not dial any more is looked at: before all that is due.
local FIRST = 0
local NUMBERS, REFUSED = prefix .. 'dial:numbers', prefix .. 'do-not-call'

local function key(campaign, part)
  return prefix .. 'campaign:' .. campaign .. (part and ':' .. part or '')
end

local function attempt_key(id) return prefix .. 'attempt:' .. id end

-- An attempt is given as one string, a JSON list: field, value, … Many strings take long to read.
local function whole(id)
  local fields = redis.call('HGETALL', attempt_key(id))
  if #fields == 0 then return nil end
  table.insert(fields, 'id')
  table.insert(fields, id)
  return cjson.encode(fields)
end

-- A number is locked by its live attempt; by two when one that was given up turned up again.
local function lock(number, id)
  local held = redis.call('HGET', NUMBERS, number)
  redis.call('HSET', NUMBERS, number, held and held .. ' ' .. id or id)
end

local function unlock(number, id)
  local others = {}
  for held in string.gmatch(redis.call('HGET', NUMBERS, number) or '', '%S+') do
    if held ~= id then table.insert(others, held) end
  end
  if #others > 0 then
    redis.call('HSET', NUMBERS, number, table.concat(others, ' '))
  else
    redis.call('HDEL', NUMBERS, number)
  end
end

local function over(state) return not state or state == 'done' or state == 'canceled' end

-- Nothing is counted for a campaign that is gone: that would bring a part of it back.
local there = {}
local function count(campaign, field, by)
  if there[campaign] == nil then
    there[campaign] = redis.call('HEXISTS', key(campaign), 'spec') == 1
  end
  if there[campaign] and by ~= 0 then redis.call('HINCRBY', key(campaign), field, by) end
end
"""

# Events do not expire, or they would count as undelivered for ever: whoever delivers them gives up.
_EVENTS = """
local function push(campaign, number, kind, event)
  if redis.call('HGET', key(campaign), 'hook') ~= '1' then return end
  event.id = campaign .. '-' .. redis.call('HINCRBY', key(campaign), 'events', 1)
  event.type, event.at_ms = kind, now
  local outbox = key(campaign, 'outbox:' .. number)
  redis.call('RPUSH', outbox, cjson.encode(event))
  redis.call('ZADD', prefix .. 'campaigns:outbox', 'NX', now, campaign .. ':' .. number)
  redis.call('HINCRBY', key(campaign), 'undelivered', 1)
end
"""

# A contact: see `bot.campaign.packing`. Of one that waits `leave` is said first, and before
# its outcome is changed; then `wait`, `finish`, or that it is live.
_CONTACTS = """
local function shard(campaign, number)
  return key(campaign, 'contacts:' .. string.sub(number, -2))
end

local function read_contact(campaign, number)
  local held = redis.call('HGET', shard(campaign, number), number)
  if not held then return nil end
  local contact = {campaign = campaign, number = number, held = held}
  contact.state, contact.attempts, contact.today, contact.day, contact.attempt, contact.outcome,
    contact.retries, contact.due, contact.till, contact.plan_day, contact.rest = string.match(held,
      '^(%a)|(%d+)|(%d+)|([^|]*)|([^|]*)|([^|]*)|([^|]*)|([^|]*)|([^|]*)|([^|\\n]*)(\\n.*)$')
  contact.attempts, contact.today = tonumber(contact.attempts), tonumber(contact.today)
  return contact
end

local function write_contact(contact)
  contact.held = table.concat({contact.state, contact.attempts, contact.today, contact.day,
    contact.attempt, contact.outcome, contact.retries, contact.due, contact.till, contact.plan_day},
    '|') .. contact.rest
  redis.call('HSET', shard(contact.campaign, contact.number), contact.number, contact.held)
end

-- Where somebody waits: who asked for a call at a time is not to wait behind all who are due.
local function queue(contact)
  return key(contact.campaign, contact.outcome == 'callback' and 'asked' or 'due')
end

local function leave(contact)
  redis.call('ZREM', queue(contact), contact.number)
  count(contact.campaign, 'waiting', -1)
  contact.due, contact.till, contact.plan_day = '', '', ''
end

local function wait(contact, plan)
  contact.state = 'w'
  contact.due, contact.till, contact.plan_day =
    string.format('%d', plan.due_ms), string.format('%d', plan.until_ms), plan.day
  write_contact(contact)
  if not over(redis.call('HGET', key(contact.campaign), 'state')) then
    redis.call('ZADD', queue(contact), plan.due_ms, contact.number)
  end
  count(contact.campaign, 'waiting', 1)
end

local function finish(contact, outcome)
  contact.state, contact.outcome = 'd', outcome
  write_contact(contact)
  count(contact.campaign, 'done', 1)
  count(contact.campaign, 'done_attempts', contact.attempts)
  count(contact.campaign, 'became:' .. outcome, 1)
  local attempt = contact.attempt ~= '' and contact.attempt or nil
  push(contact.campaign, contact.number, 'contact.done', {outcome = outcome, attempt = attempt})
end
"""

_CHANGES = """
-- An attempt that is over is kept as long as its campaign is not, and for a while then.
local function expire_attempt(id, number, from, sid)
  redis.call('EXPIRE', attempt_key(id), ttl)
  if sid then redis.call('EXPIRE', prefix .. 'dial:sid:' .. sid, ttl) end
  local called = prefix .. 'called:' .. number .. ':' .. from
  if redis.call('GET', called) == id then redis.call('EXPIRE', called, ttl) end
end

-- The people of a campaign that is over, whoever is to take them away: that may be broken off.
local function expire_people(campaign)
  redis.call('UNLINK', key(campaign, 'due'), key(campaign, 'asked'))
  for number = 0, 99 do
    redis.call('EXPIRE', key(campaign, string.format('contacts:%02d', number)), ttl)
  end
end

-- The campaign is in another state from now on. One that is over expires with all it has: people
-- here, and what may be many attempts, and itself, by RETIRE.
local function move(campaign, to, reason, by_owner)
  redis.call('HSET', key(campaign), 'state', to, 'reason', reason,
    'by_owner', by_owner and '1' or '0')
  redis.call(to == 'running' and 'SADD' or 'SREM', prefix .. 'campaigns:running', campaign)
  if to == 'running' then
    redis.call('HSETNX', key(campaign), 'started', now)
    redis.call('HSET', key(campaign), 'fails', 0)
  end
  if over(to) then
    redis.call('SADD', prefix .. 'campaigns:clearing', campaign)
    redis.call('HSET', key(campaign), 'ended', now)
    expire_people(campaign)
  end
  push(campaign, '', 'campaign.' .. to, {reason = reason ~= '' and reason or nil})
end
"""

LIBRARY = _BEGIN + _EVENTS + _CONTACTS + _CHANGES


class Script:
    """A Lua script, behind what all of them share."""

    def __init__(self, body: str) -> None:
        self.text = LIBRARY + body
        self.sha = hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()


class Scripts:
    """Runs scripts.

    Args:
        link: the way to Redis.
        prefix: of all keys.
        ttl_s: how long what is over is kept.
        clock: ms since the epoch; None is Redis's own clock.
    """

    def __init__(
        self, link: RedisLink, prefix: str, ttl_s: int, clock: Callable[[], int] | None
    ) -> None:
        self.link = link
        self._prefix = prefix
        self._ttl_s = ttl_s
        self._clock = clock

    async def run(self, script: Script, asked: Mapping[str, Any], *more: str | bytes) -> Any:
        """Run a script; what it gives. What is None is not asked.

        Raises:
            StoreUnavailable: Redis does not answer in time.
        """
        question = orjson.dumps({name: value for name, value in asked.items() if value is not None})
        now = "" if self._clock is None else self._clock()
        values = [now, self._prefix, self._ttl_s, question, *more]

        async def ask(redis: Redis) -> Any:
            try:
                return await redis.evalsha(script.sha, 0, *values)
            except NoScriptError:  # a Redis that was restarted knows none
                return await redis.eval(script.text, 0, *values)

        return await self.link.ask(ask)
