"""What is remembered for a short time: in Redis, and by the process itself while Redis is away."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import TypeVar

from bot.store import Store, StoreUnavailable

__all__ = ["Memory", "SharedMemory"]

T = TypeVar("T")

AWAY_S = 1.0

MAX_ITEMS = 10_000
"""Some 600 bytes each. A worker with 100 calls makes a few a second, kept for a minute."""


class Memory:
    """PURE: a few texts, each kept for a time. When it is full the oldest is forgotten.

    What has expired is given back as others come, from the oldest on.
    """

    def __init__(self, limit: int = MAX_ITEMS) -> None:
        self._limit = limit
        self._items: OrderedDict[str, tuple[float, str]] = OrderedDict()

    def remember(self, key: str, value: str, ttl_s: float, now_s: float) -> str:
        """Keep `value` for `ttl_s` seconds unless there is one; gives the one that counts."""
        if (known := self.recall(key, now_s)) is not None:
            return known
        while self._items and (len(self._items) >= self._limit or self._oldest_expired(now_s)):
            self._items.popitem(last=False)
        self._items[key] = (now_s + ttl_s, value)
        return value

    def recall(self, key: str, now_s: float) -> str | None:
        """What is kept under `key`, or None."""
        expires_s, value = self._items.get(key, (now_s, ""))
        if now_s < expires_s:
            return value
        self._items.pop(key, None)
        return None

    def once(self, key: str, ttl_s: float, now_s: float) -> bool:
        """Whether `key` is new; from now on, for `ttl_s` seconds, it is not."""
        if self.recall(key, now_s) is not None:
            return False
        self.remember(key, "", ttl_s, now_s)
        return True

    def _oldest_expired(self, now_s: float) -> bool:
        expires_s, _ = next(iter(self._items.values()))
        return expires_s <= now_s

    def __len__(self) -> int:
        return len(self._items)


class SharedMemory:
    """The memory of all workers together; of this process alone while Redis is away.

    What Redis kept is kept here too, so that an outage between two deliveries is not noticed.

    Args:
        store: the store on Redis.
        clock: seconds, of any beginning.
    """

    def __init__(self, store: Store, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._own = Memory()
        self._away_until_s = -math.inf

    @property
    def away(self) -> bool:
        """Whether Redis has just failed: asking it again would only cost another deadline."""
        return self._clock() < self._away_until_s

    def set_away(self) -> None:
        """Redis has failed somebody else."""
        self._away_until_s = self._clock() + AWAY_S

    async def remember(self, key: str, value: str, ttl_s: int) -> str:
        """As `Memory.remember`."""
        kept = await self._ask(lambda: self._store.remember(key, value, ttl_s), value)
        return self._own.remember(key, kept, ttl_s, self._clock())

    async def recall(self, key: str) -> str | None:
        """As `Memory.recall`."""
        if (own := self._own.recall(key, self._clock())) is not None:
            return own
        return await self._ask(lambda: self._store.recall(key), None)

    async def once(self, key: str, ttl_s: int) -> bool:
        """As `Memory.once`."""
        if not self._own.once(key, ttl_s, self._clock()):
            return False
        return await self._ask(lambda: self._store.once(key, ttl_s), True)

    async def _ask(self, question: Callable[[], Awaitable[T]], otherwise: T) -> T:
        if self.away:
            return otherwise
        try:
            return await question()
        except StoreUnavailable:
            self.set_away()
            return otherwise
