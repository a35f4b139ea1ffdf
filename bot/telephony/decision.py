"""PURE: what happens next in a call, decided from what is known of it and what Twilio says."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from bot.dialog.types import Ended, EndedBy, Hangup, SendDigits, Transfer

from .pending import Leaving, Move

__all__ = [
    "DIALLED",
    "MAX_HOPS",
    "MAX_RECONNECTS",
    "MAX_WAITS",
    "RECONNECT_WINDOW_S",
    "RETRY_WINDOW_S",
    "TERMINAL",
    "Apologize",
    "CallFacts",
    "Connect",
    "Decision",
    "Dial",
    "End",
    "HangUp",
    "Load",
    "Overflow",
    "Redirect",
    "Reject",
    "Wait",
    "decide_leaving",
    "decide_next",
    "decide_status",
    "decide_voice",
    "decide_without_record",
    "ended_by",
]

TERMINAL = frozenset({"completed", "busy", "no-answer", "failed", "canceled"})
"""The values of CallStatus after which nothing comes: https://www.twilio.com/docs/voice/api/call-resource."""

PROGRESS = ("queued", "initiated", "ringing", "in-progress")
"""The values before, in the order in which a call takes them."""

DIALLED = frozenset({"completed", "answered"})
"""The values of DialCallStatus of a call that was taken."""

MAX_RECONNECTS = 3
"""How often a stream is opened again without a finished turn before the call is given up: within
`RECONNECT_WINDOW_S`, or within `RETRY_WINDOW_S` while one turn is delivered again and again."""
RECONNECT_WINDOW_S = 30
RETRY_WINDOW_S = 3600
MAX_WAITS = 12
"""How often `next` waits a second for Redis before the caller is told: longer than a Redis takes to
be restarted, or replaced by its replica."""
MAX_HOPS = 5
"""How often a call is sent back to the balancer to find a worker that takes it. All hops but the
first are a second apart: it may take a balancer as long to see that a worker stops."""

Overflow = Literal["fallback", "busy", "redirect"]
"""What a call gets for which there is no room; `PARLEY_OVERFLOW` says which."""


@dataclass(frozen=True, slots=True)
class Connect:
    """Open a stream of this generation.

    Attributes:
        digits: touch tones to send before.
        say: what a voice of Twilio's says before.
        dial_status: DialCallStatus of the transfer that did not come about, if that is why.
    """

    generation: int
    digits: str | None = field(default=None, repr=False)
    say: str | None = None
    dial_status: str | None = None


@dataclass(frozen=True, slots=True)
class HangUp:
    """End the call, which then has ended so."""

    ended: Ended


@dataclass(frozen=True, slots=True)
class End:
    """The call has ended so; nothing is left to do."""

    ended: Ended


@dataclass(frozen=True, slots=True)
class Dial:
    """Connect the caller to `number`."""

    number: str
    caller_id: str | None = None


@dataclass(frozen=True, slots=True)
class Apologize:
    """Say the apology; the fallback number takes the call, or it ends.

    Attributes:
        attempt: as `Wait.attempt`, when it was Redis that the call is given up for: should nobody
            take the call, it is not waited for Redis once more.
    """

    attempt: int = 0


@dataclass(frozen=True, slots=True)
class Wait:
    """Pause, then ask again; this is the `attempt`-th time.

    Attributes:
        dial_status: DialCallStatus, if a `<Dial>` is over: Twilio does not say it again.
    """

    attempt: int
    dial_status: str = ""


@dataclass(frozen=True, slots=True)
class Redirect:
    """Send the call to the balancer again; this is the `hop`-th time."""

    hop: int


@dataclass(frozen=True, slots=True)
class Reject:
    """Refuse the call as busy."""


Decision = Connect | HangUp | End | Dial | Apologize | Wait | Redirect | Reject


@dataclass(frozen=True, slots=True)
class CallFacts:
    """What is known of a call.

    Attributes:
        generation: that of the stream that last owned the call; 0 before the first.
        pending: what the bot wanted done when it closed its stream.
        ended: how the call ended, if it has.
        refused: whether the call's last stream was turned away.
        reconnects: how often its stream was opened again lately without a finished turn.
        fallback_number: who is dialled when no bot can answer.
    """

    generation: int = 0
    pending: Leaving | None = None
    ended: Ended | None = None
    refused: bool = False
    reconnects: int = 0
    fallback_number: str | None = None


@dataclass(frozen=True, slots=True)
class Load:
    """How busy the worker is: whether it may take no new call, and why."""

    full: bool = False
    draining: bool = False


