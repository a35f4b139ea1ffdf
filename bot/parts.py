"""What a call is joined from, and what it says of itself when it is over."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from bot.dialog import Call
from bot.dialog.hook import Dialog
from bot.ears import Ears
from bot.recording import CallRecording
from bot.telephony.pending import Leaving
from bot.turn import TurnSettings
from providers.types import SttOptions, SttProvider, TtsOptions, TtsProvider

__all__ = ["CallParts", "Counts", "Keeper", "Latency", "Socket", "StreamEnd", "StreamEndHow"]


class Socket(Protocol):
    """The accepted WebSocket."""

    async def receive(self) -> str | bytes | None:
        """The next message; None when the peer has closed or is gone."""

    async def send(self, text: str) -> None:
        """Send a text message. Raises `ConnectionError` when the peer is gone."""

    async def close(self, code: int) -> None:
        """Close; harmless when closed already."""


class Keeper(Protocol):
    """What keeps a call's record."""

    def save(self) -> None:
        """State, history or counters have changed. Never waits."""

    def note(self, kind: str, **fields: Any) -> None:
        """Append to the call's log of events. Never waits."""

    async def commit(self, action: Leaving) -> bool:
        """Make durable what Twilio is to do next; False when that cannot be done now."""


StreamEndHow = Literal["stop", "closed", "bot", "error"]


@dataclass(frozen=True, slots=True)
class StreamEnd:
    """Why a stream ended: `stop` by Twilio, socket `closed`, by the `bot`, or by an `error`."""

    how: StreamEndHow
    reason: str


@dataclass(frozen=True, slots=True)
class Latency:
    """One answer, in ms: from the last speech to the finished turn, and from there to first audio
    sent."""

    endpointing_ms: float
    reply_ms: float


@dataclass(slots=True)
class Counts:
    """What passed through the stream."""

    frames_in: int = 0
    turns: int = 0
    media_out: int = 0
    marks: int = 0
    clears: int = 0
    barge_ins: int = 0
    bad_messages: int = 0
    hook_errors: int = 0
    stt_errors: int = 0
    tts_errors: int = 0
    latencies: list[Latency] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallParts:
    """Everything that a call is joined from.

    `began_ms` is when the stream began, in ms since the call's first stream did; a call that goes
    on in a new stream is `resuming`.
    """

    call: Call
    dialog: Dialog
    ears: Ears
    stt: SttProvider
    tts: TtsProvider
    stt_options: SttOptions
    tts_options: TtsOptions
    turn_settings: TurnSettings
    keeper: Keeper
    counts: Counts
    apology: tuple[str, bytes]
    farewell: tuple[str, bytes]
    hook_timeout_s: float
    fallback_number: str | None = None
    recording: CallRecording | None = None
    resuming: bool = False
    began_ms: float = 0.0
