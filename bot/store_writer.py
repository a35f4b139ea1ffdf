"""The writer behind the store: the one task that brings the backlog to Redis."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import structlog
from prometheus_client import Gauge
from redis.asyncio import Redis
from redis.exceptions import RedisError

from .metrics import Metrics
from .redis_link import RedisLink, StoreError, StoreUnavailable
from .store_keys import Keys
from .store_scripts import LOST, SUPERSEDED
from .write_behind import Backlog, Write

__all__ = ["Form", "Superseded", "Writer"]

HEARTBEAT_S = 1.0
GATHER_S = 0.02  # so that what changes together is written together
BACKOFF_S = (0.05, 0.1, 0.2, 0.5, 1.0)
BATCH_BYTES = 1024 * 1024
BATCH_CALLS = 64
MARKER_TTL_S = 3600

log = structlog.get_logger(__name__)


class Superseded(StoreError):
    """A newer generation owns the call."""


@dataclass(frozen=True, slots=True)
class Form:
    """How what is kept of a call, or of something else, is written.

    Attributes:
        script: in Lua; it gives {verdict, the sequence up to which the writer's changes are there}.
        arguments: the script's keys and values for a write of the writer of that name.
    """

    script: str
    arguments: Callable[[Write, str], tuple[list[str], list[Any]]]


class Writer:
    """Writes a backlog to Redis, again and again until Redis has everything.

    Args:
        link, keys: where.
        form: in which form.
        backlog: what is to be written.
        metrics: where times and what is lost are counted.
        buffered: counts how much has something to write.
        on_superseded: told the SID of a call, the generation whose write was refused because
            a newer one owns the call, and what the script gave beside.
    """

    def __init__(
        self,
        link: RedisLink,
        keys: Keys,
        form: Form,
        backlog: Backlog,
        metrics: Metrics,
        buffered: Gauge,
        on_superseded: Callable[[str, int, int], None],
    ) -> None:
        self._link = link
        self._keys = keys
        self._form = form
        self._backlog = backlog
        self._metrics = metrics
        self._buffered = buffered
        self._on_superseded = on_superseded
        self._id = secrets.token_hex(6)
        self._wake = asyncio.Event()
        self._hurried = asyncio.Event()
        self._dropped = 0

    def wake(self) -> None:
        """There is something to write."""
        self._wake.set()

    def hurry(self) -> None:
        """What there is to write is to be written now."""
        self._hurried.set()
        self._wake.set()

    async def run(self) -> None:
        """Write what is buffered, for ever; the worker starts this once."""
        failures = 0
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(HEARTBEAT_S):
                    await self._wake.wait()
                async with asyncio.timeout(GATHER_S):
                    await self._hurried.wait()
            self._wake.clear()
            self._hurried.clear()
            if not len(self._backlog):
                continue
            if await self._write_all():
                failures = 0
                continue
            await asyncio.sleep(BACKOFF_S[min(failures, len(BACKOFF_S) - 1)])
            failures += 1
            self._wake.set()

    async def write_now(self, sid: str, deadline_s: float | None = None) -> None:
        """Write everything of one call, and wait until Redis has it.

        Raises:
            Superseded: a newer generation owns the call.
            StoreUnavailable: Redis did not say that it has it.
        """
        while (write := self._backlog.write(sid)) is not None:
            keys, values = self._form.arguments(write, self._id)
            outcome = await self._link.eval(self._form.script, keys, values, deadline_s)
            if self._settle(write, outcome):
                return
            if outcome[0] == SUPERSEDED:
                raise Superseded(sid)
            # Redis turned out to have lost what it had: all of it again, once.

    async def flush(self, deadline_s: float) -> bool:
        """Write everything now, trying until the deadline; false when something is left."""
        try:
            async with asyncio.timeout(deadline_s):
                while self._backlog.dirty:
                    if not await self._write_all():
                        await asyncio.sleep(BACKOFF_S[0])
        except TimeoutError:
            return False
        return True

    async def _write_all(self) -> bool:
        """Write every pending change; false when some of it has to be tried again."""
        try:
            await self._check_loss()
            done = True
            for batch in _batches(self._backlog.pending()):
                done &= await self._write_batch(batch)
        except StoreUnavailable:
            return False
        finally:
            self._report()
        return done

    async def _check_loss(self) -> None:
        """Find out whether Redis came back empty, which no write need tell while calls are idle."""
        name = self._keys.writer(self._id)
        if await self._link.ask(lambda redis: redis.set(name, 1, xx=True, ex=MARKER_TTL_S)):
            return
        self._backlog.lost_all()
        await self._link.ask(lambda redis: redis.set(name, 1, ex=MARKER_TTL_S))

    async def _write_batch(self, batch: list[Write]) -> bool:
        async def ask(redis: Redis) -> list[Any]:
            async with redis.pipeline(transaction=False) as pipe:
                for write in batch:
                    keys, values = self._form.arguments(write, self._id)
                    pipe.eval(self._form.script, len(keys), *keys, *values)
                return await pipe.execute(raise_on_error=False)

        with self._metrics.store_flush_seconds.time():
            outcomes = await self._link.ask(ask)
        done = True
        for write, outcome in zip(batch, outcomes, strict=True):
            if isinstance(outcome, RedisError):
                self._link.failed(outcome)
                done = False
            else:
                done &= self._settle(write, outcome)
        return done

    def _settle(self, write: Write, outcome: list[int]) -> bool:
        """Take note of what Redis said to a write; true when there is no more to do about it."""
        verdict, sequence = outcome
        if verdict == LOST:
            self._backlog.lost(write.sid, sequence)
            return False
        if verdict == SUPERSEDED:
            if self._backlog.refuse(write) and write.generation is not None:
                self._on_superseded(write.sid, write.generation, sequence)
            return False
        self._backlog.acknowledge(write)
        return True

    def _report(self) -> None:
        self._buffered.set(self._backlog.dirty)
        if (dropped := self._backlog.dropped - self._dropped) > 0:
            self._metrics.store_dropped.inc(dropped)
            if self._dropped == 0:
                log.error("not everything is kept: Redis is away for too long", dropped=dropped)
            self._dropped = self._backlog.dropped


def _batches(writes: list[Write]) -> list[list[Write]]:
    """Groups that Redis can take within the deadline."""
    batches: list[list[Write]] = []
    size = BATCH_BYTES
    for write in writes:
        size += write.size
        if size > BATCH_BYTES or len(batches[-1]) == BATCH_CALLS:
            batches.append([])
            size = write.size
        batches[-1].append(write)
    return batches
