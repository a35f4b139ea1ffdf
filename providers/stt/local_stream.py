"""What the streams of recognizers on this machine have in common: transcripts, and how they end."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol, TypeVar

from ..errors import ProviderError, UnavailableError, UnsupportedFormatError
from ..types import PCM16_16K, SttEvent, SttOptions, Transcript, Word
from .local_wire import Result

__all__ = ["LocalStream", "check_audio", "transcript", "working"]

MAX_WAITING_EVENTS = 1_000


def check_audio(provider: str, options: SttOptions) -> None:
    """See that the audio is what the recognizers of this machine take.

    Raises:
        UnsupportedFormatError: it is not PCM16 at 16 kHz.
    """
    audio = options.audio
    if audio != PCM16_16K:
        raise UnsupportedFormatError(
            provider,
            f"audio as {audio.encoding} at {audio.sample_rate_hz} Hz, {audio.channels} channel(s)",
            hint="decode it to 16-bit PCM and resample it to 16000 Hz, one channel",
        )


def transcript(result: Result) -> Transcript:
    """What a worker process said, as an event."""
    return Transcript(
        text=result.text,
        final=result.final,
        start_ms=result.start_ms,
        end_ms=result.end_ms,
        confidence=result.confidence,
        words=tuple(Word(*word) for word in result.words),
        language=result.language,
        rejected=result.rejected,
    )


class LocalStream:
    """The reader's side of an `SttStream`: an iterator of transcripts, and its end.

    Attributes:
        owed: how many final transcripts are to come.
    """

    def __init__(self, provider: str) -> None:
        self._provider = provider
        self._events: deque[Transcript] = deque()
        self._changed = asyncio.Event()
        self._error: ProviderError | None = None
        self._left = False
        self._finished = False
        self.owed = 0

    def __aiter__(self) -> AsyncIterator[SttEvent]:
        return self

    async def __anext__(self) -> SttEvent:
        while True:
            if self._events and not self._left:
                return self._events.popleft()
            if self._error is not None and not self._left:
                raise self._error
            if self._left or (self._finished and not self.owed):
                raise StopAsyncIteration
            await self._wait()

    def failed(self, error: ProviderError) -> None:
        """End with an error; the first one counts."""
        if self._error is None:
            self._error = error
        self._changed.set()

    def abandon(self) -> None:
        """End at once."""
        self._left = True
        self._changed.set()

    async def _wait(self) -> None:
        """Until something changes."""
        self._changed.clear()
        await self._changed.wait()

    def _give(self, event: Transcript) -> None:
        if self._events and not self._events[-1].final:
            self._events.pop()  # nobody read it, and it is outdated
        self._events.append(event)
        self.owed -= event.final
        if len(self._events) > MAX_WAITING_EVENTS:
            self.failed(ProviderError(self._provider, "nobody reads the transcripts"))
        self._changed.set()

    def _check_open(self) -> None:
        if self._error is not None:
            raise self._error
        if self._left or self._finished:
            raise UnavailableError(self._provider, "the stream is over", retryable=False)


class _Worker(Protocol):
    """A stream whose work is its owner's to end."""

    def abandon(self) -> None: ...
    async def run(self) -> None: ...


StreamT = TypeVar("StreamT", bound=_Worker)


@asynccontextmanager
async def working(stream: StreamT, streams: set[StreamT]) -> AsyncIterator[StreamT]:
    """A stream at work, among those that are open."""
    streams.add(stream)
    work = asyncio.create_task(stream.run())
    try:
        yield stream
    finally:
        streams.discard(stream)
        stream.abandon()
        work.cancel()
        await asyncio.wait([work])
