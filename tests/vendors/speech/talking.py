"""A WebSocket client without manners: it sends what a test says, and tells all that came back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from .refusal import Json

__all__ = ["Talk", "talking"]

DEADLINE_S = 20.0


class Talk:
    """An open connection."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def say(self, *messages: Json | str | bytes) -> None:
        """Send frames: JSON, or as they are."""
        for message in messages:
            plain = orjson.dumps(message).decode() if isinstance(message, dict) else message
            await self.socket.send(plain)

    async def hear(self) -> Json:
        """The next message, which has to be JSON."""
        async with asyncio.timeout(DEADLINE_S):
            message: Json = orjson.loads(await self.socket.recv())
        return message

    async def rest(self) -> list[Json]:
        """All that comes until the connection is closed; it has to be, and in JSON."""
        messages = []
        try:
            while True:
                messages.append(await self.hear())
        except ConnectionClosed:
            return messages

    @property
    def close_code(self) -> int | None:
        return self.socket.close_code


@asynccontextmanager
async def talking(
    url: str, *first: Json | str | bytes, headers: Mapping[str, str], **options: Any
) -> AsyncIterator[Talk]:
    """Connect with these headers, and send the first frames."""
    async with connect(
        url, additional_headers=headers, compression=None, close_timeout=1, **options
    ) as socket:
        talk = Talk(socket)
        await talk.say(*first)
        yield talk
