"""Silence in audio files: where it is, and long recordings cut there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from pathlib import Path

from media.audio import AudioFormat, Encoding
from media.silence import Piece, Silence, SilenceFinder, Splitter

from ..errors import ConversionError
from ..results import AudioData, ContainerName
from .container import container_called
from .convert import encode_samples
from .opened import open_audio
from .source import LIMITS, Limits
from .writer import Target, suitable_rate

__all__ = ["Part", "find_silences", "split_on_silence"]

_LOOKED_AT_HZ = 8_000


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a recording.

    Attributes:
        start_ms: where it begins in the recording.
        audio: a whole file, of one channel.
    """

    start_ms: float
    audio: AudioData


async def find_silences(
    what: Path | bytes,
    *,
    format: AudioFormat | None = None,
    min_ms: int = 300,
    limits: Limits = LIMITS,
) -> list[Silence]:
    """Where nobody speaks in a file, or its bytes: see `media.silence.find_silence`.

    Args:
        what: the file, or its bytes.
        format: of `what`, if that is raw.
        min_ms: how long a silence must be.
        limits: how much is read.

    Raises:
        ProviderError: `FileError`, an `AudioError`, or `MissingKeyError` when PyAV is missing.
    """
    async with open_audio(what, format, limits) as audio:
        rate_hz = min(_LOOKED_AT_HZ, audio.info.sample_rate_hz)
        finder = SilenceFinder(rate_hz)
        async for piece in audio.pieces(rate_hz):
            finder.feed(piece)
        return await asyncio.to_thread(finder.silences, min_ms)


async def split_on_silence(
    what: Path | bytes,
    max_ms: int,
    *,
    format: AudioFormat | None = None,
    container: ContainerName = "wav",
    rate_hz: int | None = None,
    min_silence_ms: int = 300,
    padding_ms: int = 200,
    limits: Limits = LIMITS,
) -> AsyncGenerator[Part, None]:
    """A recording in parts of bounded length, cut where nobody speaks: see `Splitter`.

    Silence between parts is left out, and so are parts that hold nothing else.

    Args:
        what: the file, or its bytes.
        max_ms: how long a part may be; that much is held in memory.
        format: of `what`, if that is raw.
        container: of the parts.
        rate_hz: of the parts; None is what loses least.
        min_silence_ms: how long a pause must be to be cut.
        padding_ms: how much silence is left before and after speech.
        limits: how much is read.

    Raises (from the iterator):
        ProviderError: `FileError`, an `AudioError`, or `MissingKeyError` when PyAV is missing.
    """
    kind = container_called(container)
    async with open_audio(what, format, limits) as audio:
        rate_hz = rate_hz or suitable_rate(kind, audio.info.sample_rate_hz)
        target = Target(kind, AudioFormat(Encoding.PCM16, rate_hz))
        try:
            splitter = Splitter(
                rate_hz, max_ms, min_silence_ms=min_silence_ms, padding_ms=padding_ms
            )
        except ValueError as error:
            raise ConversionError("audio", str(error), hint="let them be longer") from None
        async for samples in audio.pieces(rate_hz):
            for part in await _parts(lambda samples=samples: list(splitter.feed(samples)), target):  # type: ignore[misc]
                yield part
        for part in await _parts(lambda: list(splitter.flush()), target):
            yield part


async def _parts(split: Callable[[], list[Piece]], target: Target) -> list[Part]:
    pieces = await asyncio.to_thread(split)
    return [
        Part(
            piece.start_ms,
            AudioData(await encode_samples(piece.samples, target), target.format, target.container),
        )
        for piece in pieces
    ]
