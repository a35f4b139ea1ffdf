"""PURE: transcripts that wait to be read."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from ..types import SttEvent, Transcript

__all__ = ["Outbox"]

MOST = 1_000


class Outbox:
    """A stream's events, in their order; an interim transcript goes when another event comes."""

    def __init__(self) -> None:
        self._events: deque[SttEvent] = deque()

    def __bool__(self) -> bool:
        return bool(self._events)

    @property
    def is_full(self) -> bool:
        """Whether so many wait that nobody can be reading."""
        return len(self._events) > MOST

    def put(self, events: Iterable[SttEvent]) -> None:
        """Add them."""
        for event in events:
            if self._events and isinstance(last := self._events[-1], Transcript) and not last.final:
                self._events.pop()  # nobody read it, and it is outdated
            self._events.append(event)

    def take(self) -> SttEvent:
        """The first that waits; there has to be one."""
        return self._events.popleft()

    def clear(self) -> None:
        """Nobody will read what waits."""
        self._events.clear()
