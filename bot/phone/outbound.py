"""A call that the bot had Twilio make, from when somebody has answered it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .exchange import Source
from .identity import CallIdentity

__all__ = ["Outbound"]


@dataclass(frozen=True, slots=True)
class Outbound:
    """What Twilio was asked for.

    Attributes:
        identity: its SIDs and numbers.
        first: where its TwiML comes from, or the document itself.
        opening: parameters that the first request for TwiML has besides, such as `AnsweredBy`.
    """

    identity: CallIdentity
    first: Source
    opening: Mapping[str, str] = field(default_factory=dict)
