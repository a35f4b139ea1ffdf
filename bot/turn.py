"""Turn-taking: who may speak now, as a state machine without a clock.

Facts come in through methods (the caller started to speak, a transcript arrived, the bot can be
heard), each with the time in milliseconds on the call's clock; commands come out: end the
utterance, interrupt the bot, hand over a finished turn, prompt a silent caller, end the call.
`deadline_ms` says when `tick` is due even if nothing happens.

The words: *endpointing* decides that an utterance is over, from the caller's silence or from the
recognizer's own end of turn; *barge-in* is the caller speaking over the bot.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

from bot.late_audio import LateAudio
from bot.turn_commands import (
    Command,
    EndCall,
    Finalize,
    FinishTurn,
    Interrupt,
    PromptIdle,
    Resume,
)
from bot.utterance import Debt, HeardText, Utterance

__all__ = [
    "Bot",
    "Command",
    "EndCall",
    "Finalize",
    "FinishTurn",
    "Interrupt",
    "PromptIdle",
    "Resume",
    "TurnSettings",
    "TurnTaking",
]

WORD_END_SLACK_MS = 100
"""How exactly a recognizer knows when a word ended. No word is shorter."""
OTHER_CLOCK_MS = 500
"""By so much two recognizers, or one and the VAD, may differ about when the same word ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnSettings:
    """The thresholds of turn-taking.

    Attributes:
        endpointing_ms: this much silence after the last speech ends an utterance.
        barge_in_ms: this much speech over the bot interrupts it.
        final_timeout_ms: how long to wait for the recognizer's final transcript; then the last
            interim one is taken. Without one, or with one that ends well before the caller did, the
            wait is longer, up to `no_words_timeout_ms`: late words are better than lost ones.
        idle_ms: after this much silence of both sides the caller is prompted.
        idle_prompts: after so many prompts without an answer the call is ended.
        max_utterance_ms: an utterance is cut here; a caller near a radio never pauses.
        max_duration_ms: the call is ended at this time; it began at 0, perhaps in another stream.
    """

    endpointing_ms: float = 450.0
    barge_in_ms: float = 160.0
    final_timeout_ms: float = 1_500.0
    no_words_timeout_ms: float = 6_000.0
    idle_ms: float = 10_000.0
    idle_prompts: int = 2
    max_utterance_ms: float = 60_000.0
    max_duration_ms: float = 4 * 3_600_000.0


class Bot(Enum):
    """What the bot is doing: nothing, working on a reply, or being heard."""

    SILENT = "silent"
    THINKING = "thinking"
    SPEAKING = "speaking"


