"""One call's stream: joins the socket, the media, the recognizer, turn-taking and the dialog.

The tasks of a call, all in one task group: `receive` (the socket's end), `clock` (timers, and
everything that is sent), `recognize` (the recognizer's events), and what the conversation spawns:
replies, the hooks they are read from, and the way out. Audio frames pass through plain calls, never
through a queue.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

import structlog

from bot.clock import Clock
from bot.conversation import Conversation
from bot.departure import Departure
from bot.dialog import Gather, Hangup, Transfer
from bot.hearing import Hearing
from bot.incoming import read
from bot.keys import Keys
from bot.last_words import LastWords
from bot.leaving import Exit, Way
from bot.outbox import Outbox
from bot.overhearing import Overhearing
from bot.parts import CallParts, Socket, StreamEnd
from bot.speech import Speaker
from bot.stopwatch import Stopwatch
from bot.talking import Talking
from bot.tasks import Tasks
from bot.telephony.pending import Leaving, Move
from bot.turn import (
    Command,
    EndCall,
    Finalize,
    FinishTurn,
    Interrupt,
    PromptIdle,
    Resume,
    TurnTaking,
)
from media.messages import Dtmf, Mark, Media, Stop
from media.playout import Playout
from media.vad import SpeechEvent, SpeechStarted
from providers.errors import ProviderError
from providers.types import EndOfTurn, SttEvent
from providers.usage import Meter, call_meter

__all__ = ["CallSession"]

log = structlog.get_logger(__name__)

CLOSE_DEADLINE_S = 1.0
"""A newer stream of the call waits for this one's end."""


