"""PURE: what recognizers were given and have not answered yet, so that another can have it.

A stream may fail at any time, and so may its successor, which may be another vendor's. What is
handed over is therefore kept until the words in it were given for good. Each stream counts its time
from its own beginning: here it is known what that is on the owner's clock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from media.audio import AudioFormat

from ..types import EndOfTurn, SttCapabilities, SttEvent, Transcript
from .spans import Spans

__all__ = ["MAX_MS", "QUIET_MS", "Backlog"]

MAX_MS = 25_000.0
"""How much audio is kept: a little less than the 30 s that a recognizer lets wait."""
QUIET_MS = 10_000.0
"""How much is kept when nobody seems to speak: words that the VAD does not notice are understood
sooner, or the stream has failed by then."""
PREROLL_MS = 700.0
"""How much for a recognizer of utterances: the VAD is sure up to 0.3 s after a word began."""
JITTER_MS = 20.0
"""The owner's clock and the audio's are taken to run alike while they differ by no more."""
LEAD_IN_MS = 250.0
"""How much of the silence before a word an utterance begins with."""
WORD_END_SLACK_MS = 500.0
"""So much later than the recognizer the VAD may find that a word has ended."""
MAX_SHIFTS = 500
MAX_RUNS = 100


class Backlog:
    """One speaker's audio, from what is not answered on, and the ends of utterances in it.

    Its times count all audio that was ever added. Until `opened` is called nothing is given.

    Args:
        audio: the format of what is added.
        piece_ms: how much is given at a time, at most.
    """

    def __init__(self, audio: AudioFormat, piece_ms: float = 100.0) -> None:
        self._bytes_per_ms = audio.byte_count(1_000) / 1_000
        self._frame_bytes = audio.frame_bytes
        self._piece = audio.byte_count(piece_ms)
        self._most = self._bytes(MAX_MS)
        self._audio = bytearray()
        self._start = 0  # bytes that came before those that are kept
        self._latest = 0  # bytes before the last piece, of which the VAD may not have heard yet
        self._done = 0  # bytes up to where all words were given
        self._read = 0  # bytes up to where the present stream has got what it wants
        self._given = 0  # bytes of the present stream
        # From where in the present stream on is it how far behind all audio, in bytes.
        self._runs: deque[tuple[int, int]] = deque(maxlen=MAX_RUNS)
        self._wants = SttCapabilities()
        self._spans = Spans(self._bytes(LEAD_IN_MS), self._bytes(WORD_END_SLACK_MS))
        self._ends: deque[int] = deque()  # where utterances end that are not answered
        self._ends_given = 0
        self._final: Transcript | None = None  # not known yet whether an end of turn follows
        self._asked = False  # whether an end was given before it, which it may answer
        self._words = False  # perhaps something was said that is not final
        # From where in the audio on the owner's clock is how far ahead of it.
        self._shifts: deque[tuple[float, float]] = deque(maxlen=MAX_SHIFTS)

    def add(self, audio: bytes, clock_ms: float) -> None:
        """Keep audio that began at `clock_ms`."""
        end = self._start + len(self._audio)
        at_ms = end / self._bytes_per_ms
        # To the µs: sums of fractions must not decide how a time is rounded.
        shift_ms = round(clock_ms - at_ms, 3)
        if not self._shifts or abs(shift_ms - self._shifts[-1][1]) > JITTER_MS:
            self._shifts.append((at_ms, shift_ms))
        self._latest = end
        self._audio += audio
        if len(self._audio) > self._most:
            self._drop(self._end - self._most)

    def speech_started(self, at_ms: float) -> None:
        """The VAD noticed that somebody has been speaking since then, on the audio's clock."""
        self._words = True
        self._spans.begin(self._bytes(at_ms))

    def speech_stopped(self, at_ms: float) -> None:
        """The VAD noticed that the speech ended there."""
        self._words = True
        self._spans.stop(self._bytes(at_ms))

    def end_utterance(self) -> None:
        """An utterance is to be finalized here."""
        self._ends.append(self._end)
        self._spans.end(self._end)

    def unsent(self) -> Iterator[bytes | None]:
        """Give what the stream has not got yet: audio, and None where an utterance ends."""
        while self._ends_given < len(self._ends):
            yield from self._wanted(self._ends[self._ends_given])
            self._ends_given += 1
            yield None
        yield from self._wanted(self._end)
        if self._ends:
            return
        if self._wants.utterances:
            if not self._spans:
                self._forget(self._latest - self._bytes(PREROLL_MS))
        elif not (self._spans.speaking or self._words):
            self._forget(self._read - self._bytes(QUIET_MS))

    def understood(self, event: SttEvent) -> None:
        """The stream said something: what is final need not be kept."""
        if isinstance(event, EndOfTurn):
            # The final transcript before it was the turn's own, and answers no end.
            final, self._final = self._final, None
            self._words = False
            self._turn_ended(event.at_ms or (final.end_ms if final else 0))
            return
        self.settle()
        if event.final:
            self._final, self._asked = event, self._ends_given > 0
        else:
            self._words |= bool(event.text)

    def settle(self) -> None:
        """No end of turn follows the last final transcript: it answers the oldest end, if any."""
        final, self._final = self._final, None
        if final is None:
            return
        self._words = False
        if self._asked:
            self._answer()
        elif self._wants.boundary != "commit":
            self._forget(min(self._at(final.end_ms), self._read))

    def drained(self) -> None:
        """The stream has ended well, so all that it got is answered."""
        self.settle()
        while self._ends_given:
            self._answer()
        self._forget(self._read)

    def opened(self, wants: SttCapabilities) -> float:
        """Another stream is there. Returns how much (ms) of what it should get is not kept.

        Args:
            wants: whose stream it is.
        """
        self.settle()
        self._wants = wants
        lost_ms = self._wanted_ms(self._done, self._start)
        self._done = self._read = max(self._done, self._start)
        self._spans.settle(self._done)
        self._ends_given = self._given = 0
        self._runs.clear()
        return lost_ms

    @property
    def covered_ms(self) -> float:
        """Up to where in all audio everything that was said was given for good."""
        return self._ms(max(self._done, self._settled()))

    @property
    def waits(self) -> bool:
        """Whether there is anything that no stream has got."""
        return self._ends_given < len(self._ends) or self.waiting_ms > 0

    @property
    def waiting_ms(self) -> float:
        """How much of what a stream should get none has got, kept or not."""
        return self._wanted_ms(max(self._done, self._read), self._end)

    def clock_ms(self, stream_ms: float) -> float | None:
        """A time of the present stream on the owner's clock; None before there is any audio."""
        at_ms = self._ms(self._at(stream_ms))
        shifts = (shift_ms for from_ms, shift_ms in reversed(self._shifts) if from_ms < at_ms)
        shift_ms = next(shifts, self._shifts[0][1] if self._shifts else None)
        return None if shift_ms is None else at_ms + shift_ms

    @property
    def _end(self) -> int:
        return self._start + len(self._audio)

    def _bytes(self, duration_ms: float) -> int:
        """How many bytes last so long, down to a whole sample."""
        return int(duration_ms * self._bytes_per_ms) // self._frame_bytes * self._frame_bytes

    def _ms(self, byte_count: float) -> float:
        return byte_count / self._bytes_per_ms

    def _at(self, stream_ms: float) -> float:
        """Where in all audio a time of the present stream is."""
        given = stream_ms * self._bytes_per_ms
        behind = (behind for since, behind in reversed(self._runs) if since < given)
        return given + next(behind, self._runs[0][1] if self._runs else self._read)

    def _wanted(self, until: int) -> Iterator[bytes]:
        """The audio up to there that the stream wants and has not got."""
        start = max(self._read, self._start)
        stretches = iter([(start, until)])
        if self._wants.utterances:
            stretches = self._spans.within(start, until)
        for begin, end in stretches:
            for at in range(begin, end, self._piece):
                self._read = min(at + self._piece, end)
                if not self._runs or at - self._given != self._runs[-1][1]:
                    self._runs.append((self._given, at - self._given))
                self._given += self._read - at
                yield bytes(self._audio[at - self._start : self._read - self._start])

    def _wanted_ms(self, start: int, until: int) -> float:
        if not self._wants.utterances:
            return self._ms(max(0, until - start))
        return self._ms(sum(end - begin for begin, end in self._spans.within(start, until)))

    def _turn_ended(self, stream_ms: float) -> None:
        """The recognizer found that a turn is over; 0 is for one that does not say where."""
        if stream_ms:
            self._forget(min(self._at(stream_ms), self._read))
        elif not self._spans.speaking:
            self._forget(min(self._spans.stopped, self._read))
        self._spans.settle(self._done)

    def _settled(self) -> float:
        """Up to where the last final transcript settles all; an end of turn may follow."""
        final = self._final
        if final is None:
            return 0
        if self._asked and not self._wants.end_of_turn:
            return self._ends[0]
        if self._wants.boundary == "commit":
            return 0
        return min(self._at(final.end_ms), self._read)

    def _answer(self) -> None:
        self._ends_given -= 1
        self._forget(self._ends.popleft())

    def _forget(self, until: float) -> None:
        """All words before `until` were given."""
        self._done = max(self._done, int(until) // self._frame_bytes * self._frame_bytes)
        self._read = max(self._read, self._done)
        self._drop(self._done)
        self._spans.forget(self._done)

    def _drop(self, until: int) -> None:
        if until > self._start:
            del self._audio[: until - self._start]
            self._start = until
