"""The one engine that runs a vendor's connection, whoever the vendor is: a WebSocket, or a call.

Its law: a connection that is lost is opened again, at once, then with backoff, for 3 s in all, and
its owner says again what is not done; only then is a `ProviderError` raised (`Patience` says when).
Nothing waits without a deadline: a vendor that does not answer a ping, or takes nothing, is a lost
connection. Nothing runs in the background but a timer, so nothing can die there unseen: the owner's
own task, which waits for results, is the one that connects again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import structlog

from .codec import BROKEN, Close, Codec, Connection, Failed, Frame, Reply, Request
from .errors import DeadlineError, InvalidResponseError, NetworkError, ProviderError
from .patience import HELD_S, Patience
from .websocket import open_websocket

__all__ = ["Deadlines", "Owner", "Session"]

log = structlog.get_logger(__name__)

AWAITED_S = 20.0
"""So long a good moment is waited for to leave a connection that the vendor would soon close."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadlines:
    """How long a vendor may take, in seconds.

    Attributes:
        connect_s: to accept one connection.
        reconnect_s: for all attempts together, from a loss until the vendor gets on.
        quiet_s: after so long without a word it is pinged.
        pong_s: to answer that.
        write_s: to take what is sent.
        answer_s: to give the result that was asked for.
        drain_s: to give the last results once it was told that nothing more comes.
    """

    connect_s: float = 2.5
    reconnect_s: float = 3.0
    quiet_s: float = 5.0
    pong_s: float = 3.0
    write_s: float = 5.0
    answer_s: float = 3.0
    drain_s: float = 5.0


EventT = TypeVar("EventT")
EventT_contra = TypeVar("EventT_contra", contravariant=True)
CodecT = TypeVar("CodecT", bound="Codec[object]")


class Owner(Protocol[EventT_contra]):
    """Whose session it is. It is called on the loop's thread and must not block."""

    def opened(self) -> None:
        """A connection is there, the first or another: say what is not done yet."""

    def heard(self, event: EventT_contra) -> None:
        """The vendor said something."""

    def writable(self) -> None:
        """There is room again for what waits to be sent."""

    def roused(self) -> None:
        """The connection is lost: whoever waits for results has to call `keep`."""


