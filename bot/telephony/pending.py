"""PURE: what Twilio is to do when the bot has closed its stream, as a call's record keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.dialog.types import DialogError, Hangup, SendDigits, Transfer

__all__ = ["Leaving", "dump_pending", "load_pending"]

Leaving = Hangup | Transfer | SendDigits
"""Actions that end the stream."""


def dump_pending(action: Leaving) -> dict[str, Any]:
    """The action as JSON values: `{"action": "hangup" | "transfer" | "digits", …}`."""
    if isinstance(action, Hangup):
        return {"action": "hangup", "reason": action.reason}
    if isinstance(action, Transfer):
        return {"action": "transfer", "to": action.to, "caller_id": action.caller_id}
    return {"action": "digits", "digits": action.digits}


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
    return None