class TurnTaking:
    """The state machine. Every method returns the commands that follow, in order.

    The bot begins `THINKING`, since it may greet. After `FinishTurn`, `Resume` and `PromptIdle` it
    is `THINKING` again until `bot_finished` is told, even when the reply is empty.
    """

    def __init__(self, settings: TurnSettings, now_ms: float = 0.0) -> None:
        self._settings = settings
        self._ends_ms = settings.max_duration_ms
        self._quiet_since_ms = now_ms
        self._speech_ms: float | None = None
        self._tail = False  # the VAD hears speech that began in a turn that is over
        self._utterance: Utterance | None = None
        self._debt = Debt()
        self._audio = LateAudio()
        self._given_up = 0  # words were handed over before this final transcript came
        self._handed_over_ms = -math.inf  # until where their last word may end
        self._turn_ended_ms = -math.inf  # by the recognizer
        self._idle_count = 0
        self._ended = False
        self.bot = Bot.THINKING
        self.interruptible = True

    @property
    def floor_taken(self) -> bool:
        """Whether a reply that is ready must wait, because the caller has begun to say more."""
        return self.bot is Bot.THINKING and self._utterance is not None

    @property
    def speaking_from_ms(self) -> float | None:
        """Since when the caller has been saying what is in no turn yet."""
        return None if self._utterance is None else self._utterance.start_ms

    @property
    def words(self) -> FinishTurn | None:
        """What the caller has said of a turn that is not over yet, as far as it is understood."""
        return None if self._utterance is None else self._utterance.finished()

    # What the caller does

    def speech_started(self, at_ms: float, now_ms: float) -> list[Command]:
        """The caller began to speak at `at_ms`."""
        if at_ms < self._turn_ended_ms:
            # The VAD lags behind: this is the end of the turn that the recognizer has ended.
            self._tail = True
            return self.tick(now_ms)
        self._speech_ms = at_ms
        self._voice(at_ms, now_ms).sound_ms = at_ms
        return self.tick(now_ms)

    def speech_stopped(self, at_ms: float, now_ms: float) -> list[Command]:
        """The caller fell silent; `at_ms` is the end of the last speech."""
        self._speech_ms = None
        self._tail = False
        if self._utterance is not None:
            self._voice(at_ms, now_ms).sound_ms = at_ms
        return self.tick(now_ms)

    def transcript(
        self, transcript: HeardText, now_ms: float, end_ms: float | None = None
    ) -> list[Command]:
        """The recognizer understood something, or said finally that there was nothing.

        `end_ms` is when the last of the words ended; None when the recognizer does not say.
        """
        number = self._debt.heard(final=transcript.final)
        utterance = self._utterance
        if transcript.text and not self._was_handed_over(number, end_ms):
            utterance = self._words(transcript, number, now_ms, end_ms)
            return self._interrupt(utterance.start_ms) + self.tick(now_ms)
        if utterance is not None and (not transcript.final or number == utterance.awaits > 0):
            # The words before it are withdrawn.
            utterance.interim = None
        return self.tick(now_ms)

    def end_of_turn(self, now_ms: float, at_ms: float | None = None) -> list[Command]:
        """The recognizer itself decided that the turn is over.

        `at_ms` is when its last word ended; None when the recognizer does not say.
        """
        self._debt.end_of_turn()
        ended_ms = now_ms if at_ms is None else at_ms + WORD_END_SLACK_MS
        self._turn_ended_ms = max(self._turn_ended_ms, ended_ms)
        utterance = self._utterance
        if self._speech_ms is not None:
            if self._speech_ms > ended_ms:
                # The caller has gone on since: it is still the same turn.
                return self.tick(now_ms)
            # The VAD lags behind; its speech is this utterance's, not a new one.
            self._speech_ms = None
            self._tail = True
        if utterance is not None:
            utterance.ended_by_provider = True
            if utterance.parts:
                utterance.awaits = 0
        return self.tick(now_ms)

    def key_pressed(self, now_ms: float) -> list[Command]:
        """The caller pressed a key: an answer, and a barge-in when the bot is heard."""
        self._idle_count = 0
        self._quiet_since_ms = now_ms
        heard = self.bot is Bot.SPEAKING
        return (self._interrupt(now_ms) if heard else []) + self.tick(now_ms)

    # What the bot does

    def bot_thinking(self, now_ms: float) -> list[Command]:
        """A reply is being made that no turn asked for (a greeting, an answer to a key)."""
        if self.bot is Bot.SILENT:
            self.bot = Bot.THINKING
        return self.tick(now_ms)

    def bot_started(self, now_ms: float) -> list[Command]:
        """The caller hears the bot from now on."""
        self.bot = Bot.SPEAKING
        return self.tick(now_ms)

    def bot_finished(self, now_ms: float) -> list[Command]:
        """The reply is over: all of it was heard, or there was nothing to hear."""
        self.bot = Bot.SILENT
        self._quiet_since_ms = now_ms
        return self.tick(now_ms)

    def set_interruptible(self, interruptible: bool, now_ms: float) -> list[Command]:
        """Whether what the bot says now may be interrupted."""
        self.interruptible = interruptible
        return self.tick(now_ms)

    def go_on(self, now_ms: float) -> list[Command]:
        """The call could not be ended: it goes on, and is to end a while later."""
        self._ended = False
        self._quiet_since_ms = now_ms
        self._ends_ms = max(self._ends_ms, now_ms + self._settings.idle_ms)
        return self.tick(now_ms)

    def caller_left(self, now_ms: float) -> list[Command]:
        """The caller has hung up: what was said last is over as soon as its words are there."""
        self.bot = Bot.SILENT
        self._speech_ms = None
        utterance = self._utterance
        if utterance is None or utterance.finalized_ms is not None:
            return self.tick(now_ms)
        utterance.finalized_ms = now_ms
        utterance.awaits = self._debt.ask()
        return [Finalize()]

    # Time

    def audio_judged(self, until_ms: float) -> None:
        """The caller's audio was judged until there: what follows may be late, and no silence.

        Without this all audio counts as judged.
        """
        self._audio.judged(until_ms)

    def tick(self, now_ms: float) -> list[Command]:
        """What is due at `now_ms`."""
        if self._ended:
            return []
        if now_ms >= self._ends_ms:
            return self._end("max_duration")
        return self._barge_in(now_ms) + self._endpoint(now_ms) + self._idle(now_ms)

    def deadline_ms(self) -> float:
        """When `tick` is due at the latest; never (infinity) when the call is to end."""
        if self._ended:
            return math.inf
        due = [self._ends_ms]
        utterance = self._utterance
        if self._speech_ms is not None and self.bot is Bot.SPEAKING and self.interruptible:
            due.append(self._speech_ms + self._settings.barge_in_ms)
        if utterance is None:
            if self._is_idle():
                due.append(self._quiet_since_ms + self._settings.idle_ms)
        elif utterance.finalized_ms is None:
            silent_ms = self._audio.deadline_ms(self._silent_ms(utterance))
            due.append(min(self._limit_ms(utterance), silent_ms))
        elif not self._must_hold():
            due.append(utterance.finalized_ms + self._patience_ms(utterance))
        return min(due)

    # Decisions

    def _voice(self, at_ms: float, now_ms: float) -> Utterance:
        """Evidence of the caller's voice at `at_ms` belongs to the open utterance, or opens one."""
        if self._utterance is None:
            self._utterance = Utterance(start_ms=at_ms, voice_ms=at_ms)
        utterance = self._utterance
        utterance.voice_ms = max(utterance.voice_ms, at_ms)
        if self._speech_ms is not None:
            # The caller went on before the turn was handed over: it is still the same turn.
            utterance.goes_on()
        self._quiet_since_ms = now_ms
        return utterance

    def _words(
        self, heard: HeardText, number: int, now_ms: float, end_ms: float | None
    ) -> Utterance:
        """Words that are in no turn yet belong to the open utterance, or open one."""
        at_ms = now_ms if end_ms is None else min(end_ms, now_ms)
        # Words without a sound that the VAD noticed: a quiet caller is a caller too.
        utterance = self._utterance or self._voice(at_ms, now_ms)
        new = number == 0 and not utterance.repeats(heard)
        if new:
            self._new_words(utterance, at_ms, now_ms, end_ms)
        if end_ms is not None or (new and not heard.final):
            utterance.voice_ms = max(utterance.voice_ms, at_ms)
        utterance.take(heard, end_ms)
        return utterance

    def _new_words(
        self, utterance: Utterance, at_ms: float, now_ms: float, end_ms: float | None
    ) -> None:
        """Words that were not known before are evidence of the caller's voice."""
        self._quiet_since_ms = now_ms
        if now_ms < self._cut_ms(utterance) and self._is_past_finalize(utterance, end_ms):
            utterance.goes_on()
            if self._tail:
                # The VAD's speech, which began in the turn before, is this utterance's too.
                self._tail, self._speech_ms = False, at_ms
        if self._speech_ms is None and at_ms > utterance.sound_ms + WORD_END_SLACK_MS:
            utterance.fresh_ms = now_ms

    def _is_past_finalize(self, utterance: Utterance, end_ms: float | None) -> bool:
        """Whether new words are more than the recognizer was told to finalize."""
        finalized_ms = utterance.finalized_ms
        if finalized_ms is None or utterance.awaits <= self._debt.paid:
            return True
        return end_ms is not None and end_ms > finalized_ms

    def _was_handed_over(self, number: int, end_ms: float | None) -> bool:
        """Whether words, in the final transcript of that number, are in a turn already."""
        if end_ms is None:
            return 0 < number <= self._given_up
        return end_ms <= self._handed_over_ms

    def _may_interrupt(self) -> bool:
        return self.bot is not Bot.SILENT and self.interruptible

    def _interrupt(self, speech_ms: float) -> list[Command]:
        if not self._may_interrupt():
            return []
        if self._utterance is not None:
            self._utterance.interrupted_bot = True
        self.bot = Bot.SILENT
        return [Interrupt(speech_ms)]

    def _barge_in(self, now_ms: float) -> list[Command]:
        # A sound stops a bot that is heard; only words stop one that is still thinking, since a
        # cough must not undo a turn. Its reply waits meanwhile: see `floor_taken`.
        if self._speech_ms is None or self.bot is not Bot.SPEAKING:
            return []
        if now_ms < self._speech_ms + self._settings.barge_in_ms:
            return []
        return self._interrupt(self._speech_ms)

    def _cut_ms(self, utterance: Utterance) -> float:
        return utterance.start_ms + self._settings.max_utterance_ms

    def _limit_ms(self, utterance: Utterance) -> float:
        """When an utterance is over, whether the caller is silent or not."""
        return utterance.start_ms if utterance.ended_by_provider else self._cut_ms(utterance)

    def _silent_ms(self, utterance: Utterance) -> float:
        """Until when the caller must be silent to end the utterance."""
        if self._speech_ms is not None:
            return math.inf
        return max(utterance.voice_ms, utterance.fresh_ms) + self._settings.endpointing_ms

    def _is_over(self, utterance: Utterance, now_ms: float) -> bool:
        if now_ms >= self._limit_ms(utterance):
            return True
        return self._audio.reaches(self._silent_ms(utterance), now_ms)

    def _patience_ms(self, utterance: Utterance) -> float:
        """How long to wait for the final transcript of an utterance that was finalized."""
        if utterance.finished() is None or utterance.lacks_ms > OTHER_CLOCK_MS:
            # The recognizer is behind: what it understood so far is at best half of a sentence.
            return self._settings.no_words_timeout_ms
        return self._settings.final_timeout_ms

    def _must_hold(self) -> bool:
        """Whether a finished turn has to wait for speech that may not be interrupted."""
        return self.bot is Bot.SPEAKING and not self.interruptible

    def _endpoint(self, now_ms: float) -> list[Command]:
        utterance = self._utterance
        commands: list[Command] = []
        if utterance is None:
            return commands
        if utterance.finalized_ms is None and self._is_over(utterance, now_ms):
            utterance.finalized_ms = now_ms
            if not utterance.ended_by_provider or not utterance.parts:
                utterance.awaits = self._debt.ask()
                commands.append(Finalize())
        if utterance.finalized_ms is None or self._must_hold():
            return commands
        late = now_ms >= utterance.finalized_ms + self._patience_ms(utterance)
        if utterance.awaits <= self._debt.paid or late:
            commands += self._finish(utterance)
        return commands

    def _finish(self, utterance: Utterance) -> list[Command]:
        self._utterance = None
        self._tail |= self._speech_ms is not None
        self._speech_ms = None
        turn = utterance.finished()
        if turn is not None:
            self._handed_over(utterance)
            self._idle_count = 0
            commands: list[Command] = list(self._interrupt(utterance.start_ms))
            self.bot = Bot.THINKING
            return [*commands, turn]
        if utterance.interrupted_bot:
            self.bot = Bot.THINKING
            return [Resume()]
        return []

    def _handed_over(self, utterance: Utterance) -> None:
        """Note which words must not become a turn again, should they come once more."""
        words_ms, over_ms = utterance.words_ms, utterance.finalized_ms
        self._handed_over_ms = max(self._handed_over_ms, words_ms + WORD_END_SLACK_MS)
        if utterance.awaits <= self._debt.paid:
            return
        if utterance.interim is not None:
            self._given_up = utterance.awaits
            # Another recognizer may be the one who says them. Nothing new came before the end.
            assert over_ms is not None
            same_ms = min(words_ms + OTHER_CLOCK_MS, over_ms)
            self._handed_over_ms = max(self._handed_over_ms, same_ms)
        else:
            # Its words came, so a transcript before them was lost: nothing is owed any more.
            self._debt.forgive()

    def _is_idle(self) -> bool:
        return self.bot is Bot.SILENT and self._utterance is None

    def _idle(self, now_ms: float) -> list[Command]:
        if not self._is_idle() or now_ms < self._quiet_since_ms + self._settings.idle_ms:
            return []
        self._idle_count += 1
        if self._idle_count > self._settings.idle_prompts:
            return self._end("idle")
        self.bot = Bot.THINKING
        return [PromptIdle(self._idle_count)]

    def _end(self, reason: str) -> list[Command]:
        self._ended = True
        return [EndCall(reason)]
