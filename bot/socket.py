"""The accepted WebSocket of a call, as the session wants it."""

from __future__ import annotations

import contextlib

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

__all__ = ["CallSocket"]


class CallSocket:
    """Messages of a Starlette WebSocket; a peer that is gone is None or a `ConnectionError`."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket

    async def receive(self) -> str | bytes | None:
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
