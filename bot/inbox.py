"""Reaching the worker that holds a call: what lands elsewhere is done where the call is.

A command is kept under a key of its own, with the deadline as its time to live, and the holder's
inbox holds its id. Who takes that key away decides about it: the holder, who then carries the
command out in what is left of its time and says so with a receipt, or the sender, who takes it
back at the deadline. So a command is carried out once or not at all, by Redis's clock.

Commands that take long have a way of their own, so that calls are not kept waiting by them.

Scripts that change what a worker waits for wake it by its inbox, too (`WAKE`): a hint that nobody
answers, and that may be lost.

Keys, each with a time to live::

    PREFIX worker:{id}:inbox      list: ids of commands, after a `~` if it takes long; or `!` and
                                  of what there is news
    PREFIX command:{id}           the command: {"id", "kind", "sid", …}
    PREFIX command:{id}:receipt   list of one: 1 = it was carried out, 0 = it could not be,
                                  -1 = it was tried in vain
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal, cast

import orjson
import structlog

from .metrics import Metrics
from .redis_link import RedisLink, StoreUnavailable
from .store_keys import Keys
from .store_scripts import NOW

__all__ = ["ORDER_S", "WAKE", "Command", "CommandFailed", "Handler", "Inbox"]

DEADLINE_S = 2.0
ORDER_S = 1.2
"""How long Twilio may take for a command that cannot be kept in Redis: less than is left until the
deadline, so that who wants it is told what came of it."""

MAX_WAITING = 1000
INBOX_TTL_S = 60
RECEIPT_TTL_S = 10
HANDLERS = 8
"""How many commands are carried out at the same time."""
SLOW_HANDLERS = 32
"""How many of those that take long are besides, and how many are waited for; what is more than that
is not done. A recognizer answers within 3 s."""

WAIT_S = 1.0
STEP_S = 0.3
GRACE_S = 0.2
"""How long after a command's deadline the receipt may be on its way."""

BACKOFF_S = (0.05, 0.1, 0.2, 0.5)
DONE, UNDONE, FAILED = b"1", b"0", b"-1"
"""What a receipt says."""

CONNECTIONS = 17
"""One receives; so many others may wait for a receipt, each on one."""

# KEYS: inbox, command. ARGV: id, command (JSON), deadline in ms of Redis's clock, how many may
# wait, ttl in s. Gives 1 if it waits now; not so when Redis itself was stopped in between.
SEND = f"""{NOW}
local left = ARGV[3] - now
if left <= 0 or redis.call('LLEN', KEYS[1]) >= tonumber(ARGV[4]) then return 0 end
redis.call('SET', KEYS[2], ARGV[2], 'PX', left)
redis.call('RPUSH', KEYS[1], ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[5])
return 1
"""

# KEYS: command. Gives it and how many ms are left for it, once; else nothing.
ACCEPT = """
local command, left = redis.call('GET', KEYS[1]), redis.call('PTTL', KEYS[1])
redis.call('DEL', KEYS[1])
return command and {command, left}
"""

WAKING = "!"
"""What an item of an inbox begins with that is no command's id."""
SLOW = "~"
"""What one begins with of a command that takes long."""

# Needs `base` of the workers' keys. `tell` tells a worker that there is `news` of something; `wake`
# all whom the set `waiting` names, but one.
WAKE = f"""
local function tell(worker, news)
  local inbox = base .. worker .. ':inbox'
  if redis.call('LLEN', inbox) >= {MAX_WAITING} then return false end
  redis.call('RPUSH', inbox, '{WAKING}' .. news)
  redis.call('EXPIRE', inbox, {INBOX_TTL_S})
  return true
end

local function wake(waiting, news, but)
  for _, worker in ipairs(redis.call('SMEMBERS', waiting)) do
    if worker ~= but and not tell(worker, news) then redis.call('SREM', waiting, worker) end
  end
end
"""

# KEYS: receipt. ARGV: what it says, ttl in s.
RECEIPT = """
redis.call('RPUSH', KEYS[1], ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[2])
"""

