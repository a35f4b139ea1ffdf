"""`GET /streaming/stats`: how much the service of a deployment is used, and how it does.

Every worker keeps what it has counted in Redis, in one hash, `PREFIX stt-stats`, under its name,
and with the time; what is old is of a worker that is not there any more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.metrics import Metrics
from bot.redis_link import RedisLink, StoreUnavailable
from bot.store_keys import Keys

from .access import SttAccess
from .chunk_door import answering
from .sessions import Sessions
from .tally import DOORS, total

__all__ = ["Stats"]

STATS_PATH = "/streaming/stats"
EVERY_S = 2.0
FRESH_S = 3 * EVERY_S
DEADLINE_S = 0.3

# KEYS: the hash. ARGV: who tells, what, and how long that holds (ms). Gives what all tell.
SHARE = """
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSET', KEYS[1], ARGV[1], now_ms .. ' ' .. ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
local told = {}
local all = redis.call('HGETALL', KEYS[1])
for at = 1, #all, 2 do
  local when, what = string.match(all[at + 1], '^(%d+) (.*)$')
  if now_ms - when > tonumber(ARGV[3]) then
    redis.call('HDEL', KEYS[1], all[at])
  else
    told[#told + 1] = what
  end
end
return told
"""


class Stats:
    """Shares what this worker has counted, and tells the sums.

    Args:
        sessions: of this worker.
        states: how well each of its recognizers is.
        access: who may ask.
        metrics: of the worker.
        url, prefix: of Redis.
        worker: who we are.
    """

    def __init__(
        self,
        sessions: Sessions,
        states: Callable[[], Mapping[str, str]],
        access: SttAccess,
        metrics: Metrics,
        *,
        url: str,
        prefix: str,
        worker: str,
    ) -> None:
        self._sessions = sessions
        self._states = states
        self._access = access
        self._metrics = metrics
        self._link = RedisLink(url, metrics, DEADLINE_S, connections=2)
        self._key = Keys(prefix).stt_stats
        self._worker = worker

    @property
    def routes(self) -> list[Route]:
        """Where it answers."""
        return [Route(STATS_PATH, self.show)]

    async def run(self) -> None:
        """Share what is counted here every few seconds, until cancelled."""
        while True:
            active = self._sessions.active_by_door
            for door in DOORS:
                self._metrics.stt_sessions_active.labels(door).set(active[door])
            with suppress(StoreUnavailable):
                await self._share(self._own())
            await asyncio.sleep(EVERY_S)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._link.aclose()

    @answering
    async def show(self, request: Request) -> Response:
        """The sums of all workers; those of this one alone while Redis is away."""
        await self._access.admit(request, "stats")
        own = self._own()
        try:
            told, shared = await self._share(own), True
        except StoreUnavailable:
            told, shared = [own], False
        return Response(
            orjson.dumps({"shared": shared, **total(told)}), media_type="application/json"
        )

    def _own(self) -> dict[str, Any]:
        return self._sessions.tally.values(self._sessions.active_by_door, self._states())

    async def _share(self, own: dict[str, Any]) -> list[dict[str, Any]]:
        """Tell what is counted here; gives what all tell.

        Raises:
            StoreUnavailable: Redis did not answer.
        """
        values = [self._worker, orjson.dumps(own), round(FRESH_S * 1000)]
        told = await self._link.eval(SHARE, [self._key], values)
        return [orjson.loads(one) for one in told]
