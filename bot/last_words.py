"""What is still being said when the bot leaves a call, or the call is over."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from bot.turn import Command, Finalize, FinishTurn, TurnTaking

__all__ = ["LAST_WORDS_S", "LastWords"]

LAST_WORDS_S = 1.0
"""So long the recognizer may take for what was said when the caller hung up: nobody hears that."""


class LastWords:
    """Waits for the end of what is being said, and keeps what was said last.

    Args:
        turn: the call's turn-taking.
        finalize: has the recognizer say what it has understood.
    """

    def __init__(self, turn: TurnTaking, finalize: Callable[[], None]) -> None:
        self._turn = turn
        self._finalize = finalize
        self._silent = asyncio.Event()
        self._last: FinishTurn | None = None

    @property
    def said(self) -> FinishTurn | None:
        """What was said last, of which no turn was made."""
        return self._last or self._turn.words

    def note(self) -> None:
        """Turn-taking has heard something new."""
        if self._turn.speaking_from_ms is None:
            self._silent.set()

    def take(self, commands: list[Command]) -> None:
        """The caller has left: what they said is answered by nobody."""
        for command in commands:
            match command:
                case Finalize():
                    self._finalize()
                case FinishTurn():
                    self._last = command
        self.note()

    async def until_silent(self, deadline_s: float) -> bool:
        """Wait for the end of what is being said; whether that comes in time."""
        if self._turn.speaking_from_ms is None:
            return True
        self._silent.clear()
        try:
            async with asyncio.timeout(deadline_s):
                await self._silent.wait()
        except TimeoutError:
            return False
        return True

    async def after_leaving(self, now_ms: float) -> None:
        """The caller has left: wait until it is understood what they said last."""
        self.take(self._turn.caller_left(now_ms))
        await self.until_silent(LAST_WORDS_S)
