"""Who calls a stand-in by gRPC: messages in and out, and the ways to end that."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from .faults import GARBAGE, Fault
from .front import reset
from .http2 import Left, RawCall
from .peer import Gone
from .record import Record
from .strike import refusal_of

__all__ = ["Caller", "Status"]

T = TypeVar("T")
CUTS = ("close", "reset", "stall")
HEAD_BYTES = 5
ON_ITS_WAY_S = 0.02


@dataclass(frozen=True, slots=True)
class Status:
    """How a call ends.

    Attributes:
        number: gRPC's.
        message: what is said of it.
        details: the same as a google.rpc.Status, serialized.
    """

    number: int = 0
    message: str = ""
    details: bytes = b""


class Caller:
    """A client, and its calls on one connection, one after the other; all is noted in `record`.

    A door of one answer takes `question`, and gives `answer` or `stream`: the faults strike by
    themselves. The others `receive` and `send`, and have a `Striker`.

    Args:
        call: the first one.
        record: where to note it.
        tasks: what belongs to this client.
        send_s: how long the client may take to read what it is sent.
    """

    def __init__(
        self, call: RawCall, record: Record, tasks: asyncio.TaskGroup, *, send_s: float
    ) -> None:
        self.record = record
        self.idle = False  # whether it has no call now, but may make another
        self._call = call
        self._tasks = tasks
        self._send_s = send_s
        self._next: asyncio.Queue[RawCall] = asyncio.Queue()
        self._muted = False
        self._deaf = False
        self._delay_s = 0.0
        self._late: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(1_000)
        self._courier: asyncio.Task[None] | None = None
        self._given = 0

    async def receive(self, within_s: float | None = None) -> bytes | None:
        """The next message; None: the client has sent all of this call.

        Raises:
            Gone: the client left.
            TimeoutError: none came in time.
        """
        if self._deaf:
            await self._call.until_left()
            raise Gone
        try:
            async with asyncio.timeout(within_s):
                message = await self._call.receive()
        except Left:
            raise Gone from None
        if message is not None:
            self.record.came(message)
        return message

    async def send(self, data: str | bytes) -> None:
        """Send a message as it is.

        Raises:
            Gone: the client left, or does not read.
        """
        data = data.encode() if isinstance(data, str) else data
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

    async def end(self, status: Status | None = None) -> None:
        """End the call; once it is mute, read until the client leaves.

        Raises:
            Gone: it left.
        """
        while self._muted:
            if await self.receive() is None:
                await self._call.until_left()
        if self._courier is not None:
            await self._late.join()
        status = status or Status()
        details = base64.b64encode(status.details).decode()
        self._call.end(status.number, status.message, details)

    async def drain(self) -> None:
        """Read what is on its way: gRPC's client forgets a status that comes while it sends.

        Raises:
            Gone: the client left.
        """
        with suppress(TimeoutError):
            while await self.receive(ON_ITS_WAY_S) is not None:
                pass

    async def again(self) -> None:
        """Wait for the client's next call on this connection.

        Raises:
            Gone: the connection is over.
        """
        self.idle = True
        coming = asyncio.ensure_future(self._next.get())
        leaving = asyncio.ensure_future(self._call.connection.lost.wait())
        try:
            await asyncio.wait([coming, leaving], return_when=asyncio.FIRST_COMPLETED)
            if not coming.done():
                raise Gone
            self._call = coming.result()
        finally:
            self.idle = False
            coming.cancel()
            leaving.cancel()

    def calls(self, call: RawCall) -> None:
        """The client makes another call; only when it is `idle`."""
        self.idle = False
        self._next.put_nowait(call)

    async def close(self, code: int = 1000) -> None:
        """Say goodbye, and end the connection in order."""
        self._call.connection.close()

    def abort(self) -> None:
        """Drop the connection as a machine does that has lost it: with a TCP reset."""
        reset(self._call.connection.transport)

    def mute(self) -> None:
        """Say nothing any more, and do not end the call: only the client can do that."""
        self._muted = True

    def deafen(self) -> None:
        """As `mute`, and nothing more is read."""
        self._muted = self._deaf = True
        self._call.connection.transport.pause_reading()

    def stop(self) -> None:
        """It is served no more: nothing is delivered late."""
        if self._courier is not None:
            self._courier.cancel()

    # For doors of one answer

    async def question(self) -> bytes:
        """The one message of such a call, unless a fault strikes before it.

        Raises:
            Gone: the client left, or a fault ended the connection.
            Refusal: a fault has this error.
        """
        fault = self.record.fault
        if fault is not None and fault.kind == "deaf":
            self.deafen()
        message = await self.receive()
        if message is None or await self.receive() is not None:
            raise ValueError("a call with one request has one message")
        if fault is not None and fault.kind == "error":
            raise refusal_of(fault)
        return message

    async def while_here(self, work: Coroutine[Any, Any, T]) -> T:
        """Do this until it is done, or the client leaves; raises what it raises.

        Raises:
            Gone: the client left.
        """
        working = asyncio.create_task(work)
        leaving = asyncio.create_task(self._call.until_left())
        try:
            await asyncio.wait([working, leaving], return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                raise Gone
            return await working
        finally:
            working.cancel()
            leaving.cancel()
            await asyncio.wait([working, leaving])

    async def answer(self, message: bytes) -> None:
        """Give the one answer; raises as `question` does."""
        if (garbage := self._fault("garbage")) is not None:
            told = GARBAGE[garbage.garbage]
            message = told.encode() if isinstance(told, str) else told
        if (slow := self._fault("slow")) is not None:
            await asyncio.sleep(slow.delay_ms / 1000)
        if (cut := self._fault(*CUTS)) is not None:
            await self._cut(cut, message)
        await self._send(message)

    async def _cut(self, cut: Fault, message: bytes) -> None:
        """Give a part of a message, and no more."""
        if cut.at_bytes:
            part = len(message).to_bytes(HEAD_BYTES, "big") + message
            await self._call.send_part(part[: HEAD_BYTES + cut.at_bytes])
        if cut.kind == "reset":
            self.abort()
        elif cut.kind == "close":
            await self.close()
        else:
            await self._call.until_left()
            self.record.left = True
        raise Gone

    def _fault(self, *kinds: str) -> Fault | None:
        fault = self.record.fault
        return fault if fault is not None and fault.kind in kinds else None

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

    async def _send(self, data: bytes) -> None:
        try:
            async with asyncio.timeout(self._send_s):
                await self._call.send(data)
        except Left:
            raise Gone from None
        except TimeoutError:
            self.record.complaints.append("the client does not read")
            self.abort()
            raise Gone from None
        self.record.went(data)