class CallSession:
    """A call while its stream lasts. `run` returns when the stream has ended.

    Args:
        socket: the accepted socket, whose `start` was read and proved.
        stream_sid: the stream's SID.
        parts: what the call is joined from.
    """

    def __init__(self, socket: Socket, stream_sid: str, parts: CallParts) -> None:
        self._socket = socket
        self._parts = parts
        self._clock = Clock(parts.began_ms)
        self._tasks = Tasks()
        self._left = False  # nothing is answered any more
        self.counts = parts.counts
        self._stopwatch = Stopwatch(parts.counts, parts.turn_settings.barge_in_ms)
        self._progress = parts.progress
        self._exit = Exit(parts.keeper, parts.progress, parts.act_now)
        self._turn = TurnTaking(parts.turn_settings, self.now_ms())
        self._keys = Keys(parts.progress.gathering, self.now_ms())
        self._playout = Playout()
        self._departure = Departure(self, self._exit, self._playout, self._tasks)
        self._outbox = Outbox(
            socket, stream_sid, self._playout, parts.counts, parts.recording, parts.began_ms
        )
        self._hearing = Hearing.of(parts, self._speech, self.now_ms)
        self._last_words = LastWords(self._turn, self._hearing.finalize)
        self._speaker = Speaker.of(parts, self._playout, self._clock.wake, self.now_ms)
        self.conversation = Conversation(
            parts.dialog,
            parts.call,
            self._speaker,
            self._playout,
            self,
            keeper=parts.keeper,
            progress=parts.progress,
            counts=parts.counts,
            tasks=self._tasks,
            apology=parts.apology,
            hook_timeout_s=parts.hook_timeout_s,
        )
        self._talking = Talking(
            self.conversation,
            self._turn,
            self._playout,
            self._outbox,
            exit=self._exit,
            stopwatch=self._stopwatch,
            apply=self._apply,
        )
        self._overhearing = Overhearing(
            parts,
            self,
            self.conversation,
            self._turn,
            self._playout,
            self._keys,
            departure=self._departure,
            last_words=self._last_words,
            apply=self._apply,
            wake=self._clock.wake,
        )
        self._machine = self._overhearing.machine

    def now_ms(self) -> float:
        """The call's clock: milliseconds since its first stream began."""
        return self._clock.now_ms()

    async def run(self) -> StreamEnd:
        """Carry the call until its stream ends."""
        call_meter.set(Meter(self._parts.keeper.metered))
        try:
            async with asyncio.TaskGroup() as group:
                self._tasks.open(group)
                for work in (self._receive(), self._run_clock()):
                    self._tasks.spawn(work)
                recognizing = self._tasks.spawn(self._recognize())
                self.conversation.note_gap(self._parts.gap)
                if not self._machine.begin(self._parts.answered_by):
                    self.conversation.begin(resuming=self._parts.resuming)
                end = await self._exit.until_over()
                # Before anything is cancelled: a sentence whose synthesis is cancelled would pass
                # for complete, and speech that is still judged would begin another turn.
                self._quiet()
                await self._tasks.cancel(but=recognizing)
                await self._hear_last(end)
                await self._tasks.cancel()
        finally:
            self._quiet()
            self._hearing.close()
            self.counts.unheard_ms = self._hearing.lost_ms
            self.conversation.ended()
            self._machine.settle()
            if self._parts.recording is not None:
                self._parts.recording.close()
            # Who goes on with the call is to find it as it is now.
            self._parts.keeper.save()
            await self._parts.keeper.secure()
            await self._close()
        return await self._exit.until_over()

    def stop(self, reason: str) -> None:
        """End the stream from outside: the call goes on elsewhere."""
        self._exit.end("elsewhere", reason)

    def call_over(self) -> None:
        """End the stream: the call has ended, as Twilio says."""
        self._exit.end("over", "the call has ended")

    async def move(self) -> bool:
        """End the stream, in mid-sentence if need be, so that the call goes on elsewhere.

        False when that can be neither stored nor done by REST, so that the call goes on here; or
        when a newer stream, elsewhere, owns the call.
        """
        return await self.leave_now(Move()) == "out"

    async def leave_now(self, action: Leaving, order_s: float | None = None) -> Way:
        """As `Exit.now`."""
        return await self._exit.now(action, order_s)

    def answered(self, answered_by: str) -> None:
        """Twilio's machine detection says what has answered."""
        if not self._exit.over:
            self._machine.answered(answered_by)

    def _quiet(self) -> None:
        """Play nothing more, and answer nothing."""
        self._left = True
        self.conversation.lost()
        self._outbox.lost(self.now_ms())

    async def _hear_last(self, end: StreamEnd) -> None:
        """Who is hung up on, or hangs up, in the middle of a turn may have asked for no more calls.

        Of a call that goes on elsewhere nothing is judged: so does the sentence, perhaps.
        """
        if end.how == "elsewhere":
            return
        if self._exit.hangs_up:
            await self._close()  # nobody is to wait on the line for what follows
        over = self._exit.hangs_up or end.how in ("stop", "over")
        if over and not self.conversation.refused:
            await self._last_words.after_leaving(self.now_ms())
        await self.conversation.hear_out(self._last_words.said, over=over)

    async def _close(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_DEADLINE_S):
                await self._socket.close(1000)

    # The way in

    async def _receive(self) -> None:
        """Take messages until the stream ends."""
        await self._socket.listen(self._take)
        self._exit.end("closed", "socket closed by the peer")

    def _take(self, message: str | bytes) -> None:
        """One message. Those of most streams are audio."""
        if self._exit.over:
            return
        event, now_ms = read(message, self.counts), self.now_ms()
        if isinstance(event, Media):
            self._frame(event.payload, now_ms)
        elif isinstance(event, Mark):
            self._mark_echoed(event.name, now_ms)
        elif isinstance(event, Dtmf):
            self._key(event.digit, now_ms)
        elif isinstance(event, Stop):
            self._exit.end("stop", "stream stopped")

    def _frame(self, ulaw: bytes, now_ms: float) -> None:
        self.counts.frames_in += 1
        at_ms = self._hearing.heard_ms
        samples = self._hearing.feed(ulaw, now_ms)
        if self._parts.voicemail is not None and self._machine.listens:
            self._machine.hear(samples)
        if self._parts.recording is not None:
            self._parts.recording.caller(samples, at_ms)

    def _speech(self, event: SpeechEvent, offset_ms: float) -> None:
        self._machine.speech(event, offset_ms)
        started = isinstance(event, SpeechStarted)
        self._stopwatch.voice(self.now_ms() if started else None)
        happened = self._turn.speech_started if started else self._turn.speech_stopped
        self._apply(happened(event.at_ms + offset_ms, self.now_ms()))
        # A caller who speaks moves the deadlines even when nothing is due yet.
        self._clock.wake()

    def _mark_echoed(self, name: str, now_ms: float) -> None:
        echoed = self._outbox.mark_echoed(name, now_ms)
        self._parts.keeper.note("mark", name=name, stream_ms=round(now_ms))
        if echoed.segments:
            self.conversation.heard()
        self._speaker.made_room()
        self._clock.wake()

    def _key(self, digit: str, now_ms: float) -> None:
        self._parts.keeper.note("key", digit=digit, stream_ms=round(now_ms))
        if self._machine.here:
            self._overhearing.key(digit, now_ms)
            return
        self._apply(self._turn.key_pressed(now_ms))
        self._keys_done(self._keys.press(digit, now_ms), now_ms)
        self._parts.keeper.save()

    def _keys_done(self, digits: str | None, now_ms: float) -> None:
        self._progress.gathering = self._keys.gathering
        if digits is not None:
            self._apply(self._turn.bot_thinking(now_ms))
            self.conversation.keys(digits)

    async def _recognize(self) -> None:
        try:
            await self._hearing.run(self._recognized)
        except ProviderError as error:
            log.error("recognizer failed for good", error=str(error))
            self._parts.keeper.note("error", stage="stt", error=str(error))
            if self._machine.here or self._left:
                return  # it is not listened to
            reason, fallback = "speech recognition is not available", self._parts.fallback_number
            action = Transfer(fallback) if fallback else Hangup(reason)
            self._departure.fail(reason, self._give_up(action))

    async def _give_up(self, action: Leaving) -> None:
        """Stop what is being said, say that it cannot go on, and leave."""
        self._interrupt()
        self._turn.bot_thinking(self.now_ms())
        await self.conversation.say_last(*self._parts.farewell)
        await self.leave(action)

    def _recognized(self, event: SttEvent) -> None:
        now_ms = self.now_ms()
        if isinstance(event, EndOfTurn):
            self._apply(self._turn.end_of_turn(now_ms, self._hearing.ended_ms(event.at_ms)))
        else:
            ended_ms = self._hearing.ended_ms(event.end_ms)
            self._apply(self._turn.transcript(event, now_ms, ended_ms))
        self._clock.wake()

    # Turn-taking

    def _apply(self, commands: list[Command]) -> None:
        if self._left:
            self._last_words.take(commands)
            return
        self._note_speech()
        for command in commands:
            if isinstance(command, Finalize):
                self._hearing.finalize()
            elif self._machine.here:
                self._overhearing.obey(command)
            else:
                self._obey(command)
        if commands:
            # Deadlines have changed, and perhaps there is something to send.
            self._clock.wake()

    def _obey(self, command: Command) -> None:
        match command:
            case Interrupt(speech_ms):
                self._interrupt()
                if self._outbox.clearing:
                    self._stopwatch.decided(speech_ms, self.now_ms())
            case FinishTurn():
                self.counts.turns += 1
                self._stopwatch.finished(command.end_ms, self.now_ms())
                self.conversation.finish_turn(command)
            case Resume():
                self.conversation.resume()
            case PromptIdle(count):
                self.conversation.prompt(count)
            case EndCall(reason):
                self._departure.part(self.leave(Hangup(reason)))

    def _note_speech(self) -> None:
        """Keep since when the caller speaks, of which no turn tells yet."""
        from_ms = self._turn.speaking_from_ms
        self._last_words.note()
        if (from_ms is None) is not (self._progress.speaking_from_ms is None):
            self._progress.speaking_from_ms = None if from_ms is None else round(from_ms)
            self._parts.keeper.save()

    def _interrupt(self) -> None:
        self.counts.barge_ins += 1
        self.clear()
        self.conversation.interrupt()

    # The way out

    async def _run_clock(self) -> None:
        """Act on what is due and send what there is, then sleep until the next of both."""
        while True:
            now_ms = self._clock.look()
            self._machine.tick(now_ms)
            self._turn.audio_judged(self._hearing.judged_ms)
            self._apply(self._turn.tick(now_ms))
            self._keys_done(self._keys.tick(now_ms), now_ms)
            self._talking.tick(now_ms)
            decided_ms = self._stopwatch.decision()
            try:
                await self._outbox.send()
            except (ConnectionError, TimeoutError):
                self._exit.end("closed", "the peer takes nothing any more")
                return
            self._stopwatch.cleared(decided_ms, self.now_ms())
            await self._clock.sleep_until(self._due_ms(now_ms))

    def _due_ms(self, now_ms: float) -> float:
        due_ms = [self._turn.deadline_ms(), self._machine.deadline_ms]
        perhaps_ms = (self._keys.deadline_ms, self._talking.deadline_ms(now_ms))
        return min(due_ms + [ms for ms in perhaps_ms if ms is not None])

    # What the conversation asks for

    async def leave(self, action: Leaving) -> None:
        await self._departure.leave(action)

    def clear(self) -> None:
        self._stopwatch.forget()
        self._outbox.clear(self.now_ms())
        self._speaker.made_room()

    def gather(self, gather: Gather) -> None:
        self._keys.gather(gather)
        self._progress.gathering = self._keys.gathering
        self._parts.keeper.save()

    def expect(self, phrases: tuple[str, ...]) -> None:
        self._progress.expected = phrases
        self._hearing.expect(phrases)

    async def set_language(self, language: str) -> None:
        await self._hearing.set_language(language)

    def reply_over(self) -> None:
        self._clock.wake()

    # What its departure asks for

    async def may_leave(self) -> bool:
        return not self._machine.here or await self._overhearing.hear_out()

    def settle(self) -> None:
        self.conversation.settled()
        self._machine.settle()

    def stay(self) -> None:
        self.conversation.stays()
        self._apply(self._turn.go_on(self.now_ms()))
        self._clock.wake()
