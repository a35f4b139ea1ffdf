"""PURE: what Twilio is to do when the bot has closed its stream, as a call's record keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.dialog.types import DialogError, Hangup, SendDigits, Transfer

__all__ = ["Leaving", "Move", "SayByTwilio", "dump_pending", "load_pending"]


@dataclass(frozen=True, slots=True)
class Move:
    """Connect again, to another worker: this one is being drained."""


@dataclass(frozen=True, slots=True)
class SayByTwilio:
    """Say `text` with Twilio's own voice, since ours is away, then connect again."""

    text: str


Leaving = Hangup | Transfer | SendDigits | Move | SayByTwilio
"""What ends the stream: the dialog's own actions, and two of the worker's."""


def dump_pending(action: Leaving) -> dict[str, Any]:
    """The action as JSON values: `{"action": "hangup" | "transfer" | …, …}`."""
    if isinstance(action, Hangup):
        return {"action": "hangup", "reason": action.reason}
    if isinstance(action, Transfer):
        return {"action": "transfer", "to": action.to, "caller_id": action.caller_id}
    if isinstance(action, SendDigits):
        return {"action": "digits", "digits": action.digits}
    if isinstance(action, SayByTwilio):
        return {"action": "say", "text": action.text}
    return {"action": "move"}


def load_pending(values: Mapping[str, Any] | None) -> Leaving | None:
    """What `dump_pending` made; None for nothing, and for what another version of Parley wrote."""
    try:
        return _load(values)
    except DialogError:
        return None


def _load(values: Mapping[str, Any] | None) -> Leaving | None:
    match values:
        case {"action": "hangup", "reason": str(reason)}:
            return Hangup(reason)
        case {"action": "transfer", "to": str(to), "caller_id": str() | None as caller_id}:
            return Transfer(to, caller_id)
        case {"action": "digits", "digits": str(digits)}:
            return SendDigits(digits)
        case {"action": "say", "text": str(text)}:
            return SayByTwilio(text)
        case {"action": "move"}:
            return Move()
    return None
