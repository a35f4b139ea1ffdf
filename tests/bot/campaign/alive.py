"""Workers that are alive, as far as a claim can see."""

from __future__ import annotations

from redis.asyncio import Redis

__all__ = ["announce"]

FAR_MS = 10**14
"""Such a worker's lease is not over before the year 5138: no clock of a test goes so far."""


async def announce(
    url: str, prefix: str, worker: str = "w1", *, max_calls: int = 1000, inbound: int = 0
) -> None:
    """A worker says that it is alive, how many calls it takes, and how many inbound ones it has."""
    client = Redis.from_url(url)
    try:
        await client.zadd(f"{prefix}workers", {worker: FAR_MS})
        said = ["max_calls", str(max_calls), "inbound", str(inbound)]
        await client.hset(f"{prefix}worker:{worker}", items=said)
    finally:
        await client.aclose()
