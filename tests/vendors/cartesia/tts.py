"""A synthesis connection: several contexts on one WebSocket."""

from __future__ import annotations

import asyncio

from tests.vendors.speech.faults import When
from tests.vendors.speech.groups import leaf
from tests.vendors.speech.peer import Peer
from tests.vendors.speech.refusal import Json, Refusal
from tests.vendors.speech.strike import Striker
from tests.vendors.speech.voices import Voice

from .limits import Limits
from .refusal import error_fields
from .tts_context import Context
from .tts_messages import Cancel, Generation, read_message

__all__ = ["Connection", "Places"]


class _Broken(Exception):
    """An error that no context is to catch: it is the connection's."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(str(refusal))
        self.refusal = refusal


class Places:
    """How many texts are being spoken for an account.

    Args:
        most: how many may be.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken = 0

    def take(self) -> None:
        """One more.

        Raises:
            Refusal: there is no place for it.
        """
        if self._taken >= self._most:
            raise Refusal(429, None, "Too many concurrent requests")
        self._taken += 1

    def leave(self) -> None:
        """One less."""
        self._taken -= 1


class Connection:
    """Serves one client.

    Args:
        peer: it; its record's fault strikes here.
        voice: who speaks.
        limits: how long it may take, and how much.
        places: the account's.
        pace: how many times as fast as it is spoken audio is made; None is at once.
    """

    def __init__(
        self, peer: Peer, voice: Voice, limits: Limits, places: Places, *, pace: float | None
    ) -> None:
        self._peer = peer
        self._voice = voice
        self._limits = limits
        self._places = places
        self._pace = pace
        self._striker = Striker(peer, peer.record.fault)
        self._contexts: dict[str, Context] = {}
        self._over: set[str] = set()
        self._sent_ms = 0.0
        self._tasks: asyncio.TaskGroup

    async def serve(self) -> None:
        """Until the client leaves, or an error that is not one context's alone.

        Raises:
            Gone: the client left.
        """
        refusal: Refusal | None = None
        try:
            async with asyncio.TaskGroup() as self._tasks:
                await self._strike_if("open")
                await self._run()
        except* Refusal as group:
            refusal = leaf(group)
        except* _Broken as group:
            refusal = leaf(group).refusal
        if refusal is not None:
            await self._peer.say({"type": "error", "done": True, **error_fields(refusal)})
        await self._peer.close()

    async def _run(self) -> None:
        while True:
            try:
                frame = await self._peer.receive(self._limits.tts_idle_s)
            except TimeoutError:
                if self._contexts:
                    continue
                return
            match read_message(frame):
                case Generation() as message:
                    await self._generate(message)
                case Cancel(context_id=context_id):
                    if context_id in self._contexts:
                        self._contexts[context_id].cancel()
                case context_id, refusal:
                    await self._refuse(context_id, refusal)

    async def _generate(self, message: Generation) -> None:
        context_id = message.context_id
        if context_id in self._contexts:
            self._contexts[context_id].take(message)
            return
        try:
            if context_id in self._over:
                raise Refusal(400, None, "the context has expired")
            self._places.take()
            try:
                context = self._context(message)
            except Refusal:
                self._places.leave()
                raise
        except Refusal as refusal:
            await self._refuse(context_id, refusal)
            return
        self._contexts[context_id] = context
        self._tasks.create_task(self._speak(context_id, context))

    def _context(self, message: Generation) -> Context:
        async def emit(told: Json, duration_ms: float, is_last: bool) -> None:
            await self._say(message.context_id, told, duration_ms, is_last=is_last)

        return Context(message, self._voice, self._limits, emit, self._pace)

    async def _speak(self, context_id: str, context: Context) -> None:
        try:
            await context.run()
        finally:
            self._places.leave()

    async def _refuse(self, context_id: str, refusal: Refusal) -> None:
        """An error ends its context, one that has not begun too."""
        context = self._contexts.get(context_id)
        if context is not None:
            context.fail(refusal)
        else:
            told = {"type": "error", "done": True, **error_fields(refusal)}
            await self._say(context_id, told, 0, is_last=False)

    async def _say(
        self, context_id: str, message: Json, duration_ms: float, *, is_last: bool
    ) -> None:
        if duration_ms:
            await self._strike_if("audio")
        if is_last:
            await self._strike_if("finish")
        if message["done"]:
            # Before it is said: the client may count on it at once.
            self._contexts.pop(context_id, None)
            self._over.add(context_id)
        await self._peer.say({"context_id": context_id, **message})
        self._sent_ms += duration_ms

    async def _strike_if(self, when: When) -> None:
        fault = self._striker.fault
        try:
            await self._striker.strike_if(when, self._sent_ms)
        except Refusal as refusal:
            if fault is None or fault.scope == "stream":
                raise
            raise _Broken(refusal) from None
