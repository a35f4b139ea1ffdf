"""A phone that talks with a bot: plays what comes, by arithmetic alone, and watches the replies."""

from __future__ import annotations

import asyncio
from collections import deque
from time import monotonic

from .line import Line
from .phones import StreamPhone
from .tally import Tally

__all__ = ["CallerPhone"]

BYTES_PER_S = 8_000
EMPTY_S = 0.020
"""So long may nothing be played in the middle of a reply."""


class CallerPhone(StreamPhone):
    """One caller.

    Attributes:
        gone: set when the connection is closed.
        tally: what was counted of the call; `count` brings it up to date.
    """

    def __init__(self, line: Line, number: int, calls: int) -> None:
        super().__init__(line, number, calls)
        self.gone = asyncio.Event()
        self.tally = Tally(self.offset)
        # What was sent is played until then.
        self._played_s = 0.0
        self._marks: deque[tuple[float, str]] = deque()
        # Of the present reply: how much is still to come, and how it has begun.
        self._to_come = 0
        self._begun = False
        self._asked_s = 0.0
        self._response_ms: float | None = None
        self._first_sent_s: float | None = None

    def count(self, before_s: float) -> Tally:
        """What the call has had; a reply that was wanted before this time should have begun."""
        if self._waits and self._asked_s < before_s:
            self.tally.unheard += 1
        self.tally.sent = len(self.sent_s)
        return self.tally

    @property
    def _waits(self) -> bool:
        """Whether a reply was asked for, and has not begun."""
        return self._to_come > 0 and not self._begun

    def expect(self, size: int, response_ms: float | None) -> None:
        """A reply of `size` bytes of µ-law was asked for, `response_ms` after the turn's end.

        None says that it was asked for before, and is to be heard again.
        """
        if self._to_come > 0:
            self.line.seen.counts["unfinished"] += 1
        self.tally.unheard += self._waits
        if response_ms is None:
            self.line.seen.counts["again"] += 1
            self.tally.again += 1
        self._to_come, self._begun, self._asked_s = size, False, monotonic()
        self._response_ms, self._first_sent_s = response_ms, None

    def piece_sent(self, now_s: float) -> None:
        """The synthesizer has sent a piece of the reply."""
        if self._first_sent_s is None:
            self._first_sent_s = now_s

    def heard(self, size: int, now_s: float) -> None:
        if self._to_come > 0:
            if not self._begun:
                self._begin(now_s)
            elif (empty_s := now_s - self._played_s) > EMPTY_S:
                self.line.seen.gaps_out.add(now_s, empty_s * 1000)
            self._to_come -= size
        self._played_s = max(self._played_s, now_s) + size / BYTES_PER_S

    def _begin(self, now_s: float) -> None:
        self._begun = True
        self.line.seen.counts["begun"] += 1
        if self._response_ms is not None and self._first_sent_s is not None:
            response_ms = self._response_ms + (now_s - self._first_sent_s) * 1000
            self.line.seen.responses.add(now_s, response_ms)

    def marked(self, name: str, now_s: float) -> None:
        if self._played_s <= now_s:
            self.echo_mark(name)
            return
        self._marks.append((self._played_s, name))
        self.line.wheel.at(self._played_s, self._reach_marks)

    def cleared(self, now_s: float) -> None:
        if self._to_come > 0 or now_s < self._played_s:
            self.line.seen.counts["barged"] += 1
            self.tally.barged += 1
        self.tally.unheard += self._waits
        self._played_s, self._to_come = now_s, 0
        while self._marks:
            self.echo_mark(self._marks.popleft()[1])

    def lost(self) -> None:
        self.gone.set()

    def _reach_marks(self) -> None:
        now_s = monotonic()
        while self._marks and self._marks[0][0] <= now_s:
            self.echo_mark(self._marks.popleft()[1])