log = structlog.get_logger(__name__)


class CommandFailed(Exception):
    """The call is here, and what was tried there has not succeeded, as far as anybody knows."""


@dataclass(frozen=True, slots=True)
class Command:
    """What the holder of a call is to do with it.

    Attributes:
        kind: hang up, transfer it, or hear what answering-machine detection found; of a session of
            the streaming STT API: say whether it is heard here, or let it go.
        sid: the call's, or the session's.
        reason: of a hang-up.
        to, caller_id: of a transfer.
        answered_by: of `amd`, Twilio's word.
        id: of this one command.
    """

    kind: Literal["hangup", "transfer", "amd", "stt_hear", "stt_let_go"]
    sid: str
    reason: str | None = None
    to: str | None = field(default=None, repr=False)
    caller_id: str | None = field(default=None, repr=False)
    answered_by: str | None = None
    id: str = field(default_factory=lambda: secrets.token_hex(8))

    @property
    def slow(self) -> bool:
        """Whether it takes long, as a recognizer's last words do."""
        return self.kind == "stt_let_go"


Handler = Callable[[Command], Awaitable[None]]
"""Carries out a command; raises `LookupError` when the call is not here, or `CommandFailed`."""

Waker = Callable[[str], None]
"""Told of what there is news; must not raise or wait."""


