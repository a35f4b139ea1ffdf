"""One call's way in: the caller's µ-law → samples → voice activity and the recognizer.

Two kinds of recognizer are fed. One that finds utterances itself takes all audio as it comes. One
that wants utterances (`SttCapabilities.utterances`) gets audio only from shortly before speech
starts until the utterance is finalized. A recognizer that takes a telephone's own µ-law gets it as
it came; others get PCM, at 16 kHz unless they say otherwise.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace

import structlog

from bot.backlog import SAMPLES_PER_MS, Backlog
from bot.ears import Ears
from bot.engines import check_language
from media.audio import (
    PCM16_8K,
    PCM16_16K,
    ULAW_8K,
    AudioFormat,
    Samples,
    pcm_to_bytes,
    ulaw_to_pcm,
)
from media.resample import Upsampler
from media.vad import SpeechEvent, SpeechStarted
from providers.errors import ProviderError, RateLimitError
from providers.patience import RATE_LIMIT_S
from providers.types import SttEvent, SttOptions, SttProvider, SttStream

__all__ = ["Hearing", "telephone_format"]

log = structlog.get_logger(__name__)

CHUNK_MS = 100
"""Audio is handed to the recognizer in pieces of so much: few messages, no noticeable delay."""
TELEPHONE_FORMATS = (ULAW_8K, PCM16_16K, PCM16_8K)
PREROLL_SAMPLES = 700 * SAMPLES_PER_MS
"""What is kept while nobody speaks: the VAD is sure up to 0.3 s after a word began."""
LEAD_IN_SAMPLES = 250 * SAMPLES_PER_MS
"""How much of the silence before a word an utterance begins with."""
REOPEN_DELAYS_S = (0.0, 0.5, 1.5)


def telephone_format(stt: SttProvider) -> AudioFormat:
    """What a telephone's audio is to a recognizer: the first it takes of those made here."""
    offered = stt.capabilities.audio
    return next((audio for audio in offered if audio in TELEPHONE_FORMATS), PCM16_16K)


