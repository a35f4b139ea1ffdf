"""Recognition with a vendor that goes on, but does not answer what it was asked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import orjson
from websockets.asyncio.server import ServerConnection, serve

from media.audio import ULAW_8K
from providers.types import Transcript
from tests.virtual_time import virtual_time_on_sockets

from .streaming import unheard

PIECE_MS = 100
FIN = '{"tokens":[{"text":"<fin>","is_final":true}]}'


class Numbers:
    """Understands each 100 ms of audio as the number that all its bytes are.

    Attributes:
        heard: the numbers that each connection was sent.
    """

    def __init__(self) -> None:
        self.heard: list[list[int]] = []

    async def serve(self, connection: ServerConnection) -> None:
        """Answer `finalize` on no connection but the second."""
        await connection.recv()
        heard: list[int] = []
        self.heard.append(heard)
        async for frame in connection:
            if isinstance(frame, bytes):
                at_ms = len(heard) * PIECE_MS
                heard.append(frame[0])
                await connection.send(_word(frame[0], at_ms))
            elif "finalize" in frame and len(self.heard) > 1:
                await connection.send(FIN)
            elif not frame:
                await connection.send('{"tokens":[],"finished":true}')


def _word(number: int, at_ms: int) -> str:
    token = {"text": f" {number}", "start_ms": at_ms, "end_ms": at_ms + PIECE_MS, "is_final": True}
    return orjson.dumps({"tokens": [token]}).decode()


@asynccontextmanager
async def numbers() -> AsyncIterator[tuple[Numbers, str]]:
    vendor = Numbers()
    async with serve(vendor.serve, "127.0.0.1", 0, compression=None, ping_interval=None) as server:
        yield vendor, f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


@virtual_time_on_sockets
async def test_what_was_understood_after_an_unanswered_end_is_not_said_twice() -> None:
    async with numbers() as (vendor, url), unheard(url) as stream:
        for number in range(10):
            stream.send(bytes([number]) * ULAW_8K.byte_count(PIECE_MS))
            if number == 4:
                stream.finalize()
        while not isinstance(event := await anext(stream), Transcript) or not event.final:
            pass
        await stream.finish()
        rest = [e.text async for e in stream if isinstance(e, Transcript) and e.final]
    # Of the last word it was not sure that it is whole.
    assert vendor.heard == [list(range(10)), [9]]
    assert " ".join(filter(None, [event.text, *rest])) == "0 1 2 3 4 5 6 7 8 9"
