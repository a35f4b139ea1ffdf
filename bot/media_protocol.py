"""uvicorn's WebSocket with a short way in, and patience with who is heard slowly.

The short way: messages are handed over by a plain call.

By ASGI each message costs a dictionary, a place in a queue, a change of tasks, and two system calls
that stop the socket's reading and start it again. That is more than all the rest of what a frame of
audio costs, and a call has fifty of them a second.

The patience: where an application takes its messages as slowly as audio is spoken, whatever the
peer sends waits, and so do its pings and its answers to ours. It is not gone for that, and some of
what it sends is read ahead, so that it does not think so of us.
"""

from __future__ import annotations

import socket
from collections.abc import Callable

from uvicorn._types import ASGIReceiveEvent
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

__all__ = ["EXTENSION", "MediaProtocol"]

EXTENSION = "parley.media"
"""The extension in an ASGI scope where an application finds its connection's `protocol`."""


MESSAGE_BYTES = 384
"""What a message takes in memory beside what is in it."""


class MediaProtocol(WebSocketsSansIOProtocol):
    """A connection whose messages a plain function may take."""

    _take: Callable[[str | bytes], None] | None = None
    _heard = False  # something, since the last ping
    _ahead = 0  # so many bytes may wait to be received
    _unread = 0

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

    def allow(self, message_bytes: int) -> None:
        """Take messages of so many bytes from now on; more close the connection (1009)."""
        self.conn.max_message_size = message_bytes

    def read_ahead(self, most_bytes: int, buffer_bytes: int) -> None:
        """Let messages wait here, and few in the system's buffer, where no ping is seen.

        Args:
            most_bytes: so much may wait, counting what it takes in memory; then the peer is slowed.
            buffer_bytes: of the system.
        """
        self._ahead = most_bytes
        peer: socket.socket = self.transport.get_extra_info("socket")
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)

    @property
    def closing(self) -> bool:
        """Whether nothing reaches the peer any more."""
        return self.transport.is_closing()

    def abort(self) -> None:
        """Drop the connection, with what the peer has not read."""
        self.transport.abort()

    def wake(self) -> None:
        """Have ASGI's `receive` return, with a message that says nothing."""
        self.queue.put_nowait({"type": "websocket.receive", "text": ""})

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if self.response.status_code == 101:
            self.scope["extensions"] |= {EXTENSION: {"protocol": self}}

    def data_received(self, data: bytes) -> None:
        self._heard = True
        super().data_received(data)

    def send_keepalive_ping(self) -> None:
        self._heard = False
        super().send_keepalive_ping()

    def keepalive_timeout(self) -> None:
        if not (self._heard or self.read_paused):
            super().keepalive_timeout()
            return
        # The pong is behind what has not been read yet.
        self.pong_timer = self.pending_ping_payload = None
        self.schedule_ping()

    def send_receive_event_to_app(self) -> None:
        if self._ahead and (waits := self._message()) is not None:
            self._keep(waits)
            return
        message = self._message() if self._take is not None and not self.close_sent else None
        if message is None or self._take is None:
            super().send_receive_event_to_app()
        else:
            self.frames = []
            self._take(message)

    def _keep(self, message: str | bytes) -> None:
        self.frames = []
        if self.close_sent:
            return
        if isinstance(message, str):
            self.queue.put_nowait({"type": "websocket.receive", "text": message})
        else:
            self.queue.put_nowait({"type": "websocket.receive", "bytes": message})
        self._unread += len(message) + MESSAGE_BYTES
        if self._unread > self._ahead and not self.read_paused:
            self.read_paused = True
            self.transport.pause_reading()

    async def receive(self) -> ASGIReceiveEvent:
        if not self._ahead:
            return await super().receive()
        message = await self.queue.get()
        if message["type"] == "websocket.receive":
            said = message.get("text") or message.get("bytes") or b""
            self._unread -= len(said) + MESSAGE_BYTES
        if self.read_paused and self._unread <= self._ahead:
            self.read_paused = False
            self.transport.resume_reading()
        return message

    def _message(self) -> str | bytes | None:
        """The message that is whole now; None when it is no text, which uvicorn deals with."""
        data = self.frames[0] if len(self.frames) == 1 else b"".join(self.frames)
        if self.curr_msg_data_type == "bytes":
            return bytes(data)
        try:
            return data.decode()
        except UnicodeDecodeError:
            return None
