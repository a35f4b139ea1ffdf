"""Which phone belongs to the audio that a vendor hears and to the words that it is to speak."""

from __future__ import annotations

from time import monotonic

from .caller import CallerPhone
from .line import Line
from .script import reply_bytes, turn_of
from .tally import Tally

__all__ = ["Exchange"]

APOLOGY_BYTES = 8_000
"""The length of what belongs to no turn."""


class Exchange:
    """The phones of a round, found by what is heard of them."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self._by_first: dict[bytes, CallerPhone] = {}
        self._by_number: dict[int, CallerPhone] = {}
        self._ended_s: dict[tuple[int, int], float] = {}

    def add(self, phone: CallerPhone) -> None:
        """A phone that is about to call."""
        self._by_first[phone.first] = phone
        self._by_number[phone.number] = phone

    def heard(self, first: bytes) -> CallerPhone | None:
        """Whose audio begins with this frame: a recognizer has begun to hear it."""
        phone = self._by_first.get(first)
        if phone is None:
            self.line.seen.counts["strange"] += 1
        else:
            phone.tally.streams += 1
        return phone

    def turn_ended(self, call: int, turn: int) -> None:
        """The recognizer has just said that a turn is over."""
        self._ended_s[call, turn] = monotonic()
        self.line.seen.counts["ended"] += 1
        if (phone := self._by_number.get(call)) is not None:
            phone.tally.turns += 1

    def asked(self, text: str) -> tuple[CallerPhone | None, int]:
        """A text came that is to be spoken: to whom, and how many bytes of µ-law it is."""
        turn = turn_of(text)
        phone = self._by_number.get(turn[0]) if turn else None
        if turn is None or phone is None:
            self.line.seen.counts["strange"] += 1
            return None, APOLOGY_BYTES
        now_s, size = monotonic(), reply_bytes(turn[1])
        # Of words that are spoken again, nobody knows when they were wanted.
        ended_s = self._ended_s.pop(turn, None)
        if ended_s is not None:
            self.line.seen.counts["asked"] += 1
        phone.expect(size, None if ended_s is None else (now_s - ended_s) * 1000)
        return phone, size

    def unanswered(self, before_s: float) -> int:
        """How many turns that ended before a time had no reply asked for."""
        return sum(ended_s < before_s for ended_s in self._ended_s.values())

    def tallies(self, before_s: float) -> list[Tally]:
        """What each call has had; replies wanted before a time should have begun."""
        return [phone.count(before_s) for _, phone in sorted(self._by_number.items())]

    def forget(self) -> None:
        """The calls are over: others follow."""
        self._by_first.clear()
        self._by_number.clear()
        self._ended_s.clear()
        self.line.seen.counts.clear()
