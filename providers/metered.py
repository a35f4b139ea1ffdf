"""Providers whose use is metered: audio as it is sent, texts as they are spoken."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Sequence
from contextlib import aclosing, asynccontextmanager

from .errors import ProviderError
from .facts import Facts, Kind
from .results import AudioData, Container, TranscriptionResult
from .types import (
    AudioFormat,
    FileRecognizer,
    SttCapabilities,
    SttEvent,
    SttOptions,
    SttProvider,
    SttStream,
    SynthesisChunk,
    Transcript,
    TtsCapabilities,
    TtsOptions,
    TtsProvider,
    Voice,
)
from .usage import Account, Meter, Use

__all__ = ["MeteredFiles", "MeteredStt", "MeteredTts"]

EVERY_MS = 5_000
"""What a stream has used is counted whenever it is so much more, and at its end."""


class MeteredStt:
    """A recognizer, metered.

    Args:
        provider: which one.
        account: where its use is kept, and what may be spent.
        facts: what is known of its price.

    Attributes:
        provider: which one.
    """

    def __init__(self, provider: SttProvider, account: Account, facts: Facts) -> None:
        self.provider = provider
        self._account = account
        self._facts = facts
        self.name = provider.name

    @property
    def capabilities(self) -> SttCapabilities:
        """As the provider."""
        return self.provider.capabilities

    @property
    def capacity(self) -> int | None:
        """As the provider."""
        return self.provider.capacity

    async def start(self) -> None:
        """As the provider."""
        await self.provider.start()

    @asynccontextmanager
    async def stream(self, options: SttOptions) -> AsyncIterator[SttStream]:
        """As the provider. One that is open is not ended when the budget is spent meanwhile.

        Raises (on entering):
            BudgetError: the budget is spent.
        """
        self._account.budget.check(self.name, self._facts)
        async with self.provider.stream(options) as stream:
            metered = _MeteredStream(stream, options.audio, self.name, self._account, self._facts)
            try:
                yield metered
            finally:
                metered.count()

    async def aclose(self) -> None:
        """As the provider."""
        await self.provider.aclose()


class _MeteredStream:
    """A stream whose audio is counted, and the time from an utterance's end to its words."""

    def __init__(
        self, stream: SttStream, audio: AudioFormat, name: str, account: Account, facts: Facts
    ) -> None:
        self._stream = stream
        self._audio = audio
        self._name = name
        self._facts = facts
        self._latencies = account.latencies
        self._meters = account.meters()
        self._every = audio.byte_count(EVERY_MS)
        self._uncounted = 0  # bytes
        self._asked_s: float | None = None
        self._loop = asyncio.get_running_loop()

    def send(self, audio: bytes) -> None:
        self._stream.send(audio)
        self._uncounted += len(audio)
        if self._uncounted >= self._every:
            self.count()

    def count(self) -> None:
        """Count what was sent since the last time."""
        amount_ms = self._audio.duration_ms(self._uncounted)
        self._uncounted = 0
        if amount_ms:
            _count(self._meters, "stt", self._name, amount_ms, self._facts)

    def finalize(self) -> None:
        self._stream.finalize()
        self._asked_s = self._loop.time()

    def expect(self, phrases: Sequence[str]) -> None:
        self._stream.expect(phrases)

    def __aiter__(self) -> AsyncIterator[SttEvent]:
        return self

    async def __anext__(self) -> SttEvent:
        event = await anext(aiter(self._stream))
        if self._asked_s is not None and isinstance(event, Transcript) and event.final:
            took_ms = (self._loop.time() - self._asked_s) * 1000
            self._latencies.note("stt", self._name, took_ms)
            self._asked_s = None
        return event

    async def finish(self) -> None:
        await self._stream.finish()


class MeteredTts:
    """A synthesizer, metered.

    Args:
        provider: which one.
        account: where its use is kept, and what may be spent.
        facts: what is known of its price.

    Attributes:
        provider: which one.
    """

    def __init__(self, provider: TtsProvider, account: Account, facts: Facts) -> None:
        self.provider = provider
        self._account = account
        self._facts = facts
        self.name = provider.name
        self.format = provider.format

    @property
    def capabilities(self) -> TtsCapabilities:
        """As the provider."""
        return self.provider.capabilities

    @property
    def reached(self) -> bool:
        """As the provider."""
        return self.provider.reached

    async def start(self) -> None:
        """As the provider."""
        await self.provider.start()

    async def synthesize(
        self, text: str, options: TtsOptions
    ) -> AsyncGenerator[SynthesisChunk, None]:
        """As the provider. A text counts, heard or not, unless it failed before it began.

        Raises (from the iterator):
            BudgetError: the budget is spent.
        """
        account, loop = self._account, asyncio.get_running_loop()
        account.budget.check(self.name, self._facts)
        asked_s, begun, failed = loop.time(), False, False
        try:
            async with aclosing(self.provider.synthesize(text, options)) as chunks:
                async for chunk in chunks:
                    if not begun:
                        begun = True
                        took_ms = (loop.time() - asked_s) * 1000
                        account.latencies.note("tts", self.name, took_ms)
                    yield chunk
        except ProviderError:
            failed = not begun
            raise
        finally:
            if not failed:
                _count(account.meters(), "tts", self.name, len(text), self._facts)

    async def voices(self, language: str | None = None) -> list[Voice]:
        """As the provider."""
        return await self.provider.voices(language)

    async def aclose(self) -> None:
        """As the provider."""
        await self.provider.aclose()


class MeteredFiles:
    """A recognizer of whole recordings, metered.

    Args:
        provider: which one.
        account: where its use is kept, and what may be spent.
        facts: what is known of its price.

    Attributes:
        provider: which one.
    """

    def __init__(self, provider: FileRecognizer, account: Account, facts: Facts) -> None:
        self.provider = provider
        self._account = account
        self._facts = facts
        self.name = provider.name
        self.capabilities = provider.capabilities
        self.containers: tuple[Container, ...] = provider.containers
        self.max_bytes = provider.max_bytes
        self.max_ms = provider.max_ms

    async def transcribe(self, audio: AudioData, options: SttOptions) -> TranscriptionResult:
        """As the provider. What it could not understand does not count.

        Raises:
            BudgetError: the budget is spent.
        """
        account, loop = self._account, asyncio.get_running_loop()
        account.budget.check(self.name, self._facts)
        asked_s = loop.time()
        result = await self.provider.transcribe(audio, options)
        account.latencies.note("files", self.name, (loop.time() - asked_s) * 1000)
        _count(account.meters(), "files", self.name, result.duration_ms, self._facts)
        return result

    async def aclose(self) -> None:
        """As the provider."""
        await self.provider.aclose()


def _count(meters: Iterable[Meter], kind: Kind, name: str, amount: float, facts: Facts) -> None:
    use = Use(kind, name, amount, facts.usd(amount), facts.price_date)
    for meter in meters:
        meter.add(use)
