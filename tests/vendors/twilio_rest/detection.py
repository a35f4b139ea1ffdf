"""Answering-machine detection: what Twilio would say of whoever answers, and when.

Times are milliseconds after the answer. What Twilio's pages say of them:
https://www.twilio.com/docs/voice/answering-machine-detection. That a person is recognized after
three and a half seconds is measured by nobody here: assumed, between the pages' "about four" and
what others report.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.phone.steps import Play

from .order import Order
from .people import Person

__all__ = ["Verdict", "resource_word", "verdict_of"]

HUMAN_MS = 3_500
FAX_MS = 2_000


@dataclass(frozen=True, slots=True)
class Verdict:
    """Twilio's word for who answers, and how long after the answer it comes."""

    answered_by: str
    ms: int

    @property
    def params(self) -> dict[str, str]:
        """What tells it in a webhook."""
        return {"AnsweredBy": self.answered_by, "MachineDetectionDuration": str(self.ms)}


def verdict_of(person: Person, order: Order) -> Verdict | None:
    """The verdict on a person who has answered; None if nobody looks."""
    if not order.detection:
        return None
    natural = _natural(person, order)
    ms = natural.ms if person.verdict_ms is None else person.verdict_ms
    if ms > order.detection_s * 1000:
        return Verdict("unknown", order.detection_s * 1000)
    return Verdict(person.verdict or natural.answered_by, ms)


def _natural(person: Person, order: Order) -> Verdict:
    if person.does == "fax":
        return Verdict("fax", FAX_MS)
    if person.does != "machine":
        return Verdict("human", HUMAN_MS)
    said_ms = sum(len(step.clip.audio) // 8 for step in person.steps if isinstance(step, Play))
    if order.detection == "Enable":
        return Verdict("machine_start", min(order.speech_ms, said_ms))
    if person.beeps:
        return Verdict("machine_end_beep", said_ms)
    return Verdict("machine_end_silence", said_ms + order.speech_end_ms)


def resource_word(answered_by: str) -> str | None:
    """What a call's resource says of it: `human` or `machine` alone."""
    if answered_by == "human":
        return "human"
    return "machine" if answered_by.startswith("machine") else None
