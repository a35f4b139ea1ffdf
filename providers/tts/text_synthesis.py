"""Synthesis for every vendor that is asked with a text and answers with its audio."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Protocol

import structlog

from ..errors import ProviderError, UnavailableError
from ..honoured import Honoured
from ..offered import unsaid
from ..patience import Patience
from ..session import Deadlines
from ..types import SynthesisChunk, TtsOptions, Voice
from .portions import portions
from .synthesis import DEADLINES
from .vendor import SpeechVendor

__all__ = ["Asked", "TextTts"]

log = structlog.get_logger(__name__)

WARM_S = 30.0
"""A connection that was used so shortly ago is warm."""
WARM_UP_S = 5.0


class Asked(Protocol):
    """How one vendor is asked, whatever carries that."""

    async def warm_up(self, deadline_s: float) -> None:
        """Connect, and see that the key is right.

        Raises:
            ProviderError: the vendor refuses, or cannot be reached.
        """

    def answer(
        self, text: str, options: TtsOptions, answer_s: float
    ) -> AsyncGenerator[bytes, None]:
        """Have a text spoken: its audio as it comes. Closing the iterator early ends it.

        Args:
            text: what is to be said.
            options: how.
            answer_s: how long the vendor may take before its answer, and between its parts.

        Raises (from the iterator):
            ProviderError: the vendor refuses, cannot be reached, or does not answer in time.
        """

    async def voices(self, language: str | None) -> list[Voice]:
        """The voices that speak a language; None is any.

        Raises:
            ProviderError: the vendor cannot be asked.
        """

    async def aclose(self) -> None:
        """Give back the connections. What is being answered fails."""


class TextTts:
    """The `TtsProvider` of such a vendor.

    A text whose answer breaks off is asked for again, and what was given of it is left out, by its
    length. One that is answered without audio is asked for once more: a voice may have no sounds
    for it, and would be paid for each time.

    Args:
        vendor: which one.
        asked: how it is asked.
        deadlines: how long it may take.

    Attributes:
        max_sentence: how many letters a sentence may have; None is any number.
    """

    max_sentence: int | None = None

    def __init__(
        self, vendor: SpeechVendor, asked: Asked, deadlines: Deadlines = DEADLINES
    ) -> None:
        self._vendor = vendor
        self._asked = asked
        self._deadlines = deadlines
        self._honoured = Honoured(vendor.name, vendor.capabilities)
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
            await self._asked.warm_up(WARM_UP_S)
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
            UnsupportedError: an option cannot be honoured, SSML is too long, or the voice says
                nothing of the text.
            ProviderError: the vendor refuses, or cannot be reached within 3 s.
        """
        self._vendor.check(options)
        self._honoured.note(options)
        for part in portions(self._vendor, text, options, self.max_sentence):
            async with aclosing(self._speak(part, options)) as pieces:
                async for piece in pieces:
                    yield SynthesisChunk(piece)

    async def voices(self, language: str | None = None) -> list[Voice]:
        """The voices on offer; one without a language speaks them all.

        Raises:
            ProviderError: the vendor had to be asked, and could not be.
        """
        return await self._asked.voices(language)

    async def aclose(self) -> None:
        """Give back the connections. Texts being spoken fail."""
        self._closed = True
        self._used_s = None
        await self._asked.aclose()

    async def _speak(self, text: str, options: TtsOptions) -> AsyncGenerator[bytes, None]:
        """A text's audio, over as many answers as it takes."""
        loop = asyncio.get_running_loop()
        patience = Patience(self._deadlines.reconnect_s)
        given = answers = 0
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
                answers += 1
                raise unsaid(self.name, retryable=answers == 1)
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
            ProviderError: as `Asked.answer`.
        """
        self._check_open()
        frame_bytes, rest = self.format.frame_bytes, b""
        answer = self._asked.answer(text, options, self._deadlines.answer_s)
        async with aclosing(answer) as pieces:
            async for piece in pieces:
                self._check_open()
                self._worked()
                audio = rest + piece
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

    def _worked(self) -> None:
        self.reached = True
        self._used_s = asyncio.get_running_loop().time()