def decide_voice(
    load: Load,
    hops: int,
    overflow: Overflow = "fallback",
    *,
    fallback_number: str | None = None,
    answered: bool = False,
) -> Connect | Redirect | Dial | Reject | HangUp:
    """Whether a new call is taken.

    A worker that stops sends it to another one, and so does a full one whose `overflow` says so,
    a bounded number of times. Else the fallback number takes it, or it is refused as busy.

    Args:
        hops: how often it was sent on already.
        answered: whether the caller hears us already. `<Reject>` is for calls that still ring.
    """
    if not (load.draining or load.full):
        return Connect(1)
    if (load.draining or overflow == "redirect") and hops < MAX_HOPS:
        return Redirect(hops + 1)
    if fallback_number and overflow != "busy":
        return Dial(fallback_number)
    return HangUp(Ended("error", "no capacity")) if answered else Reject()


def decide_next(
    facts: CallFacts, call_status: str, dial_status: str = ""
) -> Connect | HangUp | End | Dial | Apologize:
    """What happens when a stream has ended or a verb is done.

    Args:
        facts: what is known of the call.
        call_status: Twilio's CallStatus.
        dial_status: Twilio's DialCallStatus, empty unless a `<Dial>` is over.
    """
    if call_status in TERMINAL:
        return End(ended_by(call_status, facts.pending))
    if dial_status:
        return _decide_dialled(facts, dial_status)
    if isinstance(facts.pending, Hangup | Transfer):
        return decide_leaving(facts.pending, facts.generation)
    if facts.ended is not None:
        return HangUp(facts.ended)
    if facts.pending is not None:
        return decide_leaving(facts.pending, facts.generation)
    if facts.refused:
        return HangUp(Ended("error", "stream refused"))
    if facts.reconnects >= MAX_RECONNECTS:
        return Apologize()
    return Connect(facts.generation + 1)


def _decide_dialled(facts: CallFacts, dial_status: str) -> Connect | HangUp:
    """A `<Dial>` is over: with the call, unless the bot can have the caller back."""
    if dial_status in DIALLED:
        return HangUp(Ended("bot", "transferred"))
    pending = facts.pending
    wanted = isinstance(pending, Transfer) and pending.to != facts.fallback_number
    if not wanted or facts.ended is not None or facts.reconnects >= MAX_RECONNECTS:
        return HangUp(Ended("bot", f"transfer failed: {dial_status}"))
    return Connect(facts.generation + 1, dial_status=dial_status)


def decide_leaving(action: Leaving, generation: int) -> Connect | HangUp | Dial:
    """What the bot wants to happen now that it has closed the stream of this generation."""
    match action:
        case Hangup(reason):
            return HangUp(Ended("bot", reason))
        case Transfer(number, caller_id):
            return Dial(number, caller_id)
        case SendDigits(digits):
            return Connect(generation + 1, digits=digits)
        case Move():
            return Connect(generation + 1)
    return Connect(generation + 1, say=action.text)


def decide_without_record(
    call_status: str, dial_status: str, waits: int
) -> Wait | HangUp | End | Dial | Connect | Apologize:
    """What `next` does while Redis is away: wait for it a bounded number of times.

    That the record is not to be had does not mean that there is none: only what ends a call with
    any record ends it at once.

    Args:
        call_status, dial_status: as for `decide_next`.
        waits: the attempt of the answer that has led here; 0 for another one.
    """
    if call_status in TERMINAL or dial_status in DIALLED:
        return decide_next(CallFacts(), call_status, dial_status)
    if waits < MAX_WAITS:
        return Wait(waits + 1, dial_status)
    if waits == MAX_WAITS:
        return Apologize(waits + 1)
    # The fallback number, dialled with that apology, has not taken the call either.
    return HangUp(Ended("bot", f"transfer failed: {dial_status}"))


def decide_status(known: str, status: str) -> bool:
    """Whether a status callback is news.

    Callbacks are requests of their own and may overtake one another. A call passes through its
    states in one order, so the earlier state is the older news, as SequenceNumber would say; and
    nothing comes after a terminal one
    (https://www.twilio.com/docs/voice/api/call-resource#statuscallback).
    """
    return known not in TERMINAL and _rank(status) > _rank(known)


def _rank(status: str) -> int:
    if status in TERMINAL:
        return len(PROGRESS)
    return PROGRESS.index(status) if status in PROGRESS else -1


def ended_by(call_status: str, pending: Leaving | None = None) -> Ended:
    """How a call ended whose terminal CallStatus this is.

    `completed` is the bot's doing when a hang-up or transfer was `pending`, else the caller's.
    """
    if call_status == "completed":
        if isinstance(pending, Hangup):
            return Ended("bot", pending.reason)
        if isinstance(pending, Transfer):
            return Ended("bot", "transferred")
        return Ended("caller", "hung up")
    by: EndedBy = "error" if call_status == "failed" else "twilio"
    return Ended(by, call_status)
