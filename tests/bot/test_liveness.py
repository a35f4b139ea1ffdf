"""Liveness, on a real Redis; whom it calls is a list, and time is what the tests say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from bot import liveness as module
from bot.dialog.types import Ended
from bot.leases import LEASE_S
from bot.liveness import Liveness
from bot.metrics import Metrics
from bot.store import Store, StoreUnavailable
from bot.telephony.rest_errors import CallGone, RestDenied, RestError, RestUnavailable
from tests.background import eventually, running, until

from .redis_process import impatient, stopped

NEXT_URL = "https://voice.example.com/twilio/next"


@dataclass
class Calls:
    """The calls of a worker: what liveness did with them."""

    streams: dict[str, int] = field(default_factory=dict)
    lost: list[tuple[str, int]] = field(default_factory=list)
    ended: list[tuple[str, Ended]] = field(default_factory=list)
    fault: Exception | None = None
    store: Store | None = None

    def held(self) -> dict[str, int]:
        return self.streams

    def superseded(self, sid: str, generation: int) -> None:
        self.lost.append((sid, generation))
        self.streams.pop(sid, None)

    async def end(self, sid: str, ended: Ended, generation: int) -> None:
        if self.fault is not None:
            fault, self.fault = self.fault, None
            raise fault
        if self.store is None or await self.store.finish(sid, ended, generation):
            self.ended.append((sid, ended))


@dataclass
class Rest:
    """Twilio, which answers each redirect with the next of `faults`, then well."""

    faults: list[RestError | None] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    gate: asyncio.Event | None = None

    async def redirect(self, sid: str, url: str, *, deadline_s: float | None = None) -> None:
        self.asked.append((sid, url))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            if self.gate is not None:
                await self.gate.wait()
        finally:
            self.at_once -= 1
        if self.faults and (fault := self.faults.pop(0)) is not None:
            raise fault


class Worker:
    """A worker's liveness. Its own clock stands still; Redis's is advanced by ageing leases."""

    def __init__(self, store: Store, name: str, rest: Rest | None) -> None:
        self.store = store
        self.name = name
        self.rest = rest
        self.calls = Calls(store=store)
        self.metrics = Metrics()
        self.now_s = 100.0
        self.liveness = Liveness(
            store.leases,
            self.calls,
            rest,
            NEXT_URL,
            self.metrics,
            worker=name,
            info=lambda: {"host": "h"},
            clock=lambda: self.now_s,
        )

    async def wait(self, seconds: float) -> None:
        """Time goes by for this worker, which renews its lease every second."""
        await self.liveness.renew()
        for _ in range(round(seconds)):
            self.now_s += 1
            await self.liveness.renew()

    def count(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(f"parley_{name}_total", labels) or 0.0


@pytest.fixture
def worker(store: Store) -> Worker:
    return Worker(store, "b", Rest())


@dataclass
class Deployment:
    """What of the deployment is not the worker's own: the dead worker `a`, and Redis."""

    store: Store
    redis: Redis
    prefix: str

    async def dies(self, *sids: str, silent_s: float = LEASE_S) -> None:
        """Worker `a` held the calls, and has been silent for so long."""
        await self.store.leases.renew("a", {}, {})
        for sid in sids:
            await self.store.take(sid, "a", 1)
        await self.age("a", silent_s)

    async def age(self, worker: str, seconds: float) -> None:
        await self.redis.zincrby(f"{self.prefix}workers", -round(seconds * 1000), worker)

    async def listed(self, worker: str) -> bool:
        return await self.redis.zscore(f"{self.prefix}workers", worker) is not None

    async def renewed_ms(self, worker: str) -> float:
        """When the worker renewed its lease, as far as others know."""
        return float(await self.redis.zscore(f"{self.prefix}workers", worker) or 0)


@pytest.fixture
def deployment(other: Store, redis: Redis, redis_prefix: str) -> Deployment:
    return Deployment(other, redis, redis_prefix)


