"""One HTTP/2 connection of a stand-in, on which gRPC calls are made; `h2` knows the protocol.

Source: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md. It is on the loop, as all of
a stand-in is, so that its very socket can be reset or left unread.
"""

from __future__ import annotations

import asyncio
import struct
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import cast
from urllib.parse import quote

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    RequestReceived,
    StreamEnded,
    StreamReset,
    WindowUpdated,
)
from h2.exceptions import ProtocolError

__all__ = ["Http2", "Left", "RawCall"]

HEAD_BYTES = 5
"""Before each message: whether it is compressed, and its length."""


class Left(Exception):
    """The client has cancelled the call, or is gone."""


class RawCall:
    """A call: messages in and out, in the bytes of their protocol buffers.

    Attributes:
        path: the full name of what is called, as `/package.Service/Method`.
        headers: by their names, which are in lower case; gRPC's metadata is among them.
        connection: where it is made.
        done: set when it was ended, or the client has left.
    """

    def __init__(self, connection: Http2, stream_id: int, headers: Mapping[str, str]) -> None:
        self.connection = connection
        self.headers = headers
        self.path = headers[":path"]
        self._id = stream_id
        self._bytes = bytearray()
        self._messages: deque[bytes] = deque()
        self._ended = False
        self._left = False
        self._begun = False
        self._news = asyncio.Event()
        self.done = asyncio.Event()

    async def receive(self) -> bytes | None:
        """The next message; None: there will be none.

        Raises:
            Left: the client left.
        """
        while not self._messages:
            if self._left:
                raise Left
            if self._ended:
                return None
            await self._wait()
        return self._messages.popleft()

    async def send(self, message: bytes) -> None:
        """Send a message, as fast as the client takes it; see `receive`."""
        await self.send_part(struct.pack(">BI", 0, len(message)) + message)

    async def send_part(self, data: bytes) -> None:
        """Send bytes, which may be a part of a message; see `receive`."""
        self._begin()
        h2 = self.connection.h2
        while data:
            if self._left:
                raise Left
            size = min(h2.local_flow_control_window(self._id), h2.max_outbound_frame_size)
            if size <= 0:
                await self._wait()
                continue
            h2.send_data(self._id, data[:size])
            self.connection.flush()
            data = data[size:]

    def end(self, status: int = 0, message: str = "", details: str = "") -> None:
        """End the call.

        Args:
            status: gRPC's number for what has become of it; 0 is all right.
            message: what is said of that.
            details: the same as a google.rpc.Status, in base64.
        """
        if self._left:
            return
        trailers = [("grpc-status", str(status))]
        if message:
            trailers.append(("grpc-message", quote(message, safe=" ,.:;()'/-_")))
        if details:
            trailers.append(("grpc-status-details-bin", details))
        if not self._begun:
            trailers = [(":status", "200"), ("content-type", "application/grpc"), *trailers]
        self.connection.h2.send_headers(self._id, trailers, end_stream=True)
        self.connection.flush()
        self.done.set()

    async def until_left(self) -> None:
        """Wait for the client to leave."""
        while not self._left:
            await self._wait()

    # What the connection tells

    def came(self, data: bytes) -> None:
        """More bytes of messages."""
        self._bytes += data
        while len(self._bytes) >= HEAD_BYTES:
            compressed, size = struct.unpack_from(">BI", self._bytes)
            if compressed:
                raise ValueError("a message is compressed, which nobody agreed on")
            if len(self._bytes) < HEAD_BYTES + size:
                break
            self._messages.append(bytes(self._bytes[HEAD_BYTES : HEAD_BYTES + size]))
            del self._bytes[: HEAD_BYTES + size]
        self._news.set()

    def over(self) -> None:
        """No more messages come."""
        self._ended = True
        self._news.set()

    def leave(self) -> None:
        """The client is gone."""
        self._left = True
        self._news.set()
        self.done.set()

    def has_room(self) -> None:
        """The client takes more."""
        self._news.set()

    async def _wait(self) -> None:
        self._news.clear()
        await self._news.wait()

    def _begin(self) -> None:
        if not self._begun and not self._left:
            self._begun = True
            head = [(":status", "200"), ("content-type", "application/grpc")]
            self.connection.h2.send_headers(self._id, head)


class Http2(asyncio.Protocol):
    """A connection.

    Args:
        answer: answers a call; it may raise nothing.
        tasks: where the tasks are kept in which it does so.
        connections: where this is kept while it is open.

    Attributes:
        lost: set when there is no connection any more.
    """

    transport: asyncio.Transport

    def __init__(
        self,
        answer: Callable[[RawCall], Awaitable[None]],
        tasks: set[asyncio.Task[None]],
        connections: set[Http2],
    ) -> None:
        self.h2 = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        self._answer = answer
        self._tasks = tasks
        self._connections = connections
        self._calls: dict[int, RawCall] = {}
        self.lost = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._connections.add(self)
        self.h2.initiate_connection()
        self.flush()

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)
        self.lost.set()
        for call in self._calls.values():
            call.leave()

    def data_received(self, data: bytes) -> None:
        try:
            for event in self.h2.receive_data(data):
                self._happened(event)
        except ProtocolError:
            self.flush()
            self.transport.close()
            return
        self.flush()

    def flush(self) -> None:
        """Send what there is to be sent."""
        if not self.transport.is_closing():
            self.transport.write(self.h2.data_to_send())

    def close(self) -> None:
        """Say goodbye, and end the connection."""
        self.h2.close_connection()
        self.flush()
        self.transport.close()

    def _happened(self, event: Event) -> None:
        if isinstance(event, RequestReceived):
            headers = {str(name): str(value) for name, value in event.headers}
            call = self._calls[event.stream_id] = RawCall(self, event.stream_id, headers)
            task = asyncio.ensure_future(self._serve(event.stream_id, call))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        elif isinstance(event, DataReceived):
            self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            self._on(event.stream_id, lambda call: call.came(event.data))
        elif isinstance(event, StreamEnded):
            self._on(event.stream_id, RawCall.over)
        elif isinstance(event, StreamReset):
            self._on(event.stream_id, RawCall.leave)
        elif isinstance(event, WindowUpdated | ConnectionTerminated):
            for call in self._calls.values():
                call.has_room()

    def _on(self, stream_id: int, tell: Callable[[RawCall], None]) -> None:
        if stream_id in self._calls:
            tell(self._calls[stream_id])

    async def _serve(self, stream_id: int, call: RawCall) -> None:
        try:
            await self._answer(call)
        finally:
            del self._calls[stream_id]
