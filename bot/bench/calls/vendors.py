"""Light stand-ins for Soniox on one port: what is asked for says which one it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Protocol

from .exchange import Exchange
from .recognizer import Recognizer
from .sockets import End, ServerEnd
from .synthesizer import Synthesizer

__all__ = ["STT_PATH", "TTS_PATH", "Role", "serve_vendors"]

STT_PATH = "/transcribe-websocket"
TTS_PATH = "/tts-websocket"


class Role(Protocol):
    """What a vendor does at one end of a connection."""

    def received(self, opcode: int, payload: bytes) -> None:
        """A message came."""


class _VendorEnd(ServerEnd):
    """A connection of a worker's."""

    def __init__(self, exchange: Exchange, voice: bytes, recognizer: Callable[[End], Role]) -> None:
        super().__init__()
        self._exchange = exchange
        self._voice = voice
        self._recognizer = recognizer
        self._role: Role | None = None

    def shake(self, head: bytes) -> None:
        super().shake(head)
        if self.path == STT_PATH:
            self._role = self._recognizer(self)
        elif self.path == TTS_PATH:
            self._role = Synthesizer(self, self._exchange, self._voice)
        else:
            self.abort()

    def received(self, opcode: int, payload: bytes) -> None:
        if self._role is not None:
            self._role.received(opcode, payload)


@asynccontextmanager
async def serve_vendors(
    exchange: Exchange, voice: bytes, recognizer: Callable[[End], Role] | None = None
) -> AsyncIterator[int]:
    """Serve on a port of loopback, which is given, until the context is left.

    Args:
        exchange, voice: of the calls.
        recognizer: who recognizes at an end; None is who knows the phones of calls.
    """
    loop = asyncio.get_running_loop()

    def recognize(end: End) -> Role:
        return Recognizer(end, exchange)

    def end() -> _VendorEnd:
        return _VendorEnd(exchange, voice, recognizer or recognize)

    server = await loop.create_server(end, "127.0.0.1", 0)
    try:
        port: int = server.sockets[0].getsockname()[1]
        yield port
    finally:
        server.close()
