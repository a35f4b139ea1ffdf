"""What happens in a simulated call, while it happens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

__all__ = ["EventKind", "Faults", "OnEvent", "PhoneEvent", "ProtocolFault", "Traffic"]

_MOST_FAULTS = 100


class EventKind(StrEnum):
    """What a `PhoneEvent` tells; in brackets: what its `detail` holds."""

    VERB = "verb"  # a TwiML verb begins (the verb and what it says)
    STREAM_STARTED = "stream started"  # (its URL)
    STREAM_ENDED = "stream ended"  # (how)
    STEP_STARTED = "step started"  # the caller begins to speak (the file's name)
    STEP_ENDED = "step ended"  # (the file's name)
    BOT_STARTED = "bot started"  # the bot's speech began to be played
    BOT_STOPPED = "bot stopped"
    MARK = "mark"  # echoed (its name)
    CLEAR = "clear"  # received
    FAULT = "fault"  # (Twilio's error number and what was wrong)
    ENDED = "ended"  # the call (by whom and why)


@dataclass(frozen=True, slots=True)
class PhoneEvent:
    """Something happened, `at_ms` since the call's first stream began (0 before it)."""

    kind: EventKind
    at_ms: float
    detail: str = ""


OnEvent = Callable[[PhoneEvent], None]


@dataclass(frozen=True, slots=True)
class ProtocolFault:
    """What Twilio would log under the error number `code`."""

    code: int
    message: str

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class Faults(list[ProtocolFault]):
    """The faults of a call, as many as fit: a worker that is wrong is so in every message."""

    def report(self, code: int, message: str) -> ProtocolFault:
        fault = ProtocolFault(code, message)
        if len(self) < _MOST_FAULTS:
            self.append(fault)
        return fault


@dataclass(slots=True)
class Traffic:
    """Messages of all streams of a call.

    Attributes:
        frames_sent: 20 ms frames of the caller, a `media` message each.
        frames_received: `media` messages of the worker, of any length.
        marks_sent: marks that the worker sent.
        marks_echoed: marks that were played, or cleared, and sent back to it.
        streams: streams that were opened.
        late_ms: how late the phone itself was with each frame, in real milliseconds.
    """

    frames_sent: int = 0
    frames_received: int = 0
    marks_sent: int = 0
    marks_echoed: int = 0
    streams: int = 0
    late_ms: list[float] = field(default_factory=list)
