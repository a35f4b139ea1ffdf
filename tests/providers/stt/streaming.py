"""A caller's side of a recognition: it speaks as people do, and notes what is understood."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

from media.audio import ULAW_8K
from providers.errors import ProviderError
from providers.session import Deadlines
from providers.stt.openai import OpenAiRecognizer
from providers.stt.recognition import Recognition
from providers.stt.soniox import SonioxRecognizer
from providers.stt.streaming import StreamingStt
from providers.types import EndOfTurn, SttEvent, SttOptions, SttStream, Transcript
from tests.vendors.openai.access import ACCESS as OPENAI
from tests.vendors.openai.standin import OpenAiStandIn
from tests.vendors.soniox.standin import SonioxStandIn
from tests.vendors.speech.script import Script

__all__ = [
    "Listener",
    "Said",
    "attended",
    "listening",
    "listening_to_openai",
    "opened",
    "recognizer",
    "said_in",
    "speak",
    "understood",
    "unheard",
]

PIECE_MS = 100
ENOUGH_S = 60.0
ULAW = SttOptions(audio=ULAW_8K)

Said = tuple[str, int, int]
"""A word, and when it began and ended in the stream, in ms."""


@dataclass(slots=True)
class Listener:
    """What came of a stream so far.

    Attributes:
        error: what ended it; None when it ended well, or has not ended.
        ended: whether its iterator has ended, in one way or the other.
    """

    stream: Recognition
    events: list[SttEvent] = field(default_factory=list)
    error: ProviderError | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def finals(self) -> list[Transcript]:
        """The final transcripts."""
        return [e for e in self.events if isinstance(e, Transcript) and e.final]

    @property
    def words(self) -> list[Said]:
        """All that was understood for good."""
        return [(word.text, word.start_ms, word.end_ms) for t in self.finals for word in t.words]

    @property
    def turns(self) -> int:
        """How often the vendor found that the speaker was done."""
        return sum(isinstance(event, EndOfTurn) for event in self.events)

    async def listen(self) -> None:
        """Until the stream's end."""
        try:
            async for event in self.stream:
                self.events.append(event)
        except ProviderError as error:
            self.error = error
        self.ended.set()

    async def end(self) -> None:
        """Wait for the stream's end, well or badly."""
        async with asyncio.timeout(ENOUGH_S):
            await self.ended.wait()

    async def failure(self) -> ProviderError:
        """The error that ends it, which has to come."""
        await self.end()
        assert self.error is not None
        return self.error


def recognizer(standin: SonioxStandIn) -> StreamingStt:
    """Soniox, as the stand-in is."""
    return StreamingStt(SonioxRecognizer(api_key="stand-in-key", stt_url=standin.stt_url))


def opened(
    standin: SonioxStandIn, options: SttOptions = ULAW
) -> AbstractAsyncContextManager[Recognition]:
    """A stream that nobody iterates."""
    return recognizer(standin).stream(options)


def unheard(url: str) -> AbstractAsyncContextManager[Recognition]:
    """A stream to a vendor that a test plays itself."""
    provider = StreamingStt(SonioxRecognizer(api_key="k", stt_url=url))
    return provider.stream(ULAW)


def listening(standin: SonioxStandIn) -> AbstractAsyncContextManager[Listener]:
    """A stream, and somebody who iterates it."""
    return attended(opened(standin))


def listening_to_openai(
    standin: OpenAiStandIn, options: SttOptions = ULAW, deadlines: Deadlines | None = None
) -> AbstractAsyncContextManager[Listener]:
    """The same with OpenAI, which takes audio when it says so, and has no times of words."""
    vendor = OpenAiRecognizer(**OPENAI.settings(standin))
    return attended(StreamingStt(vendor, deadlines).stream(options))


@asynccontextmanager
async def attended(
    opening: AbstractAsyncContextManager[SttStream],
) -> AsyncIterator[Listener]:
    """A stream of any provider on the engine, and somebody who iterates it."""
    async with opening as stream:
        assert isinstance(stream, Recognition)
        listener = Listener(stream)
        task = asyncio.create_task(listener.listen())
        try:
            yield listener
        finally:
            task.cancel()
            await asyncio.wait([task])


async def speak(stream: Recognition, audio: bytes, piece_ms: int = PIECE_MS) -> None:
    """Send µ-law as it is spoken."""
    size = ULAW_8K.byte_count(piece_ms)
    for at in range(0, len(audio), size):
        stream.send(audio[at : at + size])
        await asyncio.sleep(piece_ms / 1000)


async def understood(standin: SonioxStandIn, audio: bytes, piece_ms: int = PIECE_MS) -> Listener:
    """All of a stream."""
    async with listening(standin) as listener:
        await speak(listener.stream, audio, piece_ms)
        await listener.stream.finish()
        await listener.end()
    return listener


def said_in(script: Script) -> list[Said]:
    """The words of a recording."""
    return [(word.text, word.start_ms, word.end_ms) for word in script.words]
