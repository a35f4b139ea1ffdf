"""What both kinds of realtime sessions have: events with ids, and errors that leave them open."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import orjson

from tests.vendors.speech.peer import Peer
from tests.vendors.speech.refusal import Json, Refusal

from .refusal import Wrong, error_of

__all__ = ["Session"]

EXPIRES_AT = 1_800_000_000
"""In the real one it is an hour after the beginning."""


class Session:
    """One client's session.

    Args:
        peer: the client.
        lasts_s: after so long the session ends, with an error.
    """

    def __init__(self, peer: Peer, lasts_s: float) -> None:
        self.peer = peer
        self._lasts_s = lasts_s
        self._events = 0

    async def say(self, kind: str, **fields: Any) -> None:
        """Send an event."""
        self._events += 1
        await self.peer.say({"type": kind, "event_id": f"event_{self._events}", **fields})

    async def complain(self, refusal: Refusal, event: Json | None = None) -> None:
        """Say what was wrong with a client's event; the session goes on."""
        asked = event.get("event_id") if event is not None else None
        await self.say("error", error={**error_of(refusal), "event_id": asked})

    async def expire(self) -> None:
        """End the session for its age."""
        message = "Your session hit the maximum duration of 60 minutes."
        await self.complain(Wrong(message, None, "session_expired"))
        await self.peer.close()

    async def run(self, take: Callable[[Json], Awaitable[None]]) -> None:
        """Hand on the client's events until the session is too old.

        Raises:
            Gone: it left.
        """
        loop = asyncio.get_running_loop()
        until_s = loop.time() + self._lasts_s
        while True:
            try:
                event = await self.event(max(0.0, until_s - loop.time()))
            except TimeoutError:
                return await self.expire()
            if event is not None:
                await take(event)

    async def event(self, within_s: float) -> Json | None:
        """The client's next event; None for a frame that is none, which it is told.

        Raises:
            Gone: it left.
            TimeoutError: there was none in time.
        """
        frame = await self.peer.receive(within_s)
        if isinstance(frame, bytes):
            await self.complain(Wrong("Binary messages are not supported.", None, "invalid_event"))
            return None
        try:
            event = orjson.loads(frame)
        except ValueError:
            event = None
        if not isinstance(event, dict) or not isinstance(event.get("type"), str):
            await self.complain(Wrong("The message is no event in JSON.", None, "invalid_json"))
            return None
        return event
