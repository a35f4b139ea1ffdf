"""What a deployment's providers were used for, month by month, in Redis.

One key, `PREFIX usage:YYYY-MM`, a hash: `{kind}:{provider}:amount` (ms of audio, or characters) and
`{kind}:{provider}:usd`, by the list's prices. Every worker adds to it now and then, each time once:
what Redis may have counted before it hung is not sent again (`PREFIX usage:{worker}`).
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import cast

from providers.catalog import facts_of
from providers.facts import Kind
from providers.usage import Use

from .metrics import Metrics
from .redis_link import RedisLink, StoreUnavailable
from .store_keys import Keys

__all__ = ["SharedUsage"]

EVERY_S = 5.0
DEADLINE_S = 0.3
TTL_S = 400 * 86_400
"""A year and a month: last year's month can be compared."""
SENT_TTL_S = 3_600
"""Whoever has not sent for so long has nothing on its way."""

# KEYS: the month, what this worker has sent. ARGV: number of the sending, ttls of both in s, then
# field and amount of each. Gives the month's hash.
ADD = """
if tonumber(ARGV[1]) > tonumber(redis.call('GET', KEYS[2]) or '0') then
  for at = 4, #ARGV, 2 do redis.call('HINCRBYFLOAT', KEYS[1], ARGV[at], ARGV[at + 1]) end
  redis.call('SET', KEYS[2], ARGV[1], 'EX', ARGV[3])
  redis.call('EXPIRE', KEYS[1], ARGV[2])
end
return redis.call('HGETALL', KEYS[1])
"""


def _now() -> datetime:
    return datetime.now(UTC)


class SharedUsage:
    """What this worker used, and what all did this month as far as it is known here.

    Args:
        url, prefix: of Redis, as the store's.
        worker: who we are.
        metrics: where it is counted too.
        now: the clock.
    """

    def __init__(
        self,
        url: str,
        worker: str,
        *,
        prefix: str,
        metrics: Metrics,
        now: Callable[[], datetime] = _now,
    ) -> None:
        self._link = RedisLink(url, metrics, DEADLINE_S, connections=1)
        self._keys = Keys(prefix)
        self._worker = worker
        self._metrics = metrics
        self._now = now
        self._sent = 0
        self._month = ""
        self._shared: dict[str, float] = {}
        # What is being sent, which Redis may have got, and what came since.
        self._sending: dict[str, float] = {}
        self._fresh: defaultdict[str, float] = defaultdict(float)

    def add(self, use: Use) -> None:
        """Something was used."""
        self._turn_page()
        field = f"{use.kind}:{use.provider}"
        self._fresh[f"{field}:amount"] += use.amount
        self._count(use)
        if use.usd is not None:
            self._fresh[f"{field}:usd"] += use.usd

    def _count(self, use: Use) -> None:
        labels, metrics = (use.kind, use.provider), self._metrics
        if use.kind == "tts":
            metrics.provider_characters.labels(*labels).inc(use.amount)
        else:
            metrics.provider_audio_seconds.labels(*labels).inc(use.amount / 1000)
        if use.usd:
            metrics.provider_usd.labels(*labels).inc(use.usd)

    def spent_usd(self) -> float:
        """What all workers spent this month: what Redis said last, and ours since then."""
        self._turn_page()
        parts = (self._shared, self._sending, self._fresh)
        return sum(usd for part in parts for key, usd in part.items() if key.endswith(":usd"))

    def uses(self) -> list[Use]:
        """What all workers used this month, as Redis said last."""
        found = []
        for key, amount in self._shared.items():
            kind, provider, what = key.split(":")
            if what == "amount":
                usd = self._shared.get(f"{kind}:{provider}:usd")
                priced = "" if usd is None else facts_of(cast(Kind, kind), provider).price_date
                found.append(Use(cast(Kind, kind), provider, amount, usd, priced))
        return found

    async def run(self) -> None:
        """Send and ask, every few seconds, until cancelled."""
        while True:
            await self.exchange()
            await asyncio.sleep(EVERY_S)

    async def exchange(self) -> None:
        """Send what was used here and learn of the others'; later, when Redis is away."""
        self._turn_page()
        if not self._sending:
            self._sending, self._fresh = dict(self._fresh), defaultdict(float)
            self._sent += 1
        month = self._month
        items = [part for item in self._sending.items() for part in item]
        with suppress(StoreUnavailable):
            answer = await self._link.eval(
                ADD,
                [self._keys.usage(month), self._keys.usage(self._worker)],
                [self._sent, TTL_S, SENT_TTL_S, *items],
            )
            if month == self._month:
                pairs = zip(answer[::2], answer[1::2], strict=True)
                self._shared = {key.decode(): float(value) for key, value in pairs}
            self._sending = {}

    async def aclose(self) -> None:
        """Send what is left, once, and close the connection."""
        await self.exchange()
        if self._fresh:
            await self.exchange()
        await self._link.aclose()

    def _turn_page(self) -> None:
        """Another month begins with nothing spent; what is not sent yet goes into it."""
        month = f"{self._now():%Y-%m}"
        if month != self._month:
            self._month = month
            self._shared = {}
