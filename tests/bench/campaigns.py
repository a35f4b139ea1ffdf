"""What the campaigns' store can do: python -m tests.bench.campaigns.

Fills a Redis of its own with contacts, says what one of them takes there, how long a claim takes
with all of them stored, and how many contacts so many dialers (processes) claim, note and settle
in a second with the rate off; and beside it what the bare Redis does in the same run, for another
machine has other numbers. Redis writes as `parley campaign start` asks for: `appendfsync always`.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import secrets
import tempfile
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import quantiles

from redis.asyncio import Redis

from bot.campaign.spec import CampaignSpec
from bot.campaign.store import CampaignStore
from bot.campaign.types import Campaign, Limits, NewContact, Plan
from bot.redis_server import private_redis, wait_until_stopped
from tests.bot.campaign.alive import announce

DAY_MS = 86_400_000
STOP_S = 60.0
BATCH = 1000
AT_ONCE = 8
"""How many a dialer claims in one step, and how many steps it has on their way."""
LATENCIES = 3000
LIMITS = Limits(calls_per_second=None, max_concurrent=10_000, inbound_room=0, lease_ms=60_000)
ROUND_TRIPS = 2 + 1 / AT_ONCE
"""Of one contact: its part of a claim, a note and a settling."""

READY, GO = "bench:ready", "bench:go"
"""Counts the processes that are ready, and lets them begin together: they import first."""

Step = Callable[[Redis, CampaignStore, str], Awaitable[int]]
"""Something that is done again and again; gives how many it did."""


@dataclass(frozen=True)
class Job:
    """What so many processes do for so long."""

    step: Step
    campaign: str
    workers: int
    seconds: float


def main() -> None:
    """Run it and print the numbers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contacts", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each measurement")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    given = parser.parse_args()
    if given.contacts <= LATENCIES:
        parser.error(f"--contacts: more than {LATENCIES}, or nobody is left to be claimed")
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(Path(folder), given.contacts, given.seconds, given.workers))


async def run(folder: Path, contacts: int, seconds: float, workers: list[int]) -> None:
    """Fill a Redis, measure and print."""
    async with private_redis(folder) as url:
        redis, store = Redis.from_url(url), CampaignStore(url, deadline_s=10)
        try:
            await redis.config_set("appendfsync", "always")
            await announce(url, "parley:", max_calls=100_000)
            campaign = await fill(redis, store, contacts)
            await latencies(redis, store, campaign)
            for count in workers:
                await throughput(redis, url, campaign.id, count, seconds)
        finally:
            await store.aclose()
            await redis.aclose()
    await wait_until_stopped(folder, STOP_S)


async def fill(redis: Redis, store: CampaignStore, contacts: int) -> Campaign:
    """A campaign that runs, with so many contacts that are due."""
    spec = CampaignSpec(name="bench", from_numbers=("+15550001111",), max_concurrent=10_000)
    campaign = await store.create(spec)
    due_ms = await store.now_ms()
    before, began = await used(redis), time.perf_counter()
    people = ((person(index), Plan(due_ms, due_ms + DAY_MS, "")) for index in range(contacts))
    while batch := list(islice(people, BATCH)):
        await store.add(campaign.id, batch)
    took_s, bytes_each = time.perf_counter() - began, (await used(redis) - before) / contacts
    print(f"added        {contacts:,} contacts, {contacts / took_s:,.0f} a second")
    print(f"memory       {bytes_each:.0f} bytes a contact with a name and three variables")
    started = await store.change(campaign.id, "running", allowed=["draft"])
    assert started is not None
    return started


def person(index: int) -> NewContact:
    """Somebody with as much to be known as is usual."""
    variables = {"account": f"{index:08}", "balance": f"{index % 1000}.50", "city": "Springfield"}
    number = f"+1{2_000_000_000 + index * 7919 % 7_999_999_999}"
    return NewContact(number, ("America/New_York",), f"Person {index}", "en-US", variables)


async def used(redis: Redis) -> int:
    """Bytes that Redis has for its data."""
    return int((await redis.info("memory"))["used_memory"])


# How long one takes


