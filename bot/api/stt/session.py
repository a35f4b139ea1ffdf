"""One session of the service: audio in, messages for its client out.

A session outlives its connection, and its worker. This is the part of it that one worker has: from
when it began or was taken up there, to when it ended or was let go.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace

from providers.ears import Ears
from providers.fallback import Fallback
from providers.types import SttProvider, Transcript

from .access import Principal
from .asked import SessionRequest
from .channel import Channel
from .faults import Fault
from .feed import Feed
from .finalizing import Finalizing
from .hearing import Hearing
from .keeper import Keeper
from .lull import Lull
from .past import Past
from .telling import Telling
from .wording import Said, Wording

__all__ = ["Session"]


class Session(Telling):
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
        told_ms: up to where in its audio each channel was, as far as that is known.
        reason: why it ended.
        fault: for what this part of it was ended, if for one.
        over: whether no more messages come.
        ended: whether it cannot be resumed.
        opened: whether it has recognizers.
        touched_s: when its client was last heard of (the loop's time).
        turning: who holds it may change who recognizes, or end that.
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
        super().__init__(wording)
        self.id = past.session_id
        self.generation = past.generation
        self.request = request
        self.principal = principal
        self.sequence = past.sequence
        self.from_ms = past.from_ms
        self.resumed = past.resumed
        self.joined = past.joined
        self.told_ms = dict(past.told_ms)
        self.reason = ""
        self.fault: Fault | None = None
        self.ended = self.opened = False
        self.touched_s = _now_s()
        self.turning = asyncio.Lock()
        self._keeper = keeper
        self._ears = ears
        self._feed = self._fed(request)
        self._hearing = Hearing(self._feed, request, self, past.from_ms, keeper.tally)
        self._finalizing = Finalizing()
        self._lull = Lull(self._lulled)
        self._left_ms: float | None = None

    # What it is

    @property
    def audio_ms(self) -> float:
        """How much audio of the session has come so far, from its very beginning."""
        return self._hearing.audio_ms

    @property
    def covered_ms(self) -> float:
        """Up to where in it all that was said was given for good."""
        return self._hearing.covered_ms

    @property
    def settled_ms(self) -> float:
        """From where on its audio is to be sent again when it is taken up."""
        if self._left_ms is not None:
            return self._left_ms
        return self.audio_ms if self._hearing.settled else self.covered_ms

    @property
    def sending(self) -> bool:
        """Whether audio of its client is being taken."""
        return self._hearing.sending

    @property
    def begun(self) -> bool:
        """Whether this part of it has got audio."""
        return self._feed.begun

    @property
    def provider(self) -> str:
        """Who recognizes."""
        return self._hearing.provider

    @property
    def capacity(self) -> int | None:
        """How many streams whoever recognizes takes; None if that has no bound."""
        return self._hearing.capacity

    @property
    def not_honoured(self) -> tuple[str, ...]:
        """What its client asked for and the recognizer makes nothing of."""
        return self._hearing.not_honoured(self.request)

    # What its client does

    async def open(self) -> None:
        """Begin to listen.

        Raises:
            Fault: nobody can.
        """
        await self._hearing.open(self._keeper.recognizers(self, self.request), self._ears)
        self._check_open()
        self.opened = True
        self.push(self._wording.started(self))

    def go_on(self, hearing: Hearing) -> None:
        """Listen on with recognizers that have waited for its client, who has come back."""
        if self.request.format is not None:
            # Its client is told a place in whole ms: no sample is to be heard twice.
            self._feed.skip(hearing.audio_ms - self.from_ms)
        self._hearing = hearing
        hearing.go_on(self._feed, self)
        self.opened = True
        self.push(self._wording.started(self))
        # It may have said all it had to say before it was lost.
        self._lull.came(0, 0, self.request.silence_ms)

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
        self._check_open()
        before_ms, before_s = self.audio_ms, _now_s()
        try:
            await self._hearing.send(audio)
        except Fault as fault:
            self.fail(fault)
            raise
        self.touch()
        if not self.over:
            took_s = _now_s() - before_s
            self._lull.came(self.audio_ms - before_ms, took_s, self.request.silence_ms)

    def finalize(self) -> None:
        """Have what was said so far given for good; `finalized` then says that it was.

        Raises:
            Fault: nobody can recognize any more.
        """
        self._check_open()
        if self._finalizing.ask(self.audio_ms, self.covered_ms, _now_s()):
            try:
                self._hearing.finalize()
            except Fault as fault:
                self.fail(fault)
                raise
        self._answer()

    async def configure(self, request: SessionRequest) -> None:
        """Go on as another request says; its audio is the same once some has come.

        Raises:
            Fault: nobody can, and all stays as it was; or recognition has failed.
        """
        async with self.turning:
            self._check_open()
            if request == replace(self.request, phrases=request.phrases):
                self._hearing.expect(request.phrases)
            else:
                await self._hear_anew(request, self._keeper.recognizers(self, request))
            self.request = request
            self._keeper.configured(self)
            self.push(self._wording.configured(self))

    async def finish(self, reason: str, fault: Fault | None = None) -> None:
        """End the session: what was said is understood to its end, told, and that is all.

        Args:
            reason: why, in a word.
            fault: what was wrong, if something was.

        Raises:
            Fault: it was not understood to its end, so that the session may be resumed.
        """
        async with self.turning:
            if self.over:
                return
            self.reason = reason
            await self._heard_out(last=True)
            if fault is not None:
                self.fault = fault
                self.push(self._wording.error(fault))
            self._finalized(self._finalizing.all())
            self.push(self._wording.ended(self))
            self.ended = True
            self._close()
        await self._keeper.ended(self)

    async def let_go(self, fault: Fault | None = None, *, again: bool = False) -> None:
        """End this worker's part: what came is understood to its end; it may be resumed.

        Args:
            fault: why; None when its client is gone.
            again: whether an utterance that is not over is to come again, and be understood as a
                whole: half a word would be understood as another one. That of a container is not,
                as no client can send one from its midst on.
        """
        async with self.turning:
            if self.over:
                return
            whole = not (again and self.request.format is not None and self._hearing.speaking)
            if self.opened and whole:
                with suppress(Fault):
                    await self._heard_out(last=True)
            if fault is None:
                self._close()
            else:
                self.fail(fault)

    def leave(self) -> None:
        """Its client is gone, and may come back: it is told nothing, and recognizers wait."""
        self._lull.close()
        self.unread()

    async def hear_rest(self) -> None:
        """Take what is left of a container, as whoever comes back begins another one.

        Raises:
            Fault: it cannot be understood, and the session is over here.
        """
        try:
            await self._hearing.rest()
        except Fault as fault:
            self.fail(fault)
            raise

    def hand_on(self) -> Hearing:
        """End this part of it, and give its recognizers, which go on, to the next."""
        hearing = self._hearing
        self._close()
        self._feed.close()
        self._part_with(hearing)
        return hearing

    def fail(self, fault: Fault) -> None:
        """End this worker's part at once: its client is told, and may resume it."""
        if self.over:
            return
        self.fault = fault
        self._keeper.tally.interrupt(fault.code)
        if (message := self._wording.error(fault)) is not None:
            self._outbox.put(message)
        self._close()
        self._hearing.take_no_more()

    async def close(self) -> None:
        """Release what is held at once. Idempotent."""
        self._close()
        self._feed.close()
        hearing = self._hearing
        await hearing.close()
        if self._hearing is hearing:
            self._part_with(hearing)

    def look_after(self, now_s: float) -> None:
        """Answer each `finalize` that has waited for so long."""
        self._finalized(self._finalizing.late(now_s))

    # The `Hearer` of its audio

    def understood(self, channel: Channel, transcript: Transcript) -> None:
        """Something was understood in a channel."""
        if self.over:
            return
        if transcript.final and transcript.text.strip():
            self.sequence += 1
            self.told_ms[channel.number] = transcript.end_ms
            said = self._said(channel, transcript)
            self.joined.add(transcript)
            self._keeper.understood(self, said)
            self._outbox.outdate(channel.number)
            self.push(self._wording.said(self, said))
        elif self.request.interim_results and (channel.shown or transcript.text.strip()):
            # Final and empty: what was shown was no speech after all.
            said = self._said(channel, replace(transcript, final=False))
            message = self._wording.said(self, said)
            if message is not None:
                self._push_interim(message, channel.number)
        if transcript.final:
            # Only then is it known what it covers.
            asyncio.get_running_loop().call_soon(self._answer)

    # Its parts

    def _lulled(self) -> None:
        """No audio comes any more, not even silence: an utterance that is not over ends there."""
        if self.sending or self.turning.locked():
            return
        if self._finalizing.lacks(self.audio_ms, self.covered_ms):
            try:
                self._hearing.hush()
            except Fault as fault:
                self.fail(fault)

    def _said(self, channel: Channel, transcript: Transcript) -> Said:
        return Said(transcript, self.sequence, channel.provider, channel.number)

    def _answer(self) -> None:
        """Answer each `finalize` before which all was told."""
        self._finalized(self._finalizing.answered(self.covered_ms))

    def _finalized(self, count: int) -> None:
        for _ in range(count):
            self.push(self._wording.finalized(self))

    def _fed(self, request: SessionRequest) -> Feed:
        feed = Feed(request)
        # Nothing is told twice of a channel that was understood further than another one.
        feed.mute({channel: ms - self.from_ms for channel, ms in self.told_ms.items()})
        return feed

    async def _hear_anew(self, request: SessionRequest, stt: Fallback[SttProvider]) -> None:
        """Have what came understood to its end, and what comes as is asked now."""
        await self._heard_out(last=False)
        if not self._feed.begun:
            self._feed.close()
            self._feed = self._fed(request)
        self._hearing = Hearing(self._feed, request, self, self.audio_ms, self._keeper.tally)
        try:
            await self._hearing.open(stt, self._ears)
        except Fault as fault:
            self.fail(fault)
            raise

    def _part_with(self, hearing: Hearing) -> None:
        """Have none from now on: it has audio, and this part of the session is over."""
        self.opened = False
        self._hearing = Hearing(
            self._feed, self.request, self, hearing.audio_ms, self._keeper.tally
        )

    async def _heard_out(self, *, last: bool) -> None:
        """Have what came understood to its end.

        Raises:
            Fault: it could not be, or the session is over.
        """
        self._check_open()
        try:
            await self._hearing.finish(last=last)
        except Fault as fault:
            self.fail(fault)
            raise

    def _check_open(self) -> None:
        if self.over:
            raise self.fault or Fault("session_ended", "the session is over: begin another")

    def _close(self) -> None:
        if self._left_ms is None:
            # What is understood later is told nobody: whoever goes on hears it again.
            self._left_ms = self.settled_ms
        self.over = True
        self._lull.close()
        self._outbox.close()


def _now_s() -> float:
    return asyncio.get_running_loop().time()
