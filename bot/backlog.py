"""PURE: what a recognizer was given and has not answered yet, so that another can have it.

A stream may fail at any time, and so may its successor. What is handed over is therefore kept until
the words in it were given for good. Each stream counts its time from its own beginning: here it is
known what that is on the call's clock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from providers.stt.replay import ReplayRing
from providers.types import EndOfTurn, SttEvent, Transcript

__all__ = ["MAX_MS", "SAMPLES_PER_MS", "Backlog"]

SAMPLES_PER_MS = 8
MAX_MS = 25_000.0
"""How much audio is kept: a little less than the 30 s that a recognizer lets wait."""
QUIET_MS = 10_000.0
"""How much is kept when nobody seems to speak: words that the VAD does not notice are understood
sooner, or the stream has failed by then."""
JITTER_MS = 20.0
"""The call's clock and the audio's are taken to run alike while they differ by no more."""
MAX_SHIFTS = 100


class Backlog:
    """One caller's audio as µ-law, from what is not answered on, and the ends of utterances in it.

    Its times count all audio that was ever added.
    """

    def __init__(self) -> None:
        self._ring = ReplayRing(SAMPLES_PER_MS, 1, MAX_MS)
        self._added = 0  # bytes
        self._sent = 0
        self._base_ms = 0.0  # where the present stream begins
        self._done_ms = 0.0  # up to where all words were given
        self._ends: deque[float] = deque()  # where utterances end that are not answered
        self._ends_sent = 0
        self._final: Transcript | None = None  # not known yet whether an end of turn follows
        self._speaking = False
        self._words = False  # perhaps something was said that is not final
        # From where in the audio on the call's clock is how far ahead of it.
        self._shifts: deque[tuple[float, float]] = deque(maxlen=MAX_SHIFTS)

    def add(self, audio: bytes, call_ms: float) -> None:
        """Keep audio that began at `call_ms`."""
        at_ms = self._added / SAMPLES_PER_MS
        shift_ms = call_ms - at_ms
        if not self._shifts or abs(shift_ms - self._shifts[-1][1]) > JITTER_MS:
            self._shifts.append((at_ms, shift_ms))
        self._ring.add(audio)
        self._added += len(audio)

    def end_utterance(self) -> None:
        """An utterance is to be finalized here."""
        self._ring.end_utterance()
        self._ends.append(self._added / SAMPLES_PER_MS)

    def speech(self, started: bool) -> None:
        """The VAD noticed that the caller began to speak, or fell silent."""
        self._speaking = started
        self._words = True

    def unsent(self) -> Iterator[bytes | None]:
        """Give what the stream has not got yet: audio, and None where an utterance ends."""
        for item in self._ring.unsent():
            if item is None:
                self._ends_sent += 1
            else:
                self._sent += len(item)
            yield item
        if not (self._speaking or self._words or self._ends):
            self._forget(self._sent / SAMPLES_PER_MS - QUIET_MS)

    def understood(self, event: SttEvent) -> None:
        """The stream said something: what is final need not be kept."""
        if isinstance(event, EndOfTurn):
            # The final transcript before it was the turn's own, and answers no end.
            self._final = None
            self._words = False
            self._forget(self._base_ms + event.at_ms)
            return
        self._settle()
        if event.final:
            self._final = event
        else:
            self._words |= bool(event.text)

    def drained(self) -> None:
        """The stream has ended well, so all that it got is answered."""
        self._settle()
        while self._ends_sent:
            self._answer()
        self._forget(self._sent / SAMPLES_PER_MS)

    def opened(self) -> float:
        """Another stream is there. Returns how much (ms) of what it should get is not kept."""
        self._settle()
        self._base_ms = self._ring.rewind(self._done_ms)
        lost_ms = max(0.0, self._base_ms - self._done_ms)
        self._done_ms = self._base_ms
        self._sent = round(self._base_ms * SAMPLES_PER_MS)
        self._ends_sent = 0
        return lost_ms

    def call_ms(self, stream_ms: int) -> float | None:
        """A time of the present stream on the call's clock; None when it is 0, which is none."""
        at_ms = self._base_ms + stream_ms
        shifts = (shift_ms for from_ms, shift_ms in reversed(self._shifts) if from_ms < at_ms)
        shift_ms = next(shifts, None)
        return None if shift_ms is None or not stream_ms else at_ms + shift_ms

    def _settle(self) -> None:
        """The last final transcript was no turn's own: it answers the oldest end, if any."""
        final, self._final = self._final, None
        if final is None:
            return
        self._words = False
        if self._ends_sent:
            self._answer()
        else:
            self._forget(self._base_ms + final.end_ms)

    def _answer(self) -> None:
        self._ends_sent -= 1
        self._ring.answered()
        self._forget(self._ends.popleft())

    def _forget(self, until_ms: float) -> None:
        self._done_ms = max(self._done_ms, until_ms)
        self._ring.forget(self._done_ms)
