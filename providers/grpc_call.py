"""The only module that opens a bidirectional call: by an official client, on a channel of its own.

A call takes no message after its last one, but its connection takes further calls: the next one
begins once this one is over, of which the listener hears by `ENDED`. What was said between `END`
and `ENDED` was meant for the call that is over, and goes nowhere.
One task reads and one sends, however many messages there are.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import grpc
from google.api_core.exceptions import GoogleAPICallError

from .codec import BROKEN, Close, Frame, Listener
from .errors import DeadlineError, InvalidResponseError, ProviderError
from .google_calls import Metadata, failed

__all__ = ["END", "ENDED", "Call", "CallOpener", "Responses"]

END = "end"
"""Said: no more of this call."""
ENDED = "ended"
"""Received: the vendor has said all of this call, and found nothing wrong."""
OK = 0
MOST_WAITING = 32 * 1024
"""Bytes; more is not to be added."""


class Message(Protocol):
    """A protocol buffer."""

    def SerializeToString(self) -> bytes: ...
    @classmethod
    def FromString(cls, data: bytes) -> Message: ...


class Responses(Protocol):
    """The answers of a call that goes on."""

    async def read(self) -> Any: ...
    def cancel(self) -> bool: ...


MessageT = TypeVar("MessageT", bound=Message)
Start = Callable[[grpc.aio.Channel, AsyncIterator[Any], Metadata], Awaitable[Responses]]
"""Has an official client begin a call with these requests."""


@dataclass(frozen=True, slots=True, repr=False)
class CallOpener(Generic[MessageT]):
    """How to make calls, of one kind.

    Attributes:
        channel: makes one.
        metadata: what goes with each call.
        start: begins one.
        requests: the class of what is said, to read the engine's bytes.
    """

    channel: Callable[[], grpc.aio.Channel]
    metadata: Callable[[], Awaitable[Metadata]]
    start: Start
    requests: type[MessageT]

    async def open(self, provider: str, listener: Listener, *, deadline_s: float) -> Call:
        """Connect within `deadline_s`, and begin a call.

        Raises:
            ProviderError: the account cannot be used, or there is no connection.
        """
        call = Call(provider, self, listener)
        try:
            async with asyncio.timeout(deadline_s):
                await call.begin(await self.metadata())
        except TimeoutError:
            call.drop()
            late = f"no connection within {deadline_s:.1f} s"
            raise DeadlineError(provider, late) from None
        except BaseException:
            call.drop()
            raise
        return call


class Call:
    """An open connection: `say`, `probe` and `drop` never wait.

    Attributes:
        heard_s: when anything came in last, on the loop's clock.
    """

    def __init__(self, provider: str, opener: CallOpener[Any], listener: Listener) -> None:
        self._provider = provider
        self._opener = opener
        self._listener: Listener | None = listener
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[Frame] = deque()
        self._size = 0
        self._was_full = False
        self._said_end = False
        self._number = 0  # of the present call
        self._more = asyncio.Event()
        self._begun: asyncio.Future[None] = self._loop.create_future()
        self._running: asyncio.Task[None] | None = None
        self.heard_s = self._loop.time()

    async def begin(self, metadata: Metadata) -> None:
        """Connect.

        Raises:
            ProviderError: that is not possible.
        """
        self._running = self._loop.create_task(self._run(metadata))
        await self._begun

    @property
    def is_open(self) -> bool:
        """Whether messages can be sent."""
        return self._listener is not None and self._begun.done()

    @property
    def is_full(self) -> bool:
        """Whether so much waits to be sent that more should not be added."""
        return self._size > MOST_WAITING

    def say(self, frame: Frame) -> None:
        """Send a message, or `END`; nothing on a connection that is over."""
        if self._listener is None:
            return
        self._waiting.append(frame)
        self._size += len(frame)
        self._was_full = self._was_full or self.is_full
        self._more.set()

    def probe(self) -> None:
        """gRPC asks by itself, and ends a connection that does not answer."""
        self._loop.call_soon(self._answered)

    def drop(self) -> None:
        """End at once. The listener is told nothing more."""
        self._listener = None
        self._waiting.clear()
        if self._running is not None:
            self._running.cancel()

    async def _run(self, metadata: Metadata) -> None:
        """Make calls, one after the other, until one fails, or it is dropped."""
        channel, close = self._opener.channel(), Close(BROKEN)
        try:
            close = await self._calls(channel, metadata)
        except asyncio.CancelledError:
            pass  # what a task ends with is kept, and with it the call, which keeps the connection
        finally:
            self._end(close)
            await channel.close()

    async def _calls(self, channel: grpc.aio.Channel, metadata: Metadata) -> Close:
        responses: Responses | None = None
        try:
            while True:
                self._number += 1
                requests = self._requests(self._number)
                responses = await self._opener.start(channel, requests, metadata)
                if not self._begun.done():
                    self._begun.set_result(None)
                unread = await self._read(responses)
                if unread is not None or not self._said_end:
                    return Close(OK, error=unread)
                self._said_end = False
                self._waiting.clear()
                self._size = 0
                self._tell(ENDED)
                await self._until_more(self._number)
        except GoogleAPICallError as error:
            return _close(self._provider, error)
        finally:
            self._number += 1
            self._more.set()
            if responses is not None:
                responses.cancel()

    async def _read(self, responses: Responses) -> ProviderError | None:
        """Hand on all that comes; the error, if something is no message of the protocol."""
        while (response := await responses.read()) is not grpc.aio.EOF:
            if response is None:
                odd = "a message that cannot be read"
                return InvalidResponseError(self._provider, odd, retryable=True)
            self._tell(type(response).pb(response).SerializeToString())
        return None

    async def _requests(self, number: int) -> AsyncIterator[Message]:
        """What is said, until `END`, or the call is over, which is the one of that number."""
        while await self._until_more(number):
            frame = self._waiting.popleft()
            self._size -= len(frame)
            if isinstance(frame, str):
                self._said_end = True
                return
            yield self._opener.requests.FromString(frame)
            if self._was_full and not self.is_full and self._listener is not None:
                self._was_full = False
                self._listener.writable()

    async def _until_more(self, number: int) -> bool:
        """Wait for what is said; whether it is for the call of that number."""
        while number == self._number and not self._waiting:
            self._more.clear()
            await self._more.wait()
        return number == self._number

    def _answered(self) -> None:
        if self.is_open:
            self.heard_s = self._loop.time()

    def _tell(self, frame: Frame) -> None:
        self.heard_s = self._loop.time()
        if self._listener is not None:
            self._listener.received(frame)

    def _end(self, close: Close) -> None:
        """Tell whoever listens, or whoever waits for the connection, that it is over."""
        listener, self._listener = self._listener, None
        if not self._begun.done():
            error = close.error or DeadlineError(self._provider, "no connection")
            self._begun.set_exception(error)
            self._begun.exception()  # it may be that nobody waits any more
        elif listener is not None:
            listener.lost(close)


def _close(provider: str, error: GoogleAPICallError) -> Close:
    means: ProviderError = failed(provider, error)
    status = error.grpc_status_code
    return Close(BROKEN if status is None else status.value[0], str(status), means)
