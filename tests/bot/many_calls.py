"""Many short calls, after which the worker must hold what it held before them.

Calls are made one after another, then many at once. Tasks, sockets, file handles and threads must
be as many as before; memory must be given back; and in Redis every key must have a time to live, no
longer than calls are to be kept, after which it is gone.

"Before" is after as many calls at once as there will be: connections to Redis and threads are kept
once they were needed, tasks are not. Redis's clock is advanced by taking the retention off every
key's time.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from redis.asyncio import Redis

from bot.dialog import Call
from bot.phone.call import place_call
from bot.phone.result import CallResult
from bot.phone.run import place_calls
from bot.phone.steps import HangUp, Wait
from bot.redis_link import CONNECTIONS
from bot.redis_server import private_redis, wait_until_stopped
from bot.usage import TTL_S as USAGE_TTL_S

from .observed import Observed, observed_worker
from .process_facts import ProcessFacts

__all__ = ["Holdings", "Outcome", "Receptionist", "many_calls"]

STEPS = (Wait(600), HangUp())
"""Long enough to hear the greeting begin."""
MOST_GROWTH_KB = 5_000
RETENTION_DAYS = 1
RETENTION_MS = RETENTION_DAYS * 86_400_000
SETTLE_S = 30.0
GONE = -2
"""What Redis says is left of a key that there is not."""
_REPORT_EVERY = 50


class Receptionist:
    """Greets."""

    async def greet(self, call: Call) -> str:
        return "Good day."

    async def on_turn(self, call: Call, turn: object) -> None:
        return None


@dataclass(frozen=True, slots=True)
class Holdings:
    """What a worker holds."""

    facts: ProcessFacts
    tasks: Counter[str]

    def beyond(self, before: Holdings) -> list[str]:
        """What there is more or less of than before, but for memory."""
        kinds = {
            "tasks": (before.tasks, self.tasks),
            "file handles": (before.facts.handles, self.facts.handles),
            "threads": (_one(before.facts.threads), _one(self.facts.threads)),
            "processes": (_one(before.facts.children), _one(self.facts.children)),
        }
        return [
            f"{kind}: {dict(then)} before, {dict(now)} after"
            for kind, (then, now) in kinds.items()
            if then != now
        ]


def _one(count: int) -> Counter[str]:
    return Counter({"": count})


@dataclass(slots=True)
class Outcome:
    """What came of the calls: `holdings` before, after those in a row, after those at once."""

    calls: int = 0
    holdings: list[Holdings] = field(default_factory=list)
    keys: int = 0
    faults: list[str] = field(default_factory=list)

    @property
    def grown_kb(self) -> int:
        return self.holdings[-1].facts.rss_kb - self.holdings[0].facts.rss_kb


async def many_calls(in_a_row: int, at_once: int) -> Outcome:
    """Make the calls to a worker of their own, and say what is left of them."""
    outcome = Outcome()
    with tempfile.TemporaryDirectory(prefix="parley-many-") as folder:
        async with private_redis(Path(folder)) as url:
            async with observed_worker(
                "tests.bot.many_calls:Receptionist",
                REDIS_URL=url,
                PARLEY_STT_PROVIDER="deaf",
                PARLEY_RETENTION_DAYS=str(RETENTION_DAYS),
                PARLEY_MAX_CALLS=str(2 * at_once),
            ) as worker:
                await _call(worker, in_a_row, at_once, outcome)
                outcome.faults += worker.tracebacks()
            await _expire(url, outcome)
        await wait_until_stopped(Path(folder), SETTLE_S)
    return outcome


async def _call(worker: Observed, in_a_row: int, at_once: int, outcome: Outcome) -> None:
    fresh = await _settled(worker, None)
    warm = await place_calls(worker.phone, STEPS, at_once)
    await _open_all_connections(worker)
    outcome.holdings.append(await _settled(worker, None))
    if outcome.holdings[0].tasks != fresh.tasks:
        left = outcome.holdings[0].tasks - fresh.tasks
        outcome.faults.append(f"the first calls left tasks behind: {dict(left)}")
    for number in range(1, in_a_row + 1):
        _judge(await place_call(worker.phone, STEPS), outcome)
        if number % _REPORT_EVERY == 0:
            print(f"  {number} calls, {(await worker.facts())[0].rss_kb} KB")
    outcome.holdings.append(await _settled(worker, outcome.holdings[0]))
    for result in [*warm, *await place_calls(worker.phone, STEPS, at_once)]:
        _judge(result, outcome)
    outcome.holdings.append(await _settled(worker, outcome.holdings[0]))
    for holdings in outcome.holdings[1:]:
        outcome.faults += holdings.beyond(outcome.holdings[0])
    if outcome.grown_kb > MOST_GROWTH_KB:
        outcome.faults.append(f"memory grew by {outcome.grown_kb} KB, more than {MOST_GROWTH_KB}")


async def _open_all_connections(worker: Observed) -> None:
    """Have the worker ask so much of Redis at once that it opens as many as it ever will."""
    limits = httpx.Limits(max_connections=4 * CONNECTIONS)
    async with httpx.AsyncClient(
        base_url=worker.phone.public_url, limits=limits, trust_env=False
    ) as client:
        asking = (client.get("/api/calls?limit=1") for _ in range(4 * CONNECTIONS))
        for response in await asyncio.gather(*asking):
            response.raise_for_status()


def _judge(result: CallResult, outcome: Outcome) -> None:
    """A call must have been one: greeted, and ended by its caller."""
    outcome.calls += 1
    faults = [str(fault) for fault in result.faults]
    if result.ended.by != "caller" or result.traffic.frames_received == 0:
        faults.append(f"{result.ended.reason}, {result.traffic.frames_received} frames received")
    outcome.faults += [f"{result.call_sid}: {fault}" for fault in faults]


async def _settled(worker: Observed, before: Holdings | None) -> Holdings:
    """What the worker holds when the calls are over; the phone's last requests may still end."""
    loop = asyncio.get_running_loop()
    end_s = loop.time() + SETTLE_S
    last = Holdings(*await worker.facts())
    while True:
        await asyncio.sleep(0.5)
        now = Holdings(*await worker.facts())
        if now.beyond(before or last) == [] or loop.time() > end_s:
            return now
        last = now


