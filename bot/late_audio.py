"""PURE: audio that is late is not silence: how far the caller's silence can be counted.

The network, the vendor or this machine may hold frames back and then bring them all at once. What
was said meanwhile was said in time, however late it is heard.
"""

from __future__ import annotations

import math

__all__ = ["LAG_MS", "LOST_MS", "RECHECK_MS", "LateAudio"]

LAG_MS = 100.0
"""By so much audio may always lag: a frame, a window of the VAD, and a little jitter."""
LOST_MS = 1_500.0
"""Audio that is waited for so long in vain is lost: nobody knows what was in it."""
RECHECK_MS = 20.0
"""How often to look whether audio has come: as often as frames do."""


class LateAudio:
    """How far the caller's audio was judged; up to now, until `judged` is told otherwise."""

    def __init__(self) -> None:
        self._judged_ms = math.inf
        self._recheck_ms = -math.inf

    def judged(self, until_ms: float) -> None:
        """The audio was judged until there, on the call's clock."""
        self._judged_ms = until_ms

    def reaches(self, silent_ms: float, now_ms: float) -> bool:
        """Whether silence until `silent_ms` counts at `now_ms`, as no audio of it is missing."""
        if now_ms < silent_ms:
            return False
        if self._judged_ms >= min(silent_ms, now_ms - LAG_MS) or now_ms >= silent_ms + LOST_MS:
            return True
        self._recheck_ms = min(now_ms + RECHECK_MS, silent_ms + LOST_MS)
        return False

    def deadline_ms(self, silent_ms: float) -> float:
        """When `reaches` is to be asked about `silent_ms` again."""
        return max(silent_ms, self._recheck_ms)
