"""What the parts of the campaigns' store have in common."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from typing import Any

import orjson
from redis.asyncio import Redis

from bot.redis_link import RedisLink

from .keys import CampaignKeys
from .packing import read_attempt
from .scripts import Scripts
from .types import Attempt, Plan

__all__ = ["BATCH", "StorePart", "attempt_given", "plan_asked"]

Page = Callable[..., Awaitable[Any]]
"""Asks a Redis for the page of a SCAN at a `cursor`."""

BATCH = 500
"""How many of something are read in one round trip."""


class StorePart:
    """A part of the store: the way to Redis, the scripts and the names of the keys."""

    _link: RedisLink
    _scripts: Scripts
    _keys: CampaignKeys

    async def _pages(self, page: Page) -> AsyncIterator[Any]:
        """All that a SCAN gives; every page is a question of its own."""
        cursor = 0
        while True:
            cursor, found = await self._link.ask(partial(page, cursor=cursor))
            yield found
            if cursor == 0:
                return

    def _hash_pages(self, name: str) -> AsyncIterator[dict[bytes, bytes]]:
        """A hash in pages. What is there all the while is in one of them, or in more."""
        return self._pages(lambda redis, cursor: redis.hscan(name, cursor, count=BATCH))

    async def _attempts(self, ids: Sequence[bytes]) -> list[Attempt]:
        """The attempts of these ids; those that have expired are left out."""

        async def ask(redis: Redis) -> list[Any]:
            async with redis.pipeline(transaction=False) as pipe:
                for attempt in ids:
                    pipe.hgetall(self._keys.attempt(attempt.decode()))
                return await pipe.execute()

        found = zip(ids, await self._link.ask(ask), strict=True)
        return [_read({**fields, b"id": attempt}) for attempt, fields in found if fields]


def _read(fields: dict[bytes, bytes]) -> Attempt:
    return read_attempt((name.decode(), value.decode()) for name, value in fields.items())


def attempt_given(text: bytes | None) -> Attempt | None:
    """An attempt as a script gives it."""
    if text is None:
        return None
    flat = orjson.loads(text)
    return read_attempt(zip(flat[::2], flat[1::2], strict=True))


def plan_asked(plan: Plan | None) -> dict[str, Any] | None:
    """A plan as scripts are told of it."""
    if plan is None:
        return None
    return {"due_ms": plan.due_ms, "until_ms": plan.until_ms, "day": plan.day}
