"""The Lua scripts of the do-not-call list, and of the events for campaigns' owners."""

from __future__ import annotations

from .scripts import Script

__all__ = ["DELIVERED", "NEXT_EVENTS", "REFUSE", "UNDELIVERED"]

EVENTS = 100
"""How many of a contact's events are given at once."""

# Asked: number, source. Gives whether it is new on the list. A call that nobody has answered yet is
# to be taken back; one that somebody has goes on, and may be the one in which they asked for it.
REFUSE = Script("""
local said = cjson.encode({source = asked.source, at_ms = now})
if redis.call('HSETNX', REFUSED, asked.number, said) == 0 then return 0 end
for id in string.gmatch(redis.call('HGET', NUMBERS, asked.number) or '', '%S+') do
  local kept = redis.call('HMGET', attempt_key(id), 'campaign', 'sid', 'answered_ms')
  if kept[1] then
    if not kept[3] and kept[2] ~= asked.source then
      redis.call('HSET', attempt_key(id), 'unwanted', '1')
      redis.call('ZADD', WATCH, 'XX', FIRST, id)
    end
    push(kept[1], asked.number, 'contact.do_not_call', {attempt = id})
  end
end
return 1
""")

# Asked: count, lease_ms. Gives {{campaign, number, {event, …}}, …}.
NEXT_EVENTS = Script(f"""
local found, due = {{}}, prefix .. 'campaigns:outbox'
for _, member in ipairs(redis.call('ZRANGEBYSCORE', due, '-inf', now, 'LIMIT', 0, asked.count)) do
  local campaign, number = string.match(member, '^([^:]*):(.*)$')
  local events = redis.call('LRANGE', key(campaign, 'outbox:' .. number), 0, {EVENTS - 1})
  if #events == 0 then
    redis.call('ZREM', due, member)
  else
    redis.call('ZADD', due, now + asked.lease_ms, member)
    table.insert(found, {{campaign, number, events}})
  end
end
return found
""")

# Asked: campaign, number, event.
DELIVERED = Script("""
local outbox = key(asked.campaign, 'outbox:' .. asked.number)
local first = redis.call('LINDEX', outbox, 0)
if not first or cjson.decode(first).id ~= asked.event then return 0 end
redis.call('LPOP', outbox)
count(asked.campaign, 'undelivered', -1)
if redis.call('LLEN', outbox) == 0 then
  redis.call('ZREM', prefix .. 'campaigns:outbox', asked.campaign .. ':' .. asked.number)
end
return 1
""")

# Asked: campaign, number, again_ms.
UNDELIVERED = Script("""
local member = asked.campaign .. ':' .. asked.number
return redis.call('ZADD', prefix .. 'campaigns:outbox', 'XX', asked.again_ms, member)
""")
