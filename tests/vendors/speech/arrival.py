"""How fast a stream's audio comes, for vendors that take it no faster than it is spoken."""

from __future__ import annotations

import asyncio

__all__ = ["Arrival"]

ROUNDING_MS = 1.0


class Arrival:
    """What has come of a stream, beside the time that has passed.

    Args:
        ahead_ms: by how much the audio may be ahead.

    Attributes:
        came_ms: how much audio that is.
    """

    def __init__(self, ahead_ms: float) -> None:
        self._ahead_ms = ahead_ms
        self._loop = asyncio.get_running_loop()
        self._began_s = self._loop.time()
        self.came_ms = 0.0

    @property
    def passed_ms(self) -> float:
        """How long it has been coming."""
        return (self._loop.time() - self._began_s) * 1000

    def in_time(self, duration_ms: float) -> bool:
        """Whether so much more may come now."""
        self.came_ms += duration_ms
        return self.came_ms <= self.passed_ms + self._ahead_ms + ROUNDING_MS
