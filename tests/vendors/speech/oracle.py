"""The recognizer that knows its recording: it finds the place, and reads the words there.

So what it hears can be compared word for word, and a client that leaves audio out, or sends it
twice, is seen by its words. A word is heard if all of its audio came in one run (see
`.alignment`); while the word lasts, the pieces that are over are interim tokens. A stream that has
had no word gets no `END`: one that was replayed from the last word on does not hear of a pause.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace

from media.audio import AudioFormat

from .alignment import Aligner, Run
from .hearing import END, Heard, Listening, Token
from .script import Script, ScriptWord

__all__ = ["Oracle", "OracleDelays", "OracleHearing"]


@dataclass(frozen=True, slots=True)
class OracleDelays:
    """How late the oracle decides, in ms of audio.

    Attributes:
        final_ms: from a token's end until it is final.
        endpoint_ms: from the last word's end to `END`; `Listening.endpoint_ms` limits it.
    """

    final_ms: int = 600
    endpoint_ms: int = 700


@dataclass(frozen=True, slots=True)
class _Pending:
    token: Token
    ends_word: bool


class OracleHearing:
    """An oracle for each stream, all of the same recording."""

    def __init__(self, script: Script, delays: OracleDelays | None = None) -> None:
        self._script = script
        self._delays = delays or OracleDelays()

    async def start(self) -> None:
        return

    async def listen(self, listening: Listening) -> Oracle:
        return Oracle(self._script, listening, self._delays)

    async def aclose(self) -> None:
        return


class Oracle:
    """One stream's `Recognizer`."""

    def __init__(self, script: Script, listening: Listening, delays: OracleDelays) -> None:
        self.final_ms = 0
        self._script = script
        # Bytes of another shape mean nothing to it.
        self._knows = listening.format is not None and script.knows(listening.format)
        self._format = listening.format if self._knows and listening.format else script.format
        self._whole_words = listening.whole_words
        self._final_ms = delays.final_ms
        self._endpoint_ms: int | None = None
        if listening.endpoint_ms is not None:
            self._endpoint_ms = min(delays.endpoint_ms, listening.endpoint_ms)
        self._aligner = Aligner(script.index(self._format))
        self._reader: _Reader | None = None
        self._received = 0
        self._pending: deque[_Pending] = deque()
        self._final: list[Token] = []
        self._spoken_ms: int | None = None  # the end of the last token since `END`
        self._begun = False

    @property
    def in_word(self) -> bool:
        return self._reader is not None and self._reader.in_word

    async def hear(self, audio: bytes) -> None:
        if not self._knows:
            return
        self._received += len(audio)
        for run in self._aligner.hear(audio):
            if self._reader is None or self._reader.run is not run:
                self._lose_word()
                self._reader = _Reader(self._script, self._format, run, self._whole_words)
            for token, ends_word in self._reader.read():
                self._understand(token, self._ms(run.shift), ends_word)
        if self._aligner.run is None:
            self._lose_word()
            self._reader = None
        self._decide()

    async def finalize(self) -> None:
        while self._pending:
            self._settle()

    def take(self) -> Heard:
        final, self._final = self._final, []
        return Heard(final, [pending.token for pending in self._pending])

    async def aclose(self) -> None:
        return

    def _understand(self, token: Token, shift_ms: int, ends_word: bool) -> None:
        assert token.start_ms is not None
        assert token.end_ms is not None
        token = replace(token, start_ms=token.start_ms + shift_ms, end_ms=token.end_ms + shift_ms)
        self._pending.append(_Pending(token if self._begun else token.as_first(), ends_word))
        self._begun = True
        self._spoken_ms = token.end_ms

    def _lose_word(self) -> None:
        """The word that has begun does not go on."""
        while self._pending and not self._pending[-1].ends_word:
            self._pending.pop()

    def _decide(self) -> None:
        now_ms = self._ms(self._received)
        while self._pending and self._ended_ms(self._pending[0]) + self._final_ms <= now_ms:
            self._settle()
        if self._endpoint_ms is None or self._spoken_ms is None or self.in_word:
            return
        if self._spoken_ms + self._endpoint_ms <= now_ms:
            while self._pending:
                self._settle()
            self._final.append(END)
            self._spoken_ms = None

    def _settle(self) -> None:
        pending = self._pending.popleft()
        self._final.append(pending.token)
        self.final_ms = self._ended_ms(pending)

    def _ended_ms(self, pending: _Pending) -> int:
        assert pending.token.end_ms is not None
        return pending.token.end_ms

    def _ms(self, byte_count: int) -> int:
        return round(self._format.duration_ms(byte_count))


class _Reader:
    """Reads a run's words as they are reached."""

    def __init__(
        self, script: Script, audio_format: AudioFormat, run: Run, whole_words: bool
    ) -> None:
        self.run = run
        self._format = audio_format
        self._whole_words = whole_words
        words = script.words
        first = next((n for n, w in enumerate(words) if self._at(w.start_ms) >= run.start), None)
        self._words = iter(() if first is None else words[first:])
        self._tokens = self._steps()
        self._next = next(self._tokens, None)

    @property
    def in_word(self) -> bool:
        return self._next is not None and self.run.end > self._at(self._next[0].start_ms)

    def read(self) -> Iterator[tuple[Token, bool]]:
        """The tokens whose audio is there now, and whether they end their word."""
        while self._next is not None:
            word, token = self._next
            assert token.end_ms is not None
            if self._at(token.end_ms) > self.run.end:
                return
            yield token, token.end_ms == word.end_ms
            self._next = next(self._tokens, None)

    def _steps(self) -> Iterator[tuple[ScriptWord, Token]]:
        for word in self._words:
            for token in word.tokens(whole=self._whole_words):
                yield word, token

    def _at(self, time_ms: int) -> int:
        return self._format.byte_count(time_ms)
