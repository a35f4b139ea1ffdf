"""PURE: how long things took, in a form in which several workers' can be put together."""

from __future__ import annotations

import math
from collections import Counter, deque

__all__ = ["Latencies", "quantile_ms"]

LATEST = 1_000
"""So many are kept: a trouble of yesterday says nothing about today."""
_STEP = 1.05
"""Each class is so much longer than the one before: nothing is told more exactly."""
_LEAST_MS, _MOST_MS = 0.1, 600_000.0


class Latencies:
    """The latest ones of one kind."""

    def __init__(self) -> None:
        self._classes: deque[int] = deque(maxlen=LATEST)

    def add(self, took_s: float) -> None:
        """Something took so long."""
        took_ms = min(max(took_s * 1000, _LEAST_MS), _MOST_MS)
        self._classes.append(round(math.log(took_ms) / math.log(_STEP)))

    def counts(self) -> Counter[int]:
        """How many there are of each class; those of several workers can be added."""
        return Counter(self._classes)


def quantile_ms(counts: Counter[int], part: float) -> float | None:
    """What such a part of them did not exceed, in ms; None when there are none."""
    left = part * counts.total()
    for number in sorted(counts):
        left -= counts[number]
        if left <= 0:
            return round(_STEP**number, 1)
    return None
