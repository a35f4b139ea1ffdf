"""One call's stream: joins the socket, the media, the recognizer, turn-taking and the dialog.

The tasks of a call, all in one task group: `receive` (the socket), `clock` (timers, and everything
that is sent), `recognize` (the recognizer's events), and the reply in progress. Audio frames pass
through plain calls, never through a queue.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

import structlog

from bot.conversation import Conversation
from bot.dialog import Gather, Hangup, SendDigits, Transfer
from bot.hearing import Hearing
from bot.keys import Keys
from bot.parts import CallParts, Latency, Socket, StreamEnd, StreamEndHow
from bot.speech import Speaker
from bot.telephony.pending import Leaving, Move, SayByTwilio
from bot.turn import (
    Bot,
    Command,
    EndCall,
    Finalize,
    FinishTurn,
    Interrupt,
    PromptIdle,
    Resume,
    TurnTaking,
)
from media.messages import Command as Outbound
from media.messages import Dtmf, Mark, Media, MediaStreamError, SendMedia, Stop, Unknown
from media.playout import Played, Playout
from media.twilio import parse, render
from media.vad import SpeechEvent, SpeechStarted
from providers.errors import ProviderError
from providers.types import EndOfTurn, SttEvent

__all__ = ["CallSession"]

log = structlog.get_logger(__name__)

SEND_DEADLINE_S = 5.0
"""A peer that takes nothing for so long is gone."""
LEAVE_DEADLINE_S = 150.0
"""How long the last words may take to be heard: as long as the ledger can hold."""


class CallSession:
    """A call while its stream lasts. `run` returns when the stream has ended.

    Args:
        socket: the accepted socket, whose `start` was read and proved.
        stream_sid: the stream's SID.
        parts: what the call is joined from.
    """

    def __init__(self, socket: Socket, stream_sid: str, parts: CallParts) -> None:
        self._socket = socket
        self._stream_sid = stream_sid
        self._parts = parts
        self._loop = asyncio.get_running_loop()
        self._started_s = self._loop.time()
        self._wake = asyncio.Event()
        self._done = asyncio.Event()
        self._settled = asyncio.Event()
        self._end: StreamEnd | None = None
        self._outbox: list[Outbound] = []
        self._group: asyncio.TaskGroup | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._failure = ""
        self._finished_ms: tuple[float, float] | None = None
        self.counts = parts.counts
        self._turn = TurnTaking(parts.turn_settings, self.now_ms())
        self._keys = Keys()
        self._playout = Playout()
        self._hearing = Hearing(parts.ears, parts.stt, parts.stt_options, self._speech)
        self._speaker = Speaker(parts.tts, parts.tts_options, self._playout, self._wake.set)
        self.conversation = Conversation(
            parts.dialog,
            parts.call,
            self._speaker,
            self._playout,
            self,
            spawn=self._spawn,
            apology=parts.apology,
            hook_timeout_s=parts.hook_timeout_s,
        )

    def now_ms(self) -> float:
        """The call's clock: milliseconds since its first stream began."""
        return self._parts.began_ms + (self._loop.time() - self._started_s) * 1000

    async def run(self) -> StreamEnd:
        """Carry the call until its stream ends."""
        try:
            async with asyncio.TaskGroup() as self._group:
                for work in (self._receive(), self._clock(), self._recognize()):
                    self._spawn(work)
                if self._parts.resuming:
                    self.conversation.come_back()
                else:
                    self.conversation.greet()
                await self._done.wait()
                # Before anything is cancelled: a sentence whose synthesis is cancelled would pass
                # for complete, and speech that is still judged would begin another turn.
                self._quiet()
                await self._cancel_tasks()
        finally:
            self._quiet()
            self.counts.stt_errors = self._hearing.errors
            self.conversation.settled()
            if self._parts.recording is not None:
                self._parts.recording.close()
            with suppress(TimeoutError):
                async with asyncio.timeout(SEND_DEADLINE_S):
                    await self._socket.close(1000)
        assert self._end is not None
        return self._end

    def stop(self, reason: str) -> None:
        """End the stream from outside."""
        self._over("bot", reason)

    def _quiet(self) -> None:
        """Hear and play nothing more."""
        self._hearing.close()
        self._played(self._playout.lost(self.now_ms()).played)

    async def _cancel_tasks(self) -> None:
        """Cancel every task, and those that one starts while it ends."""
        while self._tasks:
            for task in self._tasks:
                if not task.cancelling():
                    task.cancel()
            await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)

    # The way in

    async def _receive(self) -> None:
        """Take messages until the stream ends. The messages of most streams are audio."""
        while (message := await self._socket.receive()) is not None:
            try:
                event = parse(message)
            except MediaStreamError as error:
                self.counts.bad_messages += 1
                log.warning("bad message from Twilio", error=str(error))
                continue
            now_ms = self.now_ms()
            if isinstance(event, Media):
                self._frame(event.payload, now_ms)
            elif isinstance(event, Mark):
                self._mark_echoed(event.name, now_ms)
            elif isinstance(event, Dtmf):
                self._key(event.digit, now_ms)
            elif isinstance(event, Stop):
                self._over("stop", "stream stopped")
                return
            elif isinstance(event, Unknown):
                self.counts.bad_messages += 1
                log.info("unknown message from Twilio", kind=event.event[:40])
        self._over("closed", "socket closed by the peer")

    def _frame(self, ulaw: bytes, now_ms: float) -> None:
        self.counts.frames_in += 1
        at_ms = self._hearing.heard_ms
        samples = self._hearing.feed(ulaw, now_ms)
        if self._parts.recording is not None:
            self._parts.recording.caller(samples, at_ms)

    def _speech(self, event: SpeechEvent, offset_ms: float) -> None:
        happened = (
            self._turn.speech_started
            if isinstance(event, SpeechStarted)
            else self._turn.speech_stopped
        )
        self._apply(happened(event.at_ms + offset_ms, self.now_ms()))
        # A caller who speaks moves the deadlines even when nothing is due yet.
        self._wake.set()

    def _mark_echoed(self, name: str, now_ms: float) -> None:
        echoed = self._playout.mark_echoed(name, now_ms)
        self._parts.keeper.note("mark", name=name, stream_ms=round(now_ms))
        self._played(echoed.played)
        self._speaker.made_room()
        self._wake.set()

    def _key(self, digit: str, now_ms: float) -> None:
        self._parts.keeper.note("key", digit=digit, stream_ms=round(now_ms))
        self._apply(self._turn.key_pressed(now_ms))
        self._keys_done(self._keys.press(digit, now_ms), now_ms)

    def _keys_done(self, digits: str | None, now_ms: float) -> None:
        if digits is not None:
            self._apply(self._turn.bot_thinking(now_ms))
            self.conversation.keys(digits)

    async def _recognize(self) -> None:
        try:
            await self._hearing.run(self._recognized)
        except ProviderError as error:
            log.error("recognizer failed for good", error=str(error))
            self._parts.keeper.note("error", stage="stt", error=str(error))
            self._failure = "speech recognition is not available"
            fallback = self._parts.fallback_number
            self._spawn(self._give_up(Transfer(fallback) if fallback else Hangup(self._failure)))

    async def _give_up(self, action: Leaving) -> None:
        """Stop what is being said, say that it cannot go on, and leave."""
        self._interrupt()
        self.conversation.leaving = True
        self._turn.bot_thinking(self.now_ms())
        await self.conversation.say_ready(*self._parts.farewell)
        await self.leave(action)

    def _recognized(self, event: SttEvent) -> None:
        now_ms = self.now_ms()
        if isinstance(event, EndOfTurn):
            self._apply(self._turn.end_of_turn(now_ms))
        else:
            self._apply(self._turn.transcript(event, now_ms))
        self._wake.set()

    # Turn-taking

    def _apply(self, commands: list[Command]) -> None:
        for command in commands:
            match command:
                case Finalize():
                    self._hearing.finalize()
                case Interrupt():
                    self._interrupt()
                case FinishTurn():
                    self.counts.turns += 1
                    self._finished_ms = (command.end_ms, self.now_ms())
                    self.conversation.finish_turn(command)
                case Resume():
                    self.conversation.resume()
                case PromptIdle(count):
                    self.conversation.prompt(count)
                case EndCall(reason):
                    self._spawn(self.leave(Hangup(reason)))
        if commands:
            # Deadlines have changed, and perhaps there is something to send.
            self._wake.set()

    def _interrupt(self) -> None:
        self.counts.barge_ins += 1
        self._finished_ms = None
        cleared = self._playout.clear(self.now_ms())
        self._outbox += cleared.commands
        self.counts.clears += len(cleared.commands)
        self._played(cleared.played)
        self._speaker.made_room()
        self.conversation.interrupt()

    def _played(self, played: tuple[Played, ...]) -> None:
        if self._parts.recording is not None:
            for piece in played:
                self._parts.recording.bot(piece.audio, piece.start_ms - self._parts.began_ms)

    # The way out

    async def _clock(self) -> None:
        """Act on what is due and send what there is, then sleep until the next of both."""
        while True:
            self._wake.clear()
            now_ms = self.now_ms()
            self._apply(self._turn.tick(now_ms))
            self._keys_done(self._keys.tick(now_ms), now_ms)
            self._pump(now_ms)
            self._follow_bot(now_ms)
            outbox, self._outbox = self._outbox, []
            try:
                async with asyncio.timeout(SEND_DEADLINE_S):
                    for command in outbox:
                        await self._socket.send(render(command, self._stream_sid))
            except (ConnectionError, TimeoutError):
                self._over("closed", "the peer takes nothing any more")
                return
            if not self._wake.is_set():
                timer = self._loop.call_at(self._due_s(now_ms), self._wake.set)
                try:
                    await self._wake.wait()
                finally:
                    timer.cancel()

    def _pump(self, now_ms: float) -> None:
        """Put into the outbox what the ledger has due, unless the caller has the floor."""
        if self._turn.floor_taken:
            return
        commands = self._playout.pump(now_ms)
        media = sum(isinstance(command, SendMedia) for command in commands)
        self.counts.media_out += media
        self.counts.marks += len(commands) - media
        self._outbox += commands
        if media and self._turn.bot is Bot.THINKING:
            if self._finished_ms is not None:
                end_ms, finished_ms = self._finished_ms
                self._finished_ms = None
                latency = Latency(finished_ms - end_ms, now_ms - finished_ms)
                self.counts.latencies.append(latency)
            self._apply(self._turn.bot_started(now_ms))

    def _follow_bot(self, now_ms: float) -> None:
        """Tell turn-taking whether the bot may be interrupted, and when it is done."""
        interruptible = self._playout.interruptible_now(now_ms) and not self.conversation.leaving
        if interruptible is not self._turn.interruptible:
            self._apply(self._turn.set_interruptible(interruptible, now_ms))
        if not self._playout.idle:
            return
        self._settled.set()
        if self._turn.bot is not Bot.SILENT and not self.conversation.replying:
            self.conversation.settled()
            self._finished_ms = None
            self._apply(self._turn.bot_finished(now_ms))

    def _due_s(self, now_ms: float) -> float:
        due_ms = [self._turn.deadline_ms()]
        if self._keys.deadline_ms is not None:
            due_ms.append(self._keys.deadline_ms)
        pump_ms = None if self._turn.floor_taken else self._playout.wake_at_ms(now_ms)
        if pump_ms is not None:
            due_ms.append(pump_ms)
        return self._started_s + (min(due_ms) - self._parts.began_ms) / 1000

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        assert self._group is not None
        task = self._group.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _over(self, how: StreamEndHow, reason: str) -> None:
        if self._end is None:
            self._end = StreamEnd(how, reason)
            self._done.set()

    # What the conversation asks for

    async def leave(self, action: Leaving) -> None:
        """Close the stream when all was heard and what comes next is safe in the store."""
        try:
            async with asyncio.timeout(LEAVE_DEADLINE_S):
                while not self._playout.idle:
                    self._settled.clear()
                    await self._settled.wait()
        except TimeoutError:
            log.warning("the last words were not confirmed as heard")
        self.conversation.settled()
        if await self._parts.keeper.commit(action) == "kept":
            self._over("error" if self._failure else "bot", self._failure or _reason(action))
        else:
            log.error("what comes next cannot be stored: the call goes on")
            self._parts.keeper.withdraw()
            self.conversation.leaving = False
            self._apply(self._turn.go_on(self.now_ms()))
            self._wake.set()

    def gather(self, gather: Gather) -> None:
        self._keys.gather(gather)

    def expect(self, phrases: tuple[str, ...]) -> None:
        self._hearing.expect(phrases)

    async def set_language(self, language: str) -> None:
        await self._hearing.set_language(language)

    def reply_over(self) -> None:
        self._wake.set()

    def keep(self) -> None:
        self._parts.keeper.save()

    def hook_failed(self) -> None:
        self.counts.hook_errors += 1

    def synthesizer_failed(self) -> None:
        self.counts.tts_errors += 1


def _reason(action: Leaving) -> str:
    match action:
        case Hangup(reason):
            return reason
        case Transfer():
            return "transfer"
        case SendDigits():
            return "digits"
        case Move():
            return "move"
        case SayByTwilio():
            return "speech synthesis is not available"
