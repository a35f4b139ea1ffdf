"""PURE: when the audio of a session came, so that it can be told how late is what is understood."""

from __future__ import annotations

from collections import deque

__all__ = ["Arrivals"]

_EVERY_MS = 20.0
_MOST = 1_500
"""Half a minute of audio in pieces of that length: later than that nobody measures."""


class Arrivals:
    """Places in a session's audio (ms), and when they came (s, on any one clock)."""

    def __init__(self) -> None:
        self._marks: deque[tuple[float, float]] = deque(maxlen=_MOST)

    def note(self, at_ms: float, now_s: float) -> None:
        """From there on, more came now."""
        if not self._marks or at_ms - self._marks[-1][0] >= _EVERY_MS:
            self._marks.append((at_ms, now_s))

    def since_s(self, at_ms: float, now_s: float) -> float | None:
        """How long ago that place came; None when nobody knows."""
        for mark_ms, came_s in reversed(self._marks):
            if mark_ms <= at_ms:
                return max(0.0, now_s - came_s)
        return None
