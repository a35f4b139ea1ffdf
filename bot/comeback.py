"""How a conversation begins: anew, or where an earlier stream of the call has left it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from bot.delivery import Delivery
from bot.dialog import Call, Gap, Turn
from bot.dialog.hook import Dialog
from bot.line import Line
from bot.parts import Counts, Keeper
from bot.progress import Progress
from bot.reply_queue import ReplyQueue, only
from bot.resuming import reopen, take_unheard

__all__ = ["Comeback"]


class Comeback:
    """Begins a conversation when a stream of the call has begun.

    Args:
        dialog: the user's hook.
        call: what the hook sees.
        line: the call that carries it.
        queue, delivery: where replies go.
        keeper, progress: where the conversation is kept.
        counts: where breaks are counted.
        apologize: says that the caller's words are lost.
        ask_turn: asks a turn of which these sentences of the answer were heard.
        ask_key: asks keys.
    """

    def __init__(
        self,
        dialog: Dialog,
        call: Call,
        line: Line,
        queue: ReplyQueue,
        delivery: Delivery,
        *,
        keeper: Keeper,
        progress: Progress,
        counts: Counts,
        apologize: Callable[[], None],
        ask_turn: Callable[[Turn, Iterable[str]], None],
        ask_key: Callable[[str], object],
    ) -> None:
        self._dialog = dialog
        self._call = call
        self._line = line
        self._queue = queue
        self._delivery = delivery
        self._keeper = keeper
        self._progress = progress
        self._counts = counts
        self._apologize = apologize
        self._ask_turn = ask_turn
        self._ask_key = ask_key

    def note_gap(self, gap: Gap | None) -> None:
        """Before all else: what is known of the break that the call has come back from, if any."""
        if gap is not None:
            gap = replace(gap, turn_open=self._progress.open_turn is not None)
        self._call.gap = gap
        self._progress.speaking_from_ms = None
        if gap is None:
            return
        self._counts.gaps += 1
        self._counts.lost_ms += gap.gap_ms
        now_ms = round(self._line.now_ms())
        self._keeper.note("gap", gap_ms=gap.gap_ms, speech_lost=gap.speech_lost, stream_ms=now_ms)
        if gap.speech_lost:
            self._keeper.remark("the caller was speaking when the stream was lost")

    def begin(self, *, resuming: bool) -> None:
        """The stream has begun: the call's first, or another one, to go on if `resuming`."""
        gap = self._call.gap
        lost = gap is not None and gap.speech_lost
        if resuming:
            self._come_back(lost)
        elif lost and not self._dialog.has("greet"):
            self._apologize()
        else:
            self._queue.add("greet", self._dialog.greet(self._call), by_twilio=True)

    def _come_back(self, lost: bool) -> None:
        """Go on where the call was, as far as anybody knows."""
        call, turn, planned = self._call, self._progress.open_turn, self._progress.planned
        heard, unheard = [], ""
        if turn is not None:
            self._progress.open_turn = turn = replace(turn, retried=True)
            heard = reopen(call.history, turn)
        else:
            unheard = take_unheard(call.history)
        waiting = turn is not None or self._progress.open_keys or planned is not None
        if lost and not (unheard or waiting or self._dialog.has("on_resume")):
            self._apologize()
            return
        self._delivery.leaving = planned is not None
        # When all was said, there is nothing to go on with but the end.
        done = planned is not None and not unheard
        again = only() if done else self._dialog.on_resume(call, unheard)
        self._queue.add("on_resume", again, then=planned)
        for digits in list(self._progress.open_keys):
            self._ask_key(digits)
        if turn is not None:
            self._ask_turn(turn, heard)