class Inbox:
    """The commands that reach a worker, and those that it sends to others.

    Args:
        url, prefix: of Redis, as the store's.
        worker: whose inbox it is.
        metrics: where what was sent is counted.
    """

    def __init__(self, url: str, worker: str, *, prefix: str, metrics: Metrics) -> None:
        self._keys = Keys(prefix)
        self._worker = worker
        self._metrics = metrics
        # Connections of its own: waiting for a command must not keep the store from writing.
        self._link = RedisLink(url, metrics, DEADLINE_S + WAIT_S, CONNECTIONS)
        self._slow_link = RedisLink(url, metrics, DEADLINE_S + WAIT_S, SLOW_HANDLERS)
        self._ids: asyncio.Queue[tuple[str, Handler]] = asyncio.Queue(HANDLERS)
        self._slow_sent = self._slow_here = 0

    async def aclose(self) -> None:
        """Close the connections."""
        await self._link.aclose()
        await self._slow_link.aclose()

    async def run(self, handler: Handler, waker: Waker = lambda of: None) -> None:
        """Receive commands for ever and have them carried out; the worker starts this once."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._receive(handler, waker, group))
            for _ in range(HANDLERS):
                group.create_task(self._handle())

    async def send(self, worker: str, command: Command, deadline_s: float = DEADLINE_S) -> bool:
        """Have `worker` carry out a command; true when it has.

        False when it could not, or has not within the deadline and then never will; or when Redis
        failed, so that nobody knows.

        Raises:
            CommandFailed: it has tried in vain, and Twilio may have done it all the same.
        """
        receipt = None
        with suppress(StoreUnavailable):
            if not command.slow:
                receipt = await self._send(worker, command, deadline_s)
            elif self._slow_sent < SLOW_HANDLERS:
                self._slow_sent += 1
                try:
                    receipt = await self._send(worker, command, deadline_s)
                finally:
                    self._slow_sent -= 1
        done = receipt == DONE
        self._metrics.commands.labels("delivered" if done else "undelivered").inc()
        if not done:
            log.warning("command undelivered", kind=command.kind, call_sid=command.sid, to=worker)
        if receipt == FAILED:
            raise CommandFailed
        return done

    async def _send(self, worker: str, command: Command, deadline_s: float) -> bytes | None:
        keys, began_s = self._keys, _now_s()
        seconds, micros = await self._link.ask(lambda redis: redis.time(), STEP_S)
        # Of Redis's clock: a command that reaches Redis only after it hung is not to be done.
        until_ms = seconds * 1000 + micros // 1000 + round(deadline_s * 1000)
        item = SLOW + command.id if command.slow else command.id
        values = [item, orjson.dumps(command), until_ms, MAX_WAITING, INBOX_TTL_S]
        names = [keys.inbox(worker), keys.command(command.id)]
        if not await self._link.eval(SEND, names, values, STEP_S):
            return None
        left_s = began_s + deadline_s - _now_s()
        receipt = await self._receipt(command, left_s) if left_s > 0 else None
        if receipt is None:
            name = keys.command(command.id)
            if await self._link.ask(lambda redis: redis.delete(name), STEP_S):
                return None  # taken back
            receipt = await self._receipt(command, GRACE_S)
        return receipt

    async def _receipt(self, command: Command, wait_s: float) -> bytes | None:
        link = self._slow_link if command.slow else self._link
        return await _pop(link, self._keys.receipt(command.id), wait_s)

    async def _receive(self, handler: Handler, waker: Waker, group: asyncio.TaskGroup) -> None:
        failures, name = 0, self._keys.inbox(self._worker)
        while True:
            try:
                popped = await _pop(self._link, name, WAIT_S)
            except StoreUnavailable:
                await asyncio.sleep(BACKOFF_S[min(failures, len(BACKOFF_S) - 1)])
                failures += 1
                continue
            failures = 0
            if popped is None:
                continue
            item = popped.decode()
            if item.startswith(WAKING):
                waker(item.removeprefix(WAKING))
            elif not item.startswith(SLOW):
                await self._ids.put((item, handler))
            elif self._slow_here < SLOW_HANDLERS:
                self._slow_here += 1
                group.create_task(self._handle_slow(item.removeprefix(SLOW), handler))
            else:
                await self._ids.put((item.removeprefix(SLOW), _refuse))

    async def _handle(self) -> None:
        while True:
            command, handler = await self._ids.get()
            await self._try(command, handler)

    async def _handle_slow(self, command: str, handler: Handler) -> None:
        try:
            await self._try(command, handler)
        finally:
            self._slow_here -= 1

    async def _try(self, command: str, handler: Handler) -> None:
        # One command's fault, or Redis's, must not keep the others from being carried out. The
        # sender learns from a missing receipt.
        with suppress(StoreUnavailable):
            await self._accept(command, handler)

    async def _accept(self, command: str, handler: Handler) -> None:
        asked_s = _now_s()
        accepted = await self._link.eval(ACCEPT, [self._keys.command(command)], [], STEP_S)
        if accepted is None:
            return  # taken back, or too old
        text, left_ms = accepted
        receipt = await _carry_out(text, asked_s + left_ms / 1000, handler)
        name = self._keys.receipt(command)
        await self._link.eval(RECEIPT, [name], [receipt, RECEIPT_TTL_S], STEP_S)


def _now_s() -> float:
    return asyncio.get_running_loop().time()


async def _pop(link: RedisLink, key: str, wait_s: float) -> bytes | None:
    """The next item of a list, or None if there is none for so long."""
    popped = await link.ask(lambda redis: redis.blpop([key], timeout=wait_s), wait_s + STEP_S)
    return None if popped is None else cast(bytes, popped[1])


async def _refuse(command: Command) -> None:
    raise LookupError("too many commands that take long")


async def _carry_out(text: bytes, until_s: float, handler: Handler) -> bytes:
    """Have a command carried out before `until_s`; gives what its receipt says."""
    try:
        command = Command(**orjson.loads(text))
        async with asyncio.timeout_at(until_s):
            await asyncio.sleep(0)  # where one who slept until now is told that it is too late
            await handler(command)
    except (LookupError, TimeoutError) as error:
        log.info("command not carried out", error=type(error).__name__)
        return UNDONE
    except CommandFailed as error:
        log.warning("command tried in vain", error=str(error))
        return FAILED
    except Exception as error:
        # It must not keep others from being carried out; the sender asks Twilio instead.
        log.error("command failed", exc_info=error)
        return UNDONE
    return DONE
