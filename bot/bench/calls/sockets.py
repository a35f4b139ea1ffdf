"""The ends of a WebSocket that carry load: the handshake, frames, and nothing between."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
from collections.abc import Mapping
from typing import cast
from urllib.parse import urlsplit

from .frames import CLOSE, PING, PONG, TEXT, FrameError, Unframer, frame

__all__ = ["ClientEnd", "End", "HandshakeRefused", "ServerEnd", "connect"]

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3
_LARGEST_HEAD = 16_384
NORMAL = (1000).to_bytes(2)
HANDSHAKE_S = 15.0


class HandshakeRefused(Exception):
    """The upgrade was not answered with 101; the message is the answer's first line."""


class End(asyncio.Protocol):
    """One end. A subclass says what it does with messages (`received`) and an end (`lost`)."""

    _masks = False

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.open = False
        self._head = b""
        self._unframer = Unframer()

    def received(self, opcode: int, payload: bytes) -> None:
        """A text or binary message came."""
        raise NotImplementedError

    def lost(self) -> None:
        """The connection is gone."""

    def shake(self, head: bytes) -> None:
        """Take the other end's half of the handshake."""
        raise NotImplementedError

    def send(self, payload: bytes, opcode: int = TEXT) -> None:
        """Send a message; what is sent when the connection is gone is lost."""
        if self.transport is not None:
            self.transport.write(frame(opcode, payload, masked=self._masks))

    def close(self) -> None:
        """Begin to close in good order; the other end drops the connection then."""
        self.send(NORMAL, CLOSE)

    def abort(self) -> None:
        """Drop the connection."""
        if self.transport is not None:
            self.transport.abort()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's is one in all but its class.
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if not self.open:
            head, found, data = (self._head + data).partition(b"\r\n\r\n")
            if not found:
                self._head = head
                if len(head) > _LARGEST_HEAD:
                    self.abort()
                return
            self.open = True
            self.shake(head)
        try:
            messages = self._unframer.feed(data)
        except FrameError:
            self.abort()
            return
        for opcode, payload in messages:
            if opcode < CLOSE:
                self.received(opcode, payload)
            elif opcode == PING:
                self.send(payload, PONG)
            elif opcode == CLOSE and self.transport is not None:
                self.send(payload[:2], CLOSE)
                self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        self.lost()


class ClientEnd(End):
    """The end that opened the connection; made by `connect`."""

    _masks = True

    def __init__(self) -> None:
        super().__init__()
        self.shaken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def shake(self, head: bytes) -> None:
        status = head.partition(b"\r\n")[0].decode("ascii", "replace")
        if self.shaken.done():
            return
        if status.split()[1:2] == ["101"]:
            self.shaken.set_result(None)
        else:
            self.shaken.set_exception(HandshakeRefused(status[:100]))

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.shaken.done():
            self.shaken.set_exception(HandshakeRefused("the connection was dropped"))
        super().connection_lost(exc)


class ServerEnd(End):
    """The end that was connected to. `path` is what was asked for."""

    path = ""

    def shake(self, head: bytes) -> None:
        request, _, lines = head.partition(b"\r\n")
        self.path = request.split()[1].decode("ascii", "replace") if b" " in request else ""
        headers = dict(_header(line) for line in lines.split(b"\r\n"))
        key = headers.get(b"sec-websocket-key", b"")
        accept = base64.b64encode(hashlib.sha1(key + _GUID).digest())
        answer = (
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        if self.transport is not None:
            self.transport.write(answer)


def _header(line: bytes) -> tuple[bytes, bytes]:
    name, _, value = line.partition(b":")
    return name.strip().lower(), value.strip()


async def connect(end: ClientEnd, url: str, headers: Mapping[str, str]) -> None:
    """Open a connection to a `ws://` URL.

    Raises:
        HandshakeRefused: the upgrade was refused, or the connection dropped.
        TimeoutError: there was no answer within 15 s.
        OSError: nobody listens.
    """
    parts = urlsplit(url)
    target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    more = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    key = base64.b64encode(os.urandom(16)).decode()
    request = (
        f"GET {target} HTTP/1.1\r\nHost: {parts.netloc}\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
        f"{more}\r\n"
    )
    async with asyncio.timeout(HANDSHAKE_S):
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_connection(
            lambda: end, str(parts.hostname), parts.port or 80
        )
        transport.write(request.encode("ascii"))
        await end.shaken
