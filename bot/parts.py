"""What a call is joined from, and what it says of itself when it is over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from bot.dialog import Call, Gap
from bot.dialog.hook import Dialog
from bot.progress import Progress
from bot.recording import CallRecording
from bot.telephony.pending import Leaving
from bot.turn import TurnSettings
from bot.voicemail import VoicemailPolicy
from providers.ears import Ears
from providers.fallback import Fallback
from providers.types import SttOptions, SttProvider, TtsOptions, TtsProvider
from providers.usage import Use

__all__ = [
    "ActNow",
    "CallParts",
    "Commit",
    "Counts",
    "Keeper",
    "Kind",
    "Latency",
    "Socket",
    "StreamEnd",
    "StreamEndHow",
    "Switch",
]

Kind = Literal["stt", "tts"]

Commit = Literal["kept", "superseded", "unavailable"]
"""What came of making an action durable: a newer stream may own the call, or Redis be away."""

ActNow = Callable[[Leaving], Awaitable[bool]]
"""Makes Twilio do an action at once, by REST; false when that did not succeed. Never raises."""


@dataclass(frozen=True, slots=True)
class Switch:
    """A recognizer or synthesizer took over from another, `at_ms` on the call's clock.

    `reason` is the kind of error, or `chosen`.
    """

    kind: Kind
    before: str
    after: str
    at_ms: int
    reason: str


class Socket(Protocol):
    """The accepted WebSocket."""

    async def listen(self, take: Callable[[str | bytes], None]) -> None:
        """Give each message to `take` until the peer has closed or is gone. Raises what it does."""

    async def send(self, text: str) -> None:
        """Send a text message. Raises `ConnectionError` when the peer is gone."""

    async def close(self, code: int) -> None:
        """Close; harmless when closed already."""


class Keeper(Protocol):
    """What keeps a call's record."""

    def save(self, *, at_once: bool = False) -> None:
        """State, history or counters have changed; with `at_once` Redis is to have it soon, alone
        if need be. Never waits."""

    def note(self, kind: str, **fields: Any) -> None:
        """Append to the call's log of events. Never waits."""

    def remark(self, text: str) -> None:
        """Add to the record's notes what went wrong, without a word that was said."""

    def uses(self, kind: Kind, name: str) -> None:
        """The call uses this recognizer or synthesizer from now on."""

    def metered(self, use: Use) -> None:
        """Of a recognizer or synthesizer the call used so much more."""

    def switched(self, switch: Switch) -> None:
        """It did not use the same one before."""

    async def secure(self) -> bool:
        """Have in Redis what was saved; false when that takes too long. Waits 20 ms at most."""

    async def commit(self, action: Leaving) -> Commit:
        """Make durable what Twilio is to do next. Waits 300 ms at most."""

    def withdraw(self) -> None:
        """What was to be made durable is not to be done after all."""


StreamEndHow = Literal["stop", "closed", "over", "elsewhere", "bot", "error"]


@dataclass(frozen=True, slots=True)
class StreamEnd:
    """Why a stream ended: `stop` by Twilio, socket `closed`, the call is `over`, as Twilio says, or
    goes on `elsewhere`, in another stream, by the `bot`, or by an `error`."""

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
    """What passed through the stream.

    Attributes:
        unheard_ms: how much of the caller's audio no recognizer has got.
        failed_hooks: how often each method of the dialog raised or took too long.
        provider_errors: how often each provider failed, by kind and name.
        switches: how often one took over from another, by kind and both names.
        barge_ins_ms: for each barge-in by voice, from the VAD's decision to `clear` sent.
    """

    frames_in: int = 0
    turns: int = 0
    media_out: int = 0
    marks: int = 0
    clears: int = 0
    barge_ins: int = 0
    bad_messages: int = 0
    failed_hooks: Counter[str] = field(default_factory=Counter)
    provider_errors: Counter[tuple[Kind, str]] = field(default_factory=Counter)
    switches: Counter[tuple[Kind, str, str]] = field(default_factory=Counter)
    stt_errors: int = 0
    tts_errors: int = 0
    unheard_ms: int = 0
    gaps: int = 0
    lost_ms: int = 0
    latencies: list[Latency] = field(default_factory=list)
    barge_ins_ms: list[float] = field(default_factory=list)

    @property
    def hook_errors(self) -> int:
        """How often the dialog failed."""
        return self.failed_hooks.total()


@dataclass(frozen=True, slots=True, kw_only=True)
class CallParts:
    """Everything that a call is joined from.

    Attributes:
        progress: where the conversation stands; the keeper keeps it with the record.
        resuming: the call goes on in a new stream, after `gap` if nobody was on the line meanwhile.
        stt_chunk_ms: how much audio the recognizer is handed at a time.
        tts_hedge_ms: after how long another synthesizer is asked too; None is never.
        began_ms: when the stream began, in ms since the call's first stream did.
        act_now: makes Twilio do what cannot be made durable; None without REST credentials.
        voicemail: what a machine gets that answers a campaign's call; None for every other call.
        answered_by: what has answered, in Twilio's word, if that is known when the stream begins.
    """

    call: Call
    dialog: Dialog
    ears: Ears
    stt: Fallback[SttProvider]
    tts: Fallback[TtsProvider]
    stt_options: SttOptions
    stt_chunk_ms: int
    tts_options: TtsOptions
    turn_settings: TurnSettings
    keeper: Keeper
    counts: Counts
    apology: tuple[str, bytes]
    farewell: tuple[str, bytes]
    hook_timeout_s: float
    tts_hedge_ms: int | None = None
    fallback_number: str | None = None
    recording: CallRecording | None = None
    progress: Progress = field(default_factory=Progress)
    resuming: bool = False
    gap: Gap | None = None
    began_ms: float = 0.0
    act_now: ActNow | None = None
    voicemail: VoicemailPolicy | None = None
    answered_by: str | None = None
