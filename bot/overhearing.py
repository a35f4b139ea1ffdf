"""A call of which a machine has the floor: what it says is nobody's turn, unless it is a person who
asks never to be called again."""

from __future__ import annotations

from collections.abc import Callable

from bot.conversation import Conversation
from bot.departure import Departure
from bot.dialog import Hangup, Turn
from bot.keys import Keys
from bot.last_words import LastWords
from bot.line import Line
from bot.machine import Machine
from bot.parts import CallParts
from bot.turn import Command, EndCall, FinishTurn, PromptIdle, TurnTaking
from media.playout import Playout

__all__ = ["Overhearing"]

HEAR_OUT_S = 2.0
"""So long what is being said is heard to its end before a machine is hung up on: people who talk
for longer than a hello are taken for one."""


class Overhearing:
    """Takes the floor away when a machine has answered, and gives it to who asks for no more calls.

    Args:
        parts: what the call is joined from.
        line: the call.
        conversation, turn, playout, keys: of the call; while a machine is here they are at its
            disposal.
        departure: the way out.
        last_words: how what is being said comes to its end.
        apply: carries out what turn-taking says.
        wake: has the call's clock look at what is due.

    Attributes:
        machine: finds out what has answered.
    """

    def __init__(
        self,
        parts: CallParts,
        line: Line,
        conversation: Conversation,
        turn: TurnTaking,
        playout: Playout,
        keys: Keys,
        *,
        departure: Departure,
        last_words: LastWords,
        apply: Callable[[list[Command]], None],
        wake: Callable[[], None],
    ) -> None:
        self._line = line
        self._conversation = conversation
        self._turn = turn
        self._playout = playout
        self._keys = keys
        self._progress = parts.progress
        self._departure = departure
        self._last_words = last_words
        self._apply = apply
        self._wake = wake
        self.machine = Machine(parts.voicemail, parts.call, self, parts.progress, parts.keeper)

    def obey(self, command: Command) -> None:
        """What a machine says is answered by nobody; but a person who was taken for one may ask
        never to be called again."""
        match command:
            case FinishTurn():
                if not self._refuses(command):
                    self._apply(self._turn.bot_finished(self.now_ms()))
            case PromptIdle() | EndCall("idle") if self.machine.waits or self._is_reciting():
                self._turn.bot_finished(self.now_ms())
                self._apply(self._turn.go_on(self.now_ms()))
            case PromptIdle() | EndCall():
                self.hang_up("voicemail")

    def key(self, digit: str, now_ms: float) -> None:
        """Machines press no keys: it may be somebody's who asks for no more calls."""
        if self._refuses(digit):
            self._apply(self._turn.bot_thinking(now_ms))

    async def hear_out(self) -> bool:
        """Wait for the end of what is being said, if that is soon; whether it is a machine still.

        Else it is a person, who hears something else first.
        """
        in_time = await self._last_words.until_silent(HEAR_OUT_S)
        if not in_time and (said := self._turn.words) is not None:
            self._refuses(said)
        return self.machine.here

    # What the machine asks for

    def now_ms(self) -> float:
        """The call's clock."""
        return self._line.now_ms()

    @property
    def unwanted(self) -> bool:
        """Whether a person has asked for no more calls."""
        return self._conversation.refused

    def hush(self) -> None:
        """Stop talking, and take nothing that is heard from now on for a turn."""
        self._departure.call_off()
        unanswered = self._conversation.unanswered
        self._line.clear()
        self._conversation.drop()
        self._keys.forget()
        self._progress.gathering = None
        if not any(self._refuses(asked) for asked in unanswered):
            # From now on it is told of no word of ours, so that it waits for none.
            self._turn.bot_finished(self.now_ms())
            self._apply(self._turn.go_on(self.now_ms()))
        self._wake()

    def recite(self, text: str, reason: str) -> None:
        """Say it to its end, and hang up for this reason."""
        self._conversation.recite(text, Hangup(reason))
        self._wake()

    def hang_up(self, reason: str) -> None:
        """Hang up for this reason."""
        self._departure.part(self._departure.leave(Hangup(reason)))

    def _refuses(self, asked: FinishTurn | Turn | str) -> bool:
        """Whether whoever was taken for a machine asks for no more calls, and is answered."""
        if not self._conversation.refuse(asked):
            return False
        self.machine.spare()
        return True

    def _is_reciting(self) -> bool:
        return self._conversation.replying or not self._playout.idle
