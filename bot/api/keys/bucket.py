"""PURE: how often something may be done, on this worker alone."""

from __future__ import annotations

__all__ = ["Bucket"]


class Bucket:
    """A bucket of tokens, which is filled evenly. Times are seconds on any one clock.

    Args:
        most: how many it holds; it begins full.
        per_s: how many come in a second.
    """

    def __init__(self, most: float, per_s: float) -> None:
        self._most = self._left = most
        self._per_s = per_s
        self._at_s: float | None = None

    def take(self, now_s: float) -> float:
        """Take one. Returns 0, or in how many seconds there will be one."""
        passed_s = 0.0 if self._at_s is None else max(0.0, now_s - self._at_s)
        self._at_s = now_s
        self._left = min(self._most, self._left + passed_s * self._per_s)
        if self._left < 1:
            return (1 - self._left) / self._per_s
        self._left -= 1
        return 0.0
