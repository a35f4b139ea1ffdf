"""The truth about campaigns, contacts and attempts, in Redis; every change is one script.

A script whose answer was lost may be run again: the same claim gives the same attempts, and what
has been settled, noted or given up stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from bot.metrics import Metrics
from bot.redis_link import RedisLink

from .keys import CampaignKeys
from .scripts import Scripts
from .store_attempts import AttemptsPart
from .store_campaigns import CampaignsPart
from .store_contacts import ContactsPart, NotOpen
from .store_outbox import OutboxPart, RefusedPart

__all__ = ["CampaignStore", "NotOpen"]


class CampaignStore(CampaignsPart, ContactsPart, AttemptsPart, RefusedPart, OutboxPart):
    """Campaigns in Redis.

    Every method raises `bot.redis_link.StoreUnavailable` when Redis does not answer in time.

    Args:
        url, prefix, deadline_s: as `bot.store.Store`'s.
        retention_days: how long what is over is kept.
        clock: ms since the epoch, for what decides about time; None is Redis's own clock, the only
            one that all workers share.
    """

    def __init__(
        self,
        url: str,
        *,
        prefix: str = "parley:",
        retention_days: int = 30,
        metrics: Metrics | None = None,
        deadline_s: float = 0.3,
        clock: Callable[[], int] | None = None,
    ) -> None:
        self._link = RedisLink(url, Metrics() if metrics is None else metrics, deadline_s)
        self._keys = CampaignKeys(prefix)
        self._scripts = Scripts(self._link, prefix, retention_days * 86_400, clock)
        self._clock = clock

    async def aclose(self) -> None:
        """Close the connections."""
        await self._link.aclose()

    async def now_ms(self) -> int:
        """By the clock that decides."""
        if self._clock is not None:
            return self._clock()
        seconds, micros = cast(tuple[int, int], await self._link.ask(lambda redis: redis.time()))
        return seconds * 1000 + micros // 1000

    async def replicated(self) -> bool:
        """Whether its Redis has replicas, or is one; no when it refuses to say."""

        async def ask(redis: Redis) -> dict[str, Any]:
            try:
                return await redis.info("replication")
            except ResponseError:
                return {}

        said: dict[str, Any] = await self._link.ask(ask)
        return said.get("role") == "slave" or int(said.get("connected_slaves", 0)) > 0
