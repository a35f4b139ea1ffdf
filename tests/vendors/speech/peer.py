"""One WebSocket of a stand-in: frames in and out, and the ways to end it."""

from __future__ import annotations

import asyncio

import orjson
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from .front import reset
from .record import Record
from .refusal import Json

__all__ = ["Gone", "Peer"]

MOST_LATE = 1_000


class Gone(Exception):
    """The connection is over: the client left, or a fault ended it."""


class Peer:
    """A client. What it sends and is sent is noted in `record`.

    Args:
        connection: its WebSocket, open.
        record: where to note it.
        tasks: what belongs to this connection.
        send_s: how long the client may take to read what it is sent.
    """

    def __init__(
        self,
        connection: ServerConnection,
        record: Record,
        tasks: asyncio.TaskGroup,
        *,
        send_s: float,
    ) -> None:
        self.record = record
        self._tasks = tasks
        self._connection = connection
        self._send_s = send_s
        self._muted = False
        self._deaf = False
        self._delay_s = 0.0
        self._late: asyncio.Queue[tuple[float, str | bytes]] = asyncio.Queue(MOST_LATE)
        self._courier: asyncio.Task[None] | None = None

    async def receive(self, within_s: float | None = None) -> str | bytes:
        """The next frame.

        Raises:
            Gone: there is none.
            TimeoutError: none came in time.
        """
        if self._deaf:
            await self._connection.wait_closed()
            raise Gone
        try:
            async with asyncio.timeout(within_s):
                frame = await self._connection.recv()
        except ConnectionClosed as closed:
            raise self._gone(closed) from None
        self.record.came(frame)
        return frame

    async def say(self, message: Json) -> None:
        """Send a message.

        Raises:
            Gone: the client left, or does not read.
        """
        await self.send(orjson.dumps(message).decode())

    async def send(self, data: str | bytes) -> None:
        """Send a frame as it is; see `say`."""
        if self._muted:
            return
        if self._courier is None:
            await self._send(data)
        else:
            await self._late.put((asyncio.get_running_loop().time() + self._delay_s, data))

    def slow_down(self, delay_s: float) -> None:
        """From now on what is sent arrives so much later; reading goes on meanwhile."""
        self._delay_s = delay_s
        if self._courier is None:
            self._courier = self._tasks.create_task(self._deliver())

    async def flush(self) -> None:
        """Wait for what is still to be delivered."""
        if self._courier is not None:
            await self._late.join()
            self._courier.cancel()

    async def close(self, code: int | None = 1000, reason: str = "") -> None:
        """Close in order; once it is mute, read until the client leaves.

        Args:
            code: of the frame that says so; None leaves it out.
            reason: likewise.

        Raises:
            Gone: it left.
        """
        while self._muted:
            await self.receive()
        await self.flush()
        if code is None:
            # The library would say 1000, which is not the same.
            self._connection.protocol.send_close()
            self._connection.send_data()
            code = 1000
        await self._connection.close(code, reason)

    def abort(self) -> None:
        """Drop the connection as a machine does that has lost it: with a TCP reset."""
        reset(self._connection.transport)

    def mute(self) -> None:
        """Say nothing any more, and do not close either: only the client can end this."""
        self._muted = True

    def deafen(self) -> None:
        """As `mute`, and nothing more is read."""
        self._muted = self._deaf = True
        self._connection.transport.pause_reading()

    async def _deliver(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due_s, data = await self._late.get()
            try:
                await asyncio.sleep(due_s - loop.time())
                await self._send(data)
            except Gone:
                pass  # whoever reads from this client hears of it too
            finally:
                self._late.task_done()

    async def _send(self, data: str | bytes) -> None:
        try:
            async with asyncio.timeout(self._send_s):
                await self._connection.send(data)
        except ConnectionClosed as closed:
            raise self._gone(closed) from None
        except TimeoutError:
            self.record.complaints.append("the client does not read")
            self.abort()
            raise Gone from None
        self.record.went(data)

    def _gone(self, closed: ConnectionClosed) -> Gone:
        if closed.rcvd is not None and closed.rcvd_then_sent:
            self.record.close_code = closed.rcvd.code
        return Gone()
