"""PURE: who has asked for what was said so far, and is owed an answer."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

__all__ = ["FINALIZE_S", "Finalizing"]

FINALIZE_S = 10.0
"""A `finalize` is answered by then, whatever its recognizer does."""
MOST = 16
SLACK_MS = 1.0
"""What sums of times may be off by."""


class Finalizing:
    """The `finalize` of one session that are not answered. Its times count the session's audio."""

    def __init__(self) -> None:
        self._asked: deque[tuple[float, float]] = deque()  # where, and until when

    def ask(self, at_ms: float, covered_ms: float, now_s: float) -> bool:
        """Somebody asks for all up to there; whether recognizers are to be asked for it.

        Args:
            at_ms: where.
            covered_ms: up to where all was told already.
            now_s: the loop's time.
        """
        if len(self._asked) >= MOST:
            # Nobody waits for so many: they are answered as one, and recognizers spared.
            self._asked[-1] = (at_ms, self._asked[-1][1])
            return False
        lacks = self.lacks(at_ms, covered_ms)
        self._asked.append((at_ms, now_s + FINALIZE_S))
        return lacks

    def lacks(self, at_ms: float, covered_ms: float) -> bool:
        """Whether nobody has asked for all up to there, and it was not told; as for `ask`."""
        latest_ms = self._asked[-1][0] if self._asked else covered_ms
        return at_ms - latest_ms > SLACK_MS

    def answered(self, covered_ms: float) -> int:
        """How many are answered when all up to there was told."""
        return self._taken(lambda at_ms, until_s: at_ms - covered_ms <= SLACK_MS)

    def late(self, now_s: float) -> int:
        """How many have waited for too long."""
        return self._taken(lambda at_ms, until_s: until_s <= now_s)

    def all(self) -> int:
        """How many there are, when no more will be said."""
        return self._taken(lambda at_ms, until_s: True)

    def _taken(self, due: Callable[[float, float], bool]) -> int:
        count = 0
        while self._asked and due(*self._asked[0]):
            self._asked.popleft()
            count += 1
        return count
