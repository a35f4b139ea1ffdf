"""Streaming synthesis on the engine, for every vendor with a WebSocket that carries contexts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import replace

import structlog

from ..errors import ProviderError, RateLimitError, UnavailableError
from ..honoured import Honoured
from ..http import HttpClient
from ..session import Deadlines
from ..types import SynthesisChunk, TtsOptions, Voice
from .channel import Channel
from .context import MAX_WAITING_S, Context
from .portions import portions
from .spoken import TtsVendor
from .voice_list import VoiceList

__all__ = ["StreamingTts"]

log = structlog.get_logger(__name__)

IDLE_S = 60.0
"""A connection that nobody needs for so long is closed, unless it is the last."""
FULL_S = 10.0
"""So long no further connection is tried when the vendor has refused one as too many."""
AGAIN_S = 0.5
"""So often a text that waits for a place looks for one, though nobody has told of any."""
DEADLINES = Deadlines(answer_s=2.0)
"""A caller waits: a text of which nothing comes for two seconds is asked for again."""


class StreamingTts:
    """The `TtsProvider` of a vendor with a WebSocket. Connections are shared by all calls.

    A text whose connection is lost is spoken again on the next one, and what was given of it is
    left out, by its length. When the vendor allows no more connections, texts wait for one another.

    Args:
        vendor: which one.
        deadlines: how long it may take.
    """

    def __init__(self, vendor: TtsVendor, deadlines: Deadlines = DEADLINES) -> None:
        self._vendor = vendor
        self._deadlines = deadlines
        self._channels: list[Channel] = []
        self._closed = False
        self._sweep: asyncio.TimerHandle | None = None
        # Since when, and why, no further connection is tried.
        self._full_until_s = 0.0
        self._limit: RateLimitError | None = None
        self._left = asyncio.Event()  # a text has left its place
        self._honoured = Honoured(vendor.name, vendor.capabilities)
        self._http = HttpClient(vendor.name)
        self._voices = VoiceList(vendor.voices, vendor.voice_pages, vendor.refused, self._http)
        self.name = vendor.name
        self.capabilities = vendor.capabilities
        self.format = vendor.format

    async def start(self) -> None:
        """Connect, so that the first word need not wait for it. Idempotent.

        Raises:
            ProviderError: the vendor refuses. One that cannot be reached now may be later.
        """
        self._closed = False
        self._honoured.announce()
        if self._channels:
            return
        try:
            channel = self._channel(TtsOptions())
            assert channel is not None
            await channel.connect()
            if self._vendor.refuses_within_s:
                await channel.prove()
        except ProviderError as error:
            self._discard()
            if not error.retryable:
                raise
            log.warning("synthesizer not reached yet", error=str(error))

    @property
    def reached(self) -> bool:
        """Whether there is a connection that has not failed for good."""
        return any(not channel.is_refused for channel in self._channels)

    async def synthesize(
        self, text: str, options: TtsOptions
    ) -> AsyncGenerator[SynthesisChunk, None]:
        """Speak `text`. Closing the iterator early stops the synthesis.

        Raises (from the iterator):
            UnsupportedError: an option cannot be honoured, or SSML is too long.
            ProviderError: the vendor refuses, cannot be reached within 3 s, or gives nothing.
        """
        self._vendor.check(options)
        self._honoured.note(options)
        end = size = 0
        for part in portions(self._vendor, text, options):
            # Between two parts there may be space.
            begin, begin_ms = text.index(part, end), self.format.duration_ms(size)
            end = begin + len(part)
            async with aclosing(self._speak(part, options)) as pieces:
                async for piece in pieces:
                    size += len(piece.audio)
                    yield _placed(piece, begin, begin_ms)

    async def voices(self, language: str | None = None) -> list[Voice]:
        """The voices on offer; one without a language speaks them all.

        Raises:
            ProviderError: the vendor had to be asked, and could not be.
        """
        return await self._voices.fetch(language)

    async def aclose(self) -> None:
        """End every connection. Texts being spoken fail with `UnavailableError`."""
        self._closed = True
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None
        for channel in self._channels:
            channel.close(self._over())
        self._channels.clear()
        self._left.set()
        await self._http.aclose()

    async def _speak(self, text: str, options: TtsOptions) -> AsyncGenerator[SynthesisChunk, None]:
        context = Context(text, options, self.format.byte_count(MAX_WAITING_S * 1000))
        until_s = self._until_s()
        while not context.ended:
            channel = await self._place(context, until_s)
            channel.begin(context)
            try:
                async with aclosing(self._heard(channel, context)) as pieces:
                    async for piece in pieces:
                        yield piece
                until_s = self._until_s()  # if it goes on, then on another connection
            except RateLimitError as error:
                if context.begun:
                    raise
                context.renew()
                self._full(error)
            except ProviderError as error:
                blurred = channel.blurred and context.error is None
                if error.retryable or context.alone or not blurred:
                    raise
                # It may be another text that the vendor refuses. Alone it shows which one it is.
                context.alone = True
                until_s = self._until_s()
            finally:
                channel.leave(context)
                self._discard()

    def _until_s(self) -> float:
        """How long a place is waited for."""
        return asyncio.get_running_loop().time() + self._deadlines.reconnect_s

    async def _heard(
        self, channel: Channel, context: Context
    ) -> AsyncGenerator[SynthesisChunk, None]:
        while True:
            for piece in context.pieces():
                yield piece
            if context.error is not None:
                raise context.error
            if context.ended or not await channel.wait(context):
                return

    def _check_open(self) -> None:
        if self._closed:
            raise self._over()

    def _over(self) -> ProviderError:
        return UnavailableError(self.name, "the provider was closed", retryable=False)

    async def _place(self, context: Context, until_s: float) -> Channel:
        """A connection with a place; when the vendor takes no more of them, as soon as there is.

        Raises:
            RateLimitError: there was none until then.
            UnavailableError: the provider was closed.
        """
        self._check_open()
        while (channel := self._channel(context.options, alone=context.alone)) is None:
            self._left.clear()
            now_s = asyncio.get_running_loop().time()
            if now_s >= until_s:
                assert self._limit is not None
                raise self._limit
            with suppress(TimeoutError):
                async with asyncio.timeout_at(min(until_s, now_s + AGAIN_S)):
                    await self._left.wait()
            self._check_open()
        return channel

    def _channel(self, options: TtsOptions, *, alone: bool = False) -> Channel | None:
        """The connection of the route with the fewest texts, or a new one when all are full, or for
        a text alone; None when the vendor has just said that there are too many."""
        for spent in [channel for channel in self._channels if channel.spent and not channel.load]:
            self._let_go(spent)
        route = self._vendor.route(options)
        free = [channel for channel in self._channels if channel.has_place]
        fitting = [channel for channel in free if channel.route == route]
        if fitting and not alone:
            return min(fitting, key=lambda channel: channel.load)
        if self._channels and asyncio.get_running_loop().time() < self._full_until_s:
            idle = [channel for channel in free if not channel.load]
            if not idle:
                return None
            # Another route's, or one that nobody needs while a text has to be alone.
            self._let_go(max(idle, key=lambda channel: channel.idle_s))
        extra = any(not channel.spent for channel in self._channels)
        channel = Channel(
            self._vendor, options, self._deadlines, self._left.set, extra=extra, alone=alone
        )
        self._channels.append(channel)
        return channel

    def _full(self, error: RateLimitError) -> None:
        """The vendor takes no more connections, or texts, for now.

        Raises:
            RateLimitError: and there is no other.
        """
        if all(channel.broken for channel in self._channels):
            raise error
        if self._limit is None:
            log.warning("synthesizer takes no more: texts wait", error=str(error))
        self._limit = error
        self._full_until_s = asyncio.get_running_loop().time() + FULL_S

    def _discard(self) -> None:
        """Let go of connections that broke for good, or that nobody needs."""
        for channel in list(self._channels):
            idle = channel.idle_s >= IDLE_S and len(self._channels) > 1
            if idle or (channel.spent and not channel.load):
                self._let_go(channel)
        self._left.set()
        if len(self._channels) > 1 and self._sweep is None and not self._closed:
            self._sweep = asyncio.get_running_loop().call_later(IDLE_S, self._sweep_now)

    def _let_go(self, channel: Channel) -> None:
        self._channels.remove(channel)
        channel.close()

    def _sweep_now(self) -> None:
        self._sweep = None
        self._discard()


def _placed(chunk: SynthesisChunk, begin: int, begin_ms: float) -> SynthesisChunk:
    """A part's chunk, its words placed in the whole text, where the part begins there."""
    words = tuple(
        replace(word, start=word.start + begin, end=word.end + begin, at_ms=word.at_ms + begin_ms)
        for word in chunk.words
    )
    return SynthesisChunk(chunk.audio, words)
