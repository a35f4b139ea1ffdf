"""Every call that was accepted, and what became of it: what campaigns are judged by."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

from .outbound import OutboundCall

__all__ = ["Entry", "Ledger"]


@dataclass(slots=True)
class Entry:
    """One accepted request to make a call.

    Attributes:
        at_s: when it was accepted, in seconds since the epoch.
        person: what whoever was called does.
        asked: how often TwiML was asked for, by the phone itself or in its place.
        heard: whether whoever answered had anything of the bot: a stream, or, being light, TwiML
            that is to be followed.
        told: its callbacks: the status, when it came about, and how its delivery was meddled with.
        faults: what Twilio would have logged as errors.
        over: set when the call has ended and all its callbacks have been sent.
        message: what was left on a machine, µ-law, without the silence around it.
    """

    call: OutboundCall
    person: str = ""
    at_s: float = field(default_factory=time.time)
    asked: int = 0
    heard: bool = False
    told: list[tuple[str, float, str]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    over: asyncio.Event = field(default_factory=asyncio.Event, repr=False)
    message: bytes = field(default=b"", repr=False)

    @property
    def attempt(self) -> str:
        """The id of the attempt in the URL for TwiML."""
        return self.call.order.attempt

    def as_json(self) -> dict[str, Any]:
        """All of it, but for the message's sound."""
        call = self.call
        return {
            "sid": call.sid,
            "to": call.to_number,
            "from": call.from_number,
            "attempt": self.attempt,
            "at_s": round(self.at_s, 3),
            "person": self.person,
            "status": call.status,
            "answered_by": call.answered_by or None,
            "duration_s": call.duration_s,
            "asked": self.asked,
            "heard": self.heard,
            "told": [
                {"status": status, "at_s": round(at_s, 3), "fate": fate}
                for status, at_s, fate in self.told
            ],
            "faults": self.faults,
            "message_ms": len(self.message) // 8,
        }


class Ledger(dict[str, Entry]):
    """Entries by the SIDs of their calls, in the order in which they were accepted."""

    def enter(self, call: OutboundCall) -> Entry:
        self[call.sid] = entry = Entry(call)
        return entry

    def to(self, number: str) -> list[Entry]:
        """The calls to one number."""
        return [entry for entry in self.values() if entry.call.to_number == number]

    def as_json(self) -> list[dict[str, Any]]:
        return [entry.as_json() for entry in self.values()]
