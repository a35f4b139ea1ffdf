"""What a dialog hook sees (`Call`, `Turn`) and what it may answer (text and actions)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

__all__ = [
    "Action",
    "Call",
    "CallBack",
    "DialogError",
    "DoNotCall",
    "Ended",
    "EndedBy",
    "Expect",
    "Gap",
    "Gather",
    "Hangup",
    "HistoryEntry",
    "Interruption",
    "Play",
    "Reply",
    "Say",
    "SendDigits",
    "SetLanguage",
    "Transfer",
    "Turn",
]

_DIALLABLE = re.compile(r"\+[1-9][0-9]{1,14}|(sip|client):\S+")
_TONES = re.compile(r"[0-9*#wW]+")
MAX_TONES = 128
"""Ours, since Twilio's page for `<Play digits>` has no limit (a call's `SendDigits` takes 32): at
least a minute of half-second pauses, and two minutes at the most."""

MAX_CALL_BACK_S = 30 * 86_400
"""Whoever wants to be called later than that will have forgotten it."""

EndedBy = Literal["caller", "bot", "twilio", "error", "unknown"]


class DialogError(Exception):
    """The dialog cannot be loaded or used; the message says what to change."""


@dataclass(frozen=True, slots=True)
class Say:
    """Speak `text`. Plain text in a reply is the same as an interruptible `Say`."""

    text: str
    interruptible: bool = True


@dataclass(frozen=True, slots=True)
class Play:
    """Play a recording: a `.ulaw` (8 kHz, headerless) or `.wav` file."""

    path: str | Path
    interruptible: bool = True


@dataclass(frozen=True, slots=True)
class Hangup:
    """Hang up when everything said so far has been heard."""

    reason: str = "dialog"


@dataclass(frozen=True, slots=True)
class Transfer:
    """Connect the caller to another number (E.164) when everything said so far has been heard."""

    to: str
    caller_id: str | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be dialled.

        Raises:
            DialogError: `to` is neither E.164 nor a SIP or client address.
        """
        if not _DIALLABLE.fullmatch(self.to):
            raise DialogError(
                f"Transfer to {self.to!r}: write a number as +15551234567, or sip:… or client:…"
            )


@dataclass(frozen=True, slots=True)
class SendDigits:
    """Send touch tones into the call: `0-9 * #`, and `w` for a pause of half a second, `W` of one.

    At most `MAX_TONES` of all these: the bot does not hear the call meanwhile.
    Source: https://www.twilio.com/docs/voice/twiml/play, attribute `digits`.
    """

    # Perhaps a PIN; as in `media.messages.Dtmf`.
    digits: str = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse what is no touch tone.

        Raises:
            DialogError: `digits` holds something else, nothing, or too much.
        """
        if not _TONES.fullmatch(self.digits):
            raise DialogError("SendDigits takes 0-9 * # and w or W for a pause")
        if len(self.digits) > MAX_TONES:
            raise DialogError(
                f"SendDigits takes up to {MAX_TONES} tones and pauses, not {len(self.digits)}:"
                " send fewer at once, and W for two w"
            )


@dataclass(frozen=True, slots=True)
class Gather:
    """Collect touch tones and give them to `on_dtmf` as one string.

    Complete when `digits` of them came, when `finish_on` was pressed, or after `timeout_s` without
    a further one. Without a `Gather` every digit is given by itself.
    """

    digits: int | None = None
    finish_on: str = "#"
    timeout_s: float = 5.0


@dataclass(frozen=True, slots=True)
class SetLanguage:
    """From now on recognize and speak this language (BCP-47), perhaps with this voice."""

    language: str
    voice: str | None = None


@dataclass(frozen=True, slots=True)
class Expect:
    """What the caller is likely to say next; lets the recognizer choose among these phrases."""

    phrases: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse a phrase where phrases belong: it would be taken for one phrase a letter.

        Raises:
            DialogError: `phrases` is a single string.
        """
        if isinstance(self.phrases, str):
            raise DialogError(f"Expect takes phrases: write Expect(({self.phrases!r},))")


@dataclass(frozen=True, slots=True)
class DoNotCall:
    """Never call this person again, in whatever campaign. The call itself goes on."""


@dataclass(frozen=True, slots=True)
class CallBack:
    """Have the campaign call this person again, `after_s` seconds after this call.

    That is when it may call them then, else as soon as it may. The call itself goes on. In a call
    that belongs to no campaign it does nothing.
    """

    after_s: int

    def __post_init__(self) -> None:
        """Refuse what is no time from now.

        Raises:
            DialogError: `after_s` is no whole number of seconds, up to thirty days.
        """
        whole = isinstance(self.after_s, int) and not isinstance(self.after_s, bool)
        if not whole or not 1 <= self.after_s <= MAX_CALL_BACK_S:
            raise DialogError(f"CallBack takes 1 to {MAX_CALL_BACK_S} seconds, a whole number")


Action = (
    Say
    | Play
    | Hangup
    | Transfer
    | SendDigits
    | Gather
    | SetLanguage
    | Expect
    | DoNotCall
    | CallBack
)
Reply = str | Action


@dataclass(slots=True)
class HistoryEntry:
    """One utterance of the conversation.

    For the bot `text` is what was planned and `heard` what the caller really heard of it, which is
    shorter after a barge-in. Times are milliseconds since the call's first stream began.
    """

    role: Literal["caller", "bot"]
    text: str
    heard: str
    start_ms: int
    end_ms: int
    interrupted: bool = False


@dataclass(frozen=True, slots=True)
class Turn:
    """One finished turn of the caller.

    Attributes:
        id: the same when the turn is delivered again.
        text: what was understood.
        confidence: 0 to 1; None when the recognizer does not say.
        start_ms, end_ms: of the caller's speech, on the call's clock.
        rejected: phrases were expected (`Expect`) and none of them was said.
        retried: it may have been delivered before, to a hook that was lost with its worker.
    """

    id: str
    text: str
    confidence: float | None = None
    start_ms: int = 0
    end_ms: int = 0
    rejected: bool = False
    retried: bool = False


@dataclass(frozen=True, slots=True)
class Interruption:
    """The caller spoke over the bot: of `text` only `heard` was heard."""

    text: str
    heard: str


@dataclass(frozen=True, slots=True)
class Ended:
    """How a call ended: who ended it and why."""

    by: EndedBy
    reason: str


@dataclass(frozen=True, slots=True)
class Gap:
    """A break in the call, between two of its streams.

    Attributes:
        gap_ms: how long nobody listened to the caller, as far as is known.
        speech_lost: the caller was speaking when it began, and those words are in no turn.
        turn_open: a turn was not answered whole: behind `on_resume` it is given to `on_turn` again.
    """

    gap_ms: int
    speech_lost: bool
    turn_open: bool = False


@dataclass(slots=True)
class Call:
    """A call as the dialog sees it.

    `state` belongs to the dialog: JSON values, saved in Redis when a turn ends, so that they
    survive this worker. `history` is the conversation as heard. `gap` is the break from which the
    call has come back; None in its first stream.
    """

    sid: str
    from_number: str
    to_number: str
    direction: Literal["inbound", "outbound"]
    parameters: dict[str, str] = field(default_factory=dict)
    language: str = "en-US"
    history: list[HistoryEntry] = field(default_factory=list)
    state: dict[str, Any] = field(default_factory=dict)
    gap: Gap | None = None
