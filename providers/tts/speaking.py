"""One provider speaking one text, in a task of its own, so that another can race it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing

from media.audio import AudioFormat

from ..conversion import Converter
from ..errors import DeadlineError, UnavailableError
from ..fallback import Candidate
from ..options import TtsOptions
from ..types import SynthesisChunk, TtsProvider, WordPosition

__all__ = ["Speaking"]

PIECE_DEADLINE_S = 5.0
"""How long a synthesizer may stay silent before the next piece of audio."""
STOP_DEADLINE_S = 5.0
MOST_AHEAD = 16
"""So many pieces of audio wait to be taken, at most."""


class Speaking:
    """A text being spoken. It has begun with its construction, and must be stopped.

    Args:
        candidate: who speaks.
        text, options: what is spoken, and how.
        audio: the format that is wanted.
        on_news: called when there is something to take.

    Attributes:
        began_s: when it began, on the loop's clock.
    """

    def __init__(
        self,
        candidate: Candidate[TtsProvider],
        text: str,
        options: TtsOptions,
        audio: AudioFormat,
        on_news: Callable[[], None],
    ) -> None:
        self.candidate = candidate
        self.began_s = asyncio.get_running_loop().time()
        self._provider = candidate.provider
        self._converter = Converter(self._provider.format, audio)
        self._on_news = on_news
        self._words: tuple[WordPosition, ...] = ()  # whose audio is not ready yet
        self._news: asyncio.Queue[SynthesisChunk | Exception | None] = asyncio.Queue(MOST_AHEAD)
        self._task = asyncio.create_task(self._run(text, options))

    @property
    def name(self) -> str:
        """Of who speaks."""
        return self.candidate.name

    @property
    def has_news(self) -> bool:
        """Whether `take` need not wait."""
        return not self._news.empty()

    async def take(self) -> SynthesisChunk | None:
        """The next piece of audio, which is not empty; None at the end.

        Raises:
            ProviderError: the synthesizer failed, or stays silent.
        """
        news = await self._news.get()
        if isinstance(news, Exception):
            raise news
        return news

    def cancel(self) -> None:
        """Speak no more of it."""
        self._task.cancel()

    async def stopped(self) -> None:
        """Until it has stopped."""
        await asyncio.wait([self._task], timeout=STOP_DEADLINE_S)

    async def _run(self, text: str, options: TtsOptions) -> None:
        end: Exception | None = None
        try:
            async with aclosing(self._provider.synthesize(text, options)) as chunks:
                while (chunk := await self._within(anext(chunks, None))) is not None:
                    await self._give(self._converter.convert(chunk.audio), chunk.words)
            await self._give(self._converter.rest(), ())
        except Exception as error:  # it is raised to whoever takes
            end = error
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            # Nobody cancelled this: something of the provider's own was, and it will not go on.
            end = UnavailableError(self._provider.name, "it was cancelled from within")
        await self._put(end)

    async def _within(self, chunk: Awaitable[SynthesisChunk | None]) -> SynthesisChunk | None:
        try:
            async with asyncio.timeout(PIECE_DEADLINE_S):
                return await chunk
        except TimeoutError:
            raise DeadlineError(
                self._provider.name,
                f"no audio for {PIECE_DEADLINE_S:g} s",
                hint="try another provider",
            ) from None

    async def _give(self, audio: bytes, words: tuple[WordPosition, ...]) -> None:
        self._words += words
        if audio:
            words, self._words = self._words, ()
            await self._put(SynthesisChunk(audio, words))

    async def _put(self, news: SynthesisChunk | Exception | None) -> None:
        await self._news.put(news)
        self._on_news()
