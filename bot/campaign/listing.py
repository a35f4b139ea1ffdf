"""Numbers on their way to the do-not-call list: none is lost because Redis is away.

What waits for Redis is in memory, and in a `Notebook`: its worker may die before Redis is back.
"""

from __future__ import annotations

import asyncio

import structlog

from bot.redis_link import StoreUnavailable

from .notebook import Notebook
from .phone import number_of
from .store import CampaignStore

__all__ = ["Listing"]

log = structlog.get_logger(__name__)

AGAIN_S = 1.0
MAX_KEPT = 10_000


class Listing:
    """Puts numbers on the list; those that Redis does not take are kept and tried again.

    Args:
        store: where the list is.
        notebook: on this machine's disk.
        again_s: how long after a failure.
    """

    def __init__(self, store: CampaignStore, notebook: Notebook, again_s: float = AGAIN_S) -> None:
        self._store = store
        self._notebook = notebook
        self._again_s = again_s
        self._kept: dict[str, str] = {}
        self._more = asyncio.Event()
        self._changed = asyncio.Event()

    @property
    def kept(self) -> int:
        """How many are not on the list yet."""
        return len(self._kept)

    async def add(self, number: str, source: str) -> bool:
        """Put a number on the list; false when it is kept for later."""
        # As campaigns dial it: a network may write its numbers in another way.
        number = number_of(number) or number
        is_kept = number in self._kept or len(self._kept) < MAX_KEPT
        if is_kept:
            self._kept[number] = source
        try:
            await self._store.do_not_call(number, source)
        except asyncio.CancelledError:
            # They have hung up meanwhile.
            self._wait()
            raise
        except StoreUnavailable:
            if is_kept:
                log.warning("do-not-call request waits for Redis", source=source)
                self._wait()
            else:
                log.error("do-not-call request lost: too many wait for Redis", source=source)
            return False
        self._kept.pop(number, None)
        if self._notebook.noted:
            self._changed.set()
        return True

    async def run(self) -> None:
        """Try those again that are kept, for as long as the worker runs, and what workers that are
        no more have left."""
        left = await asyncio.to_thread(self._notebook.find)
        if left:
            log.info("do-not-call requests of a worker that is no more", requests=len(left))
            self._kept = left | self._kept
            self._wait()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._note())
            group.create_task(self._try_again())

    async def conclude(self) -> None:
        """The worker stops: try all once more; what is left waits for another, or is lost."""
        await self.flush()
        kept = dict(self._kept)
        await asyncio.to_thread(self._notebook.keep, kept)
        lost = kept.keys() - self._notebook.noted
        if noted := kept.keys() - lost:
            log.warning("do-not-call requests wait for the next worker here", requests=len(noted))
        if lost:
            log.error("do-not-call requests are lost: Redis was away", requests=len(lost))
        self._notebook.close()

    async def _note(self) -> None:
        """Have on the disk what waits."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            await asyncio.to_thread(self._notebook.keep, dict(self._kept))

    async def _try_again(self) -> None:
        while True:
            await self._more.wait()
            await asyncio.sleep(self._again_s)
            await self.flush()

    async def flush(self) -> bool:
        """Try all that are kept, as long as Redis answers; whether none is left."""
        # First: who asks meanwhile, and is not listed, is to be tried again.
        self._more.clear()
        for number, source in list(self._kept.items()):
            if not await self.add(number, source):
                return False
            log.info("do-not-call request is kept now", source=source)
        return not self._kept

    def _wait(self) -> None:
        self._more.set()
        self._changed.set()
