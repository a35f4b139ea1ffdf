"""The replies of one call, one behind the other."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable

import structlog

from bot.delivery import Delivery
from bot.dialog import Reply, Turn
from bot.dialog.hook import Replies
from bot.reading import Reading
from bot.reply import SpokenReply
from bot.tasks import Tasks
from bot.telephony.pending import Leaving

__all__ = ["MAX_REPLIES", "ReplyQueue", "only"]

log = structlog.get_logger(__name__)

MAX_REPLIES = 64
"""How many replies may wait for one another: a caller can press keys faster than a bot speaks."""


class ReplyQueue:
    """Has replies delivered in order, and keeps those that are not yet made, said and heard.

    Args:
        delivery: how one of them reaches the caller.
        tasks: the call's.
        hook_timeout_s: how long a hook may take before each piece of its reply.
    """

    def __init__(self, delivery: Delivery, tasks: Tasks, hook_timeout_s: float) -> None:
        self._delivery = delivery
        self._tasks = tasks
        self._hook_timeout_s = hook_timeout_s
        self._last: asyncio.Task[None] | None = None
        self._replies: list[SpokenReply] = []

    @property
    def making(self) -> bool:
        """Whether a reply is still being made (hook or synthesis)."""
        return self._last is not None and not self._last.done()

    @property
    def asked(self) -> list[Turn | str]:
        """The turns and the keys that are not answered whole."""
        open_replies = (reply for reply in self._replies if not reply.closed)
        return [reply.asked for reply in open_replies if reply.asked is not None]

    def add(
        self,
        hook: str,
        replies: Replies,
        asked: Turn | str | None = None,
        *,
        heard: Iterable[str] = (),
        then: Leaving | None = None,
        by_twilio: bool = False,
        to_machine: bool = False,
    ) -> bool:
        """Have a reply made behind the others; false when too many wait already.

        It ends with `then` unless it leaves by itself. With `by_twilio`, Twilio may say the apology
        when there is no other voice. What nobody asked for goes without: a call that has just come
        back from such an apology, or is silent, would have it said over and over.
        """
        if sum(reply.busy for reply in self._replies) >= MAX_REPLIES:
            log.warning("reply left out: too many are waiting", waiting=MAX_REPLIES)
            return False
        reply = SpokenReply(hook, asked, by_twilio=by_twilio, to_machine=to_machine)

        def over() -> None:
            self._delivery.hook_over(reply, reading.leaving)

        reading = reply.reading = Reading(replies, self._hook_timeout_s, over, heard, then)
        self.deliver(reply, reading)
        return True

    def deliver(self, reply: SpokenReply, reading: Reading) -> None:
        """Have a reply made behind the others, or go on that was held."""
        run = self._delivery.run(reply, reading, self._last)
        reply.task = self._last = self._tasks.spawn(run)
        self._replies.append(reply)

    def add_ready(self, text: str, ulaw: bytes) -> None:
        """Have said at once what was synthesized before the call."""
        self._last = self._tasks.spawn(self.say_ready(text, ulaw))

    async def say_ready(self, text: str, ulaw: bytes) -> None:
        """Say what was synthesized before the call."""
        reply = SpokenReply()
        self._replies.append(reply)
        await self._delivery.say_ready(reply, text, ulaw)

    def add_work(self, work: Callable[[], Awaitable[None]]) -> None:
        """Have something else done behind the replies."""
        self._last = self._tasks.spawn(_behind(self._last, work))

    def begin_anew(self) -> None:
        """Let the next reply wait for none before it: they were dropped, and may be slow to end."""
        self._last = None

    def take_all(self) -> list[SpokenReply]:
        """Take out all replies: they are interrupted."""
        replies, self._replies = self._replies, []
        return replies

    def heard(self) -> None:
        """The caller has heard a sentence to its end."""
        for reply in self._replies:
            reply.note_heard()
        self._replies = [reply for reply in self._replies if not reply.over]

    def settled(self) -> bool:
        """All that was said was heard, or will never be; whether there was any."""
        if not self._replies:
            return False
        self.heard()
        self._replies = [reply for reply in self._replies if reply.busy]
        return True

    def lost(self) -> None:
        """The stream has ended, and the ledger is about to be cleared."""
        for reply in self._replies:
            reply.note_lost()


async def _behind(before: asyncio.Task[None] | None, work: Callable[[], Awaitable[None]]) -> None:
    if before is not None:
        await asyncio.wait([before])
    await work()


async def only(*replies: Reply) -> Replies:
    """A reply that no hook gives."""
    for reply in replies:
        yield reply
