"""How the bot leaves a call: when all was heard, and what comes next is safe in the store."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Protocol

from bot.leaving import Exit, reason_of
from bot.tasks import Tasks
from bot.telephony.pending import Leaving
from media.playout import Playout

__all__ = ["Departure", "Leaver"]


class Leaver(Protocol):
    """The call that is left."""

    async def may_leave(self) -> bool:
        """All was heard: whether nobody is there who hears something else first."""

    def settle(self) -> None:
        """All that was said was heard, or will never be."""

    def stay(self) -> None:
        """It cannot be left: it goes on."""


class Departure:
    """Takes the bot out of a call.

    Args:
        leaver: the call.
        exit: of its stream.
        playout: what is to be heard first.
        tasks: the call's.
    """

    def __init__(self, leaver: Leaver, exit: Exit, playout: Playout, tasks: Tasks) -> None:
        self._leaver = leaver
        self._exit = exit
        self._playout = playout
        self._tasks = tasks
        self._partings: set[asyncio.Task[None]] = set()
        self._failure = ""

    async def leave(self, action: Leaving) -> None:
        """Close the stream when all was heard and what comes next is safe in the store."""
        await self._exit.until_heard(self._playout)
        if not await self._leaver.may_leave():
            return
        self._leaver.settle()
        way = await self._exit.take(action)
        if way == "superseded":
            self._exit.end("elsewhere", way)
        elif way == "out":
            self._exit.end("error" if self._failure else "bot", self._failure or reason_of(action))
        else:
            self._leaver.stay()

    def part(self, work: Coroutine[Any, Any, None]) -> None:
        """Take the way out, unless a machine is recognized first: it gets something else."""
        task = self._tasks.spawn(work)
        self._partings.add(task)
        task.add_done_callback(self._partings.discard)

    def fail(self, reason: str, work: Coroutine[Any, Any, None]) -> None:
        """As `part`, for the reason that the call cannot go on."""
        self._failure = reason
        self.part(work)

    def call_off(self) -> None:
        """Take no way out that was begun."""
        for parting in self._partings:
            parting.cancel()
        self._failure = ""