class Hearing:
    """Feeds the VAD and the recognizer with one caller's audio.

    Args:
        ears: the VAD of the process.
        stt: the recognizer.
        options: how to recognize; the audio's format is chosen here.
        on_speech: called with each VAD event and the offset (ms) that turns its times, which are on
            the audio's clock, into times on the call's clock.
        chunk_ms: how much audio is handed over at a time.

    Attributes:
        errors: how often the recognizer has failed.
        lost_ms: how much audio no recognizer has got, since it could not be kept for so long.
    """

    def __init__(
        self,
        ears: Ears,
        stt: SttProvider,
        options: SttOptions,
        on_speech: Callable[[SpeechEvent, float], None],
        chunk_ms: int = CHUNK_MS,
    ) -> None:
        self._stt = stt
        self._format = telephone_format(stt)
        self._options = replace(options, audio=self._format)
        self._chunk_bytes = chunk_ms * SAMPLES_PER_MS
        self._on_speech = on_speech
        self._utterances = stt.capabilities.utterances
        self._stream: SttStream | None = None
        self._upsampler = Upsampler()
        # Everything waits as µ-law: a byte a sample.
        self._preroll: deque[bytes] = deque()
        self._preroll_size = 0
        self._outgoing: list[bytes] = []
        self._outgoing_size = 0
        self._backlog = Backlog()
        self._in_utterance = not self._utterances
        self._samples = 0
        self._offset_ms = 0.0
        self.errors = 0
        self.lost_ms = 0
        self._vad = ears.open(self._heard_speech)

    @property
    def heard_ms(self) -> float:
        """How much audio came in."""
        return self._samples / SAMPLES_PER_MS

    def feed(self, ulaw: bytes, now_ms: float) -> Samples:
        """Take a frame of any length that arrived at `now_ms`; returns its samples (8 kHz)."""
        samples = ulaw_to_pcm(ulaw)
        self._samples += len(samples)
        self._offset_ms = now_ms - self._samples / SAMPLES_PER_MS
        if self._in_utterance:
            self._outgoing.append(ulaw)
            self._outgoing_size += len(ulaw)
            if self._outgoing_size >= self._chunk_bytes:
                self._send()
        else:
            self._preroll.append(ulaw)
            self._preroll_size += len(ulaw)
            while self._preroll_size - len(self._preroll[0]) >= PREROLL_SAMPLES:
                self._preroll_size -= len(self._preroll.popleft())
        self._vad.feed(samples)
        return samples

    def finalize(self) -> None:
        """The utterance is over: ask the recognizer for its final transcript."""
        self._send()
        self._backlog.end_utterance()
        self._hand_over()
        if self._utterances:
            # Somebody who is still speaking was cut at the maximum length: the next one begins.
            self._in_utterance = self._vad.speaking

    def ended_ms(self, stream_ms: int) -> float | None:
        """When words ended in the recognizer's stream, on the call's clock; None when it said 0.

        A recognizer of utterances gets what the VAD noticed and the silence behind it, in which no
        word ends.
        """
        at_ms = self._backlog.call_ms(stream_ms)
        spoken_ms = self._vad.last_speech_ms if self._utterances else None
        if at_ms is None or spoken_ms is None:
            return at_ms
        return min(at_ms, spoken_ms + self._offset_ms)

    def expect(self, phrases: Sequence[str]) -> None:
        """From the next utterance on, these phrases are expected."""
        self._options = replace(self._options, phrases=tuple(phrases))
        if self._stream is not None:
            self._stream.expect(phrases)

    async def set_language(self, language: str) -> None:
        """Recognize another language from now on, in a new stream.

        Raises:
            UnsupportedError: it is not on offer; all stays as it was.
        """
        if language != self._options.language:
            check_language(self._stt, language)
            self._options = replace(self._options, language=language)
            stream, self._stream = self._stream, None
            if stream is not None:
                await stream.finish()

    async def run(self, on_event: Callable[[SttEvent], None]) -> None:
        """Recognize until cancelled, opening the stream again when it fails or must change.

        Raises:
            ProviderError: the recognizer cannot be had, or keeps failing.
        """
        failures = 0
        while True:
            options = self._options
            try:
                async with self._stt.stream(options) as stream:
                    if options.language != self._options.language:
                        continue
                    if options.phrases != self._options.phrases:
                        stream.expect(self._options.phrases)
                    self._open(stream)
                    try:
                        async for event in stream:
                            failures = 0
                            self._backlog.understood(event)
                            on_event(event)
                        self._backlog.drained()
                    finally:
                        self._stream = None
            except ProviderError as error:
                self.errors += 1
                if not error.retryable or failures >= len(REOPEN_DELAYS_S):
                    raise
                log.warning("recognizer failed, opening it again", error=str(error))
                await asyncio.sleep(max(REOPEN_DELAYS_S[failures], _advised_s(error)))
                failures += 1

    def close(self) -> None:
        """Stop listening and give back the place in the VAD."""
        self._vad.close()

    def _heard_speech(self, event: SpeechEvent) -> None:
        started = isinstance(event, SpeechStarted)
        self._backlog.speech(started)
        if started and not self._in_utterance:
            self._begin_utterance(event.at_ms * SAMPLES_PER_MS)
        self._on_speech(event, self._offset_ms)

    def _begin_utterance(self, at_sample: int) -> None:
        """Move the kept audio since shortly before `at_sample` into the utterance."""
        self._in_utterance = True
        kept = b"".join(self._preroll)
        self._preroll.clear()
        self._preroll_size = 0
        wanted = self._samples - at_sample + LEAD_IN_SAMPLES
        self._outgoing = [kept[-wanted:]]
        self._outgoing_size = len(self._outgoing[0])

    def _send(self) -> None:
        outgoing, size = self._outgoing, self._outgoing_size
        self._outgoing, self._outgoing_size = [], 0
        if outgoing:
            began_ms = (self._samples - size) / SAMPLES_PER_MS + self._offset_ms
            self._backlog.add(b"".join(outgoing), began_ms)
            self._hand_over()

    def _convert(self, ulaw: bytes) -> bytes:
        """What came from the telephone, as the recognizer wants it."""
        if self._format == ULAW_8K:
            return ulaw
        samples = ulaw_to_pcm(ulaw)
        return pcm_to_bytes(
            self._upsampler.process(samples) if self._format == PCM16_16K else samples
        )

    def _open(self, stream: SttStream) -> None:
        """A stream is there: it gets what none before it has answered."""
        self._stream = stream
        self._upsampler = Upsampler()
        lost_ms = round(self._backlog.opened())
        if lost_ms:
            self.lost_ms += lost_ms
            log.warning("audio was lost with a recognizer", lost_ms=lost_ms)
        self._hand_over()

    def _hand_over(self) -> None:
        """Give the recognizer audio, and where utterances end; both wait when there is none."""
        if self._stream is None:
            return
        try:
            for ulaw in self._backlog.unsent():
                if ulaw is not None:
                    self._stream.send(self._convert(ulaw))
                    continue
                self._stream.finalize()
                if self._utterances:
                    self._upsampler = Upsampler()
        except ProviderError as error:
            # The stream's iterator raises the same, and `run` acts on it.
            log.debug("audio not taken", error=str(error))


def _advised_s(error: ProviderError) -> float:
    """How long to wait at least before a recognizer is opened again."""
    if not isinstance(error, RateLimitError):
        return 0.0
    return max(RATE_LIMIT_S, error.retry_after_s or 0.0)
