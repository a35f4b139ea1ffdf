"""A PocketSphinx that listens but once to the same audio, however many vendors are sent it.

What differs by a byte it hears for itself, so nothing that a vendor's audio suffers is overlooked.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial

from providers.stt.pocketsphinx import PocketSphinx
from providers.types import SttEvent, SttOptions, Transcript

__all__ = ["Remembering"]

MOST_UTTERANCES = 10
Utterances = tuple[bytes, ...]
"""A stream's audio up to now. The earlier ones count: PocketSphinx gets used to a voice."""


class Remembering:
    """One process, and what it has understood. Streams give final transcripts alone."""

    def __init__(self) -> None:
        self._sphinx = PocketSphinx(processes=1)
        self._known: dict[tuple[SttOptions, Utterances], Transcript] = {}

    async def start(self) -> None:
        await self._sphinx.start()

    @asynccontextmanager
    async def stream(self, options: SttOptions) -> AsyncIterator[_Stream]:
        """Open a stream."""
        yield _Stream(partial(self._understand, options))

    async def _understand(self, options: SttOptions, utterances: Utterances) -> Transcript:
        """The last of them."""
        key = (options, utterances)
        if key not in self._known:
            self._known[key] = await self._hear(options, utterances)
        return self._known[key]

    async def _hear(self, options: SttOptions, utterances: Utterances) -> Transcript:
        async with self._sphinx.stream(options) as stream:
            for audio in utterances:
                stream.send(audio)
                stream.finalize()
            await stream.finish()
            events = [event async for event in stream]
        return [event for event in events if isinstance(event, Transcript) and event.final][-1]

    async def aclose(self) -> None:
        await self._sphinx.aclose()


class _Stream:
    def __init__(self, understand: Callable[[Utterances], Awaitable[Transcript]]) -> None:
        self._understand = understand
        self._utterances: Utterances = ()
        self._audio = bytearray()
        self._due: asyncio.Queue[Utterances] = asyncio.Queue(MOST_UTTERANCES)

    def send(self, audio: bytes) -> None:
        self._audio += audio

    def finalize(self) -> None:
        self._utterances += (bytes(self._audio),)
        self._audio.clear()
        self._due.put_nowait(self._utterances)

    async def __aiter__(self) -> AsyncIterator[SttEvent]:
        while True:
            yield await self._understand(await self._due.get())
