"""One run of a hook, read ahead of the voice: its reply as sentences and actions.

A dialog's reply is known long before it is spoken. Reading it at the hook's pace says when the hook
is over, so that what it has done and all that it wants said can be kept before it is heard.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import aclosing, suppress

from bot.dialog import Action, Play, Say
from bot.dialog.hook import Replies
from bot.dialog.text import whole_characters
from bot.sentences import Sentences
from bot.tasks import STOP_S
from bot.telephony.pending import Leaving

__all__ = ["HookFailed", "Reading"]

MAX_AHEAD = 256
"""So many sentences and actions are read before they are spoken; a hook may go on for ever."""


class HookFailed(Exception):
    """The user's code raised, or took too long: see `__cause__`."""


class Reading:
    """Reads one reply of a hook. Iterating gives its steps, in order: sentences and actions.

    Args:
        replies: what the hook answers.
        timeout_s: how long it may take before each piece.
        on_over: told when the hook has given its whole reply, before all of it is spoken.
        heard: sentences that the caller has heard whole when a hook said them for the same turn:
            a reply that begins with them goes on behind them.
        then: what the reply ends with unless it leaves by itself.

    Attributes:
        leaving: the action with which the reply ends, as far as is known.
        ahead: the steps that are not spoken yet.
    """

    def __init__(
        self,
        replies: Replies,
        timeout_s: float,
        on_over: Callable[[], None],
        heard: Iterable[str] = (),
        then: Leaving | None = None,
    ) -> None:
        self._replies = replies
        self._timeout_s = timeout_s
        self._on_over = on_over
        self._heard = deque(heard)
        self._over = False
        self._error: Exception | None = None
        self._late_s = math.inf
        self._changed = asyncio.Event()
        self.leaving = then
        self.ahead: deque[Action] = deque()

    async def run(self) -> None:
        """Read until the hook is over; what it raises is raised where the reply is spoken."""
        try:
            await self._read()
        except Exception as error:
            self._error = error
        else:
            self._on_over()
        finally:
            self._over = True
            self._changed.set()

    async def __aiter__(self) -> AsyncIterator[Action]:
        """The steps. Raises `HookFailed` behind the last one of a hook that failed."""
        while True:
            while self.ahead:
                step = self.ahead.popleft()
                self._changed.set()
                yield step
            if self._over:
                break
            await self._wait()
        if self._error is not None:
            raise HookFailed from self._error

    async def _wait(self) -> None:
        """Wait until there is more, or no more to come.

        Raises:
            HookFailed: the hook has been cancelled, its time being over, and goes on all the same.
        """
        loop = asyncio.get_running_loop()
        while not (self.ahead or self._over):
            # Set also by what adds no step: half a sentence, or one that was heard before.
            self._changed.clear()
            if loop.time() >= self._late_s:
                raise HookFailed from TimeoutError("the hook does not end when it is cancelled")
            # When the next piece is late may be known only after this one.
            again_s = min(self._late_s, loop.time() + self._timeout_s + STOP_S)
            with suppress(TimeoutError):
                async with asyncio.timeout_at(again_s):
                    await self._changed.wait()

    async def _read(self) -> None:
        loop = asyncio.get_running_loop()
        sentences = Sentences()
        async with aclosing(self._replies):
            while True:
                self._late_s = loop.time() + self._timeout_s + STOP_S
                async with asyncio.timeout(self._timeout_s):
                    reply = await anext(self._replies, None)
                if isinstance(reply, str):
                    self._add(Say(sentence) for sentence in sentences.feed(reply))
                else:
                    self._add(Say(sentence) for sentence in sentences.flush())
                    if reply is None:
                        return
                    if isinstance(reply, Leaving):
                        self.leaving = reply
                        return
                    self._take(reply)
                while len(self.ahead) >= MAX_AHEAD:
                    self._late_s = math.inf
                    self._changed.clear()
                    await self._changed.wait()

    def _take(self, reply: Action) -> None:
        if isinstance(reply, Say):
            sentences = Sentences()
            parts = [*sentences.feed(reply.text), *sentences.flush()]
            self._add(Say(part, reply.interruptible) for part in parts)
        else:
            self._add([reply])

    def _add(self, steps: Iterable[Action]) -> None:
        for step in steps:
            if isinstance(step, Say):
                step = Say(whole_characters(step.text), step.interruptible)
            if isinstance(step, Say | Play) and self._heard:
                if isinstance(step, Say) and step.text == self._heard[0]:
                    self._heard.popleft()
                    continue
                self._heard.clear()
            self.ahead.append(step)
        self._changed.set()