async def _expire(url: str, outcome: Outcome) -> None:
    """Every key has its time; let the retention pass, and see that it is gone."""
    async with Redis.from_url(url) as redis:
        keys = [key async for key in redis.scan_iter(count=1000)]
        outcome.keys = len(keys)
        for key in keys:
            await let_pass(redis, key, outcome)
        left: list[Any] = await redis.keys("*")
    if left:
        outcome.faults.append(f"{len(left)} keys are left after the retention: {left[:3]}")


async def let_pass(redis: Redis, key: bytes, outcome: Outcome) -> None:
    """Let the retention pass for one key, if there still is one."""
    left_ms: int = await redis.pttl(key)
    if left_ms == GONE:
        return  # its time was over since the keys were listed
    # A month's bill is no call's, and is kept until the next year's.
    longest_ms = USAGE_TTL_S * 1_000 if b"usage:" in key else RETENTION_MS
    if not 0 < left_ms <= longest_ms:
        outcome.faults.append(f"the key {key!r} has {left_ms} ms to live")
    # A time that lies behind deletes it, as its passing would.
    await redis.pexpire(key, left_ms - longest_ms)


def main() -> int:
    description, _, more = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        prog="python -m tests.bot.many_calls",
        description=description,
        epilog=more,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--in-a-row", type=int, default=500, help="one after another (500)")
    parser.add_argument("--at-once", type=int, default=50, help="then so many (50)")
    arguments = parser.parse_args()
    outcome = asyncio.run(many_calls(arguments.in_a_row, arguments.at_once))
    for when, holdings in zip(
        ("before", "after those in a row", "after those at once"), outcome.holdings, strict=True
    ):
        facts = holdings.facts
        print(
            f"{when}: {holdings.tasks.total()} tasks, {facts.handles.total()} file handles"
            f" ({facts.handles['tcp']} TCP, {facts.handles['unix']} Unix), {facts.threads} threads,"
            f" {facts.rss_kb} KB"
        )
    print(f"{outcome.calls} calls; memory {outcome.grown_kb:+d} KB; {outcome.keys} keys in Redis")
    print("\n".join(outcome.faults) or "nothing is left of them")
    return 1 if outcome.faults else 0


if __name__ == "__main__":
    sys.exit(main())
