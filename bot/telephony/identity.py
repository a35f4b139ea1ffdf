"""PURE: which call it is, as every request of Twilio's says and every record keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self

from bot.record import Record

from .requests import Form

__all__ = ["CallIdentity"]


@dataclass(frozen=True, slots=True)
class CallIdentity:
    """A call and its two ends.

    Attributes:
        from_number, to_number: E.164, or a SIP or client address; empty when unknown.
        direction: as we see it. Twilio says `outbound-api` and `outbound-dial`.
    """

    sid: str
    account_sid: str
    from_number: str
    to_number: str
    direction: Literal["inbound", "outbound"]

    @classmethod
    def of_form(cls, form: Form) -> Self:
        """What Twilio says of the call."""
        outbound = form.get("Direction").startswith("outbound")
        return cls(
            form.get("CallSid"),
            form.get("AccountSid"),
            form.get("From"),
            form.get("To"),
            "outbound" if outbound else "inbound",
        )

    @classmethod
    def of_record(cls, record: Record) -> Self:
        """What is kept of the call."""
        return cls(
            record.sid,
            record.account_sid,
            record.from_number,
            record.to_number,
            record.direction,
        )

    @property
    def own_number(self) -> str:
        """The number that is ours: the one called, or the one that calls."""
        return self.to_number if self.direction == "inbound" else self.from_number
