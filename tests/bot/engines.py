"""Speech engines that do as a test says: what they understand, how they sound, when they fail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import numpy as np

from media.audio import PCM16_8K, AudioFormat, pcm_to_bytes
from media.vad import Probabilities, Voices, Windows
from providers.errors import ProviderError, UnavailableError
from providers.types import (
    EndOfTurn,
    SttCapabilities,
    SttEvent,
    SttOptions,
    SynthesisChunk,
    Transcript,
    TtsCapabilities,
    TtsOptions,
    Voice,
)

__all__ = ["MS_PER_CHARACTER", "Level", "Recognizer", "RecognizerStream", "Tones"]

MS_PER_CHARACTER = 50


class Level:
    """A voice activity model for which whatever is loud is speech."""

    name = "level"

    def reserve(self, capacity: int) -> None:
        pass

    def forget(self, voice: int) -> None:
        pass

    def infer(self, windows: Windows, voices: Voices) -> Probabilities:
        loud: Probabilities = (np.abs(windows).max(axis=1) > 1000).astype(np.float32)
        return loud


class RecognizerStream:
    """A stream of `Recognizer`."""

    def __init__(self, owner: Recognizer, options: SttOptions) -> None:
        self.owner = owner
        self.options = options
        self.events: asyncio.Queue[SttEvent | ProviderError | None] = asyncio.Queue()
        self.audio = bytearray()
        self.expected: list[tuple[str, ...]] = []
        self.finalized = 0
        self._due = 0
        self._finishing = False

    def send(self, audio: bytes) -> None:
        if self.owner.deaf:
            raise UnavailableError("recognizer", "deaf")
        self.audio += audio

    def finalize(self) -> None:
        self.finalized += 1
        owner = self.owner
        text = owner.texts.pop(0) if owner.texts else ""
        if text is None:
            return
        answer = Transcript(text, True, confidence=0.9)
        self._due += 1
        asyncio.get_running_loop().call_later(owner.delay_s, self._answer, answer)

    def _answer(self, transcript: Transcript) -> None:
        self._due -= 1
        self.events.put_nowait(transcript)
        if self._finishing and not self._due:
            self.events.put_nowait(None)

    def expect(self, phrases: Sequence[str]) -> None:
        if self.owner.deaf:
            raise UnavailableError("recognizer", "deaf")
        self.expected.append(tuple(phrases))

    def hear(self, text: str, *, final: bool = False, end_ms: int = 0) -> None:
        """Understand something at once, which ended there in the stream; 0 for nobody knows."""
        self.events.put_nowait(Transcript(text, final, end_ms=end_ms))

    def end_turn(self) -> None:
        self.events.put_nowait(EndOfTurn())

    def fail(self, error: ProviderError) -> None:
        self.events.put_nowait(error)

    async def __aiter__(self) -> AsyncIterator[SttEvent]:
        while (event := await self.events.get()) is not None:
            if isinstance(event, ProviderError):
                raise event
            yield event

    async def finish(self) -> None:
        self._finishing = True
        if not self._due:
            self.events.put_nowait(None)


@dataclass
class Recognizer:
    """Understands `texts`, one for each utterance; None stands for no answer at all.

    Attributes:
        delay_s: how long a final transcript takes.
        opening_s: how long it takes to open a stream.
        failures: raised, one by one, when a stream is opened.
        deaf: whether audio, and what is expected of it, is refused.
        streams: all that were opened.
        capacity: how many streams it says may be open; it gives more.
    """

    texts: list[str | None] = field(default_factory=list)
    utterances: bool = True
    delay_s: float = 0.05
    opening_s: float = 0.0
    failures: list[ProviderError] = field(default_factory=list)
    deaf: bool = False
    streams: list[RecognizerStream] = field(default_factory=list)
    open: int = 0
    capacity: int | None = None
    name: str = "recognizer"
    capabilities: SttCapabilities = field(init=False)

    def __post_init__(self) -> None:
        self.capabilities = SttCapabilities(
            languages=("en-US", "fr-FR"), utterances=self.utterances, boundary="word"
        )

    @property
    def current(self) -> RecognizerStream:
        return self.streams[-1]

    async def start(self) -> None:
        pass

    @asynccontextmanager
    async def stream(self, options: SttOptions) -> AsyncIterator[RecognizerStream]:
        await asyncio.sleep(self.opening_s)
        if self.failures:
            raise self.failures.pop(0)
        stream = RecognizerStream(self, options)
        self.streams.append(stream)
        self.open += 1
        try:
            yield stream
        finally:
            self.open -= 1

    async def aclose(self) -> None:
        pass


@dataclass
class Tones:
    """Speaks every text as a tone of 50 ms a character.

    Attributes:
        chunk_ms: how long each piece of audio is.
        pace_s: how long each piece takes to make.
        fail: by text: raised after so many pieces.
        spoken: every text that was asked for, and how.
        running: how many syntheses are under way.
        reached: whether it says that it is within reach.
    """

    chunk_ms: int = 200
    pace_s: float = 0.0
    fail: dict[str, tuple[int, Exception]] = field(default_factory=dict)
    spoken: list[tuple[str, TtsOptions]] = field(default_factory=list)
    running: int = 0
    reached: bool = True
    name: str = "tones"
    capabilities: TtsCapabilities = field(default_factory=TtsCapabilities)
    format: AudioFormat = PCM16_8K

    @property
    def texts(self) -> list[str]:
        return [text for text, _ in self.spoken]

    async def start(self) -> None:
        pass

    async def synthesize(
        self, text: str, options: TtsOptions
    ) -> AsyncGenerator[SynthesisChunk, None]:
        self.spoken.append((text, options))
        self.running += 1
        try:
            pieces, error = self.fail.get(text, (-1, None))
            wave = tone(len(text) * MS_PER_CHARACTER)
            step = self.chunk_ms * 8
            for number, start in enumerate(range(0, len(wave), step)):
                if number == pieces and error is not None:
                    raise error
                await asyncio.sleep(self.pace_s)
                yield SynthesisChunk(pcm_to_bytes(wave[start : start + step]))
        finally:
            self.running -= 1

    async def voices(self, language: str | None = None) -> list[Voice]:
        return []

    async def aclose(self) -> None:
        pass


def tone(ms: float) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    """440 Hz, loud, at 8 kHz."""
    at_s = np.arange(round(ms * 8)) / 8000
    return (8000 * np.sin(2 * np.pi * 440 * at_s)).astype(np.int16)
