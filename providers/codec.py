"""PURE: what a streaming vendor's codec is: the vendor's messages as events, and back, no socket.

`providers.session` runs a codec. Each connection has a codec of its own, so it may keep what the
vendor has said on this connection.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias, TypeVar

from .errors import ProviderError

__all__ = ["BROKEN", "Close", "Codec", "Connection", "Failed", "Frame", "Listener", "Opener"]
__all__ += ["Reply", "Request"]

Frame: TypeAlias = str | bytes
"""A message: a WebSocket's, text or binary, or a call's, in the bytes of its protocol buffer."""

BROKEN = 1006
"""The code of the end of a connection that was not closed; it is in no frame."""

EventT_co = TypeVar("EventT_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Request:
    """Where to connect, and with which headers; they may hold a key, so they are never shown.

    Attributes:
        parting: gives what is said last when the connection is left, for whatever reason.
    """

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    parting: Callable[[], Sequence[Frame]] = field(default=tuple, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Close:
    """How the vendor ended a connection.

    Attributes:
        code: of its close frame; None when that had none, `BROKEN` when there was no such frame.
            Of a call it is the status.
        error: what that means, where the protocol says it for all vendors, as a call's does.
    """

    code: int | None
    reason: str = ""
    error: ProviderError | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """The vendor said that it cannot go on with this connection."""

    error: ProviderError


@dataclass(frozen=True, slots=True)
class Reply:
    """What has to be answered at once to what the vendor said."""

    frame: Frame


class Listener(Protocol):
    """Who is told what happens on a connection. None of it may block."""

    def received(self, frame: Frame) -> None:
        """A whole message came in."""

    def lost(self, close: Close) -> None:
        """The connection is gone."""

    def writable(self) -> None:
        """What waited to be sent is on its way: there is room for more."""


class Connection(Protocol):
    """What the engine knows of a connection, a WebSocket or another: nothing of it waits.

    Attributes:
        heard_s: when anything came in last, on the loop's clock.
    """

    heard_s: float

    @property
    def is_open(self) -> bool:
        """Whether messages can be sent."""

    @property
    def is_full(self) -> bool:
        """Whether so much waits to be sent that more should not be added."""

    def say(self, frame: Frame) -> None:
        """Send a message; nothing on a connection that is over."""

    def probe(self) -> None:
        """Ask whether the vendor is there; any answer moves `heard_s`."""

    def drop(self) -> None:
        """End at once. The listener is told nothing more."""


class Opener(Protocol):
    """What connects to a vendor that has no WebSocket; as `Request`, it is never shown."""

    def open(
        self, provider: str, listener: Listener, *, deadline_s: float
    ) -> Awaitable[Connection]:
        """Connect within `deadline_s`.

        Raises:
            ProviderError: the vendor refuses, or cannot be reached.
        """


class Codec(Protocol[EventT_co]):
    """One connection with a vendor, without the connection.

    Attributes:
        keepalive_s: after so long without a frame of ours the vendor would close; None is never.
        lasts_s: after so long another connection is opened when that does no harm, since the vendor
            would soon close this one; None is never.
    """

    keepalive_s: float | None
    lasts_s: float | None

    def request(self) -> Request | Opener:
        """How to connect."""

    def opening(self) -> Sequence[Frame]:
        """What is said first."""

    def keepalive(self) -> Frame | None:
        """What is said when there is nothing to say; None: now it must not be said."""

    def decode(self, frame: Frame) -> Sequence[EventT_co | Failed | Reply]:
        """What the vendor said. A message that is not known is no event.

        Raises:
            InvalidResponseError: it is not what the protocol allows.
        """

    def closed(self, close: Close) -> Sequence[EventT_co | Failed]:
        """What the end of the connection means; no event: nothing but that it is lost."""

    def refused(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """Why the vendor did not accept the connection, by its HTTP answer.

        Names of headers are in lower case.
        """
