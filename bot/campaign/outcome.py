"""PURE: what became of a call, from Twilio's last word and from what its record says."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

from bot.dialog.types import Ended
from bot.record import Record

from .spec import CampaignSpec
from .types import Attempt, Outcome

__all__ = [
    "FAX",
    "NO_DIALOG",
    "UNHEARD",
    "VOICEMAIL",
    "Unwelcome",
    "Verdict",
    "cost_usd",
    "decide_outcome",
    "is_machine",
    "was_talked_to",
]

VOICEMAIL = "voicemail"
FAX = "fax"
"""Why a call was hung up that no human took, as its record says."""

NO_DIALOG = "the dialog cannot be loaded"
"""Why a call was hung up that nobody could talk to."""

UNHEARD = "the call never reached a bot"
"""Why somebody took a call in which nobody talked to them."""

UNKNOWN = "what was said is not known"
"""Of a call too long for one in which nobody talked: its worker cannot reach Redis, perhaps."""

LONGEST_UNHEARD_S = 60
"""A call without a stream is over by itself long before: after a document that did not come (15 s)
and Twilio's apology, or after `MAX_WAITS` of a second or `MAX_RECONNECTS` streams in vain (see
`bot.telephony.decision`), and our farewell."""

Unwelcome = Literal[
    "no such attempt",
    "the attempt has another call",
    "the attempt was given up",
    "campaign canceled",
    "they asked not to be called",
    "the contact is done",
]
"""Why a call is hung up at once, in which nobody is to be talked to."""

_UNWELCOME = frozenset(get_args(Unwelcome))

TRANSFERRED = Ended("bot", "transferred")
"""How a call ended in which an agent talked to them."""

IDLE = "idle"
"""Why a call was hung up in which the person was silent for long."""

CONVERSATION_TURNS = 2
"""Whoever has said so much has talked to us, and is no machine, whatever was heard of them."""

_UNANSWERED: dict[str, Outcome] = {
    "busy": "busy",
    "no-answer": "no_answer",
    "failed": "failed",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """An outcome, and in words why it was no better one; empty where the outcome says it all.

    Attributes:
        silent: they took the call and heard nothing of us: for them it was a silent call.
    """

    outcome: Outcome
    reason: str = ""
    silent: bool = False


def is_machine(answered_by: str | None) -> bool:
    """Whether this verdict of Twilio's says that it is a voicemail or the like."""
    return (answered_by or "").startswith("machine")


def decide_outcome(
    spec: CampaignSpec, attempt: Attempt, record: Record | None, *, canceled: bool = False
) -> Verdict:
    """What became of an attempt whose call is over.

    Args:
        attempt: with the terminal status of its call.
        record: the call's; None when it never came to one.
        canceled: the campaign was.
    """
    if record is not None and record.do_not_call:
        return Verdict("do_not_call")
    if attempt.unwanted:
        return Verdict("no_consent" if attempt.talked == "no_consent" else "do_not_call")
    if canceled and not _was_taken(record):
        return Verdict("canceled")
    if not _was_taken(record):
        if attempt.status == "canceled":
            return Verdict("no_answer", "taken back at Twilio")
        if (outcome := _UNANSWERED.get(attempt.status)) is not None:
            return Verdict(outcome, attempt.reason)
    if record is not None and record.call_back_s is not None:
        return Verdict("callback")
    machine = _decide_machine(spec, attempt, record)
    if machine is not None:
        return machine
    if record is None or not _was_taken(record):
        return _decide_unheard(attempt, record)
    return _decide_human(spec, attempt, record)


def _was_taken(record: Record | None) -> bool:
    """Whether somebody took the call, and was not turned away in that moment."""
    if record is None:
        return False
    ended = record.ended
    # Turned away or not, and whoever saw their stream: they have talked to us, or to an agent.
    if was_talked_to(record) or ended == TRANSFERRED:
        return True
    if record.answered_ms is None:
        return False
    return ended is None or ended.by != "bot" or ended.reason not in _UNWELCOME


def _decide_unheard(attempt: Attempt, record: Record | None) -> Verdict:
    """The outcome if somebody took the call, and nothing is known of a stream in which they heard
    us: our webhook was away, or whoever knows of it cannot tell."""
    ended = None if record is None else record.ended
    by_bot = ended is not None and ended.by == "bot"
    if not by_bot and (attempt.duration_s or 0) > LONGEST_UNHEARD_S:
        return Verdict("answered", UNKNOWN)
    why = "" if ended is None or ended.by == "caller" else ended.reason
    return Verdict("failed", why or UNHEARD, silent=True)


def _decide_machine(spec: CampaignSpec, attempt: Attempt, record: Record | None) -> Verdict | None:
    """The outcome if no human has answered, as far as anybody could tell."""
    by_bot = record is not None and record.ended is not None and record.ended.by == "bot"
    reason = record.ended.reason if record is not None and record.ended is not None else ""
    answered_by = attempt.answered_by or (record.answered_by if record is not None else "")
    if record is not None and record.message_left:
        return Verdict("message_left")
    if answered_by == FAX or (by_bot and reason == FAX):
        return Verdict("fax")
    # What a greeting with pauses says may have made turns before the bot knew it for one.
    treated = record is not None and record.voicemail is not None
    if treated or (by_bot and reason == VOICEMAIL):
        return Verdict("voicemail")
    if is_machine(answered_by) and spec.voicemail != "talk" and not was_talked_to(record):
        return Verdict("voicemail")
    return None


def _decide_human(spec: CampaignSpec, attempt: Attempt, record: Record) -> Verdict:
    """The outcome of a call that somebody took."""
    ended = record.ended
    if was_talked_to(record):
        return Verdict("answered")
    if ended is not None and (ended.by == "error" or ended.reason == NO_DIALOG):
        return Verdict("failed", ended.reason)
    if ended == Ended("bot", IDLE) and not record.turns:
        return Verdict("hung_up_early", "nobody spoke")
    by_them = ended is None or ended.by != "bot"
    if by_them and (_talked_s(attempt, record) or 0) <= spec.early_s:
        return Verdict("hung_up_early")
    return Verdict("answered")


def was_talked_to(record: Record | None) -> bool:
    """Whether more came of a call than a hello: nobody is to say it all again."""
    if record is None:
        return False
    return record.turns >= CONVERSATION_TURNS or bool(record.state.get("result"))


def _talked_s(attempt: Attempt, record: Record | None) -> float | None:
    """Seconds from answer to end: by Twilio's clock, else by the record's."""
    if attempt.duration_s is not None:
        return attempt.duration_s
    if record is not None and record.answered_ms is not None and record.ended_ms is not None:
        return (record.ended_ms - record.answered_ms) / 1000
    return None


def cost_usd(spec: CampaignSpec, attempt: Attempt, record: Record | None) -> float | None:
    """What speech and telephony cost, as far as that is known; None when nothing is."""
    uses = record.usage.values() if record is not None else ()
    known = [float(use["usd"]) for use in uses if use.get("usd") is not None]
    minutes = attempt.minutes
    if minutes is None and attempt.duration_s is not None:
        minutes = math.ceil(attempt.duration_s / 60)
    if minutes is not None and spec.minute_usd is not None:
        known.append(minutes * spec.minute_usd)
    return sum(known) if known else None
