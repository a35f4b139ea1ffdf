"""Speaks to a recognizer as a caller does, and notes what it has understood."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from media.audio import ULAW_8K, AudioFormat
from providers.conversion import wanted_format
from providers.types import SttOptions, SttProvider, SttStream, Transcript
from tests.vendors.speech.script import Script

__all__ = ["Understood", "call", "said_in", "telephone_format", "utterances", "words_of"]

PIECE_MS = 100
PAUSE_MS = 500
ENOUGH_S = 60.0
MARKS = ".,!?"


@dataclass(slots=True)
class Understood:
    """What came of a stream."""

    finals: list[Transcript] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All of it."""
        return " ".join(final.text for final in self.finals if final.text)

    @property
    def words(self) -> list[str]:
        """See `words_of`."""
        return words_of(self.text)

    @property
    def times(self) -> list[tuple[int, int]]:
        """When each word began and ended, in ms."""
        words = [word for final in self.finals for word in final.words]
        return [(word.start_ms, word.end_ms) for word in words]


def words_of(text: str) -> list[str]:
    """The words of a text, however it is written."""
    return [word.strip(MARKS).lower() for word in text.split()]


def said_in(script: Script) -> list[str]:
    """The words of a recording."""
    return words_of(script.text)


def telephone_format(provider: SttProvider) -> AudioFormat:
    """The format in which a telephone's audio is sent to a recognizer."""
    return wanted_format(provider.capabilities.audio, ULAW_8K)


def utterances(script: Script, audio_format: AudioFormat) -> list[bytes]:
    """A recording, cut in its pauses."""
    audio = script.audio_in(audio_format)
    pauses = [
        (before.end_ms + after.start_ms) // 2
        for before, after in pairwise(script.words)
        if after.start_ms - before.end_ms > PAUSE_MS
    ]
    edges = [0, *map(audio_format.byte_count, pauses), len(audio)]
    return [audio[start:end] for start, end in pairwise(edges)]


async def call(
    provider: SttProvider,
    parts: Sequence[bytes],
    options: SttOptions,
    *,
    waits_s: float = 0.0,
    stays_s: float = 0.0,
) -> Understood:
    """Speak, as fast as people do, and say after each part that an utterance is over.

    Args:
        waits_s: for how long, before each part, no audio comes at all.
        stays_s: how long the caller stays on the line, and says nothing.

    Raises:
        ProviderError: the stream fails.
    """
    understood = Understood()
    async with provider.stream(options) as stream:
        listening = asyncio.create_task(_listen(stream, understood))
        try:
            for part in parts:
                await asyncio.sleep(waits_s)
                await _speak(stream, part, options.audio)
                stream.finalize()
            await asyncio.wait([listening], timeout=stays_s)
            await stream.finish()
            async with asyncio.timeout(ENOUGH_S):
                await listening
        finally:
            listening.cancel()
            await asyncio.wait([listening])
    return understood


async def _speak(stream: SttStream, audio: bytes, audio_format: AudioFormat) -> None:
    size = audio_format.byte_count(PIECE_MS)
    for at in range(0, len(audio), size):
        stream.send(audio[at : at + size])
        await asyncio.sleep(PIECE_MS / 1000)


async def _listen(stream: SttStream, understood: Understood) -> None:
    async for event in stream:
        if isinstance(event, Transcript) and event.final:
            understood.finals.append(event)
