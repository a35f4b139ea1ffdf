"""Recognition that outlives its provider: one stream of audio, and whoever understands it now.

The engine heals what a vendor's connection suffers. What it cannot heal moves the stream on: the
next provider hears again all that was not given for good, so that no word is lost or doubled, as
far as the vendor's protocol tells (`SttCapabilities.boundary`).

A provider that is well again is not gone back to while a stream of another runs: only a stream that
is opened, for another caller, language or trouble, goes to the preferred one again.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace

import structlog

from ..conversion import Converter, wanted_format
from ..errors import ProviderError
from ..fallback import Candidate, Fallback, Follower, nobody
from ..options import SttOptions
from ..patience import HELD_S
from ..types import EndOfTurn, SttEvent, SttProvider, SttStream, Transcript, Word
from .attempts import Attempts, check_language
from .backlog import Backlog

__all__ = ["CHUNK_MS", "Relay"]

log = structlog.get_logger(__name__)

CHUNK_MS = 100
"""Audio is handed to the recognizer in pieces of so much: few messages, no noticeable delay."""


class Relay:
    """Recognizes one speaker's audio. `run` is where the events come from.

    Its owner feeds audio in one format, says when the speaker begins and stops to speak, which
    recognizers of utterances need to know, and when an utterance is over. It may do so at any time:
    what comes while there is no stream waits for one.

    Args:
        stt: the recognizers.
        options: how to recognize; `audio` is the owner's format, of one channel, and `model` the
            preferred recognizer's.
        follower: is told who recognizes.
        chunk_ms: how much audio is handed over at a time.

    Attributes:
        utterances: whether the present recognizer gets utterances alone.
        is_paced: whether it takes audio no faster than it is spoken.
    """

    def __init__(
        self,
        stt: Fallback[SttProvider],
        options: SttOptions,
        follower: Follower = nobody,
        chunk_ms: int = CHUNK_MS,
    ) -> None:
        self._stt = stt
        self._options = options
        self._follower = follower
        self._chunk_bytes = options.audio.byte_count(chunk_ms)
        self._ms_per_byte = options.audio.duration_ms(1)
        self._backlog = Backlog(options.audio, max(chunk_ms, CHUNK_MS))
        self._stream: SttStream | None = None
        self._converter = Converter(options.audio, options.audio)
        self._fed = self._fresh = 0  # bytes in all, and since some were handed over
        self._attempts = Attempts(stt)
        self._interim = False  # something was understood that may change
        self._finishing = False
        self._over = False
        self.utterances = self.is_paced = False
        self._lost_ms = 0
        self._deaf = True  # nobody listens, until a stream is there

    # What the owner tells

    @property
    def fed_ms(self) -> float:
        """How much audio came in."""
        return self._fed * self._ms_per_byte

    @property
    def covered_ms(self) -> float:
        """Up to where in the audio everything that was said was given for good.

        A transcript that was asked for may count in full not before the loop's next turn: until
        then it might be that of a turn that its recognizer has ended of its own accord.
        """
        return self._backlog.covered_ms

    @property
    def lost_ms(self) -> int:
        """How much audio no recognizer has got: it could not be kept, or there is none by now."""
        return self._lost_ms + (round(self._backlog.waiting_ms) if self._deaf else 0)

    def feed(self, audio: bytes, now_ms: float) -> None:
        """Take audio that ended at `now_ms` on the owner's clock."""
        size = len(audio)
        self._backlog.add(audio, now_ms - size * self._ms_per_byte)
        self._fed += size
        self._fresh += size
        if self._fresh >= self._chunk_bytes:
            self._hand_over()

    def speech_started(self, at_ms: float) -> None:
        """The speaker has been speaking since then, on the audio's clock."""
        self._backlog.speech_started(at_ms)
        if self.utterances:
            self._hand_over()

    def speech_stopped(self, at_ms: float) -> None:
        """The speaker fell silent then, on the audio's clock."""
        self._backlog.speech_stopped(at_ms)

    def finalize(self) -> None:
        """The utterance is over: ask the recognizer for its final transcript."""
        self._backlog.end_utterance()
        self._hand_over()

    def expect(self, phrases: Sequence[str]) -> None:
        """From the next utterance on, these phrases are expected."""
        self._options = replace(self._options, phrases=tuple(phrases))
        if self._stream is not None:
            # A stream that has just failed has no use for them, and the next one gets them.
            with suppress(ProviderError):
                self._stream.expect(phrases)

    async def set_language(self, language: str) -> None:
        """Recognize another language from now on, in a new stream.

        Raises:
            UnsupportedLanguageError: nobody understands it; all stays as it was.
        """
        if language == self._options.language:
            return
        check_language(self._stt, language)
        self._options = replace(self._options, language=language)
        await self._end_stream()

    async def finish(self) -> None:
        """No more audio: `run` returns when all that was asked for is answered."""
        self._finishing = True
        self._hand_over()
        await self._end_stream()

    # What the owner is told

    def clock_ms(self, stream_ms: float) -> float | None:
        """A time of the present recognizer's stream on the owner's clock; None when it is 0."""
        return self._backlog.clock_ms(stream_ms) if stream_ms else None

    def on_clock(self, event: SttEvent) -> SttEvent:
        """The event that was just given, with its times on the owner's clock."""
        if isinstance(event, EndOfTurn):
            return EndOfTurn(self._clock(event.at_ms))
        words = []
        for word in event.words:
            start_ms, end_ms = self._placed(word)
            words.append(replace(word, start_ms=start_ms, end_ms=end_ms))
        start_ms, end_ms = self._placed(event)
        return replace(event, start_ms=start_ms, end_ms=end_ms, words=tuple(words))

    async def run(self, on_event: Callable[[SttEvent], None]) -> None:
        """Recognize until cancelled or finished, with another stream when one fails or must change.

        Raises:
            ProviderError: no recognizer can be had, or all keep failing.
        """
        while not self._over:
            candidate = self._attempts.next(self._options.language)
            try:
                await self._recognize(candidate, on_event)
            except ProviderError as error:
                self._deaf = True
                if self._interim:
                    # Nobody is to take it for final: the next one says it anew.
                    self._interim = False
                    on_event(Transcript("", final=False))
                self._follower.failed(candidate.name, error)
                language = self._options.language
                delay_s = self._attempts.failed(candidate, error, language, _now_s())
                await asyncio.sleep(delay_s)

    def _placed(self, said: Transcript | Word) -> tuple[int, int]:
        """When something began and ended on the owner's clock; 0 when that is not known."""
        if not said.end_ms:
            return 0, 0
        # The first word may begin with the stream, at 0.
        began_ms = self._backlog.clock_ms(said.start_ms) or 0
        return round(began_ms), self._clock(said.end_ms)

    def _clock(self, stream_ms: int) -> int:
        return round(self.clock_ms(stream_ms) or 0)

    # One stream after the other

    async def _recognize(
        self, candidate: Candidate[SttProvider], on_event: Callable[[SttEvent], None]
    ) -> None:
        """One stream, until it ends.

        Raises:
            ProviderError: it cannot be had, or has failed.
        """
        began_s = _now_s()
        asked = self._options
        audio = wanted_format(candidate.provider.capabilities.audio, asked.audio)
        own = replace(asked, audio=audio)
        if asked.model is not None and self._stt.place(candidate) > 0:
            candidate.set_aside(["model"])
            own = replace(own, model=None)
        async with candidate.provider.stream(own) as stream:
            if asked.language != self._options.language:
                return
            if asked.phrases != self._options.phrases:
                stream.expect(self._options.phrases)
            self._converter = Converter(asked.audio, audio)
            try:
                await self._opened(candidate, stream)
                opened_s = _now_s()
                async for event in stream:
                    settled = not isinstance(event, Transcript) or event.final
                    if settled:
                        self._attempts.progressed()
                        # Streams give a turn's final transcript and its end in one go.
                        asyncio.get_running_loop().call_soon(self._backlog.settle)
                    if settled or _now_s() - opened_s > HELD_S:
                        candidate.succeeded(began_s)
                    self._backlog.understood(event)
                    self._interim = _is_interim(event)
                    on_event(event)
                self._backlog.drained()
                self._attempts.progressed()
                # What came while a stream of another language drained is the next one's.
                self._over = self._finishing and not self._backlog.waits
            finally:
                self._stream = None

    async def _opened(self, candidate: Candidate[SttProvider], stream: SttStream) -> None:
        """A stream is there: it gets what none before it has answered."""
        self._stream = stream
        self._deaf = False
        self._attempts.opened(_now_s())
        self._follower.uses(candidate.name)
        capabilities = candidate.provider.capabilities
        self.utterances = capabilities.utterances
        self.is_paced = math.isfinite(capabilities.delivery.ahead_ms)
        lost_ms = round(self._backlog.opened(capabilities))
        if lost_ms:
            self._lost_ms += lost_ms
            log.warning("audio was lost with a recognizer", lost_ms=lost_ms)
        self._hand_over()
        if self._finishing:
            await self._end_stream()

    async def _end_stream(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            await stream.finish()

    def _hand_over(self) -> None:
        """Give the recognizer audio, and where utterances end; both wait when there is none."""
        self._fresh = 0
        stream, converter = self._stream, self._converter
        if stream is None:
            return
        try:
            for audio in self._backlog.unsent():
                if audio is not None:
                    stream.send(converter.convert(audio))
                    continue
                stream.send(converter.rest())
                stream.finalize()
                if self.utterances:
                    converter.restart()
        except ProviderError as error:
            # The stream's iterator raises the same, and `run` acts on it.
            log.debug("audio not taken", error=str(error))


def _now_s() -> float:
    return asyncio.get_running_loop().time()


def _is_interim(event: SttEvent) -> bool:
    return isinstance(event, Transcript) and not event.final and bool(event.text)
