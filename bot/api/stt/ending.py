"""PURE: the last messages of a session that its client has closed, and not heard to its end.

Its connection was lost after that: it may ask for them as it would go on with any other session.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import orjson

from .asked import SessionRequest, from_config
from .kept import Shown
from .messages import SessionEnded, SessionStarted, render

__all__ = ["CLIENT", "ending_of"]

CLIENT = "client"
"""Why a session ended that its client has closed."""


def ending_of(session_id: str, shown: Shown, missed: Sequence[bytes], now: datetime) -> list[bytes]:
    """Its `session_started`, what was missed, and its `session_ended`.

    Args:
        session_id: which one.
        shown: how it stands.
        missed: the messages of the finals that its client has not got.
        now: the time of day, UTC.
    """
    started = SessionStarted.of(
        from_config(shown.values, SessionRequest()),
        session_id=session_id,
        provider=orjson.loads(missed[-1])["provider"] if missed else "",
        resumed=True,
        sequence=shown.sequence,
        audio_ms=shown.audio_ms,
        expires_after_s=max(0.0, shown.expires_s),
    )
    ended = SessionEnded(
        session_id=session_id,
        reason=shown.ended,
        text=shown.text,
        confidence=None if shown.confidence is None else round(shown.confidence, 3),
        audio_ms=shown.audio_ms,
        sequence=shown.sequence,
        timestamp=now,
    )
    return [render(started), *missed, render(ended)]
