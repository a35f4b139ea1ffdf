"""The way to Redis: every question is answered within a deadline, or fails."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from .metrics import Metrics

__all__ = ["RedisLink", "StoreError", "StoreUnavailable"]

CONNECTIONS = 16

log = structlog.get_logger(__name__)


class StoreError(Exception):
    """The store did not do what was asked."""


class StoreUnavailable(StoreError):
    """Redis is away, hangs or refuses; whether the command was carried out is unknown."""


class RedisLink:
    """Connections to one Redis, and whether it is there.

    Args:
        url: `redis://`, `rediss://` or `unix://`.
        metrics: where failures are counted.
        deadline_s: within which every question is answered or fails.
        connections: how many questions may be asked at once; more of them wait for their turn.

    Attributes:
        available: whether Redis answered last.
    """

    def __init__(
        self, url: str, metrics: Metrics, deadline_s: float, connections: int = CONNECTIONS
    ) -> None:
        # redis-py alone would wait for seconds on a server that hangs, and retry one that is gone.
        # Its own socket_timeout is `asyncio.wait_for`, which makes a task of every command, and
        # before Python 3.12 may swallow the cancelling of ours: `ask` has the deadline.
        self._redis = Redis(
            connection_pool=BlockingConnectionPool.from_url(
                url,
                max_connections=connections,
                timeout=deadline_s,
                socket_timeout=None,
                socket_connect_timeout=deadline_s,
                retry=Retry(NoBackoff(), 0),
                protocol=2,
            )
        )
        self._metrics = metrics
        self._deadline_s = deadline_s
        self.available = True

    async def aclose(self) -> None:
        """Close every connection."""
        await self._redis.connection_pool.disconnect()

    async def ask(
        self, command: Callable[[Redis], Awaitable[Any]], deadline_s: float | None = None
    ) -> Any:
        """Run a command within the deadline.

        Who has less time than that learns nothing about Redis from being too late.

        Raises:
            StoreUnavailable: it failed or took too long.
        """
        hurried = deadline_s is not None and deadline_s < self._deadline_s
        try:
            async with asyncio.timeout(self._deadline_s if deadline_s is None else deadline_s):
                answer = await command(self._redis)
        except (RedisError, OSError, TimeoutError) as error:
            if not (hurried and isinstance(error, TimeoutError)):
                self.failed(error)
            raise StoreUnavailable(f"Redis: {type(error).__name__}") from error
        self._metrics.store_available.set(1)
        if not self.available:
            self.available = True
            log.info("Redis is back")
        return answer

    async def eval(
        self, script: str, keys: list[str], values: list[Any], deadline_s: float | None = None
    ) -> Any:
        """Run a Lua script; as `ask`.

        Scripts are sent whole: they are short, and a Redis that was restarted knows no hashes.
        """
        return await self.ask(
            lambda redis: redis.eval(script, len(keys), *keys, *values), deadline_s
        )

    def failed(self, error: Exception) -> None:
        """Count a failure; the first of a row is logged."""
        self._metrics.store_failures.inc()
        self._metrics.store_available.set(0)
        if self.available:
            self.available = False
            log.warning("Redis does not answer", error=type(error).__name__)
