"""The accepted WebSocket of a call, as the session wants it."""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Callable

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from bot.media_protocol import EXTENSION, MediaProtocol

__all__ = ["CallSocket"]


class CallSocket:
    """Messages of a Starlette WebSocket; a peer that is gone is None or a `ConnectionError`."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket

    async def listen(self, take: Callable[[str | bytes], None]) -> None:
        """Give each message to `take` until the peer has closed or is gone.

        Raises:
            Exception: whatever `take` raises; nothing is taken after it.
        """
        extensions = self._websocket.scope.get("extensions", {})
        if EXTENSION in extensions:
            await self._listen(extensions[EXTENSION]["protocol"], take)
            return
        while (message := await self._receive()) is not None:
            take(message)

    async def _listen(self, protocol: MediaProtocol, take: Callable[[str | bytes], None]) -> None:
        # The server calls in its own context: what is logged would not name the call.
        context, failures = contextvars.copy_context(), list[Exception]()

        def hand_over(message: str | bytes) -> None:
            try:
                context.run(take, message)
            except Exception as error:
                failures.append(error)
                protocol.listen(None)
                protocol.wake()

        try:
            protocol.listen(hand_over)
            while await self._receive() is not None:
                if failures:
                    raise failures[0]
        finally:
            protocol.listen(None)

    async def _receive(self) -> str | bytes | None:
        """The next message; None when the peer has closed or is gone."""
        message = await self._websocket.receive()
        if message["type"] != "websocket.receive":
            return None
        text: str | None = message.get("text")
        if text is not None:
            return text
        data: bytes = message["bytes"]
        return data

    async def send(self, text: str) -> None:
        """Send a text message.

        Raises:
            ConnectionError: the peer is gone.
        """
        try:
            await self._websocket.send({"type": "websocket.send", "text": text})
        except (WebSocketDisconnect, OSError, RuntimeError) as error:
            # RuntimeError: the socket was closed by the other half meanwhile.
            raise ConnectionError("the peer is gone") from error

    async def close(self, code: int) -> None:
        """Close; harmless when closed already."""
        states = (self._websocket.client_state, self._websocket.application_state)
        if WebSocketState.DISCONNECTED not in states:
            with contextlib.suppress(WebSocketDisconnect, OSError, RuntimeError):
                await self._websocket.close(code)
