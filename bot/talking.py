"""What turn-taking learns of the bot's sound: it begins, may be interrupted, and is over."""

from __future__ import annotations

from collections.abc import Callable

from bot.conversation import Conversation
from bot.leaving import Exit
from bot.outbox import Outbox
from bot.stopwatch import Stopwatch
from bot.turn import Bot, Command, TurnTaking
from media.playout import Playout

__all__ = ["Talking"]


class Talking:
    """Lets out what the bot says as long as the caller does not have the floor.

    Args:
        conversation, turn, playout, outbox: of the call.
        exit: is told when all was heard.
        stopwatch: measures how soon the bot answers.
        apply: carries out what turn-taking says.
    """

    def __init__(
        self,
        conversation: Conversation,
        turn: TurnTaking,
        playout: Playout,
        outbox: Outbox,
        *,
        exit: Exit,
        stopwatch: Stopwatch,
        apply: Callable[[list[Command]], None],
    ) -> None:
        self._conversation = conversation
        self._turn = turn
        self._playout = playout
        self._outbox = outbox
        self._exit = exit
        self._stopwatch = stopwatch
        self._apply = apply

    def deadline_ms(self, now_ms: float) -> float | None:
        """When `tick` is due; None when there is nothing to be let out."""
        return None if self._turn.floor_taken else self._playout.wake_at_ms(now_ms)

    def tick(self, now_ms: float) -> None:
        """Do what is due."""
        self._pump(now_ms)
        self._follow_bot(now_ms)

    def _pump(self, now_ms: float) -> None:
        """Put into the outbox what the ledger has due, unless the caller has the floor."""
        if self._turn.floor_taken:
            return
        if self._outbox.pump(now_ms) and self._turn.bot is Bot.THINKING:
            self._stopwatch.answered(now_ms)
            self._apply(self._turn.bot_started(now_ms))

    def _follow_bot(self, now_ms: float) -> None:
        """Tell turn-taking whether the bot may be interrupted, and when it is done."""
        interruptible = self._playout.interruptible_now(now_ms) and not self._conversation.leaving
        if interruptible is not self._turn.interruptible:
            self._apply(self._turn.set_interruptible(interruptible, now_ms))
        if not self._playout.idle:
            return
        self._exit.heard()
        if self._turn.bot is not Bot.SILENT and not self._conversation.replying:
            self._conversation.settled()
            self._stopwatch.forget()
            self._apply(self._turn.bot_finished(now_ms))
