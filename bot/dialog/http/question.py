"""PURE: what the user's server is asked, as JSON values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from bot.dialog.types import Call

__all__ = ["MAX_ENTRIES", "question"]

MAX_ENTRIES = 100
"""Of a longer history the server is told the end."""


def question(id_: str, event: str, call: Call, **more: Any) -> Mapping[str, Any]:
    """What has happened in a call.

    Args:
        id_: the same when the same is asked again.
        event: `greet`, `turn`, `dtmf`, `interrupted`, `idle`, `resume` or `end`.
        more: what the event brings.
    """
    return {
        "id": id_,
        "event": event,
        "call": {
            "sid": call.sid,
            "from": call.from_number,
            "to": call.to_number,
            "direction": call.direction,
            "language": call.language,
            "parameters": call.parameters,
            "state": call.state,
            "gap": None if call.gap is None else asdict(call.gap),
        },
        "history": [asdict(entry) for entry in call.history[-MAX_ENTRIES:]],
        **more,
    }