class Session(Generic[CodecT, EventT]):
    """A conversation with a vendor, over as many connections as it takes.

    Args:
        provider: the catalogue name, for errors.
        new_codec: makes the codec of a connection.
        owner: whose session it is.
        deadlines: how long the vendor may take.

    Attributes:
        codec: the present connection's.
        reconnections: how often another connection was opened.
    """

    def __init__(
        self,
        provider: str,
        new_codec: Callable[[], CodecT],
        owner: Owner[EventT],
        deadlines: Deadlines,
    ) -> None:
        self._provider = provider
        self._new_codec = new_codec
        self._owner = owner
        self._deadlines = deadlines
        self._loop = asyncio.get_running_loop()
        self._opening = asyncio.Lock()
        self._socket: Connection | None = None
        self._parting: Callable[[], Sequence[Frame]] = tuple  # see `Request`
        self._error: ProviderError | None = None
        self._patience = Patience(deadlines.reconnect_s)
        self._opened_s = 0.0
        self._young_s = 0.0  # when its age, as the vendor counts it, was 0
        self._said_s = 0.0
        self._pinged_s: float | None = None
        self._full_s: float | None = None
        self._watch: asyncio.TimerHandle | None = None
        self._closed = False
        self.codec = new_codec()
        self.reconnections = -1

    @property
    def connected(self) -> bool:
        """Whether there is a connection."""
        return self._socket is not None

    @property
    def is_refused(self) -> bool:
        """Whether it was lost for a reason that another connection would meet as well."""
        return self._error is not None and not self._error.retryable

    @property
    def has_room(self) -> bool:
        """Whether there is a connection that takes more."""
        return self._socket is not None and not self._socket.is_full

    @property
    def expiring(self) -> bool:
        """Whether there is a connection that the vendor would soon close for its age."""
        return self._has_lasted(0.0)

    @property
    def overdue(self) -> bool:
        """Whether it would do so very soon: no better moment to leave it can be waited for."""
        return self._has_lasted(AWAITED_S)

    def _has_lasted(self, longer_s: float) -> bool:
        lasts_s = self.codec.lasts_s
        if self._socket is None or lasts_s is None:
            return False
        return self._loop.time() - self._young_s >= lasts_s + longer_s

    def say(self, frame: Frame) -> None:
        """Send a frame. Without a connection it is nothing: `opened` is the time to say it."""
        if self._socket is not None:
            self._said_s = self._loop.time()
            self._socket.say(frame)

    def progressed(self) -> None:
        """The vendor gets on: the next trouble is a new one."""
        self._error = None
        self._patience.progressed()

    def began_anew(self) -> None:
        """From now the vendor counts the connection's age."""
        self._young_s = self._loop.time()

    def lose(self, error: ProviderError, *, was_sound: bool = True) -> None:
        """Give the connection up, because of `error`. Another is opened if that can help.

        Of several reasons the first counts: what follows an error message is the connection's end.

        Args:
            error: the reason.
            was_sound: whether it counts for anything that the connection has held.
        """
        held_s = 0.0
        if self._socket is not None and was_sound:
            held_s = self._socket.heard_s - self._opened_s
        self._patience.lost(self._loop.time(), held_s)
        self._error = self._error or error
        self._release()
        self._owner.roused()

    def renew(self) -> None:
        """Have another connection in place of this one, though nothing is wrong with it."""
        self._release()
        self._owner.roused()

    async def keep(self, hopeless: tuple[type[ProviderError], ...] = ()) -> None:
        """See that there is a connection.

        Args:
            hopeless: errors after which it is not tried again.

        Raises:
            ProviderError: there is none to be had within the deadline, or the vendor refuses.
        """
        async with self._opening:
            while not self._closed and self._socket is None:
                await self._try_again(hopeless)

    def close(self) -> None:
        """End at once. Harmless when closed already."""
        self._closed = True
        self._release()

    async def _try_again(self, hopeless: tuple[type[ProviderError], ...]) -> None:
        """One attempt to connect, after what has to be waited before it.

        Raises:
            ProviderError: as `keep`.
        """
        error = self._error
        if error is not None and (isinstance(error, hopeless) or not error.retryable):
            raise error
        delay_s, left_s = self._patience.attempt(self._loop.time(), error)
        if left_s <= 0:
            raise error or DeadlineError(self._provider, "no connection in time")
        await asyncio.sleep(delay_s)
        try:
            await self._open(min(left_s, self._deadlines.connect_s))
        except ProviderError as error:
            self._error = error

    async def _open(self, deadline_s: float) -> None:
        error, self._error = self._error, None
        codec = self.codec = self._new_codec()
        socket = await self._connection(codec, deadline_s)
        if self._closed or self._error is not None or not socket.is_open:
            # It was lost, or given up, before it was ours.
            self._part(socket)
            self._error = self._error or NetworkError(self._provider, "the connection broke")
            return
        self.reconnections += 1
        if error is None or not self.reconnections:
            self.progressed()  # the first one, or in place of one that was no trouble
        if error is not None:
            log.info("connected again", provider=self._provider, after=type(error).__name__)
        self._socket = socket
        self._opened_s = self._young_s = self._loop.time()
        self._pinged_s = self._full_s = None
        self._watch = self._loop.call_later(self._watch_s(), self._look)
        for frame in codec.opening():
            self.say(frame)
        self._owner.opened()

    async def _connection(self, codec: CodecT, deadline_s: float) -> Connection:
        request, provider = codec.request(), self._provider
        if not isinstance(request, Request):
            self._parting = tuple
            return await request.open(provider, self, deadline_s=deadline_s)
        self._parting = request.parting
        return await open_websocket(
            provider, request, self, deadline_s=deadline_s, refused=codec.refused
        )

    def _release(self) -> None:
        socket, self._socket = self._socket, None
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        if socket is not None:
            self._part(socket)

    def _part(self, socket: Connection) -> None:
        for frame in self._parting():
            socket.say(frame)
        socket.drop()

    # What the socket tells

    def received(self, frame: Frame) -> None:
        """Decode a message and hand on what it says."""
        try:
            events = self.codec.decode(frame)
        except Exception as error:
            # Also what a codec did not think of: out of here it would end the protocol unseen.
            odd = error if isinstance(error, InvalidResponseError) else self._unreadable(error)
            # What it was meant to say may be words: another connection is asked for them again.
            odd.retryable = True
            self.lose(odd)
            return
        self._tell(events)

    def lost(self, close: Close) -> None:
        """The vendor or the network has ended the connection."""
        socket = self._socket
        self._tell(self.codec.closed(close))
        is_renewed = socket is not None and self._socket is None
        if self._error is None and not self._closed and not is_renewed:
            code = "no code" if close.code is None else close.code
            how = "broken" if code == BROKEN else f"closed with {code}"
            self.lose(NetworkError(self._provider, f"the connection was {how}"))

    def writable(self) -> None:
        """There is room again."""
        self._full_s = None
        self._owner.writable()

    def _unreadable(self, error: Exception) -> InvalidResponseError:
        return InvalidResponseError(
            self._provider, f"a message that cannot be read: {type(error).__name__}"
        )

    def _tell(self, events: Sequence[object]) -> None:
        """Hand on what the vendor said, until it says that it cannot go on, or is left."""
        socket = self._socket
        for event in events:
            if self._error is not None or self._closed or self._socket is not socket:
                return
            if isinstance(event, Failed):
                self.lose(event.error)
            elif isinstance(event, Reply):
                self.say(event.frame)
            else:
                self._owner.heard(event)  # type: ignore[arg-type]

    # Time

    def _watch_s(self) -> float:
        due = [self._deadlines.quiet_s, self._deadlines.pong_s, self._deadlines.write_s]
        if self.codec.keepalive_s is not None:
            due.append(self.codec.keepalive_s)
        return min(due) / 2

    def _quiet_s(self, socket: Connection) -> float:
        """How long the vendor may say nothing before it is pinged.

        After a loss it is asked sooner, once: else a sound connection with a vendor that has
        nothing to say could not be told from one that is of no use.
        """
        is_proven = socket.heard_s - self._opened_s > HELD_S or not self.reconnections
        return self._deadlines.quiet_s if is_proven else min(HELD_S, self._deadlines.quiet_s)

    def _look(self) -> None:
        """See whether the vendor is there, and tell it that we are."""
        socket, now_s, limits = self._socket, self._loop.time(), self._deadlines
        assert socket is not None
        self._watch = self._loop.call_later(self._watch_s(), self._look)
        if not socket.is_full:
            self._full_s = None
        elif self._full_s is None:
            self._full_s = now_s
        elif now_s - self._full_s > limits.write_s:
            self.lose(DeadlineError(self._provider, "the vendor takes no more audio"))
            return
        if socket.heard_s > (self._pinged_s or 0.0):
            self._pinged_s = None
        if self._pinged_s is not None and now_s - self._pinged_s > limits.pong_s:
            self.lose(DeadlineError(self._provider, "the vendor does not answer a ping"))
            return
        if self._pinged_s is None and now_s - socket.heard_s > self._quiet_s(socket):
            self._pinged_s = now_s
            socket.probe()
        keepalive_s = self.codec.keepalive_s
        if keepalive_s is not None and now_s - self._said_s > keepalive_s / 2:
            frame = self.codec.keepalive()
            if frame is not None:
                self.say(frame)
