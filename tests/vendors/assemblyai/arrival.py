"""Whether a session's audio comes as it should: in pieces of some length, and as it is spoken."""

from __future__ import annotations

import asyncio

from .limits import Limits
from .refusal import Closing

__all__ = ["Arrival"]

ROUNDING_MS = 1.0


class Arrival:
    """What has come so far, since `Begin`.

    Args:
        limits: how much, and how fast.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._began_s = self._loop.time()
        self._came_ms = 0.0

    def check(self, duration_ms: float) -> None:
        """See whether a message of that length may come now.

        Raises:
            Closing: it may not.
        """
        limits = self._limits
        if not limits.shortest_ms <= duration_ms <= limits.longest_ms:
            raise Closing(
                3007,
                f"Input duration violation: {duration_ms:g} ms. Expected between"
                f" {limits.shortest_ms:g} and {limits.longest_ms:g} ms",
            )
        self._came_ms += duration_ms
        passed_ms = (self._loop.time() - self._began_s) * 1000
        if self._came_ms > passed_ms + limits.ahead_ms + ROUNDING_MS:
            raise Closing(
                3007,
                f"Audio Transmission Rate Exceeded: Received {self._came_ms / 1000:.1f} sec."
                f" audio in {passed_ms / 1000:.1f} sec",
            )
