"""The same audio, cut in many ways and sent at two paces, and what a recognizer gets of it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from media.audio import AudioFormat
from providers.ears import Ears
from providers.fallback import Candidate, Fallback
from providers.library.listening import listening
from providers.options import SttOptions
from providers.types import SttProvider, Transcript
from tests.bot.engines import Recognizer, RecognizerStream

__all__ = ["CUTS", "Cut", "Noting", "Reading", "hear"]

Cut = Callable[[bytes, AudioFormat], Iterator[bytes]]
"""Cuts audio into pieces."""


def _every(duration_ms: int) -> Cut:
    def cut(audio: bytes, format: AudioFormat) -> Iterator[bytes]:
        step = format.byte_count(duration_ms)
        return (audio[at : at + step] for at in range(0, len(audio), step))

    return cut


def _anywhere(audio: bytes, format: AudioFormat) -> Iterator[bytes]:
    """Pieces of 1 byte to 1.5 s, cut in the midst of samples, too."""
    chance, at = random.Random(len(audio)), 0
    while at < len(audio):
        size = round(format.byte_count(1_500) ** chance.random())
        yield audio[at : at + size]
        at += size


CUTS: dict[str, Cut] = {
    "20 ms": _every(20),
    "256 ms": _every(256),
    "1 s": _every(1_000),
    "anywhere": _anywhere,
}


class NotingStream(RecognizerStream):
    """Notes where utterances end."""

    ends: tuple[int, ...] = ()

    def finalize(self) -> None:
        self.ends += (len(self.audio),)
        super().finalize()


class Noting(Recognizer):
    """Understands nothing, and notes what it gets."""

    @asynccontextmanager
    async def stream(self, options: SttOptions) -> AsyncIterator[RecognizerStream]:
        stream = NotingStream(self, options)
        self.streams.append(stream)
        yield stream

    @property
    def got(self) -> tuple[bytes, tuple[int, ...]]:
        """All audio, and where in it utterances end."""
        (stream,) = self.streams
        assert isinstance(stream, NotingStream)
        return bytes(stream.audio), stream.ends


@dataclass
class Reading:
    """A `Reader` that keeps what is final."""

    finals: list[Transcript] = field(default_factory=list)

    def uses(self, name: str) -> None:
        pass

    def failed(self, name: str, error: Exception) -> None:
        raise error

    def understood(self, transcript: Transcript) -> None:
        if transcript.final:
            self.finals.append(transcript)

    def over(self, error: Exception | None) -> None:
        pass


async def hear(
    engine: SttProvider,
    ears: Ears,
    audio: bytes,
    options: SttOptions,
    cut: Cut,
    *,
    real_time: bool,
) -> list[Transcript]:
    """What is understood for good; in real time each piece comes when all of it was said."""
    loop, format, said_s = asyncio.get_running_loop(), options.audio, 0.0
    reading, stt = Reading(), Fallback([Candidate(engine.name, engine)])
    began_s = loop.time()
    async with listening(stt, ears, options, reading) as stream:
        for piece in cut(audio, format):
            said_s += format.duration_ms(len(piece)) / 1000
            if real_time:
                await asyncio.sleep(began_s + said_s - loop.time())
            await stream.send(piece)
        await stream.finish()
    return reading.finals
