"""What the dialog is asked, a turn or keys, until it has given its whole reply.

It stays open in `Progress` that long. Whatever happens to this worker before, the dialog is asked
again, with `call.state` as it was.
"""

from __future__ import annotations

from typing import Any

from bot.dialog import Call, HistoryEntry, Turn
from bot.dialog.state import copied
from bot.parts import Keeper
from bot.progress import Progress
from bot.reply import SpokenReply
from bot.turn import FinishTurn

__all__ = ["Asking"]


class Asking:
    """Keeps in `progress` what is open, and has state and history of `call` agree with it."""

    def __init__(self, call: Call, progress: Progress, keeper: Keeper) -> None:
        self._call = call
        self._progress = progress
        self._keeper = keeper

    def number(self, finished: FinishTurn, carried: Turn | None) -> Turn:
        """The turn that was finished, of which `carried` was said before."""
        self._progress.turns += 1
        return Turn(
            id=f"{self._call.sid}-{self._progress.turns}",
            text=f"{carried.text} {finished.text}" if carried else finished.text,
            confidence=finished.confidence,
            start_ms=carried.start_ms if carried else round(finished.start_ms),
            end_ms=round(finished.end_ms),
            rejected=finished.rejected,
        )

    def add(self, asked: Turn | str) -> None:
        """The caller has said, or pressed, this."""
        if isinstance(asked, Turn):
            self._progress.open_turn = asked
            self._call.history.append(
                HistoryEntry("caller", asked.text, asked.text, asked.start_ms, asked.end_ms)
            )
        else:
            self._progress.open_keys.append(asked)
        self._keeper.save()

    async def begin(self, reply: SpokenReply) -> None:
        """The hook is about to run: what it is asked, and the state before it, are safe."""
        if reply.asked is not None:
            reply.state_before = self._progress.state_before = copied(self._call.state)
            self._keeper.save()
            await self._keeper.secure()

    def close(self, reply: SpokenReply) -> None:
        """What the reply answers is answered whole, or not to be answered any more."""
        if reply.closed:
            return
        reply.closed = True
        if isinstance(reply.asked, Turn):
            if self._progress.open_turn is reply.asked:
                self._progress.open_turn = None
        elif reply.asked is not None:
            self._progress.open_keys.remove(reply.asked)
        if reply.state_before is not None:
            self._progress.state_before = None

    def take_back(self, reply: SpokenReply, asked: Turn | str) -> None:
        """Nothing was heard of the reply: as if it had not been asked yet.

        A turn is out of the history too, since its words will open the next one.
        """
        self._restore(reply.state_before)
        dropped = [reply.entry]
        history = self._call.history
        if isinstance(asked, Turn):
            self._progress.open_turn = asked
            dropped.append(next((e for e in reversed(history) if e.role == "caller"), None))
        elif reply.closed:
            self._progress.open_keys.insert(0, asked)
        history[:] = [entry for entry in history if all(entry is not d for d in dropped)]

    def stop(self) -> None:
        """The stream has ended: a hook that was running has not been asked."""
        self._restore(self._progress.state_before)

    def _restore(self, state: dict[str, Any] | None) -> None:
        self._progress.state_before = None
        if state is not None:
            self._call.state.clear()
            self._call.state.update(state)
