"""PURE: what to do about a machine that answers a campaign's call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["VoicemailPolicy"]


@dataclass(frozen=True, slots=True)
class VoicemailPolicy:
    """What a campaign wants of a machine that answers, as its spec says.

    Attributes:
        policy: the spec's `voicemail`: what a machine gets.
        message_after: who says that its greeting is over.
        detection: whether Twilio looks for machines: not at all, before the stream, or meanwhile.
        message: what is left; None unless the policy is `leave_message`.
    """

    policy: Literal["hang_up", "leave_message", "talk"]
    message_after: Literal["stream", "twilio", "both"] = "both"
    detection: Literal["off", "sync", "async"] = "off"
    message: str | None = None
