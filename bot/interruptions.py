"""What the caller has interrupted, perhaps by a noise; when it was none, the dialog hears of it."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from functools import partial

import structlog

from bot.asking import Asking
from bot.delivery import Delivery
from bot.dialog import Call, Interruption, Play, Say
from bot.dialog.hook import Dialog
from bot.parts import Counts, Keeper
from bot.reply import SpokenReply
from bot.reply_queue import ReplyQueue
from bot.tasks import stop, within
from bot.telephony.pending import Leaving

__all__ = ["Interruptions"]

log = structlog.get_logger(__name__)


class Interruptions:
    """Holds the replies that were interrupted until it is sure that it was no noise.

    Args:
        dialog: what is told.
        call: what the dialog sees.
        asking: what the replies answer.
        queue: what the dialog is told behind.
        delivery: does what the dialog answers.
        keeper: what saves the state.
        counts: where failures are counted.
        hook_timeout_s: how long the dialog may take.
    """

    def __init__(
        self,
        dialog: Dialog,
        call: Call,
        asking: Asking,
        queue: ReplyQueue,
        delivery: Delivery,
        *,
        keeper: Keeper,
        counts: Counts,
        hook_timeout_s: float,
    ) -> None:
        self._dialog = dialog
        self._call = call
        self._asking = asking
        self._queue = queue
        self._delivery = delivery
        self._keeper = keeper
        self._counts = counts
        self._hook_timeout_s = hook_timeout_s
        self._held: list[SpokenReply] = []

    def hold(self, reply: SpokenReply) -> None:
        """A reply was interrupted, before those that are held already."""
        self._held.insert(0, reply)

    def tell(self) -> None:
        """Tell the dialog of those whose hook has given all of its reply: nothing is lost by it."""
        for reply in self._held:
            if reply.reading_over:
                self._tell(reply)

    def take(self) -> list[SpokenReply]:
        """It was a noise: what is to go on."""
        held, self._held = self._held, []
        return held

    def drop(self) -> bool:
        """It was no noise: what was interrupted stays so; whether the bot wanted to leave then."""
        left = False
        for reply in self.take():
            if reply.reader is not None:
                reply.reader.cancel()
            if not reply.told:
                self._tell(reply)
            self._asking.close(reply)
            left |= reply.reading is not None and reply.reading.leaving is not None
        return left

    def _tell(self, reply: SpokenReply) -> None:
        """Tell the dialog that a reply of its own was interrupted, when its hook has stopped."""
        reply.told = True
        if reply.entry is not None and not reply.to_machine:
            interruption = Interruption(reply.entry.text, reply.entry.heard)
            self._queue.add_work(partial(self._interrupted, interruption, reply.reader))

    async def _interrupted(
        self, interruption: Interruption, reader: asyncio.Task[None] | None
    ) -> None:
        if reader is not None and not reader.done():
            await stop(reader)
        try:
            await within(self._hook_timeout_s, self._tell_interruption(interruption))
        except Exception as error:
            log.error("dialog failed to note an interruption", exc_info=error)
            self._counts.failed_hooks["on_interrupted"] += 1
        self._keeper.save()

    async def _tell_interruption(self, interruption: Interruption) -> None:
        async with aclosing(self._dialog.on_interrupted(self._call, interruption)) as actions:
            async for action in actions:
                if not isinstance(action, str | Say | Play | Leaving):
                    await self._delivery.act(action)
