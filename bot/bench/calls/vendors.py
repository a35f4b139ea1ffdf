"""Light stand-ins for Soniox on one port: what is asked for says which one it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from .exchange import Exchange
from .recognizer import Recognizer
from .sockets import ServerEnd
from .synthesizer import Synthesizer

__all__ = ["STT_PATH", "TTS_PATH", "serve_vendors"]

STT_PATH = "/transcribe-websocket"
TTS_PATH = "/tts-websocket"


class _VendorEnd(ServerEnd):
    """A connection of a worker's."""

    def __init__(self, exchange: Exchange, voice: bytes) -> None:
        super().__init__()
        self._exchange = exchange
        self._voice = voice
        self._role: Recognizer | Synthesizer | None = None

    def shake(self, head: bytes) -> None:
        super().shake(head)
        if self.path == STT_PATH:
            self._role = Recognizer(self, self._exchange)
        elif self.path == TTS_PATH:
            self._role = Synthesizer(self, self._exchange, self._voice)
        else:
            self.abort()

    def received(self, opcode: int, payload: bytes) -> None:
        if self._role is not None:
            self._role.received(opcode, payload)


@asynccontextmanager
async def serve_vendors(exchange: Exchange, voice: bytes) -> AsyncIterator[int]:
    """Serve on a port of loopback, which is given, until the context is left."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _VendorEnd(exchange, voice), "127.0.0.1", 0)
    try:
        port: int = server.sockets[0].getsockname()[1]
        yield port
    finally:
        server.close()
