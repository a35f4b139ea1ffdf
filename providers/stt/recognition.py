"""One stream of recognition on the engine, whichever vendor with a WebSocket it is.

What is sent waits in a ring until it is understood, so that nothing is lost with a connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence

import structlog

from ..codec import Reply
from ..errors import DeadlineError, ProviderError, UnavailableError
from ..session import Deadlines, Session
from ..types import SttEvent, SttOptions
from .due import Due
from .flow import Flow
from .heard import Endpoint, Finalized, Heard, HeardEvent, Ready, Restarted, Utterances
from .outbox import Outbox
from .quiet import is_quiet
from .replay import ReplayRing
from .vendor import SttCodec, SttVendor

__all__ = ["Recognition"]

log = structlog.get_logger(__name__)

LAG_MS = 10_000.0
"""What a vendor that keeps up says nothing of for so long is silence."""
LONG_UTTERANCE_MS = 15_000.0
"""Somewhat less than who has a recognizer replaced keeps (`.backlog`)."""
BEHIND_MS, GAIN_MS = 500.0, 100.0
"""With so much audio waiting, another connection, which takes some at once, is worth its while, if
that is so much more than comes while it is opened, and than is sent again."""
REPLY_S = 2.0
"""So long, at least, a vendor has for what it is asked since it was silent."""
LEAD_IN_MS = 500.0
"""So much of the quiet before speech is sent again, where audio takes its time."""


class Recognition:
    """An `SttStream` on the engine. Whoever iterates it keeps it connected."""

    def __init__(self, vendor: SttVendor, options: SttOptions, deadlines: Deadlines) -> None:
        self._name = vendor.name
        self._format = options.audio
        self._interims = options.interim_results
        self._parts = vendor.capabilities.boundary != "commit"
        delivery = vendor.capabilities.delivery
        self._flow = Flow(delivery.ahead_ms, self._pump)
        self._deadlines = deadlines
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()
        self._outbox = Outbox()
        self._utterances = Utterances()
        self._ring = ReplayRing(
            options.audio.byte_count(1000) / 1000,
            options.audio.frame_bytes,
            shortest_ms=delivery.shortest_ms,
            longest_ms=delivery.longest_ms,
        )
        self._owed = 0  # final transcripts that were asked for
        self._due = Due()  # of what is owed, and of the end
        self._ready_by_s: float | None = None  # by when it must take audio
        self._asked_again = False  # on another connection, and nothing came of it yet
        self._advance_ms = 0  # how far the vendor got at best
        self._finishing = False
        self._closing_said = False
        self._finished = False
        self._error: ProviderError | None = None
        self._session: Session[SttCodec, HeardEvent] = Session(
            vendor.name, lambda: vendor.codec(options), self, deadlines
        )

    @property
    def reconnections(self) -> int:
        """How often another connection was opened."""
        return self._session.reconnections

    async def open(self) -> None:
        """Connect.

        Raises:
            ProviderError: as `Session.keep`.
        """
        self._flow.leave()
        await self._session.keep()

    # The `SttStream`

    def send(self, audio: bytes) -> None:
        """Hand over audio in `SttOptions.audio`. Never blocks.

        Raises:
            ProviderError: the stream has failed or is over, or 30 s of audio wait to be sent.
            ValueError: the audio ends in the middle of a sample.
        """
        self._check_open()
        if len(audio) % self._format.frame_bytes:
            raise ValueError(f"{len(audio)} bytes of audio end in the middle of a sample")
        if not audio:
            return
        if not self._ring.add(audio):
            late = DeadlineError(
                self._name,
                "30 s of audio wait to be sent",
                hint="send it no faster than the vendor takes it: about as fast as it is spoken",
            )
            self.fail(late)
            raise late
        self._pump()
        self._renew_if_old()

    def finalize(self) -> None:
        """The utterance is over: exactly one final transcript (perhaps empty) follows."""
        self._check_open()
        self._owed += 1
        is_first = self._owed == 1
        self._ring.end_utterance()
        self._pump()
        if self._owed and is_first:
            self._expect_answer()
        elif self._owed:
            # The deadline stays: who is often asked would never have to answer.
            self._look_again()
        self._changed.set()  # whoever waits has a deadline now

    def expect(self, phrases: Sequence[str]) -> None:
        """Nothing changes for a stream that is open: vendors take phrases at its opening."""
        self._check_open()

    async def finish(self) -> None:
        """No more audio: the iterator ends when the last final transcript has been given.

        A vendor that does not give it within the drain deadline is asked once more, on another
        connection; then the iterator ends with what was understood, or fails if that leaves out an
        answer that is owed, or audio that nothing was said of.
        """
        if self._finishing or self._error is not None:
            return
        self._finishing = True
        self._expect_answer()
        self._pump()
        self._changed.set()

    def __aiter__(self) -> AsyncIterator[SttEvent]:
        return self

    async def __anext__(self) -> SttEvent:
        while True:
            if self._outbox:
                return self._outbox.take()
            if self._error is not None:
                raise self._error
            if self._finished:
                raise StopAsyncIteration
            await self._wait()

    def abandon(self) -> None:
        """End at once."""
        self._outbox.clear()
        self._finishing = self._finished = True
        self._close()

    def fail(self, error: ProviderError) -> None:
        """End with an error; the first one counts."""
        self._error = self._error or error
        self._close()

    # What the session tells

    def opened(self) -> None:
        """Send, from the first word that is not final yet, what there is."""
        self._rewind()
        if self._session.codec.ready:
            self._flow.took()
        else:
            self._flow.begin()
            self._ready_by_s = self._loop.time() + self._deadlines.connect_s
        is_asked_again = bool(self._owed or self._finishing) and not self._asked_again
        self._asked_again = self._asked_again or is_asked_again
        self._pump()
        if is_asked_again and (self._owed or self._finishing):
            self._expect_answer()

    def heard(self, event: HeardEvent) -> None:
        """Turn what the vendor understood into transcripts."""
        if isinstance(event, Heard):
            self._understood(event)
        elif isinstance(event, Endpoint):
            self._give(self._utterances.endpoint())
            self._renew_if_idle()
        elif isinstance(event, Finalized):
            self._answer(all_heard=event.all_heard)
            self._renew_if_idle()
        elif isinstance(event, Ready):
            self._ready_by_s = None
            self._flow.took()
            self._pump()
        elif isinstance(event, Restarted):
            if event.is_young:
                self._session.began_anew()
            self._give_interim(self._utterances.restarted(event))
            self._rewind()
            self._pump()
        elif self._closing_said:
            self._end()
        else:
            self._session.lose(UnavailableError(self._name, "the vendor ended the stream"))
        self._note_silence()
        self._ring.forget(self._utterances.done_ms)

    def writable(self) -> None:
        """Send what has waited."""
        self._pump()

    def roused(self) -> None:
        """The connection is lost: `_wait` opens another."""
        self._ready_by_s = None
        self._flow.leave()
        if not (self._owed or self._finishing):
            self._due.settle()
            if self._session.codec.silence_s is not None:
                # Nobody says any more what that silence is: whoever ended a turn waits for it.
                self._take_silence()
        self._give_interim(self._utterances.lost())
        self._changed.set()

    def _rewind(self) -> None:
        """All that is not done is to be sent again, to a vendor whose times begin at 0."""
        start_ms = self._ring.rewind(self._utterances.done_ms)
        lost_ms = round(start_ms - self._utterances.done_ms)
        if lost_ms > 0:
            log.warning("audio was lost with a connection", provider=self._name, lost_ms=lost_ms)
        if self._flow.is_paced:
            # What is sent again keeps what is said now waiting.
            told_ms = self._utterances.told_ms
            start_ms = self._ring.skip(self._is_quiet, LEAD_IN_MS, told_ms)
        self._utterances.connected(start_ms)
        self._closing_said = False

    def _is_quiet(self, audio: bytes) -> bool:
        return is_quiet(audio, self._format.encoding)

    def _understood(self, event: Heard) -> None:
        events = self._utterances.heard(event)
        if self._utterances.advance_ms > self._advance_ms:
            self._advance_ms = self._utterances.advance_ms
            self._session.progressed()
            self._asked_again = False
            if self._owed or self._finishing:
                self._expect_answer()
        self._give_interim(events)

    def _answer(self, *, all_heard: bool = False) -> None:
        """The vendor has finalized what it was asked to; `all_heard` as in `Finalized`."""
        if not self._owed:
            return
        self._session.progressed()
        end_ms = self._ring.answered()
        self._owed -= 1
        self._asked_again = False
        self._due.settle()
        if self._owed or self._finishing:
            self._expect_answer()
        self._give([self._utterances.take(end_ms if all_heard else 0.0)])

    def _renew_if_idle(self) -> None:
        """The vendor owes nothing: a good moment to leave a connection that it will close, or that
        audio waits for, which nothing else makes good."""
        if self._owed or self._finishing:
            return
        if self._session.expiring or (self._flow.is_paced and self._renewal_pays()):
            self._session.renew()

    def _renewal_pays(self) -> bool:
        """Whether clearly less audio would wait with another connection."""
        if self._ring.unsent_ms <= BEHIND_MS:
            return False
        again_ms = self._ring.again_ms(self._utterances.done_ms, self._is_quiet, LEAD_IN_MS)
        return self._flow.gained_ms(again_ms) > GAIN_MS

    def _renew_if_old(self) -> None:
        """A connection that the vendor will soon close is left while nobody speaks, or, where that
        takes too long, in mid-speech: what is not final is then sent again."""
        if not (self._parts and self._session.expiring) or self._owed or self._finishing:
            return
        if self._utterances.idle:
            self._utterances.pass_over(self._ring.end_ms - LAG_MS)
        elif not self._session.overdue:
            return
        self._session.renew()

    def _end(self) -> None:
        """Nothing more comes: what was asked for, or understood, and not given is given now."""
        while self._owed:
            self._answer()
        if self._utterances.pending:
            self._give([self._utterances.take()])
        self._finished = True
        self._close()

    def _close(self) -> None:
        self._flow.stop()
        self._session.close()
        self._changed.set()

    def _give_interim(self, events: Iterable[SttEvent]) -> None:
        if self._interims:
            self._give(events)

    def _give(self, events: Iterable[SttEvent]) -> None:
        self._outbox.put(events)
        if self._outbox:
            self._changed.set()
        if self._outbox.is_full:
            self.fail(ProviderError(self._name, "nobody reads the transcripts"))

    def _pump(self) -> None:
        """Send what can be sent; the rest goes when there is room."""
        codec = self._session.codec
        if not self._session.has_room or not codec.ready:
            return
        for item in self._ring.unsent(self._flow.allowed_ms, ended=self._finishing):
            frame = codec.finalize() if item is None else codec.audio(item)
            if frame is None:
                self._answer()
                continue
            self._session.say(frame)
            if item is None:
                self._note_silence()
            if not (self._session.has_room and codec.ready):
                return
        if self._ring.waits(ended=self._finishing):
            self._flow.wait()
        elif self._finishing and not self._closing_said:
            self._closing_said = True
            self._session.say(codec.closing())

    def _expect_answer(self) -> None:
        limits = self._deadlines
        patience_s = limits.drain_s if self._finishing else limits.answer_s
        if self._flow.is_paced:
            patience_s += self._ring.unsent_ms / 1000
        self._due.expect(self._loop.time(), patience_s, self._session.codec.silence_s)

    def _note_silence(self) -> None:
        """If what was said last makes the vendor's silence mean something, it begins here."""
        silence_s = self._session.codec.silence_s
        if not self._due.is_expected and silence_s is not None:
            # Nothing was asked, and yet something has to come.
            self._expect_answer()
            self._changed.set()
        elif not (silence_s is not None or self._owed or self._finishing):
            self._due.settle()
        elif self._due.is_changed(silence_s):
            self._look_again()
            self._changed.set()

    def _look_again(self) -> None:
        self._due.look_again(self._loop.time(), self._session.codec.silence_s)

    def _check_open(self) -> None:
        if self._error is not None:
            raise self._error
        if self._finishing:
            raise UnavailableError(self._name, "the stream is over", retryable=False)

    async def _wait(self) -> None:
        """Until something changes, connected if possible, or the vendor's answer is overdue."""
        self._changed.clear()
        if not self._session.connected:
            try:
                await self._session.keep()
            except ProviderError as error:
                self._leave_words()
                self.fail(error)
            return
        try:
            due = [at_s for at_s in (self._due.at_s, self._ready_by_s) if at_s is not None]
            async with asyncio.timeout_at(min(due, default=None)):
                await self._changed.wait()
        except TimeoutError:
            self._overdue()

    def _leave_words(self) -> None:
        """The vendor is lost: give what is final of a long utterance, or it would be lost as well.

        Of a short one nothing is given: its audio is at hand for another recognizer, which hears
        all of it better than a part.
        """
        long = self._ring.end_ms - self._utterances.pending_since_ms > LONG_UTTERANCE_MS
        if long and self._parts and not (self._owed or self._finishing):
            self._give([self._utterances.take()])

    def _overdue(self) -> None:
        if self._ready_by_s is not None and self._loop.time() >= self._ready_by_s:
            deaf = DeadlineError(self._name, "it is connected, but takes no audio")
            self._session.lose(deaf, was_sound=False)
            return
        if self._due.at_s is None or self._loop.time() < self._due.at_s:
            return
        if self._session.codec.silence_s is not None and self._take_silence():
            return
        if self._loop.time() < self._due.latest_s:
            self._look_again()
            return
        told = "finish" if self._finishing else "finalize"
        late = DeadlineError(self._name, f"it was told to {told}, and has not")
        if not self._asked_again:
            self._session.lose(late)
        elif self._finishing:
            self._end_late(late)
        else:
            self.fail(late)

    def _take_silence(self) -> bool:
        """Take the vendor's silence for what it means; False when that is nothing yet."""
        events = self._session.codec.unanswered()
        for event in events:
            if isinstance(event, Reply):
                # It is another question, which has its own time, if there is not enough left.
                self._session.say(event.frame)
                self._due.latest_s = max(self._due.latest_s, self._loop.time() + REPLY_S)
                self._look_again()
            else:
                self.heard(event)
        return bool(events)

    def _end_late(self, late: ProviderError) -> None:
        """It will not finish: what it understood is the end, unless that is known to be too little.

        An utterance that was ended and has no answer, or audio that nothing was said of, has to be
        heard by somebody else.
        """
        self._utterances.settle()
        if self._owed or not (self._utterances.pending or self._ring.is_empty):
            self.fail(late)
            return
        log.warning("recognizer did not finish in time", provider=self._name)
        self._end()
