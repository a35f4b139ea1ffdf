"""The channels of a session, and whoever recognizes them, from one configuration to the next."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Protocol, TypeVar

from providers.ears import Ears
from providers.errors import ProviderError
from providers.fallback import Candidate, Fallback
from providers.library.listening import ENDPOINT_MS
from providers.options import AUTO, SttOptions, not_honoured
from providers.stt.relay import CHUNK_MS
from providers.types import SttProvider, Transcript, Word

from .asked import SessionRequest
from .channel import Channel
from .faults import Fault
from .feed import Feed
from .tally import Tally
from .unexpected import fault_for

__all__ = ["Hearer", "Hearing"]

_OURS = frozenset({"interim_results", "endpointing", "endpointing_ms"})
"""Options that are seen to here, whoever recognizes."""

Timed = TypeVar("Timed", Transcript, Word)


class Hearer(Protocol):
    """Who is told what comes of a session's audio. It must not block."""

    def understood(self, channel: Channel, transcript: Transcript) -> None:
        """Something was, with times on the session's clock."""

    def fail(self, fault: Fault) -> None:
        """Nobody can recognize any more."""


class Hearing:
    """A session's audio on its way to recognizers, until they change or it ends.

    Args:
        feed: takes the audio apart.
        request: how to recognize.
        hearer: is told what comes of it.
        base_ms: where in the session's audio it begins.
        tally: of the worker.

    Attributes:
        sending: whether audio is being taken.
        settled: whether all that was taken is understood for good, and no more comes.
    """

    def __init__(
        self, feed: Feed, request: SessionRequest, hearer: Hearer, base_ms: float, tally: Tally
    ) -> None:
        self.sending = False
        self.settled = False
        self._feed = feed
        self._request = request
        self._hearer = hearer
        self._base_ms = base_ms
        self._leaving = self._finishing = False
        self._stt: Fallback[SttProvider] | None = None
        begin_ms = round(base_ms)
        self._channels = [Channel(number, self, tally, begin_ms) for number in range(feed.channels)]

    @property
    def audio_ms(self) -> float:
        """How much audio of the session there was when this took its last."""
        return self._base_ms + self._channels[0].fed_ms

    @property
    def covered_ms(self) -> float:
        """Up to where in it all that was said was given for good."""
        return self._base_ms + min(channel.covered_ms for channel in self._channels)

    @property
    def speaking(self) -> bool:
        """Whether somebody is in the midst of an utterance."""
        return any(channel.speaking for channel in self._channels)

    @property
    def capacity(self) -> int | None:
        """How many streams whoever recognizes takes; None if that has no bound."""
        candidate = self._candidate
        return None if candidate is None else candidate.provider.capacity

    @property
    def provider(self) -> str:
        """Who recognizes."""
        return self._channels[0].provider

    async def open(self, stt: Fallback[SttProvider], ears: Ears) -> None:
        """Begin to listen.

        Raises:
            Fault: nobody can.
        """
        self._stt = stt
        options = _options(self._request, self._feed)
        chunk_ms = round(self._request.piece_ms or CHUNK_MS)
        try:
            for channel in self._channels:
                await channel.open(stt, ears, options, chunk_ms)
        except Exception as error:
            await self.close()
            raise fault_for(error) from error
        if self._leaving:
            await self.close()  # as somebody did while it was being opened

    def not_honoured(self, request: SessionRequest) -> tuple[str, ...]:
        """What a request asks for and whoever recognizes now makes nothing of."""
        candidate = self._candidate
        if self._stt is None or candidate is None:
            return ()
        honoured = candidate.provider.capabilities.options | _OURS
        if self._stt.place(candidate) > 0:
            honoured -= {"model"}  # it is meant for the first alone
        return not_honoured(_options(request, self._feed), honoured)

    @property
    def _candidate(self) -> Candidate[SttProvider] | None:
        candidates = self._stt.candidates if self._stt else ()
        return next((one for one in candidates if one.name == self.provider), None)

    async def send(self, audio: bytes) -> None:
        """Take audio; returns when more may come, or nothing more is to be taken.

        Raises:
            Fault: it cannot be understood.
        """
        await self._pass_on(self._feed.take(audio))

    async def rest(self) -> None:
        """Take what is left of audio that does not go on: of a container, whose client is lost.

        Raises:
            Fault: as `send`.
        """
        await self._pass_on(self._feed.rest())

    def go_on(self, feed: Feed, hearer: Hearer) -> None:
        """Have more audio taken apart, and another one told what comes of it from now on."""
        self._feed, self._hearer = feed, hearer

    def finalize(self) -> None:
        """Have what was said so far given for good.

        Raises:
            Fault: nobody can recognize any more.
        """
        try:
            for channel in self._channels:
                channel.finalize()
        except ProviderError as error:
            raise fault_for(error) from error

    def hush(self) -> None:
        """Have utterances that are not over given for good, as if silence had come.

        Raises:
            Fault: as `finalize`.
        """
        try:
            for channel in self._channels:
                if channel.speaking or channel.shown:
                    channel.finalize()
        except ProviderError as error:
            raise fault_for(error) from error

    def expect(self, phrases: Sequence[str]) -> None:
        """From the next utterance on, these phrases are expected."""
        for channel in self._channels:
            channel.expect(phrases)

    def take_no_more(self) -> None:
        """Let whoever sends go at once."""
        for channel in self._channels:
            channel.take_no_more()

    async def finish(self, *, last: bool) -> None:
        """No more audio: returns when all is understood. What is being sent now is broken off.

        Args:
            last: whether no more comes in the session, either.

        Raises:
            Fault: it could not be understood to its end.
        """
        if last and not self.sending:
            await self._pass_on(self._feed.rest())
        self._leaving = self._finishing = True
        if self.sending:
            self.take_no_more()
        try:
            finishing = (channel.finish() for channel in self._channels)
            for error in await asyncio.gather(*finishing, return_exceptions=True):
                if isinstance(error, Exception):
                    raise fault_for(error) from error
        finally:
            self._finishing = False
        self.settled = True

    async def close(self) -> None:
        """Release the recognizers at once. Idempotent."""
        self._leaving = True
        for channel in self._channels:
            await channel.close()

    # The owner of the channels

    def understood(self, channel: Channel, transcript: Transcript) -> None:
        """Tell of it by the session's clock."""
        base_ms = round(self._base_ms)
        words = tuple(_shifted(word, base_ms) for word in transcript.words if word.end_ms)
        if transcript.end_ms:
            transcript = _shifted(transcript, base_ms)
        else:
            # Its recognizer does not tell when it was said.
            covered_ms = self._base_ms + channel.covered_ms
            end_ms = round(covered_ms if transcript.final else self.audio_ms)
            start_ms = min(channel.told_ms, end_ms)
            transcript = replace(transcript, start_ms=start_ms, end_ms=end_ms)
        if transcript.final and transcript.text:
            channel.told_ms = transcript.end_ms
        asked = self._request.language
        language = transcript.language or (None if asked == AUTO else asked)
        self._hearer.understood(channel, replace(transcript, words=words, language=language))

    def channel_over(self, error: Exception | None) -> None:
        """A channel is over; so is all, unless it was to be."""
        if error is not None and not self._leaving:
            self._hearer.fail(fault_for(error))

    async def _pass_on(self, pieces: AsyncGenerator[list[bytes]]) -> None:
        late = self._leaving and not self._finishing
        self.sending = True
        try:
            async with aclosing(pieces):
                async for piece in pieces:
                    for channel, audio in zip(self._channels, piece, strict=True):
                        await channel.send(audio)
        except Exception as error:
            # What comes while the rest is understood is let go; after that, nobody hears it.
            if late or not self._leaving:
                raise fault_for(error) from error
        finally:
            self.sending = False


def _options(request: SessionRequest, feed: Feed) -> SttOptions:
    return SttOptions(
        language=request.language,
        audio=feed.format,
        phrases=request.phrases,
        interim_results=request.interim_results,
        model=request.model,
        diarization=request.diarization,
        punctuation=request.punctuation,
        profanity_filter=request.profanity_filter,
        key_terms=request.key_terms,
        # What listens has the same in mind, and vendors what suits them.
        endpointing_ms=None if request.silence_ms == ENDPOINT_MS else request.silence_ms,
    )


def _shifted(said: Timed, by_ms: int) -> Timed:
    return replace(said, start_ms=said.start_ms + by_ms, end_ms=said.end_ms + by_ms)
