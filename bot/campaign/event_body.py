"""PURE: an event as the campaign's owner is told it: the JSON of one request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

from .types import Attempt, Campaign, Contact

__all__ = ["Subject", "event_body"]


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom an event is about.

    Attributes:
        contact, attempt: None when it is about none, or they are not kept any more.
        result: the dialog's result fields of the attempt's call, as far as they are known.
    """

    campaign: Campaign
    contact: Contact | None = None
    attempt: Attempt | None = None
    result: Mapping[str, Any] = field(default_factory=dict)


def event_body(event: Mapping[str, Any], subject: Subject) -> bytes:
    """The body. Every key is always there; what there is nothing of is null.

    Args:
        event: as the store keeps it: `id`, `type`, `at_ms`, perhaps `outcome` and `reason`.
        subject: as it is now; an attempt's fields may be newer than the event.
    """
    at = datetime.fromtimestamp(event["at_ms"] / 1000, UTC)
    return orjson.dumps(
        {
            "id": event["id"],
            "type": event["type"],
            "at": at.isoformat(timespec="milliseconds"),
            "campaign": {"id": subject.campaign.id, "name": subject.campaign.spec.name},
            "contact": subject.contact and _contact(subject.contact),
            "attempt": subject.attempt and _attempt(subject.attempt),
            "outcome": event.get("outcome"),
            "reason": event.get("reason") or None,
            "result": {**subject.result},
        },
    )


def _contact(contact: Contact) -> dict[str, Any]:
    return {
        "number": contact.number,
        "name": contact.name or None,
        "language": contact.language or None,
        "variables": contact.variables,
        "attempts": contact.attempts,
    }


def _attempt(attempt: Attempt) -> dict[str, Any]:
    return {
        "id": attempt.id,
        "call_sid": attempt.sid or None,
        "ordinal": attempt.ordinal,
        "from_number": attempt.from_number,
        "answered_by": attempt.answered_by or None,
        "duration_s": attempt.duration_s,
    }
