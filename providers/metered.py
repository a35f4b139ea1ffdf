"""Providers whose use is metered: audio as it is sent, texts as they are asked for."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager

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
    TtsCapabilities,
    TtsOptions,
    TtsProvider,
    Voice,
)
from .usage import Budget, Meter, call_meter

__all__ = ["MeteredFiles", "MeteredStt", "MeteredTts"]


class MeteredStt:
    """A recognizer, metered.

    Args:
        provider: which one.
        meter: of the process; the one in `call_meter` counts too.
        budget: what may be spent.

    Attributes:
        provider: which one.
    """

    def __init__(self, provider: SttProvider, meter: Meter, budget: Budget) -> None:
        self.provider = provider
        self._meter = meter
        self._budget = budget
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
        """As the provider.

        Raises:
            QuotaError: the budget is spent.
        """
        self._budget.check("stt", self.name)
        async with self.provider.stream(options) as stream:
            metered = _MeteredStream(stream, options.audio)
            try:
                yield metered
            finally:
                for meter in (self._meter, call_meter.get()):
                    if meter is not None and metered.sent:
                        meter.add("stt", self.name, options.audio.duration_ms(metered.sent))

    async def aclose(self) -> None:
        """As the provider."""
        await self.provider.aclose()


class _MeteredStream:
    """A stream, and how many bytes were sent on it."""

    def __init__(self, stream: SttStream, audio: AudioFormat) -> None:
        self._stream = stream
        self.sent = 0

    def send(self, audio: bytes) -> None:
        self._stream.send(audio)
        self.sent += len(audio)

    def finalize(self) -> None:
        self._stream.finalize()

    def expect(self, phrases: Sequence[str]) -> None:
        self._stream.expect(phrases)

    def __aiter__(self) -> AsyncIterator[SttEvent]:
        return self._stream.__aiter__()

    async def finish(self) -> None:
        await self._stream.finish()


class MeteredTts:
    """A synthesizer, metered.

    Args:
        provider: which one.
        meter: of the process; the one in `call_meter` counts too.
        budget: what may be spent.

    Attributes:
        provider: which one.
    """

    def __init__(self, provider: TtsProvider, meter: Meter, budget: Budget) -> None:
        self.provider = provider
        self._meter = meter
        self._budget = budget
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
        """As the provider. Vendors bill what they were sent, heard or not.

        Raises (from the iterator):
            QuotaError: the budget is spent.
        """
        self._budget.check("tts", self.name)
        for meter in (self._meter, call_meter.get()):
            if meter is not None:
                meter.add("tts", self.name, len(text))
        async with aclosing(self.provider.synthesize(text, options)) as chunks:
            async for chunk in chunks:
                yield chunk

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
        meter: of the process; the one in `call_meter` counts too.
        budget: what may be spent.

    Attributes:
        provider: which one.
    """

    def __init__(self, provider: FileRecognizer, meter: Meter, budget: Budget) -> None:
        self.provider = provider
        self._meter = meter
        self._budget = budget
        self.name = provider.name
        self.capabilities = provider.capabilities
        self.containers: tuple[Container, ...] = provider.containers
        self.max_bytes = provider.max_bytes
        self.max_ms = provider.max_ms

    async def transcribe(self, audio: AudioData, options: SttOptions) -> TranscriptionResult:
        """As the provider. What it could not understand is not billed.

        Raises:
            QuotaError: the budget is spent.
        """
        self._budget.check("files", self.name)
        result = await self.provider.transcribe(audio, options)
        for meter in (self._meter, call_meter.get()):
            if meter is not None:
                meter.add("files", self.name, result.duration_ms)
        return result

    async def aclose(self) -> None:
        """As the provider."""
        await self.provider.aclose()
