"""The recognizer that listens: PocketSphinx, choosing among phrases.

Audio of any rate is taken through the telephone's 8 kHz. What is louder than the noise is an
utterance until a pause of `ENDPOINT_MS`, and then PocketSphinx decides what was said.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Protocol

import numpy as np

from media.audio import AudioFormat, Samples, decode, pcm_to_bytes
from media.energy import Energy
from media.resample import Downsampler, Upsampler
from media.vad import WINDOW, WINDOW_MS, SpeechDetector, SpeechStarted
from providers.errors import CapacityError, ProviderError
from providers.stt.pocketsphinx import PocketSphinx
from providers.types import SttEvent, SttOptions, Transcript

from .hearing import END, Heard, Listening, Token
from .refusal import Refusal
from .script import spread, words_of

__all__ = ["PHRASES", "Sphinx", "SphinxHearing", "SphinxStream"]

# What the callers of the demo say, and what one might take it for.
PHRASES = (
    "I'd like to make an appointment, please.",
    "I'd like to cancel my appointment.",
    "What are your opening hours?",
    "On Monday.",
    "On Wednesday.",
    "On Friday.",
    "At nine o'clock.",
    "At ten o'clock.",
    "At half past two.",
    "Yes, please.",
    "No, thank you.",
    "Goodbye.",
)
ENDPOINT_MS = 500
LEAD_WINDOWS = 10
"""What is kept of the time before speech is sure: 320 ms."""
DECISION_S = 30.0
ONLY_VOICE = np.zeros(1, np.intp)


class SphinxStream(Protocol):
    """What is used of a PocketSphinx's stream."""

    def send(self, audio: bytes) -> None: ...
    def finalize(self) -> None: ...
    def __aiter__(self) -> AsyncIterator[SttEvent]: ...


class Sphinx(Protocol):
    """What is used of a PocketSphinx."""

    async def start(self) -> None: ...
    def stream(self, options: SttOptions) -> AbstractAsyncContextManager[SphinxStream]: ...
    async def aclose(self) -> None: ...


class SphinxHearing:
    """PocketSphinx for every stream.

    Args:
        phrases: what may be said.
        processes: how many streams at a time.
        sphinx: one that is already there, with processes of its own.

    Raises:
        MissingKeyError: PocketSphinx is not installed.
    """

    def __init__(
        self,
        phrases: Sequence[str] = PHRASES,
        *,
        processes: int = 2,
        sphinx: Sphinx | None = None,
    ) -> None:
        self._phrases = tuple(phrases)
        self._sphinx = sphinx or PocketSphinx(processes)

    async def start(self) -> None:
        await self._sphinx.start()

    async def listen(self, listening: Listening) -> SphinxRecognizer:
        audio_format = listening.format
        if audio_format is None or audio_format.channels != 1:
            raise Refusal(
                400, None, "the stand-in decodes one channel of 16-bit PCM, µ-law or A-law"
            )
        held = AsyncExitStack()
        try:
            stream = await held.enter_async_context(
                self._sphinx.stream(SttOptions(phrases=self._phrases))
            )
        except CapacityError:
            raise Refusal(429, None, "Too many concurrent streams") from None
        return SphinxRecognizer(held, stream, listening, audio_format)

    async def aclose(self) -> None:
        await self._sphinx.aclose()


class SphinxRecognizer:
    """One stream's `Recognizer`."""

    def __init__(
        self,
        held: AsyncExitStack,
        stream: SphinxStream,
        listening: Listening,
        audio_format: AudioFormat,
    ) -> None:
        self.final_ms = 0
        self.in_word = False
        self._held = held
        self._stream = stream
        self._reading = asyncio.create_task(self._read())
        self._decided: asyncio.Queue[Transcript | ProviderError] = asyncio.Queue(maxsize=10)
        self._listening = listening
        self._format = audio_format
        self._down = Downsampler(audio_format.sample_rate_hz)
        self._up = Upsampler()
        self._vad = Energy()
        self._vad.reserve(1)
        self._detector = SpeechDetector(min_silence_ms=ENDPOINT_MS)
        self._rest = b""  # of a sample
        self._samples: Samples = np.empty(0, np.int16)  # of a window
        self._lead: deque[Samples] = deque(maxlen=LEAD_WINDOWS)
        self._now_ms = 0
        self._sent_ms = 0
        self._shift_ms = 0  # of the stream's times against PocketSphinx'
        self._interim: Transcript | None = None
        self._final: list[Token] = []
        self._begun = False

    async def hear(self, audio: bytes) -> None:
        audio = self._rest + audio
        whole = len(audio) - len(audio) % self._format.frame_bytes
        self._rest = audio[whole:]
        heard = self._down.process(decode(audio[:whole], self._format.encoding))
        self._samples = np.concatenate((self._samples, heard))
        while self._samples.size >= WINDOW:
            await self._window(self._samples[:WINDOW])
            self._samples = self._samples[WINDOW:]

    async def finalize(self) -> None:
        if self.in_word:
            await self._decide()

    def take(self) -> Heard:
        final, self._final = self._final, []
        interim = [] if self._interim is None else self._tokens(self._interim)
        return Heard(final, interim)

    async def aclose(self) -> None:
        self._reading.cancel()
        await asyncio.wait([self._reading])
        await self._held.aclose()

    async def _window(self, window: Samples) -> None:
        self._now_ms += WINDOW_MS
        self._lead.append(window)
        probability = float(self._vad.infer(window[np.newaxis], ONLY_VOICE)[0])
        event = self._detector.feed(probability, self._now_ms)
        if isinstance(event, SpeechStarted):
            self.in_word = True
            self._shift_ms = self._now_ms - len(self._lead) * WINDOW_MS - self._sent_ms
        if self.in_word:
            while self._lead:
                self._send(self._lead.popleft())
        if self.in_word and not self._detector.speaking:
            await self._decide()
            self.in_word = False
            if self._listening.endpoint_ms is not None:
                self._final.append(END)

    def _send(self, window: Samples) -> None:
        self._sent_ms += WINDOW_MS
        self._stream.send(pcm_to_bytes(self._up.process(window)))

    async def _decide(self) -> None:
        """Have PocketSphinx say what it was.

        Raises:
            Refusal: it failed.
        """
        self._stream.finalize()
        async with asyncio.timeout(DECISION_S):
            decided = await self._decided.get()
        if isinstance(decided, ProviderError):
            raise Refusal(500, None, "The recognizer failed") from decided
        self._interim = None
        self._final += self._tokens(decided)
        self._begun = self._begun or bool(decided.text)
        self.final_ms = self._now_ms

    def _tokens(self, transcript: Transcript) -> list[Token]:
        """Its words, which share its time evenly: a phrase's own are not timed."""
        words = words_of(transcript.text)
        if not words:
            return []
        start_ms, end_ms = (
            max(0, time_ms + self._shift_ms) for time_ms in (transcript.start_ms, transcript.end_ms)
        )
        tokens = [
            token
            for word in spread(words, start_ms, max(start_ms, end_ms))
            for token in word.tokens(whole=self._listening.whole_words)
        ]
        if not self._begun:
            tokens[0] = tokens[0].as_first()
        return tokens

    async def _read(self) -> None:
        try:
            async for event in self._stream:
                if isinstance(event, Transcript) and event.final:
                    await self._decided.put(event)
                elif isinstance(event, Transcript):
                    self._interim = event
        except ProviderError as error:
            await self._decided.put(error)
