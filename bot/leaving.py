"""The way out of a call: what Twilio is to do next is safe before the stream is closed."""

from __future__ import annotations

import asyncio
from typing import Literal

import structlog

from bot.dialog import Hangup, SendDigits, Transfer
from bot.parts import ActNow, Keeper, StreamEnd, StreamEndHow
from bot.progress import Progress
from bot.telephony.pending import Leaving, Move, SayByTwilio
from media.playout import Playout

__all__ = ["Exit", "Way", "reason_of"]

log = structlog.get_logger(__name__)

LEAVE_DEADLINE_S = 150.0
"""How long the last words may take to be heard: as long as the ledger can hold."""

Way = Literal["out", "superseded", "none"]
"""Whether Twilio will do the action, or does it already; a newer stream owns the call; or neither:
the call goes on here."""


class Exit:
    """Makes sure that Twilio does an action when the stream is closed: from the store, else by
    REST.

    Args:
        keeper: what makes it durable.
        progress: where a reply's last action is planned.
        act_now: what does it by REST; None without credentials.
    """

    def __init__(self, keeper: Keeper, progress: Progress, act_now: ActNow | None) -> None:
        self._keeper = keeper
        self._progress = progress
        self._act_now = act_now
        self._end: StreamEnd | None = None
        self._ended = asyncio.Event()
        # A dialog's goodbye, a drain and an API's hang-up may come at once: one pending at a time.
        self._lock = asyncio.Lock()
        self._out: Leaving | None = None
        self._heard = asyncio.Event()

    @property
    def over(self) -> bool:
        """Whether the stream has ended."""
        return self._end is not None

    @property
    def hangs_up(self) -> bool:
        """Whether Twilio hangs up when the stream is closed."""
        return isinstance(self._out, Hangup)

    def end(self, how: StreamEndHow, reason: str) -> None:
        """The stream has ended; the first to say it counts."""
        self._end = self._end or StreamEnd(how, reason)
        self._ended.set()

    async def until_over(self) -> StreamEnd:
        """Wait until the stream has ended; gives why."""
        await self._ended.wait()
        assert self._end is not None
        return self._end

    async def until_heard(self, playout: Playout) -> None:
        """Wait until all that was said is heard."""
        try:
            async with asyncio.timeout(LEAVE_DEADLINE_S):
                while not playout.idle:
                    self._heard.clear()
                    await self._heard.wait()
        except TimeoutError:
            log.warning("the last words were not confirmed as heard")

    def heard(self) -> None:
        """Nothing is left to be heard."""
        self._heard.set()

    async def now(self, action: Leaving, order_s: float | None = None) -> Way:
        """End the stream with what somebody else than the dialog wants, whatever is being said; as
        `take`."""
        way = await self.take(action, order_s)
        if way == "superseded":
            self.end("elsewhere", way)
        elif way == "out":
            self.end("elsewhere" if isinstance(action, Move) else "bot", reason_of(action))
        return way

    async def take(self, action: Leaving, order_s: float | None = None) -> Way:
        """Have Twilio do `action`, unless another action was taken before.

        When whoever wants that is cancelled first, it is not to be done later either.

        Args:
            action: what comes next.
            order_s: how long REST may take; None leaves that to REST.
        """
        async with self._lock:
            if self._out is not None:
                return "out"
            planned = self._progress.planned
            if not isinstance(action, Move | SayByTwilio):
                self._progress.planned = None  # from now on it is pending
            try:
                way = await self._take(action, order_s)
            except BaseException:
                self._stay(planned)
                raise
            if way == "none":
                log.error("what comes next can be neither stored nor done: the call goes on")
                self._stay(planned)
            elif way == "out":
                self._out = action
            return way

    async def _take(self, action: Leaving, order_s: float | None) -> Way:
        outcome = await self._keeper.commit(action)
        if outcome == "superseded":
            return "superseded"
        # What is not kept may be in the record by now or later: the same action, done once by its
        # call. So too when the stream has ended meanwhile, by what Twilio was told perhaps.
        if outcome == "kept" or await self._order(action, order_s) or self.over:
            return "out"
        return "none"

    async def _order(self, action: Leaving, order_s: float | None) -> bool:
        """Whether Twilio does it by REST. If it does not say so in time, nobody knows."""
        if self._act_now is None:
            return False
        try:
            async with asyncio.timeout(order_s):
                return await self._act_now(action)
        except TimeoutError:
            return False

    def _stay(self, planned: Leaving | None) -> None:
        """Take the action back, unless the stream has ended: `next` then finds it."""
        if not self.over:
            self._progress.planned = planned
            self._keeper.withdraw()


def reason_of(action: Leaving) -> str:
    """Why the stream ended, in a word."""
    match action:
        case Hangup(reason):
            return reason
        case Transfer():
            return "transfer"
        case SendDigits():
            return "digits"
        case Move():
            return "move"
        case SayByTwilio():
            return "speech synthesis is not available"
