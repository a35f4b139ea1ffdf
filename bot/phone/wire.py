"""A stream's socket: numbered messages out, and the ways in which it ends."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from dataclasses import dataclass

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from media.messages import Connected, Start, Stop, StreamEvent
from media.twilio import render_event

__all__ = ["StreamIdentity", "Wire", "part"]

# Twilio discards the caller's audio when the worker does not read it; this is about ten seconds.
_UNREAD_BYTES = 200_000
_PARTING_S = 1.0


@dataclass(frozen=True, slots=True)
class StreamIdentity:
    """What `start` says about a stream."""

    stream_sid: str
    call_sid: str
    account_sid: str
    parameters: dict[str, str]


class Wire:
    """One stream's open socket. What is sent on a closed one raises `ConnectionClosed`."""

    def __init__(self, ws: ClientConnection, identity: StreamIdentity) -> None:
        self._ws = ws
        self._identity = identity
        self._sequence = 0

    async def open(self) -> None:
        """Send `connected` and `start`."""
        who = self._identity
        await self.send(Connected())
        await self.send(
            Start(
                who.stream_sid,
                who.account_sid,
                who.call_sid,
                who.parameters,
                sequence=self.count(),
            )
        )

    async def stop(self) -> None:
        """Send `stop`."""
        who = self._identity
        await self.send(Stop(who.account_sid, who.call_sid, self.count()))

    async def send(self, event: StreamEvent) -> None:
        await self._ws.send(render_event(event, self._identity.stream_sid))

    def count(self) -> int:
        """The next sequence number; what takes it must be sent before another is taken."""
        self._sequence += 1
        return self._sequence

    @property
    def unread(self) -> bool:
        """Whether the worker reads so slowly that audio is to be discarded."""
        return self._ws.transport.get_write_buffer_size() > _UNREAD_BYTES

    def go_deaf(self) -> None:
        """Read nothing more."""
        self._ws.transport.pause_reading()

    def reset(self) -> None:
        """Drop the connection with RST: nothing sent before it is delivered for certain."""
        sock = self._ws.transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._ws.transport.abort()

    async def recv(self) -> str | bytes:
        return await self._ws.recv()

    @property
    def closed_by_worker(self) -> bool:
        """Whether the worker sent a close frame."""
        return self._ws.protocol.close_rcvd is not None

    @property
    def complaint(self) -> str | None:
        """What was wrong with the worker's frames, when the library closed because of it."""
        sent = self._ws.protocol.close_sent
        return None if sent is None else sent.reason


async def part(ws: ClientConnection) -> None:
    """Close a socket; one whose worker does not answer is dropped after a second."""
    try:
        async with asyncio.timeout(_PARTING_S), asyncio.TaskGroup() as tasks:
            # The worker's close comes after all that it sent before, which must be read.
            tasks.create_task(_discard(ws))
            await ws.close()
    except TimeoutError:
        ws.transport.abort()


async def _discard(ws: ClientConnection) -> None:
    with contextlib.suppress(ConnectionClosed):
        while True:
            await ws.recv()
