"""The WebSocket of a session, as its door wants it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress

from starlette.responses import Response
from starlette.websockets import WebSocket, WebSocketDisconnect

from bot.media_protocol import EXTENSION, MediaProtocol

from .faults import Fault
from .session import Session

__all__ = ["StreamSocket"]

SEND_S = 10.0
"""Who does not read for so long, with all buffers full, is not waited for any longer."""
AHEAD_BYTES = 3 << 20
"""So much of what a client sends may wait for its turn: a minute of audio, in pieces of 20 ms. Its
pings are answered meanwhile, which clients wait for no longer than 20 s."""
BUFFER_BYTES = 64 << 10
"""The system's own buffer beside that."""


class StreamSocket:
    """A WebSocket whose client may be heard slowly, and may read slowly.

    Args:
        websocket: not accepted yet.
        most_bytes: how long a message may be.
    """

    def __init__(self, websocket: WebSocket, most_bytes: int) -> None:
        self._websocket = websocket
        self._most_bytes = most_bytes
        extension = websocket.scope.get("extensions", {}).get(EXTENSION, {})
        self._protocol: MediaProtocol | None = extension.get("protocol")

    async def accept(self, subprotocol: str | None) -> None:
        """Let the client in.

        Raises:
            ConnectionError: it is gone.
        """
        if self._protocol is not None:
            # Of a message that is a little too long its sender is told what is wrong with it.
            self._protocol.allow(2 * self._most_bytes)
            self._protocol.read_ahead(AHEAD_BYTES, BUFFER_BYTES)
        try:
            await self._websocket.accept(subprotocol)
        except (WebSocketDisconnect, OSError, RuntimeError) as error:
            raise ConnectionError("the client is gone") from error

    async def refuse(self, fault: Fault, error: bytes, subprotocol: str | None) -> None:
        """Let the client not in; a browser's script can only see why once it was."""
        if "origin" in self._websocket.headers:
            with suppress(ConnectionError):
                await self.accept(subprotocol)
                await self.say_and_close(error, fault)
            return
        response = Response(error, fault.status, fault.headers, "application/json")
        # Who is gone by now need not hear it.
        with suppress(WebSocketDisconnect, OSError, RuntimeError):
            await self._websocket.send_denial_response(response)

    async def receive(self) -> str | bytes | None:
        """The next message; None when the client has closed or is gone.

        Raises:
            Fault: message_too_large.
        """
        message = await self._websocket.receive()
        if message["type"] != "websocket.receive":
            return None
        text: str | None = message.get("text")
        said: str | bytes = message["bytes"] if text is None else text
        if len(said) > self._most_bytes:
            raise Fault(
                "message_too_large",
                f"a message has {self._most_bytes} bytes at most",
                allowed={"maximum": self._most_bytes},
            )
        return said

    async def say_and_close(self, error: bytes, fault: Fault) -> None:
        """Tell the client what is wrong, and close."""
        with suppress(ConnectionError, TimeoutError):
            await self._send(error)
            await self._close(fault.close, fault.code)

    async def say_all_and_close(self, messages: Iterable[bytes], reason: str) -> None:
        """Tell the client the last there is to tell, and close."""
        with suppress(ConnectionError, TimeoutError):
            for message in messages:
                await self._send(message)
            await self._close(1000, reason)

    async def serve(self, session: Session) -> None:
        """Send the messages of a session until there are no more, then close."""
        try:
            while (message := await session.next()) is not None:
                await self._send(message)
            if (fault := session.fault) is None:
                await self._close(1000, session.reason)
            else:
                await self._close(fault.close, fault.code)
        except TimeoutError:
            session.fail(Fault("slow_reader", "results are not read: resume, and read them"))
            if self._protocol is not None:
                self._protocol.abort()
        except ConnectionError:
            # Who receives learns it as well, behind what came before.
            session.unread()

    async def _send(self, message: bytes) -> None:
        async with asyncio.timeout(SEND_S):
            await self._do({"type": "websocket.send", "text": message.decode()})

    async def _close(self, code: int, reason: str) -> None:
        async with asyncio.timeout(SEND_S):
            await self._do({"type": "websocket.close", "code": code, "reason": reason})

    async def _do(self, message: dict[str, object]) -> None:
        """Hand something over to the server.

        Raises:
            ConnectionError: the client is gone, or the socket closed.
        """
        if self._protocol is not None and self._protocol.closing:
            # uvicorn notices only when it is its turn, and asyncio complains of each message.
            raise ConnectionError("the client is gone")
        try:
            await self._websocket.send(message)
        except (WebSocketDisconnect, OSError, RuntimeError) as error:
            raise ConnectionError("the client is gone") from error
