"""One connection with a synthesizer, and the texts that are being spoken on it."""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from ..errors import DeadlineError, ProviderError, RateLimitError, UnavailableError
from ..session import Deadlines, Session
from ..types import TtsOptions
from .context import Context
from .spoken import AudioEnd, ContextFailed, Spoken, SpokenEvent, TtsCodec, TtsVendor

__all__ = ["Channel"]

LET_GO_S = 10.0
"""A cancelled text that the vendor has not confirmed after so long is not waited for any more."""
MID_TEXT = 2.0
"""So many times the patience for a text that has begun: what was got of it plays meanwhile."""
MINUTE_S = 60.0
REFUSED_S = 1.0
"""So long a connection is offered no text when the vendor has refused one as too many."""


class Channel:
    """A connection, and its contexts. Whoever waits for a context keeps it connected.

    Args:
        vendor: whose connection it is.
        options: of a text of the connection's route.
        deadlines: how long the vendor may take.
        freed: called whenever a text takes no place any more.
        extra: there are others, so if this is one too many, nobody insists on it.
        alone: it is for one text, and nothing that comes of it concerns others.

    Attributes:
        route: which texts it may carry, see `TtsVendor.route`.
        broken: whether it is of no use any more.
        blurred: it broke while it carried several texts: for which one is not known.
    """

    def __init__(
        self,
        vendor: TtsVendor,
        options: TtsOptions,
        deadlines: Deadlines,
        freed: Callable[[], None],
        *,
        extra: bool = False,
        alone: bool = False,
    ) -> None:
        self._vendor = vendor
        self._deadlines = deadlines
        self._loop = asyncio.get_running_loop()
        self._ids = itertools.count(1)
        self._contexts: dict[str, Context] = {}
        # Since when nobody waits for those that the vendor has not let go of yet.
        self._ending: dict[str, float] = {}
        self._heard_s = self._loop.time()
        self._busy_s = self._heard_s
        self._full_until_s = 0.0
        self._begun_s: deque[float] = deque()  # when the last minute's texts were begun
        self._freed = freed
        self._lost = asyncio.Event()
        self._extra = extra
        self._alone = alone
        self.route = vendor.route(options)
        self.broken = False
        self.blurred = False
        self._session: Session[TtsCodec, SpokenEvent] = Session(
            vendor.name, lambda: vendor.codec(options), self, deadlines
        )

    @property
    def load(self) -> int:
        """How many contexts it carries, as far as they are waited for."""
        return len(self._contexts) + self._awaited

    @property
    def _awaited(self) -> int:
        """Of how many cancelled texts the vendor's word is waited for."""
        old_s = self._loop.time() - LET_GO_S
        return sum(left_s > old_s for left_s in self._ending.values())

    @property
    def has_place(self) -> bool:
        """Whether it can carry one more."""
        if self.spent or self._loop.time() < self._full_until_s or self._is_worn:
            return False
        return self.load < (1 if self._alone else self._vendor.max_contexts)

    @property
    def _is_worn(self) -> bool:
        """Whether it has been given as many texts as the vendor takes within a minute."""
        limit = self._vendor.texts_per_min
        while self._begun_s and self._begun_s[0] <= self._loop.time() - MINUTE_S:
            self._begun_s.popleft()
        return limit is not None and len(self._begun_s) >= limit

    @property
    def spent(self) -> bool:
        """Whether it takes no more texts: it is broken, the vendor will soon close it, or has not
        let go of what was cancelled long ago, so that one more text may be one too many."""
        return self.broken or self._session.expiring or len(self._ending) > self._awaited

    @property
    def is_refused(self) -> bool:
        """Whether the vendor does not want it, nor would it another in its place."""
        return self.broken or self._session.is_refused

    @property
    def idle_s(self) -> float:
        """How long it has carried nothing; 0 while it does."""
        return 0.0 if self.load else self._loop.time() - self._busy_s

    async def connect(self) -> None:
        """Be connected, before the first text or again.

        Raises:
            ProviderError: as `Session.keep`; `RateLimitError` at once, if this connection is one
                too many.
        """
        try:
            await self._session.keep((RateLimitError,) if self._extra else ())
        except ProviderError:
            self.broken = True
            self.blurred = self.blurred or len(self._contexts) > 1
            raise

    async def prove(self) -> None:
        """Wait for as long as the vendor may take to say that it does not want the connection.

        Raises:
            ProviderError: it said so.
        """
        self._lost.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._vendor.refuses_within_s):
                await self._lost.wait()
        await self.connect()

    def begin(self, context: Context) -> None:
        """Speak a text."""
        if not self.load:
            # What happened while nobody needed the connection is no trouble of this text.
            self._session.progressed()
        self._start(context)

    async def wait(self, context: Context) -> bool:
        """Until there is more of a text, connected if possible.

        Returns:
            Whether it is spoken here: it may have to be asked for again where there is a place.

        Raises:
            ProviderError: the vendor cannot be reached, or gives nothing in time.
        """
        context.changed.clear()
        if not self._session.connected:
            await self.connect()
            return True
        asked_s, answer_s = self._loop.time(), self._deadlines.answer_s
        try:
            async with asyncio.timeout(answer_s * MID_TEXT if context.begun else answer_s):
                await context.changed.wait()
        except TimeoutError:
            return self._overdue(context, others=self._heard_s > asked_s)
        return True

    def _overdue(self, context: Context, *, others: bool) -> bool:
        """Nothing came of a text, while something came of others or not: ask again, once.

        Returns:
            False: there is no place to ask again, until the vendor has let go of it.

        Raises:
            DeadlineError: it was asked for again before.
        """
        late = DeadlineError(self._vendor.name, "no audio in time")
        if context.asked_again:
            # Without others, the next text shall not wait for this one.
            self.broken = self.broken or not others
            raise late
        if others:
            self._cancel(context)
            context.asked_again = True
            if self.load >= self._vendor.max_contexts:
                return False
            self._start(context)
        elif self._loop.time() - self._heard_s >= self._patience_s():
            context.asked_again = True
            self._session.lose(late)
        return True

    def _patience_s(self) -> float:
        """How long the connection may be quiet."""
        begun = any(context.begun and not context.ended for context in self._contexts.values())
        return self._deadlines.answer_s * (MID_TEXT if begun else 1.0)

    def leave(self, context: Context) -> None:
        """Nobody waits for a text any more."""
        self._cancel(context)
        self._busy_s = self._loop.time()

    def close(self, error: ProviderError | None = None) -> None:
        """End at once; what is being spoken fails with `error`."""
        self.broken = True
        for context in list(self._contexts.values()):
            if error is not None:
                context.fail(error)
        self._session.close()

    # What the session tells

    def opened(self) -> None:
        """Begin again what is not over."""
        self._begun_s.clear()
        contexts = [context for context in self._contexts.values() if not context.ended]
        self._contexts.clear()
        self._ending.clear()
        for context in contexts:
            self._start(context)

    def heard(self, event: SpokenEvent) -> None:
        """Hand on what is for a context that somebody waits for."""
        self._extra = False
        context = self._contexts.get(event.context)
        if context is not None:
            self._heard_s = self._loop.time()
        if isinstance(event, Spoken):
            if context is not None and context.take(self._vendor.name, event.audio, event.words):
                self._session.progressed()
        elif isinstance(event, AudioEnd):
            if context is not None:
                self._session.progressed()
                context.end()
        elif isinstance(event, ContextFailed):
            self._failed(event.context, event.error)
        elif context is None or context.ended:
            self._over(event.context)
        else:
            cut_off = UnavailableError(self._vendor.name, "a text was ended before its end")
            self._failed(event.context, cut_off)

    def writable(self) -> None:
        """Texts are short: none waits for room."""

    def roused(self) -> None:
        """The connection is lost: those who wait open another."""
        self._lost.set()
        self._ending.clear()
        for context in self._contexts.values():
            context.changed.set()

    def _start(self, context: Context) -> None:
        context.begin(f"c{next(self._ids)}")
        self._contexts[context.id] = context
        if self._session.connected:
            self._begun_s.append(self._loop.time())
        for frame in self._session.codec.begin(context.id, context.text, context.options):
            self._session.say(frame)

    def _cancel(self, context: Context) -> None:
        """Nobody wants it under its present name any more."""
        if self._contexts.pop(context.id, None) is None or not self._session.connected:
            return
        self._ending[context.id] = self._loop.time()
        if not context.ended and context.error is None:
            for frame in self._session.codec.cancel(context.id):
                self._session.say(frame)

    def _failed(self, context_id: str, error: ProviderError) -> None:
        """A text cannot be spoken; the others are not concerned."""
        context = self._contexts.get(context_id)
        self._over(context_id)
        if context is None:
            return
        if _may_pass(error) and not context.asked_again:
            context.asked_again = True
            self._start(context)
            return
        if isinstance(error, RateLimitError) and not context.begun:
            self._full_until_s = self._loop.time() + REFUSED_S
        context.fail(error)

    def _over(self, context_id: str) -> None:
        """It takes no place any more."""
        self._ending.pop(context_id, None)
        self._contexts.pop(context_id, None)
        self._busy_s = self._loop.time()
        self._freed()


def _may_pass(error: ProviderError) -> bool:
    """Whether to ask once more at once may help."""
    return error.retryable and not isinstance(error, RateLimitError)
