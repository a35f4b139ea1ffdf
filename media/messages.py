"""What Twilio Media Streams say in each direction, and how a message can be wrong.

`media.twilio` turns these from and to text. Audio is µ-law, 8 kHz mono.

Source: https://www.twilio.com/docs/voice/media-streams/websocket-messages
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = [
    "BINARY_FRAME",
    "INVALID_MESSAGE",
    "Command",
    "Connected",
    "Dtmf",
    "Event",
    "Mark",
    "Media",
    "MediaStreamError",
    "SendClear",
    "SendMark",
    "SendMedia",
    "Start",
    "Stop",
    "StreamEvent",
    "Unknown",
]

# Twilio's own error numbers: https://www.twilio.com/docs/api/errors/31950 and /31951.
BINARY_FRAME = 31950
INVALID_MESSAGE = 31951


class MediaStreamError(Exception):
    """A message that is not one of the protocol's.

    Attributes:
        code: the number under which Twilio reports such a message.
        reason: what is wrong with it; names fields, never quotes audio, digits or parameters.
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.code}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Connected:
    """The first message of a socket."""

    protocol: str = "Call"
    version: str = "1.0.0"


@dataclass(frozen=True, slots=True)
class Start:
    """The stream begins: whose it is, what it carries, and the TwiML's `<Parameter>`s."""

    stream_sid: str
    account_sid: str
    call_sid: str
    # They carry the admission token.
    parameters: Mapping[str, str] = field(default_factory=dict, repr=False)
    tracks: tuple[str, ...] = ("inbound",)
    encoding: str = "audio/x-mulaw"
    sample_rate_hz: int = 8000
    channels: int = 1
    sequence: int = 1


@dataclass(frozen=True, slots=True)
class Media:
    """Audio of one track: 20 ms of µ-law (160 bytes) in practice, of any length by the protocol.

    `chunk` counts from 1 for each track; `timestamp_ms` is measured from the stream's start.
    """

    payload: bytes = field(repr=False)
    chunk: int
    timestamp_ms: int
    sequence: int
    track: str = "inbound"


@dataclass(frozen=True, slots=True)
class Dtmf:
    """The caller pressed a key: one of `0-9 * #` and perhaps `A-D`."""

    digit: str = field(repr=False)
    sequence: int
    track: str = "inbound_track"


@dataclass(frozen=True, slots=True)
class Mark:
    """The audio before the mark of this name has been played, or was cleared."""

    name: str
    sequence: int


@dataclass(frozen=True, slots=True)
class Stop:
    """The stream has ended. After a loss of the connection there may be none."""

    account_sid: str
    call_sid: str
    sequence: int


@dataclass(frozen=True, slots=True)
class Unknown:
    """A message that this version of the protocol does not have."""

    event: str


@dataclass(frozen=True, slots=True)
class SendMedia:
    """µ-law to be played after all that was sent before; any length."""

    payload: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class SendMark:
    """To be echoed (`Mark`) when all audio sent before it has been played or cleared."""

    name: str


@dataclass(frozen=True, slots=True)
class SendClear:
    """Drop the audio not yet played; all pending marks are then echoed."""


StreamEvent = Connected | Start | Media | Dtmf | Mark | Stop
Event = StreamEvent | Unknown
Command = SendMedia | SendMark | SendClear
