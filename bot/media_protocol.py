"""uvicorn's WebSocket with a short way in: messages are handed over by a plain call.

By ASGI each message costs a dictionary, a place in a queue, a change of tasks, and two system calls
that stop the socket's reading and start it again. That is more than all the rest of what a frame of
audio costs, and a call has fifty of them a second.
"""

from __future__ import annotations

from collections.abc import Callable

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

__all__ = ["EXTENSION", "MediaProtocol"]

EXTENSION = "parley.media"
"""The extension in an ASGI scope where an application finds its connection's `protocol`."""


class MediaProtocol(WebSocketsSansIOProtocol):
    """A connection whose messages a plain function may take."""

    _take: Callable[[str | bytes], None] | None = None

    def listen(self, take: Callable[[str | bytes], None] | None) -> None:
        """Give each message to `take` from now on, those that wait first; None ends that.

        How the connection ends is told by ASGI, as ever. `take` must neither block nor raise.
        """
        self._take = take
        if take is None:
            return
        waiting = [self.queue.get_nowait() for _ in range(self.queue.qsize())]
        for message in waiting:
            if message["type"] != "websocket.receive" or self._take is not take:
                # How the connection ends; or `take` has ended the listening meanwhile.
                self.queue.put_nowait(message)
            elif (text := message.get("text")) is not None:
                take(text)
            elif (data := message.get("bytes")) is not None:
                take(data)
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()

    def wake(self) -> None:
        """Have ASGI's `receive` return, with a message that says nothing."""
        self.queue.put_nowait({"type": "websocket.receive", "text": ""})

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if self.response.status_code == 101:
            self.scope["extensions"] |= {EXTENSION: {"protocol": self}}

    def send_receive_event_to_app(self) -> None:
        message = self._message() if self._take is not None and not self.close_sent else None
        if message is None or self._take is None:
            super().send_receive_event_to_app()
        else:
            self.frames = []
            self._take(message)

    def _message(self) -> str | bytes | None:
        """The message that is whole now; None when it is no text, which uvicorn deals with."""
        data = self.frames[0] if len(self.frames) == 1 else b"".join(self.frames)
        if self.curr_msg_data_type == "bytes":
            return bytes(data)
        try:
            return data.decode()
        except UnicodeDecodeError:
            return None
