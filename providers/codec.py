"""PURE: what a WebSocket vendor's codec is: the vendor's messages as events, and back, no socket.

`providers.session` runs a codec. Each connection has a codec of its own, so it may keep what the
vendor has said on this connection.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias, TypeVar

from .errors import ProviderError

__all__ = ["BROKEN", "Close", "Codec", "Failed", "Frame", "Reply", "Request"]

Frame: TypeAlias = str | bytes
"""A WebSocket message: text or binary."""

BROKEN = 1006
"""The code of the end of a connection that was not closed; it is in no frame."""

EventT_co = TypeVar("EventT_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Request:
    """Where to connect, and with which headers; they may hold a key, so they are never shown."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Close:
    """How the vendor ended a connection.

    Attributes:
        code: of its close frame; None when that had none, `BROKEN` when there was no such frame.
    """

    code: int | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Failed:
    """The vendor said that it cannot go on with this connection."""

    error: ProviderError


@dataclass(frozen=True, slots=True)
class Reply:
    """What has to be answered at once to what the vendor said."""

    frame: Frame


class Codec(Protocol[EventT_co]):
    """One connection with a vendor, without the connection.

    Attributes:
        keepalive_s: after so long without a frame of ours the vendor would close; None is never.
        lasts_s: after so long another connection is opened when that does no harm, since the vendor
            would soon close this one; None is never.
    """

    keepalive_s: float | None
    lasts_s: float | None

    def request(self) -> Request:
        """How to connect."""

    def opening(self) -> Sequence[Frame]:
        """What is said first."""

    def keepalive(self) -> Frame:
        """What is said when there is nothing to say."""

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
