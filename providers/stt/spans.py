"""PURE: in which stretches of audio somebody speaks, as far as a VAD has noticed.

Recognizers that want utterances get these alone. Positions are bytes of all audio.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

__all__ = ["Spans"]


class Spans:
    """One speaker's, in order. The last one is open until its utterance is ended.

    Args:
        lead_in: how much of the silence before a word belongs to its utterance.
        slack: how much later the VAD may notice that a word has ended than the recognizer does.

    Attributes:
        speaking: whether somebody is speaking now.
        stopped: where somebody spoke last, unless somebody speaks now.
    """

    def __init__(self, lead_in: int, slack: int) -> None:
        self._lead_in = lead_in
        self._slack = slack
        self._closed: deque[tuple[int, int]] = deque()
        self._open: int | None = None
        self._ended = 0  # where the last utterance was ended
        self._began = 0  # where the last speech began
        self.speaking = False
        self.stopped = 0

    def __bool__(self) -> bool:
        return self._open is not None or bool(self._closed)

    def begin(self, at: int) -> None:
        """Somebody has been speaking since there."""
        self.speaking = True
        self._began = at
        if self._open is None:
            self._open = max(at - self._lead_in, self._ended)

    def stop(self, at: int) -> None:
        """Nobody has been speaking since there."""
        self.speaking = False
        self.stopped = at

    def end(self, at: int) -> None:
        """The utterance is over there. Who still speaks was cut: the next one begins at once."""
        if self._open is not None:
            self._closed.append((self._open, at))
        self._open = at if self.speaking else None
        self._ended = at

    def forget(self, until: int) -> None:
        """What ends before `until` is needed no more."""
        while self._closed and self._closed[0][1] <= until:
            self._closed.popleft()

    def settle(self, until: int) -> None:
        """All before `until` is answered, and so is speech that ended about there."""
        self.forget(until)
        if not self.speaking and self._began < until and self.stopped <= until + self._slack:
            self._open = None
            self._ended = max(self._ended, self.stopped)

    def within(self, start: int, until: int) -> Iterator[tuple[int, int]]:
        """From where to where somebody speaks between two positions."""
        spans = [*self._closed] if self._open is None else [*self._closed, (self._open, until)]
        for begin, end in spans:
            if max(begin, start) < min(end, until):
                yield max(begin, start), min(end, until)
