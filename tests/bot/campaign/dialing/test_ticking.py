"""The clock of the dialers, on a Redis that dies, hangs, and loses everything."""

from __future__ import annotations

import asyncio
import functools
import logging
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs
from taskiq.cli.scheduler import run as taskiq_run

from bot.campaign import tick_broker
from bot.campaign.tick_broker import BACKLOG, TickBroker
from bot.campaign.ticking import Recurring, tick_for_ever
from tests.background import eventually, running, until
from tests.bot.redis_process import redis_process

pytestmark = pytest.mark.real_time

PREFIX = "clock:"


class Work:
    """Counts how often it is done."""

    def __init__(self) -> None:
        self.done = 0

    async def __call__(self) -> None:
        self.done += 1

    async def again(self) -> None:
        """Wait until it is done once more."""
        before = self.done
        await until(lambda: self.done > before)


Ticking = Callable[..., Coroutine[Any, Any, None]]


def ticks(url: str, prefix: str, **works: Callable[[], Awaitable[None]]) -> Any:
    return tick_for_ever(url, prefix, {name: Recurring(1, work) for name, work in works.items()})


@pytest.fixture
def ticking(redis_url: str, redis_prefix: str) -> Ticking:
    """Has works done on the session's Redis, by a clock of the test's own."""
    return functools.partial(ticks, redis_url, redis_prefix)


@pytest.fixture
def queue(redis_prefix: str) -> str:
    return f"{redis_prefix}dial:ticks"


TICK = b'{"task_id":"1","task_name":"dial","labels":{},"args":[],"kwargs":{}}'


@pytest.fixture
async def sender(redis_url: str, queue: str) -> AsyncIterator[TickBroker]:
    """Another process, which sends ticks when the test says so."""
    broker = TickBroker(redis_url, queue)
    yield broker
    await broker.shutdown()


async def test_a_redis_that_is_away_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tick_broker, "SILENCE_S", 2.5)
    work = Work()
    with capture_logs() as logs:
        async with redis_process() as redis, running(ticks(redis.url, PREFIX, dial=work)):
            await work.again()
            # It comes back without its list.
            await redis.kill()
            redis.forget()
            await until(lambda: logs)
            await redis.start()
            await work.again()
            redis.hang()
            await until(lambda: len(logs) > 2)
            redis.go_on()
            await work.again()
    away, again = "campaigns do not tick: Redis is away", "campaigns tick again"
    assert [line["event"] for line in logs] == [away, again, away, again]


async def test_one_of_two_is_enough(ticking: Ticking) -> None:
    mine, other = Work(), Work()
    async with running(ticking(dial=mine)):
        async with running(ticking(dial=other)):
            # Each tick is one's or the other's; with two that send them both get some.
            await asyncio.gather(mine.again(), other.again())
        await mine.again()


async def test_work_that_fails_is_done_again(ticking: Ticking, sender: TickBroker) -> None:
    failures = 0

    async def fails() -> None:
        nonlocal failures
        failures += 1
        raise ValueError("as it is wont to")

    with capture_logs() as logs:
        async with running(ticking(dial=fails)):
            await sender._push(TICK)
            await until(lambda: failures >= 1)
            await sender._push(TICK)
            await until(lambda: failures >= 2)
    said = {(line["event"], line["work"]) for line in logs}
    assert said == {("campaigns' work failed", "dial")}


async def test_work_is_never_done_twice_at_once(
    ticking: Ticking, sender: TickBroker, redis_url: str, queue: str
) -> None:
    at_once, begun, go_on = [0, 0], asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        at_once[0] += 1
        at_once[1] = max(at_once)
        begun.set()
        await go_on.wait()
        at_once[0] -= 1

    await sender._push(TICK)
    async with running(ticking(dial=slow)):
        await begun.wait()
        for _ in range(5):
            await sender._push(TICK)
        await until_taken(redis_url, queue)
        go_on.set()
        await until(lambda: at_once[0] == 0)
    assert at_once[1] == 1


async def until_taken(url: str, queue: str) -> None:
    redis = Redis.from_url(url)

    async def taken() -> bool:
        return not await redis.llen(queue)

    await eventually(taken)
    await redis.aclose()


async def test_ticks_that_nobody_takes_do_not_pile_up(
    redis_url: str,
    queue: str,
    ticking: Ticking,
    sender: TickBroker,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Nor do they last: who comes later sends some of its own."""
    redis = Redis.from_url(redis_url)
    for _ in range(BACKLOG + 10):
        await sender._push(b"x")
    assert await redis.llen(queue) == BACKLOG
    assert 0 < await redis.ttl(queue) <= tick_broker.BACKLOG_S
    # Whatever others have written there is passed over.
    work = Work()
    caplog.set_level(logging.CRITICAL, "taskiq")
    await sender._push(TICK)
    async with running(ticking(dial=work)):
        await work.again()
    assert await redis.keys(queue.replace("dial:ticks", "*")) in ([], [queue.encode()])
    await redis.aclose()


async def test_it_ends_without_a_trace(
    ticking: Ticking, sender: TickBroker, caplog: pytest.LogCaptureFixture
) -> None:
    work = Work()
    await sender._push(TICK)
    await asyncio.to_thread(lambda: None)
    threads = threading.active_count()
    caplog.set_level(logging.WARNING)
    async with running(ticking(dial=work)):
        await work.again()
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert threading.active_count() <= threads + 1
    assert caplog.records == []


async def test_a_clock_that_is_set_back_stops_nothing_for_long(
    ticking: Ticking, monkeypatch: pytest.MonkeyPatch
) -> None:
    back = timedelta()

    class Wall(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.now(UTC) - back

    monkeypatch.setattr(taskiq_run, "datetime", Wall)
    monkeypatch.setattr(tick_broker, "SCHEDULES_S", 1.3)
    work = Work()
    async with running(ticking(dial=work)):
        await work.again()
        back = timedelta(hours=1)
        await work.again()
