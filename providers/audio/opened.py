"""Audio files on an event loop: they are read in a thread of their own."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from media.audio import AudioFormat, Samples

from .own_thread import OwnThread
from .reader import AudioInfo, AudioReader
from .source import LIMITS, Limits

__all__ = ["OpenAudio", "open_audio"]


class OpenAudio:
    """An audio file that is being read.

    Attributes:
        info: what it says of itself.
    """

    def __init__(self, reader: AudioReader, thread: OwnThread) -> None:
        self._reader = reader
        self._thread = thread
        self.info: AudioInfo = reader.info

    async def pieces(
        self, rate_hz: int | None = None, *, mix: bool = True
    ) -> AsyncGenerator[Samples, None]:
        """Its samples, about a second at a time: see `AudioReader.pieces`.

        Raises:
            ProviderError: as there; `DeadlineError` when reading takes too long.
        """
        pieces = self._reader.pieces(rate_hz, mix=mix)
        while (piece := await self._thread.do(partial(next, pieces, None))) is not None:
            yield piece


@asynccontextmanager
async def open_audio(
    what: Path | bytes,
    format: AudioFormat | None = None,
    limits: Limits = LIMITS,
    name: str = "",
) -> AsyncIterator[OpenAudio]:
    """Open an audio file of any kind; the arguments and errors are those of `AudioReader`."""
    thread = OwnThread()
    opened: list[AudioReader] = []

    def open_() -> AudioReader:
        opened.append(AudioReader(what, format, limits, name))
        return opened[0]

    def close() -> None:
        # Also what was opened when nobody waited for it any longer.
        for reader in opened:
            reader.close()

    try:
        yield OpenAudio(await thread.do(open_), thread)
    finally:
        await thread.aclose(close)