@asynccontextmanager
async def watching(worker: Worker) -> AsyncIterator[None]:
    """Inside, liveness runs, as the worker runs it; its first four seconds are over."""
    await worker.wait(4)
    async with running(worker.liveness.run()):
        yield


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is done every second is done at once: the tests' clocks stand still."""
    monkeypatch.setattr(module, "RENEW_S", 0.01)
    monkeypatch.setattr(module, "RETRY_S", 0.01)


# Alive


async def test_a_woken_worker_stops_what_it_has_lost(
    worker: Worker, deployment: Deployment
) -> None:
    await worker.liveness.renew()
    await worker.store.take("CA1", "b", 1)
    await worker.store.take("CA2", "b", 1)
    worker.calls.streams.update(CA1=1, CA2=1)
    await deployment.age("b", 8)
    await deployment.store.take("CA1", "c", 2)
    with capture_logs() as logs:
        await worker.liveness.renew()
    assert worker.calls.lost == [("CA1", 1)]
    assert [entry["event"] for entry in logs] == ["lease was not renewed in time"]
    assert await worker.store.leases.holder("CA2") == "b"
    # It is not told again and again.
    await worker.liveness.renew()
    assert worker.calls.lost == [("CA1", 1)]


async def test_a_renewal_is_due_when_a_lease_may_lapse(
    worker: Worker, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RENEW_S", 2.0)
    await deployment.dies(silent_s=1.2)
    assert await worker.liveness.renew() == 2.0  # it judges nobody yet
    worker.now_s += 4
    assert 0 < await worker.liveness.renew() <= 1.8
    await deployment.store.leases.renew("a", {}, {})
    assert await worker.liveness.renew() == 2.0


async def test_a_worker_that_stops_leaves_the_list(worker: Worker, deployment: Deployment) -> None:
    await worker.liveness.renew()
    await worker.store.take("CA1", "b", 1)
    worker.calls.streams["CA1"] = 1
    await worker.liveness.renew()
    worker.calls.streams.clear()  # its stream has just ended
    await worker.liveness.stop()
    assert not await deployment.listed("b")
    assert not await deployment.redis.exists(f"{deployment.prefix}worker:b")


async def test_without_redis_a_worker_runs_and_stops(no_store: Store) -> None:
    worker = Worker(no_store, "b", Rest())
    async with watching(worker):
        await until(lambda: failed(no_store) > 8)
    await worker.liveness.stop()


# Whom a worker judges


async def test_a_worker_that_has_just_started_judges_nobody(
    worker: Worker, deployment: Deployment
) -> None:
    await deployment.dies("CA1", silent_s=100)
    await worker.wait(3)
    assert worker.count("workers_lost") == 0
    await worker.wait(1)
    assert worker.count("workers_lost") == 1
    await worker.wait(1)
    assert worker.count("workers_lost") == 1


@pytest.mark.parametrize("gap_s", [2.5, 100])
async def test_a_worker_that_was_cut_off_or_slept_judges_nobody(
    worker: Worker, deployment: Deployment, gap_s: float
) -> None:
    await worker.wait(4)
    await deployment.dies("CA1")
    await deployment.age("b", gap_s)
    worker.now_s += gap_s
    await worker.wait(3)
    assert worker.count("workers_lost") == 0
    await worker.wait(1)
    assert worker.count("workers_lost") == 1


async def test_an_outage_makes_nobody_rescue_the_living(own_redis: str) -> None:
    """Redis hangs, and comes back with everybody's lease lapsed; then it comes back empty."""
    stores = [Store(own_redis, deadline_s=2) for _ in range(2)]
    rest = Rest()
    one, two = (Worker(store, name, rest) for store, name in zip(stores, ("a", "b"), strict=True))
    for worker in (one, two):
        await worker.store.take(f"CA{worker.name}", worker.name, 1)
        worker.calls.streams[f"CA{worker.name}"] = 1
    async with watching(one), watching(two), Redis.from_url(own_redis) as redis:
        with stopped(own_redis), impatient(*stores):
            before = failed(one.store), failed(two.store)
            await until(lambda: failed(one.store) > before[0] and failed(two.store) > before[1])
            for worker in (one, two):
                worker.now_s += 10
        for name in ("a", "b"):
            await redis.zincrby("parley:workers", -10_000, name)
        await eventually(lambda: holds(one, two))
        await redis.flushall()
        await eventually(lambda: holds(one, two))
    assert rest.asked == []
    assert (one.calls.lost, two.calls.lost) == ([], [])
    assert one.calls.ended == two.calls.ended == []
    for store in stores:
        await store.aclose()


def failed(store: Store) -> float:
    """How often Redis did not answer."""
    registry = store._link._metrics.registry
    return registry.get_sample_value("parley_store_failures_total") or 0.0


async def holds(one: Worker, two: Worker) -> bool:
    """Whether each is known to hold its call."""
    try:
        holders = [await one.store.leases.holder(f"CA{name}") for name in ("a", "b")]
    except StoreUnavailable:
        return False
    return holders == ["a", "b"]


# Rescue


async def test_the_calls_of_a_dead_worker_are_sent_for_once(
    worker: Worker, deployment: Deployment
) -> None:
    second = Worker(deployment.store, "c", worker.rest)
    await deployment.dies("CA1", "CA2", "CA3")
    await deployment.store.leases.put_down("CA2", 1)  # transferred
    await deployment.store.take("CA3", "c", 2)  # gone on by itself
    second.calls.streams["CA3"] = 2
    assert worker.rest is not None
    async with watching(worker), watching(second):
        await until(lambda: rescued(worker, second) == 1)
        await worker.wait(2)
        await second.wait(2)
        # It goes on elsewhere; then nothing is left of the dead one.
        await deployment.store.take("CA1", "c", 2)
        second.calls.streams["CA1"] = 2
        await eventually(lambda: forgotten(deployment))
    assert worker.rest.asked == [("CA1", NEXT_URL)]
    assert worker.calls.ended == second.calls.ended == []


def rescued(*workers: Worker) -> float:
    return sum(worker.count("rescues", outcome="rescued") for worker in workers)


async def forgotten(deployment: Deployment) -> bool:
    return not await deployment.listed("a")


async def test_a_rescuer_that_dies_is_followed_by_another(
    worker: Worker, deployment: Deployment
) -> None:
    await deployment.dies("CA1")
    assert await deployment.store.leases.claim_rescue("CA1", 1, "dead rescuer")
    assert worker.rest is not None
    async with watching(worker):
        await worker.wait(1)
        assert worker.rest.asked == []
        call = f"{deployment.prefix}call:CA1"
        await deployment.redis.hincrby(call, "rescue_until", -10_000)
        await until(lambda: rescued(worker))


async def test_while_twilio_is_away_it_is_tried_again(
    worker: Worker, deployment: Deployment
) -> None:
    assert worker.rest is not None
    worker.rest.faults += [RestUnavailable("time-out"), RestUnavailable("HTTP 503")]
    await deployment.dies("CA1", silent_s=100)
    async with watching(worker):
        await until(lambda: rescued(worker))
    assert len(worker.rest.asked) == 3
    assert worker.count("rescues", outcome="failed") == 2
    assert worker.calls.ended == []


async def test_a_call_that_twilio_does_not_know_has_ended(
    worker: Worker, deployment: Deployment
) -> None:
    assert worker.rest is not None
    worker.rest.faults.append(CallGone("no such call"))
    worker.calls.fault = RuntimeError("the dialog's")
    await deployment.dies("CA1", "CA2")
    async with watching(worker):
        # One fault is logged, the other call is seen to, and the first again.
        await until(lambda: rescued(worker) == 2)
    assert worker.count("rescues", outcome="failed") == 1
    assert worker.calls.ended == []
    worker.rest.faults.append(CallGone("no such call"))
    await deployment.store.take("CA1", "a", 2)
    async with watching(worker):
        await until(lambda: worker.calls.ended)
    assert worker.calls.ended == [("CA1", Ended("unknown", "worker lost"))]


async def test_a_call_that_twilio_never_brings_back_has_ended(
    worker: Worker, deployment: Deployment
) -> None:
    await deployment.dies("CA1")
    async with watching(worker):
        await until(lambda: rescued(worker))
        await eventually(lambda: confirmed(deployment))
        call = f"{deployment.prefix}call:CA1"
        await deployment.redis.hincrby(call, "rescue_until", -60_000)
        await until(lambda: worker.calls.ended)
        await eventually(lambda: forgotten(deployment))
    assert worker.rest is not None
    assert len(worker.rest.asked) == 1
    assert worker.count("rescues", outcome="ended") == 1


async def confirmed(deployment: Deployment) -> bool:
    held = await deployment.store.leases.held_by("a")
    return [call.rescued for call in held] == [True]


@pytest.mark.parametrize("fault", [None, RestDenied("HTTP 401")])
async def test_without_credentials_a_call_has_a_minute(
    deployment: Deployment, store: Store, fault: RestError | None
) -> None:
    worker = Worker(store, "b", None if fault is None else Rest([fault] * 1000))
    await deployment.dies("CA1", silent_s=50)
    async with watching(worker):
        await worker.wait(2)
        if fault is not None:
            await until(lambda: worker.count("rescues", outcome="failed"))
        assert worker.calls.ended == []
        await deployment.age("a", 10)
        await until(lambda: worker.calls.ended)
    assert worker.calls.ended == [("CA1", Ended("unknown", "worker lost"))]


async def test_many_are_rescued_together_while_the_lease_is_renewed(
    worker: Worker, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_WAITING", 5)
    worker = Worker(worker.store, "b", Rest(gate=asyncio.Event()))
    assert worker.rest is not None
    assert worker.rest.gate is not None
    await deployment.dies(*(f"CA{number}" for number in range(40)))
    async with watching(worker):
        await until(lambda: worker.rest and worker.rest.at_once == module.RESCUERS)
        # Twilio hangs, and still the worker says that it is alive.
        before_ms = await deployment.renewed_ms("b")
        await deployment.age("b", 1)
        await eventually(lambda: renewed_since(deployment, before_ms))
        worker.rest.gate.set()
        await until(lambda: rescued(worker) == 40)
    assert worker.rest.most_at_once == module.RESCUERS
    assert len(worker.rest.asked) == len(set(worker.rest.asked)) == 40


async def renewed_since(deployment: Deployment, ms: float) -> bool:
    return await deployment.renewed_ms("b") > ms


async def test_a_rescue_is_confirmed_when_redis_is_back(own_redis: str) -> None:
    """Else the call would be sent for a second time, when it has just come back."""
    store = Store(own_redis, prefix="p:", deadline_s=2)
    rest = Rest(gate=asyncio.Event())
    assert rest.gate is not None
    worker = Worker(store, "b", rest)
    async with Redis.from_url(own_redis) as redis:
        deployment = Deployment(store, redis, "p:")
        await deployment.dies("CA1")
        async with watching(worker):
            await until(lambda: rest.asked)
            with stopped(own_redis), impatient(store):
                rest.gate.set()
                await until(lambda: rescued(worker))
                before = failed(store)
                await until(lambda: failed(store) > before + 3)
            await eventually(lambda: confirmed_or_away(deployment))
    assert len(rest.asked) == 1
    await store.aclose()


async def confirmed_or_away(deployment: Deployment) -> bool:
    try:
        return await confirmed(deployment)
    except StoreUnavailable:
        return False
