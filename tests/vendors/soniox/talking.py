"""A client without manners: it sends what a test says, and tells all that came back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from .refusal import Json

__all__ = ["CONFIG", "FINALIZE", "KEY", "Talk", "talking", "text_of", "tokens_of"]

KEY = "stand-in-key"
CONFIG: Json = {
    "model": "stt-rt-v5",
    "audio_format": "mulaw",
    "sample_rate": 8000,
    "num_channels": 1,
    "language_hints": ["en"],
    "enable_endpoint_detection": True,
}
FINALIZE: Json = {"type": "finalize"}
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
        """The next message."""
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
    url: str, *first: Json | str | bytes, key: str | None = KEY, **options: Any
) -> AsyncIterator[Talk]:
    """Connect with a key, and send the first frames."""
    headers: Mapping[str, str] = {} if key is None else {"Authorization": f"Bearer {key}"}
    async with connect(
        url, additional_headers=headers, compression=None, close_timeout=1, **options
    ) as socket:
        talk = Talk(socket)
        await talk.say(*first)
        yield talk


def tokens_of(messages: Iterable[Json], *, final: bool = True) -> list[Json]:
    """The tokens of some messages that are final, or that are not."""
    return [t for message in messages for t in message["tokens"] if t["is_final"] is final]


def text_of(messages: Iterable[Json]) -> str:
    """What was said for good."""
    return "".join(token["text"] for token in tokens_of(messages))