async def latencies(redis: Redis, store: CampaignStore, campaign: Campaign) -> None:
    """Print how long a bare round trip takes, a bare write, and each step of an attempt."""
    attempts: list[str] = []

    async def claim() -> None:
        claims = await store.claim(campaign.id, [secrets.token_hex(10)], LIMITS)
        attempts.append(claims.attempts[0].id)

    async def note() -> None:
        await store.note(attempts[-1], sid=f"CA{attempts[-1]}", status="queued")

    async def settle() -> None:
        await store.settle(attempts[-1], "answered", None)

    steps: dict[str, Callable[[], Awaitable[object]]] = {
        "bare PING": redis.ping,
        "bare INCR": lambda: redis.incr("bench"),
        "claim": claim,
        "note": note,
        "settle": settle,
    }
    took: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(LATENCIES):
        for name, step in steps.items():
            began = time.perf_counter()
            await step()
            took[name].append(time.perf_counter() - began)
    bare = quantiles(took["bare INCR"], n=100)
    for name, times in took.items():
        parts = quantiles(times, n=100)
        ratios = f"{parts[49] / bare[49]:.1f} and {parts[98] / bare[98]:.1f} bare writes"
        print(f"{name:12} p50 {parts[49] * 1e3:.2f} ms, p99 {parts[98] * 1e3:.2f} ms: {ratios}")


# How many in a second


async def throughput(redis: Redis, url: str, campaign: str, workers: int, seconds: float) -> None:
    """Print how many contacts so many processes claim, note and settle, and bare writes."""
    writes = await together(redis, url, Job(bare_writes, campaign, workers, seconds))
    before_s = await cpu_s(redis)
    contacts = await together(redis, url, Job(dialled, campaign, workers, seconds))
    redis_us = (await cpu_s(redis) - before_s) / (contacts * seconds) * 1e6
    part = contacts * ROUND_TRIPS / writes
    print(
        f"{workers} workers    {contacts:,.0f} contacts a second: {part:.2f} of the round trips"
        f" that bare writes make, {writes:,.0f}; Redis works {redis_us:.0f} us for one"
    )


async def cpu_s(redis: Redis) -> float:
    """What Redis has computed so far."""
    cpu = await redis.info("cpu")
    return float(cpu["used_cpu_user"]) + float(cpu["used_cpu_sys"])


async def together(redis: Redis, url: str, job: Job) -> float:
    """How many a second the job's processes do at the same time."""
    context, loop = multiprocessing.get_context("spawn"), asyncio.get_running_loop()
    await redis.delete(READY)
    with ProcessPoolExecutor(job.workers, mp_context=context) as pool:
        done = [loop.run_in_executor(pool, work, url, job) for _ in range(job.workers)]
        return sum(await asyncio.gather(*done))


def work(url: str, job: Job) -> float:
    """In a process of its own: how many steps are done in a second."""
    return asyncio.run(rate(url, job))


async def rate(url: str, job: Job) -> float:
    """As `work`, with several steps on their way at a time, once all processes are ready."""
    redis, store = Redis.from_url(url), CampaignStore(url, deadline_s=10)

    async def go_on() -> int:
        done = 0
        while time.perf_counter() < began + job.seconds:
            done += await job.step(redis, store, job.campaign)
        return done

    try:
        if await redis.incr(READY) == job.workers:
            await redis.rpush(GO, *["go"] * job.workers)
        await redis.blpop([GO], timeout=60)
        began = time.perf_counter()
        done = await asyncio.gather(*(go_on() for _ in range(AT_ONCE)))
        return sum(done) / (time.perf_counter() - began)
    finally:
        await store.aclose()
        await redis.aclose()


async def bare_writes(redis: Redis, store: CampaignStore, campaign: str) -> int:
    """One write without a script."""
    await redis.incr("bench")
    return 1


async def dialled(redis: Redis, store: CampaignStore, campaign: str) -> int:
    """So many contacts are claimed, each is placed and settled."""
    claims = await store.claim(campaign, [secrets.token_hex(10) for _ in range(AT_ONCE)], LIMITS)
    if not claims.attempts:
        raise RuntimeError(f"nobody is left to be claimed ({claims.blocked}): more --contacts")
    for attempt in claims.attempts:
        await store.note(attempt.id, sid=f"CA{attempt.id}", status="queued")
        await store.settle(attempt.id, "answered", None)
    return len(claims.attempts)


if __name__ == "__main__":
    main()
