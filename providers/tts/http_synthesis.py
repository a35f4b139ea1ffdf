"""Streaming synthesis over HTTP, for every vendor that answers a text with its audio."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Mapping
from contextlib import aclosing
from typing import Protocol

import structlog

from ..errors import InvalidResponseError, ProviderError, UnavailableError
from ..honoured import Honoured
from ..http import HttpClient
from ..http_request import HttpRequest
from ..patience import Patience
from ..session import Deadlines
from ..types import SynthesisChunk, TtsOptions, Voice
from .portions import portions
from .synthesis import DEADLINES
from .vendor import SpeechVendor
from .voice_list import VoiceList

__all__ = ["HttpTts", "HttpTtsVendor"]

log = structlog.get_logger(__name__)

WARM_S = 30.0
"""A connection that was used so shortly ago is warm."""
WARM_UP_S = 5.0


class HttpTtsVendor(SpeechVendor, Protocol):
    """What must be known of a vendor that answers a text with its audio.

    Attributes:
        answer_s: how long it may take before its audio comes; None is as long as others may.
        warm_by: statuses of 300 or more with which the warm-up may be answered, too.
    """

    @property
    def answer_s(self) -> float | None: ...
    @property
    def warm_by(self) -> Collection[int]: ...

    def warm_up(self) -> HttpRequest:
        """A small request that is refused when the key is wrong."""

    def request(self, text: str, options: TtsOptions) -> HttpRequest:
        """What has a text spoken."""

    def reader(self) -> Callable[[bytes], bytes]:
        """What makes the audio of one answer of its pieces, such as by leaving out a header.

        It is called with an empty piece at the end. Calling it raises `InvalidResponseError` or
        `UnsupportedFormatError` for what is no audio, or none that was asked for.
        """


class HttpTts:
    """The `TtsProvider` of a vendor that speaks over HTTP.

    A text whose answer breaks off is asked for again, and what was given of it is left out, by its
    length.

    Args:
        vendor: which one.
        deadlines: how long it may take.
    """

    def __init__(self, vendor: HttpTtsVendor, deadlines: Deadlines = DEADLINES) -> None:
        self._vendor = vendor
        self._deadlines = deadlines
        self._http = HttpClient(vendor.name)
        self._honoured = Honoured(vendor.name, vendor.capabilities)
        self._voices = VoiceList(vendor.voices, vendor.voice_pages, vendor.refused, self._http)
        self._used_s: float | None = None
        self._closed = False
        self.name = vendor.name
        self.capabilities = vendor.capabilities
        self.format = vendor.format
        self.reached = False

    async def start(self) -> None:
        """Connect, so that the first word need not wait for it. Idempotent.

        Raises:
            ProviderError: the vendor refuses. One that cannot be reached now may be later.
        """
        self._closed = False
        self._honoured.announce()
        now_s = asyncio.get_running_loop().time()
        if self._used_s is not None and now_s - self._used_s < WARM_S:
            return
        try:
            await self._http.fetch(
                self._vendor.warm_up(),
                self._vendor.refused,
                deadline_s=WARM_UP_S,
                allowed=self._vendor.warm_by,
            )
            self._worked()
        except ProviderError as error:
            self.reached = False
            if not error.retryable:
                raise
            log.warning("synthesizer not reached yet", error=str(error))

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
        for part in portions(self._vendor, text, options):
            async with aclosing(self._speak(part, options)) as pieces:
                async for piece in pieces:
                    yield SynthesisChunk(piece)

    async def voices(self, language: str | None = None) -> list[Voice]:
        """The voices on offer; one without a language speaks them all.

        Raises:
            ProviderError: the vendor had to be asked, and could not be.
        """
        return await self._voices.fetch(language)

    async def aclose(self) -> None:
        """Give back the connections. Texts being spoken fail."""
        self._closed = True
        self._used_s = None
        await self._http.aclose()

    async def _speak(self, text: str, options: TtsOptions) -> AsyncGenerator[bytes, None]:
        """A text's audio, over as many answers as it takes."""
        loop = asyncio.get_running_loop()
        patience = Patience(self._deadlines.reconnect_s)
        given = 0
        while True:
            begun_s = loop.time()
            try:
                async with aclosing(self._answered(text, options, skip=given)) as pieces:
                    async for piece in pieces:
                        given += len(piece)
                        patience.progressed()
                        yield piece
                if given:
                    return
                raise UnavailableError(self.name, "a text was answered without audio")
            except ProviderError as error:
                if not error.retryable:
                    raise
                self._check_open()
                patience.lost(begun_s, 0.0)
                delay_s, left_s = patience.attempt(loop.time(), error)
                if left_s <= 0:
                    raise
                await asyncio.sleep(delay_s)

    async def _answered(
        self, text: str, options: TtsOptions, *, skip: int
    ) -> AsyncGenerator[bytes, None]:
        """One answer's audio in whole samples, without its first `skip` bytes.

        Raises:
            ProviderError: as `HttpClient.stream`; `DeadlineError` when no audio comes.
        """
        self._check_open()
        read, frame_bytes, rest = self._vendor.reader(), self.format.frame_bytes, b""
        request = self._vendor.request(text, options)
        answer_s = self._vendor.answer_s or self._deadlines.answer_s
        async with self._http.stream(request, self._vendor.refused, answer_s=answer_s) as answer:
            self._worked()
            self._check_audio(answer.headers)
            async for piece in _and_end(answer.pieces()):
                self._check_open()
                audio = rest + read(piece)
                # Networks cut anywhere, also in the middle of a sample.
                whole = len(audio) // frame_bytes * frame_bytes
                audio, rest = audio[:whole], audio[whole:]
                fresh = audio[skip:]
                skip -= len(audio) - len(fresh)
                if fresh:
                    yield fresh
        self._worked()

    def _check_open(self) -> None:
        if self._closed:
            raise UnavailableError(self.name, "the provider was closed", retryable=False)

    def _check_audio(self, headers: Mapping[str, str]) -> None:
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind.startswith("text/") or kind in ("application/json", "application/xml"):
            # It may come of a server in between: another attempt is worth it.
            raise InvalidResponseError(
                self.name, f"a text was answered with {kind}, not with audio", retryable=True
            )

    def _worked(self) -> None:
        self.reached = True
        self._used_s = asyncio.get_running_loop().time()


async def _and_end(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The pieces that hold anything, and an empty one behind them."""
    async for piece in pieces:
        if piece:
            yield piece
    yield b""
