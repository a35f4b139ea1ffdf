"""One session of the service: audio in, messages for its client out.

A session outlives its connection, and its worker. This is the part of it that one worker has: from
when it began or was taken up there, to when it ended or was let go.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import replace
from typing import Protocol, TypeVar

import structlog

from providers.ears import Ears
from providers.errors import ProviderError
from providers.fallback import Fallback
from providers.options import AUTO, SttOptions
from providers.stt.relay import CHUNK_MS
from providers.types import SttProvider, Transcript, Word

from .access import Principal
from .asked import SessionRequest
from .channel import Channel
from .faults import Fault, fault_of
from .feed import Feed
from .outbox import Outbox
from .past import Past
from .wording import Said, Wording

__all__ = ["Keeper", "Session"]

log = structlog.get_logger(__name__)

Timed = TypeVar("Timed", Transcript, Word)

FINALIZE_S = 10.0
"""A `finalize` is answered by then, whatever its recognizer does."""
MOST_FINALIZING = 16
SLACK_MS = 1.0
"""What sums of times may be off by."""


class Keeper(Protocol):
    """Who has all sessions of this worker; only `ended` may wait."""

    def recognizers(self, request: SessionRequest) -> Fallback[SttProvider]:
        """Who is to recognize; raises `Fault`."""

    def understood(self, session: Session, said: Said) -> None:
        """Something was understood for good."""

    def provider_failed(self, session: Session, name: str, error: ProviderError) -> None:
        """A recognizer has failed; perhaps another one goes on."""

    async def ended(self, session: Session) -> None:
        """It is over, for `session.reason`, and cannot be resumed."""


class Session:
    """A session as this worker has it.

    Args:
        past: how it stood before.
        request: what it is to be.
        principal: whose it is.
        keeper: is told what becomes of it.
        ears: tell where speech is.
        wording: how its client is told things.

    Attributes:
        id: a UUID.
        generation: which worker's part of it this is.
        request, principal: as given, and as changed.
        sequence: the number of the last final transcription.
        from_ms: where in the session's audio this part begins.
        resumed: whether it had begun before.
        joined: all that was understood for good.
        reason: why it ended.
        fault: for what this part of it was ended, if for one.
        over: whether no more messages come.
        sending: whether audio of its client is being taken.
        touched_s: when its client was last heard of (the loop's time).
    """

    def __init__(
        self,
        past: Past,
        request: SessionRequest,
        principal: Principal,
        *,
        keeper: Keeper,
        ears: Ears,
        wording: Wording,
    ) -> None:
        self.id = past.session_id
        self.generation = past.generation
        self.request = request
        self.principal = principal
        self.sequence = past.sequence
        self.from_ms = past.from_ms
        self.resumed = past.resumed
        self.joined = past.joined
        self.reason = ""
        self.fault: Fault | None = None
        self.over = False
        self.sending = False
        self.touched_s = _now_s()
        self._keeper = keeper
        self._ears = ears
        self._wording = wording
        self._outbox = Outbox()
        self._feed = Feed(request)
        self._channels: list[Channel] = []
        self._base_ms = float(past.from_ms)  # where the audio of the present channels begins
        self._finalizing: deque[tuple[float, float]] = deque()  # where in the audio, until when
        self._leaving = False  # the present channels are on their way out
        self._settled = False  # and all that they got was understood
        self._turning = asyncio.Lock()

    # What it is

    @property
    def audio_ms(self) -> float:
        """How much audio of the session has come so far, from its very beginning."""
        return self._base_ms + (self._channels[0].fed_ms if self._channels else 0.0)

    @property
    def covered_ms(self) -> float:
        """Up to where in it all that was said was given for good."""
        channels = self._channels
        return self._base_ms + min((one.covered_ms for one in channels), default=0.0)

    @property
    def settled_ms(self) -> float:
        """From where on its audio is to be sent again when it is taken up."""
        return self.audio_ms if self._settled else self.covered_ms

    @property
    def begun(self) -> bool:
        """Whether this part of it has got audio."""
        return self._feed.begun

    @property
    def provider(self) -> str:
        """Who recognizes."""
        return self._channels[0].provider if self._channels else ""

    # What its client does

    async def open(self) -> None:
        """Begin to listen.

        Raises:
            Fault: nobody can.
        """
        await self._listen(self._keeper.recognizers(self.request), self.request)
        self.push(self._wording.started(self))

    def touch(self) -> None:
        """Its client was heard of."""
        self.touched_s = _now_s()

    def skip(self, duration_ms: float) -> None:
        """Leave out so much of the audio that comes next: it was heard before."""
        self._feed.skip(duration_ms)

    async def send(self, audio: bytes) -> None:
        """Take audio as the request says it is; returns when more may come.

        Raises:
            Fault: it cannot be understood, and the session is over here.
        """
        await self._pass_on(self._feed.take(audio))
        self.touch()

    def finalize(self) -> None:
        """Have what was said so far given for good; `finalized` then says that it was.

        Raises:
            Fault: nobody can recognize any more.
        """
        self._check_open()
        finalizing, at_ms = self._finalizing, self.audio_ms
        if len(finalizing) >= MOST_FINALIZING:
            # Nobody waits for so many: they are answered as one, and recognizers spared.
            finalizing[-1] = (at_ms, finalizing[-1][1])
            return
        latest_ms = finalizing[-1][0] if finalizing else self.covered_ms
        finalizing.append((at_ms, _now_s() + FINALIZE_S))
        if at_ms - latest_ms > SLACK_MS:
            self._ask()
        self._answer_finalizing()

    async def configure(self, request: SessionRequest) -> None:
        """Go on as another request says; its audio is the same once some has come.

        Raises:
            Fault: nobody can, and all stays as it was; or recognition has failed.
        """
        async with self._turning:
            self._check_open()
            if request == replace(self.request, phrases=request.phrases):
                for channel in self._channels:
                    channel.expect(request.phrases)
            else:
                stt = self._keeper.recognizers(request)
                await self._leave_channels()
                if not self._feed.begun:
                    self._feed.close()
                    self._feed = Feed(request)
                await self._listen(stt, request)
            self.request = request
            self.push(self._wording.configured(self))

    async def finish(self, reason: str, fault: Fault | None = None) -> None:
        """End the session: what was said is understood to its end, told, and that is all.

        Args:
            reason: why, in a word.
            fault: what was wrong, if something was.

        Raises:
            Fault: it was not understood to its end, so that the session may be resumed.
        """
        self.reason = reason
        async with self._turning:
            if self.over:
                return
            await self._pass_on_rest()
            await self._leave_channels()
            if fault is not None:
                self.fault = fault
                self.push(self._wording.error(fault))
            self._end_finalizing()
            self.push(self._wording.ended(self))
            self._close()
        await self._keeper.ended(self)

    async def let_go(self, fault: Fault | None = None) -> None:
        """End this worker's part: what came is understood to its end; it may be resumed.

        Args:
            fault: why; None when its client is gone.
        """
        async with self._turning:
            if self.over:
                return
            with suppress(Fault):
                await self._pass_on_rest()
                await self._leave_channels()
            if fault is None:
                self._close()
            else:
                self.fail(fault)

    def fail(self, fault: Fault) -> None:
        """End this worker's part at once: its client is told, and may resume it."""
        if self.over:
            return
        self.fault = fault
        self.push(self._wording.error(fault))
        self._close()
        for channel in self._channels:
            channel.take_no_more()

    async def close(self) -> None:
        """Release what is held at once. Idempotent."""
        self._leaving = True
        self._close()
        self._feed.close()
        for channel in self._channels:
            await channel.close()

    # What its client is told

    def push(self, message: bytes | None) -> None:
        """Have a message sent; None is not said."""
        if message is not None and not self.over:
            self._outbox.put(message)
            self._check_read()

    def tell(self, fault: Fault) -> None:
        """Tell of something that went wrong and does no harm."""
        self.push(self._wording.error(fault))

    async def next(self) -> bytes | None:
        """The next message; None when there are no more."""
        return await self._outbox.next()

    def take_all(self) -> list[bytes]:
        """The messages that wait, without waiting."""
        return self._outbox.take_all()

    def look_after(self, now_s: float) -> None:
        """Answer each `finalize` that has waited for so long."""
        while self._finalizing and self._finalizing[0][1] <= now_s:
            self._finalized()

    # The owner of its channels

    def understood(self, channel: Channel, transcript: Transcript) -> None:
        """Something was understood in a channel."""
        if self.over:
            return
        if transcript.final and transcript.text.strip():
            self.sequence += 1
            said = self._said(channel, transcript)
            self.joined.add(said.transcript)
            self._keeper.understood(self, said)
            self._outbox.outdate(channel.number)
            self.push(self._wording.said(self, said))
        elif self.request.interim_results and (channel.shown or transcript.text.strip()):
            # Final and empty: what was shown was no speech after all.
            said = self._said(channel, replace(transcript, final=False))
            message = self._wording.said(self, said)
            if message is not None:
                self._outbox.put_interim(message, channel.number)
                self._check_read()
        if transcript.final:
            self._answer_finalizing()

    def provider_failed(self, name: str, error: ProviderError) -> None:
        """A recognizer has failed; perhaps another one goes on."""
        self._keeper.provider_failed(self, name, error)

    def channel_over(self, error: Exception | None) -> None:
        """A channel is over; so is this, unless it was to be."""
        if error is not None and not self._leaving:
            self.fail(_fault(error))

    # Channels

    async def _listen(self, stt: Fallback[SttProvider], request: SessionRequest) -> None:
        options, chunk_ms = _options(request, self._feed), round(request.piece_ms or CHUNK_MS)
        self._base_ms, self._channels = self.audio_ms, []
        begin_ms = round(self._base_ms)
        channels = [Channel(number, self, begin_ms) for number in range(self._feed.channels)]
        self._leaving = self._settled = False
        try:
            for channel in channels:
                await channel.open(stt, self._ears, options, chunk_ms)
        except Exception as error:
            for channel in channels:
                await channel.close()
            fault = _fault(error)
            self.fail(fault)
            raise fault from error
        self._channels = channels

    async def _leave_channels(self) -> None:
        """Have the present channels understood to their end.

        Raises:
            Fault: they could not be, or there are none any more.
        """
        self._check_open()
        self._leaving = True
        if self.sending:
            for channel in self._channels:
                channel.take_no_more()
        finishing = (channel.finish() for channel in self._channels)
        errors = await asyncio.gather(*finishing, return_exceptions=True)
        for error in errors:
            if isinstance(error, Exception):
                fault = _fault(error)
                self.fail(fault)
                raise fault from error
        self._settled = True

    async def _pass_on_rest(self) -> None:
        """Give what a decoder has kept, unless more is being sent right now."""
        if not self.sending:
            await self._pass_on(self._feed.rest())

    async def _pass_on(self, pieces: AsyncGenerator[list[bytes]]) -> None:
        """Give each channel its audio, unless they are on their way out."""
        self._check_open()
        self.sending = True
        try:
            async with aclosing(pieces):
                async for piece in pieces:
                    for channel, audio in zip(self._channels, piece, strict=True):
                        await channel.send(audio)
        except ProviderError as error:
            if self._leaving:
                return
            fault = _fault(error)
            self.fail(fault)
            raise fault from error
        finally:
            self.sending = False

    def _said(self, channel: Channel, transcript: Transcript) -> Said:
        base_ms = round(self._base_ms)
        words = tuple(_shifted(word, base_ms) for word in transcript.words if word.end_ms)
        if transcript.end_ms:
            timed = _shifted(transcript, base_ms)
        else:
            # Of which the recognizer does not tell when it was said.
            end_ms = round(self.covered_ms if transcript.final else self.audio_ms)
            timed = replace(transcript, start_ms=min(channel.told_ms, end_ms), end_ms=end_ms)
        if transcript.final:
            channel.told_ms = timed.end_ms
        timed = replace(timed, words=words, language=transcript.language or self._spoken)
        return Said(timed, self.sequence, channel.provider, channel.number)

    @property
    def _spoken(self) -> str | None:
        """The language, if it is known before anybody speaks."""
        return None if self.request.language == AUTO else self.request.language

    # Answers to `finalize`

    def _ask(self) -> None:
        try:
            for channel in self._channels:
                channel.finalize()
        except ProviderError as error:
            fault = _fault(error)
            self.fail(fault)
            raise fault from error

    def _answer_finalizing(self) -> None:
        while self._finalizing and self._finalizing[0][0] - self.covered_ms <= SLACK_MS:
            self._finalized()

    def _end_finalizing(self) -> None:
        while self._finalizing:
            self._finalized()

    def _finalized(self) -> None:
        self._finalizing.popleft()
        self.push(self._wording.finalized(self))

    # Its end

    def _check_open(self) -> None:
        if self.over or not self._channels:
            raise self.fault or Fault("session_ended", "the session is over: begin another")

    def _close(self) -> None:
        self.over = True
        self._outbox.close()

    def _check_read(self) -> None:
        if self._outbox.overflowed:
            self.fail(Fault("slow_reader", "results are not read: resume, and read them"))


def _now_s() -> float:
    return asyncio.get_running_loop().time()


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
        endpointing_ms=request.silence_ms,
    )


def _shifted(said: Timed, by_ms: int) -> Timed:
    return replace(said, start_ms=said.start_ms + by_ms, end_ms=said.end_ms + by_ms)


def _fault(error: Exception) -> Fault:
    """What a client is told of an error."""
    if isinstance(error, Fault):
        return error
    if isinstance(error, ProviderError):
        return fault_of(error)
    log.error("session failed", exc_info=error)
    return Fault("internal", "the service has a fault: resume the session, and report it")
