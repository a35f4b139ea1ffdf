"""Reaching a call wherever it is: what lands on a worker that does not hold the call.

A command is carried out by this worker if the call's stream is here, else by the worker that holds
it. When nobody does, or the holder does not answer, Twilio is told by REST.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

import structlog

from bot.dialog.types import Ended, Hangup, Transfer
from bot.inbox import Command, CommandFailed, Inbox
from bot.record import Record
from bot.store import Store, StoreUnavailable, Superseded
from bot.telephony.facts import ASKED_TTL_S, asked_key
from bot.telephony.orders import Orders
from bot.telephony.pending import dump_pending
from bot.telephony.rest_errors import CallGone, RestError, RestUnavailable, RestUnreached

__all__ = ["CommandedCalls", "EndingCalls", "Outcome", "Reached", "Reaching", "action_of"]

log = structlog.get_logger(__name__)

DEADLINE_S = 2.0
TOO_LATE_S = 10.0
"""Nobody takes so long over a command who was not frozen meanwhile, for minutes perhaps. What has
happened to the caller since is not to be undone."""

DEFAULT_REASON = "api"
AMD_TRIES = 3
"""A call may get another stream, which owns its record, while it is being written."""


class CommandedCalls(Protocol):
    """The calls of this worker."""

    def holds(self, sid: str) -> bool:
        """Whether the call's record is kept by this worker."""

    async def command(self, command: Command) -> None:
        """Carry a command out.

        Raises:
            LookupError: the call has no stream here, or not any more.
            CommandFailed: it was tried in vain.
        """


class EndingCalls(Protocol):
    """Where the end of a call is seen to."""

    async def end(self, sid: str, ended: Ended) -> None:
        """The call has ended: see to it, once over all workers. May be told more than once."""


class Outcome(Enum):
    """What became of a command."""

    DONE = "done"
    UNKNOWN = "no such call"
    ENDED = "the call has ended"
    UNREACHED = "unreached"
    """Neither a worker nor Twilio has confirmed it."""


@dataclass(frozen=True, slots=True)
class Reached:
    """What became of a command, and how the call has ended with it, if it has."""

    outcome: Outcome
    ended: Ended | None = None


class Reaching:
    """The one way of every command to its call.

    Args:
        store: where calls are kept, and who holds which.
        inbox: the way to other workers.
        calls: those of this worker.
        orders: what a call is told by REST; None without credentials.
        deadline_s: how long a worker may take, this one or another, before Twilio is told.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        store: Store,
        inbox: Inbox,
        calls: CommandedCalls,
        orders: Orders | None,
        deadline_s: float = DEADLINE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._inbox = inbox
        self._calls = calls
        self._orders = orders
        self._deadline_s = deadline_s
        self._clock = clock

    async def reach(self, command: Command) -> Reached:
        """Have a command carried out, within some seconds. Never raises for what peers do.

        Repeating a command is harmless: a call is hung up once.
        """
        reached = await self._reach(command)
        log.info(
            "command", kind=command.kind, call_sid=command.sid, outcome=reached.outcome.name
        )  # fmt: skip
        return reached

    async def _reach(self, command: Command) -> Reached:
        until_s = self._clock() + TOO_LATE_S
        record = None
        try:
            if await self._carry_out(command) or await self._send(command):
                return Reached(Outcome.DONE)
            # Not before: what is kept of the call changes while its holder is waited for.
            record = await self._store.load(command.sid)
            if record is None:
                return Reached(Outcome.UNKNOWN)
            if record.ended is not None:
                return Reached(Outcome.ENDED)
        except CommandFailed:
            # Twilio may have been told, and not have answered: nobody is to be called twice.
            if command.kind == "transfer":
                return Reached(Outcome.UNREACHED)
        except StoreUnavailable:
            pass
        if command.kind == "amd":
            return Reached(await self._note(command))
        return await self._act(command, record, until_s)

    async def _carry_out(self, command: Command) -> bool:
        """Whether this worker could do it."""
        try:
            async with asyncio.timeout(self._deadline_s):
                await self._calls.command(command)
        except LookupError:
            return False
        except TimeoutError:
            log.warning("command took too long", kind=command.kind, call_sid=command.sid)
            return False
        return True

    async def _send(self, command: Command) -> bool:
        """Whether the worker that holds the call could do it.

        Raises:
            StoreUnavailable: nobody knows who holds it.
            CommandFailed: it was tried there in vain.
        """
        holder = await self._store.leases.holder(command.sid)
        return holder is not None and await self._inbox.send(holder, command, self._deadline_s)

    # Nobody holds the call, or its holder does not answer

    async def _note(self, command: Command) -> Outcome:
        """Write what answered into the record of a call."""
        for _ in range(AMD_TRIES):
            try:
                record = await self._store.load(command.sid)
                if record is None:
                    return Outcome.UNKNOWN
                record.answered_by = command.answered_by
                await self._commit(record)
            except Superseded:
                continue
            except StoreUnavailable:
                return Outcome.UNREACHED
            return Outcome.DONE
        return Outcome.UNREACHED

    async def _act(self, command: Command, record: Record | None, until_s: float) -> Reached:
        """Hang up, or transfer, by REST, before `until_s`; `record` is None without Redis."""
        if self._orders is None or self._clock() > until_s:
            return Reached(Outcome.UNREACHED)
        action = action_of(command)
        if record is not None:
            # Should Twilio come to `next` in this very moment, it is told the same there.
            await self._intend(record, action)
            if self._clock() > until_s:
                return Reached(Outcome.UNREACHED)
        try:
            await self._orders.give(record or Record(command.sid), action)
        except CallGone:
            if record is None:
                return Reached(Outcome.UNKNOWN)
            return Reached(Outcome.ENDED, Ended("unknown", "gone"))
        except RestError as error:
            log.warning("Twilio was not reached", call_sid=command.sid, error=str(error))
            unknown = isinstance(error, RestUnavailable) and not isinstance(error, RestUnreached)
            if record is not None and not unknown:
                await self._intend(record, None)
            return Reached(Outcome.UNREACHED)
        if isinstance(action, Hangup):
            return Reached(Outcome.DONE, Ended("bot", action.reason))
        if record is not None:
            await self._put_down(record)
        return Reached(Outcome.DONE)

    async def _intend(self, record: Record, action: Hangup | Transfer | None) -> None:
        """Keep what `next` is to do with the call; without Redis, or a newer stream's, nothing."""
        record.pending = None if action is None else dump_pending(action)
        try:
            await self._commit(record)
        except (StoreUnavailable, Superseded):
            log.info("intent not kept", call_sid=record.sid)

    async def _commit(self, record: Record) -> None:
        try:
            await self._store.commit(record)
        except StoreUnavailable:
            if not self._calls.holds(record.sid):
                # When Redis is back, it has more of the call than this copy, from its holder.
                self._store.forget_record(record.sid)
            raise
        finally:
            if not self._calls.holds(record.sid):
                self._store.release(record.sid)

    async def _put_down(self, record: Record) -> None:
        """The end of the call's former holder must neither bring the caller back nor end it."""
        asked = asked_key(record.sid, record.generation)
        try:
            await self._store.leases.put_down(record.sid, record.generation)
            await self._store.remember(asked, "", ASKED_TTL_S)
        except StoreUnavailable:
            log.info("call not put down yet", call_sid=record.sid)


def action_of(command: Command) -> Hangup | Transfer:
    """What a command to leave the conversation has Twilio do."""
    if command.kind == "transfer":
        return Transfer(command.to or "", command.caller_id)
    return Hangup(command.reason or DEFAULT_REASON)
