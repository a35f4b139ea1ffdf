"""PURE: how fast providers were, as this process measured it."""

from __future__ import annotations

from collections import defaultdict, deque
from statistics import median

from .facts import Kind

__all__ = ["Latencies"]

LATEST = 20
"""So many of the last answers count."""


class Latencies:
    """The latest answers of each provider: the end of an utterance to its words, a text to its
    first audio."""

    def __init__(self) -> None:
        self._latest: defaultdict[tuple[Kind, str], deque[float]] = defaultdict(
            lambda: deque(maxlen=LATEST)
        )

    def note(self, kind: Kind, provider: str, ms: float) -> None:
        """It took so long."""
        self._latest[kind, provider].append(ms)

    def ms(self, kind: Kind, provider: str) -> float | None:
        """How long it takes, the median of the latest; None when nothing was measured."""
        latest = self._latest.get((kind, provider))
        return median(latest) if latest else None
