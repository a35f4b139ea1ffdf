"""The clock that all dialers share: taskiq, over a list in Redis.

Every process sends ticks and takes ticks, so that it is enough if one of them is alive. A tick says
that it is time to look what there is to do, and nothing else, so a lost or doubled one changes
nothing. Therefore taskiq's broker here is the one without acknowledgements: what is popped is done.
Its stream with acknowledgements would reclaim, under a lock, what was not acknowledged in time,
which fails on an entry that was trimmed meanwhile (Redis 6), and every dead process would leave a
consumer behind; nothing of that is needed.

Importing this module imports taskiq: slow, so `bot.campaign.ticking` does it in a thread, where
there are campaigns.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from taskiq import BrokerMessage, TaskiqScheduler
from taskiq.api import run_scheduler_task
from taskiq.receiver import Receiver
from taskiq.schedule_sources import LabelScheduleSource
from taskiq_redis import ListQueueBroker

__all__ = ["TickBroker"]

DEADLINE_S = 1.0
SILENCE_S = 10.0
"""With no tick for so long, though we send some ourselves every second, the connection is dead."""
PAUSE_S = 0.5

BACKLOG = 256
"""Older ticks are dropped: whoever takes one does all there is to do. Some hundred processes send
theirs at the same moment."""
BACKLOG_S = 60

SCHEDULES_S = 60.0
"""After so long scheduling begins anew. It goes by the wall clock, and would stop for as long as
that was set back."""

CONNECTIONS = 8
AT_ONCE = 8

log = structlog.get_logger(__name__)


class TickBroker(ListQueueBroker):
    """Sends and takes ticks; a Redis that is away is waited for.

    Args:
        url: of the Redis.
        queue: the name of the list.
    """

    def __init__(self, url: str, queue: str) -> None:
        super().__init__(
            url,
            queue_name=queue,
            max_connection_pool_size=CONNECTIONS,
            timeout=DEADLINE_S,
            socket_timeout=None,
            socket_connect_timeout=DEADLINE_S,
            retry=Retry(NoBackoff(), 0),
            protocol=2,
        )
        self._sending: set[asyncio.Task[object]] = set()
        self._is_away = False

    def on_tick(self, name: str, every_s: int, heard: Callable[[], None]) -> None:
        """Have ticks of that name sent, and call `heard` for each that is taken here."""

        async def tick() -> None:
            heard()

        self.task(name, schedule=[{"interval": every_s}])(tick)

    async def run(self) -> None:
        """Send and take ticks until this is cancelled."""
        scheduler = TaskiqScheduler(self, [LabelScheduleSource(self)])
        self.is_worker_process = True
        # Not `run_receiver_task`: it has threads for tasks that are not asynchronous, and warns
        # when it is cancelled.
        receiver = Receiver(self, run_startup=False, max_async_tasks=AT_ONCE)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(receiver.listen(asyncio.Event()))
                group.create_task(_schedule_for_ever(scheduler))
        finally:
            await self._close()

    async def _close(self) -> None:
        for task in self._sending:
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)
        with suppress(RedisError, OSError):
            await self.shutdown()

    async def kick(self, message: BrokerMessage) -> None:
        """Send a tick, unless Redis is away."""
        task = asyncio.current_task()
        assert task is not None
        self._sending.add(task)
        try:
            async with asyncio.timeout(DEADLINE_S):
                await self._push(message.message)
        except (RedisError, OSError, TimeoutError) as error:
            self._away(error)
        finally:
            self._sending.discard(task)

    async def _push(self, message: bytes) -> None:
        async with Redis(connection_pool=self.connection_pool) as redis:
            pipe = redis.pipeline(transaction=True)
            pipe.lpush(self.queue_name, message)
            pipe.ltrim(self.queue_name, 0, BACKLOG - 1)
            pipe.expire(self.queue_name, BACKLOG_S)
            await pipe.execute()

    async def listen(self) -> AsyncGenerator[bytes, None]:
        """Ticks, for ever."""
        while True:
            try:
                async with aclosing(super().listen()) as ticks:
                    while True:
                        async with asyncio.timeout(SILENCE_S):
                            tick = await anext(ticks)
                        if self._is_away:
                            self._is_away = False
                            log.info("campaigns tick again")
                        yield tick
            except (RedisError, OSError, TimeoutError) as error:
                self._away(error)
                await asyncio.sleep(PAUSE_S)

    def _away(self, error: Exception) -> None:
        if not self._is_away:
            self._is_away = True
            log.warning("campaigns do not tick: Redis is away", error=type(error).__name__)


async def _schedule_for_ever(scheduler: TaskiqScheduler) -> None:
    while True:
        with suppress(TimeoutError):
            async with asyncio.timeout(SCHEDULES_S):
                await run_scheduler_task(scheduler)
