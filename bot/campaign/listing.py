"""Numbers on their way to the do-not-call list: none is lost because Redis is away."""

from __future__ import annotations

import asyncio

import structlog

from bot.redis_link import StoreUnavailable

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
        again_s: how long after a failure.
    """

    def __init__(self, store: CampaignStore, again_s: float = AGAIN_S) -> None:
        self._store = store
        self._again_s = again_s
        self._kept: dict[str, str] = {}
        self._more = asyncio.Event()

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
            self._more.set()
            raise
        except StoreUnavailable:
            if is_kept:
                log.warning("do-not-call request waits for Redis", source=source)
                self._more.set()
            else:
                log.error("do-not-call request lost: too many wait for Redis", source=source)
            return False
        self._kept.pop(number, None)
        return True

    async def run(self) -> None:
        """Try those again that are kept, for as long as the worker runs."""
        while True:
            await self._more.wait()
            await asyncio.sleep(self._again_s)
            await self.flush()

    async def flush(self) -> bool:
        """Try all that are kept, as long as Redis answers; whether none is left."""
        for number, source in list(self._kept.items()):
            if not await self.add(number, source):
                return False
            log.info("do-not-call request is kept now", source=source)
        self._more.clear()
        return True
