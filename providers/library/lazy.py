"""Providers that are started when they are first used, not when they are chosen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager

from ..errors import DeadlineError
from ..types import (
    SttCapabilities,
    SttOptions,
    SttProvider,
    SttStream,
    SynthesisChunk,
    TtsCapabilities,
    TtsOptions,
    TtsProvider,
    Voice,
)

__all__ = ["START_S", "LazyStt", "LazyTts"]

START_S = 60.0
"""Large models take so long."""


class _Starter:
    """Starts an engine once, for all who wait for it. A start that failed is tried again."""

    def __init__(self, engine: SttProvider | TtsProvider) -> None:
        self._engine = engine
        self._one_at_a_time = asyncio.Lock()
        self._started = False

    async def start(self) -> None:
        """Raises:
        ProviderError: the engine cannot be had; `DeadlineError` when that takes too long.
        """
        async with self._one_at_a_time:
            if self._started:
                return
            try:
                async with asyncio.timeout(START_S):
                    await self._engine.start()
            except TimeoutError:
                late = f"it has not started within {START_S:g} s"
                raise DeadlineError(
                    self._engine.name, late, hint="try again; a smaller model starts sooner"
                ) from None
            self._started = True

    async def aclose(self) -> None:
        self._started = False
        await self._engine.aclose()


class LazyStt:
    """A recognizer that its first stream starts.

    Args:
        provider: which one.
    """

    def __init__(self, provider: SttProvider) -> None:
        self._provider = provider
        self._starter = _Starter(provider)
        self.name = provider.name

    @property
    def capabilities(self) -> SttCapabilities:
        """As the provider."""
        return self._provider.capabilities

    @property
    def capacity(self) -> int | None:
        """As the provider."""
        return self._provider.capacity

    async def start(self) -> None:
        """As the provider."""
        await self._starter.start()

    @asynccontextmanager
    async def stream(self, options: SttOptions) -> AsyncIterator[SttStream]:
        """As the provider, and what starting it raises."""
        await self._starter.start()
        async with self._provider.stream(options) as stream:
            yield stream

    async def aclose(self) -> None:
        """As the provider."""
        await self._starter.aclose()


class LazyTts:
    """A synthesizer that its first text starts.

    Args:
        provider: which one.
    """

    def __init__(self, provider: TtsProvider) -> None:
        self._provider = provider
        self._starter = _Starter(provider)
        self.name = provider.name
        self.format = provider.format

    @property
    def capabilities(self) -> TtsCapabilities:
        """As the provider."""
        return self._provider.capabilities

    @property
    def reached(self) -> bool:
        """As the provider."""
        return self._provider.reached

    async def start(self) -> None:
        """As the provider."""
        await self._starter.start()

    async def synthesize(
        self, text: str, options: TtsOptions
    ) -> AsyncGenerator[SynthesisChunk, None]:
        """As the provider, and what starting it raises."""
        await self._starter.start()
        async with aclosing(self._provider.synthesize(text, options)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def voices(self, language: str | None = None) -> list[Voice]:
        """As the provider, and what starting it raises."""
        await self._starter.start()
        return await self._provider.voices(language)

    async def aclose(self) -> None:
        """As the provider."""
        await self._starter.aclose()
