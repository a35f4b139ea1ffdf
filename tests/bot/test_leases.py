"""Who is alive and holds what, on a real Redis whose clock is advanced by ageing what it keeps."""

from __future__ import annotations

import os
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from bot.dialog.types import Ended
from bot.leases import MAX_LATE, Held, Renewal
from bot.record import Record
from bot.store import Store, StoreUnavailable, Superseded
from tests.background import eventually

from .redis_process import gone, impatient, server_pid, stopped

OVER = Ended("caller", "hung up")


@dataclass(frozen=True)
class Deployment:
    """Two workers, `a` and `b`, of which `a` can be made to look as if it died some time ago."""

    store: Store
    redis: Redis
    prefix: str

    async def renew(self, worker: str = "b", **held: int) -> Renewal:
        return await self.store.leases.renew(worker, {}, held)

    async def now_ms(self) -> int:
        """The time by Redis's clock."""
        seconds, micros = await self.redis.time()
        return int(seconds) * 1000 + int(micros) // 1000

    async def age(self, worker: str, ms: int) -> None:
        """Time has passed since the worker renewed its lease."""
        await self.redis.zincrby(f"{self.prefix}workers", -ms, worker)

    async def calls(self, worker: str) -> set[str]:
        return {held.sid for held in await self.store.leases.held_by(worker)}

    async def dead(self, sid: str, ms: int = 3000) -> None:
        """Worker `a` took the call as generation 1, and has died."""
        await self.store.leases.renew("a", {}, {})
        await self.store.take(sid, "a", 1)
        await self.age("a", ms)

    async def claim(self, sid: str = "CA1", worker: str = "b", generation: int = 1) -> bool:
        return await self.store.leases.claim_rescue(sid, generation, worker)


@pytest.fixture
def deployment(store: Store, redis: Redis, redis_prefix: str) -> Deployment:
    return Deployment(store, redis, redis_prefix)


# Alive


async def test_a_worker_learns_who_is_dead_and_who_may_be_soon(deployment: Deployment) -> None:
    began_ms = await deployment.now_ms()
    first = await deployment.renew("a")
    assert (first.lapsed_ms, first.dead, first.superseded, first.due_ms) == (None, {}, [], None)
    second = await deployment.renew("b")
    assert second.dead == {}
    assert second.due_ms is not None
    assert 3000 - (await deployment.now_ms() - began_ms) <= second.due_ms <= 3000
    await deployment.age("a", 1000)
    third = await deployment.renew("b")
    assert third.due_ms is not None
    assert 2000 - (await deployment.now_ms() - began_ms) <= third.due_ms <= 2000
    await deployment.age("a", 2000)
    fourth = await deployment.renew("b")
    assert fourth.due_ms is None
    assert 3000 <= fourth.dead["a"] <= 3000 + await deployment.now_ms() - began_ms
    # One that was only frozen is alive again at once, and learns for how long it was.
    woken = await deployment.renew("a")
    assert woken.lapsed_ms is not None
    assert 3000 <= woken.lapsed_ms <= 3000 + await deployment.now_ms() - began_ms
    assert (await deployment.renew("b")).dead == {}


async def test_a_clock_that_was_set_back_makes_nobody_immortal(deployment: Deployment) -> None:
    await deployment.renew("a")
    await deployment.age("a", -3_600_000)
    assert (await deployment.renew("b")).due_ms == 3000
    await deployment.age("a", 3000)
    assert list((await deployment.renew("b")).dead) == ["a"]


async def test_what_a_worker_says_of_itself_is_kept(deployment: Deployment) -> None:
    await deployment.store.leases.renew("a", {"host": "h", "pid": "7"}, {})
    key = f"{deployment.prefix}worker:a"
    assert await deployment.redis.hgetall(key) == {"worker": "a", "host": "h", "pid": "7"}


# Held


async def test_taking_a_call_tells_how_long_its_former_holder_was_silent(
    deployment: Deployment, other: Store
) -> None:
    assert (await deployment.store.take("CA1", "a", 1)).silent_ms is None
    # A holder that never renewed its lease: Redis was away then.
    assert (await other.take("CA1", "b", 2)).silent_ms is None
    began_ms = await deployment.now_ms()
    await deployment.dead("CA2", 2100)
    taken = await other.take("CA2", "b", 2)
    assert taken.silent_ms is not None
    assert 2100 <= taken.silent_ms <= 2100 + await deployment.now_ms() - began_ms
    # Repeating it changes nothing, and tells nothing.
    assert (await other.take("CA2", "b", 2)).silent_ms is None
    assert await deployment.calls("a") == set()
    assert await deployment.calls("b") == {"CA1", "CA2"}


async def test_nobody_is_silent_about_a_call_that_was_put_down_or_ended(
    deployment: Deployment, other: Store
) -> None:
    await deployment.dead("CA1")
    await deployment.store.leases.put_down("CA1", 1)
    assert (await other.take("CA1", "b", 2)).silent_ms is None
    await deployment.dead("CA2")
    await other.finish("CA2", OVER)
    assert (await other.take("CA2", "b", 2)).silent_ms is None


async def test_a_call_is_held_by_whoever_has_its_latest_stream(
    deployment: Deployment, other: Store
) -> None:
    await deployment.renew("a")
    await deployment.renew("b")
    assert await deployment.store.leases.holder("CA1") is None
    await deployment.store.take("CA1", "a", 1)
    assert await deployment.store.leases.holder("CA1") == "a"
    await other.take("CA1", "b", 2)
    assert await deployment.store.leases.holder("CA1") == "b"
    await deployment.age("b", 3000)
    assert await deployment.store.leases.holder("CA1") is None
    await deployment.renew("b", CA1=2)
    await deployment.store.leases.put_down("CA1", 1)  # late: that stream has been over for long
    assert await deployment.store.leases.holder("CA1") == "b"
    await other.finish("CA1", OVER)
    assert await deployment.store.leases.holder("CA1") is None
    assert await deployment.calls("b") == set()


async def test_a_stream_that_a_worker_names_no_more_is_put_down(deployment: Deployment) -> None:
    await deployment.store.take("CA1", "a", 1)
    await deployment.store.take("CA2", "a", 1)
    await deployment.renew("a", CA1=1, CA2=1)
    await deployment.renew("a", CA2=1)
    assert await deployment.calls("a") == {"CA2"}
    assert await deployment.store.leases.holder("CA1") is None
    # The next stream of the same call, which the worker has not named yet, is not put down.
    await deployment.store.take("CA2", "a", 2)
    await deployment.renew("a")
    assert await deployment.calls("a") == {"CA2"}


async def test_what_was_put_down_stays_so_whatever_its_former_holder_says(
    deployment: Deployment,
) -> None:
    """A frozen worker's call was transferred; it wakes up, and then dies."""
    await deployment.dead("CA1")
    await deployment.store.leases.put_down("CA1", 1)
    await deployment.renew("a", CA1=1)
    await deployment.age("a", 60_000)
    assert await deployment.calls("a") == set()
    assert not await deployment.claim()


async def test_a_worker_learns_what_it_has_lost(deployment: Deployment, other: Store) -> None:
    await deployment.dead("CA1")
    await deployment.dead("CA2")
    await other.take("CA1", "b", 2)
    assert (await deployment.renew("a", CA1=1, CA2=1)).superseded == ["CA1"]
    assert await deployment.calls("a") == {"CA2"}
    assert await deployment.calls("b") == {"CA1"}


async def test_of_two_that_hold_one_generation_the_second_has_lost_it(
    deployment: Deployment,
) -> None:
    """Redis was away when both were let in."""
    await deployment.renew("a", CA1=1)
    assert (await deployment.renew("b", CA1=1)).superseded == ["CA1"]


# Redis away, or empty


async def test_what_redis_lost_comes_back_with_the_next_renewal(deployment: Deployment) -> None:
    await deployment.store.take("CA1", "a", 3)
    await deployment.renew("a", CA1=3)
    for key in ("workers", "worker:a", "worker:a:calls", "call:CA1"):
        await deployment.redis.delete(deployment.prefix + key)
    renewal = await deployment.renew("a", CA1=3)
    assert (renewal.lapsed_ms, renewal.superseded) == (None, [])
    assert await deployment.store.leases.holder("CA1") == "a"
    assert await deployment.store.leases.held_by("a") == [Held("CA1", 3)]
    with pytest.raises(Superseded):
        await deployment.store.take("CA1", "b", 3)


async def test_a_call_that_was_taken_while_redis_was_away_has_its_new_holder(
    deployment: Deployment, other: Store
) -> None:
    """Its holder says so, before or after it writes the record; then the former one has lost it."""
    for sid, write_first in (("CA1", True), ("CA2", False)):
        await deployment.dead(sid)
        if write_first:
            await other.commit(Record(sid, generation=2, worker="b"))
            assert await deployment.store.leases.holder(sid) is None
            assert await deployment.calls("a") == set()
            record = await other.load(sid)
            assert record is not None
            assert (record.generation, record.worker) == (2, "b")
        await deployment.renew("b", **{sid: 2})
        assert await deployment.store.leases.holder(sid) == "b"
        assert (await deployment.renew("a", **{sid: 1})).superseded == [sid]


async def test_what_was_put_down_while_redis_was_away_is_put_down_later(own_redis: str) -> None:
    store = Store(own_redis, prefix="p:", deadline_s=10)
    leases = store.leases
    pid = server_pid(own_redis)
    async with Redis.from_url(own_redis) as redis:
        await store.take("CA1", "a", 1)
        os.kill(pid, signal.SIGSTOP)
        with impatient(store), pytest.raises(StoreUnavailable):
            await store.leases.put_down("CA1", 1)
        os.kill(pid, signal.SIGKILL)  # so that it does not do it when it goes on
        await gone(pid)
        await eventually(lambda: answers(redis))
        await redis.hset("p:call:CA1", mapping={"generation": 1, "worker": "a"})
        await redis.sadd("p:worker:a:calls", "CA1")
        await leases.renew("b", {}, {})
        assert await leases.held_by("a") == []
        assert await redis.hget("p:call:CA1", "down") == b"1"
        # It is told once.
        await redis.hdel("p:call:CA1", "down")
        await leases.renew("b", {}, {})
        assert not await redis.hexists("p:call:CA1", "down")
    await store.aclose()


async def answers(redis: Redis) -> bool:
    try:
        return bool(await redis.ping())
    except RedisError:
        return False


async def test_a_renewal_that_failed_forgets_no_stream(own_redis: str) -> None:
    store = Store(own_redis, deadline_s=10)
    await store.take("CA1", "a", 1)
    await store.take("CA2", "a", 1)
    await store.leases.renew("a", {}, {"CA1": 1})
    with stopped(own_redis), impatient(store), pytest.raises(StoreUnavailable):
        await store.leases.renew("a", {}, {"CA2": 1})
    await store.leases.renew("a", {}, {})
    assert await store.leases.held_by("a") == []
    await store.aclose()


async def test_what_is_to_be_put_down_later_is_bounded(no_store: Store) -> None:
    for number in range(MAX_LATE + 5):
        with pytest.raises(StoreUnavailable):
            await no_store.leases.put_down(f"CA{number}", 1)
    assert len(no_store.leases._late) == MAX_LATE
    assert "CA4" not in no_store.leases._late


# Rescue


async def test_one_worker_rescues_a_call_once(deployment: Deployment, redis: Redis) -> None:
    await deployment.dead("CA1")
    assert await deployment.store.leases.held_by("a") == [Held("CA1", 1)]
    assert await deployment.claim(worker="b")
    assert await deployment.claim(worker="b")
    assert not await deployment.claim(worker="c")
    # It dies before it has done anything.
    await redis.hincrby(f"{deployment.prefix}call:CA1", "rescue_until", -10_000)
    assert await deployment.claim(worker="c")
    assert not await deployment.claim(worker="b")
    await deployment.store.leases.rescued("CA1", 1)
    assert await deployment.store.leases.held_by("a") == [Held("CA1", 1, rescued=True)]
    assert not await deployment.claim(worker="c")
    await redis.hincrby(f"{deployment.prefix}call:CA1", "rescue_until", -10_000)
    assert not await deployment.claim(worker="b")
    # Twilio did not bring it back in a minute.
    await redis.hincrby(f"{deployment.prefix}call:CA1", "rescue_until", -50_000)
    assert await deployment.claim(worker="b")


@pytest.mark.parametrize(
    "event",
    [
        lambda deployment: deployment.renew("a"),
        lambda deployment: deployment.store.take("CA1", "c", 2),
        lambda deployment: deployment.store.leases.put_down("CA1", 1),
        lambda deployment: deployment.store.finish("CA1", OVER),
        lambda deployment: deployment.redis.delete(f"{deployment.prefix}call:CA1"),
    ],
    ids=["its holder woke up", "taken", "put down", "ended", "lost"],
)
async def test_a_call_that_has_somebody_or_nothing_is_not_rescued(
    deployment: Deployment, event: Callable[[Deployment], Awaitable[object]]
) -> None:
    await deployment.dead("CA1")
    await event(deployment)
    assert not await deployment.claim()


async def test_each_generation_of_a_call_is_rescued(deployment: Deployment) -> None:
    await deployment.dead("CA1")
    assert await deployment.claim()
    await deployment.store.leases.rescued("CA1", 1)
    await deployment.store.take("CA1", "a", 2)
    assert await deployment.store.leases.held_by("a") == [Held("CA1", 2)]
    assert await deployment.claim(worker="c", generation=2)
    await deployment.store.leases.rescued("CA1", 1)  # late: it concerns no longer the call
    assert await deployment.store.leases.held_by("a") == [Held("CA1", 2)]


async def test_a_dead_worker_is_forgotten_when_it_holds_nothing(deployment: Deployment) -> None:
    leases = deployment.store.leases
    await deployment.dead("CA1")
    assert not await leases.forget_worker("a")
    await deployment.store.leases.put_down("CA1", 1)
    assert await leases.forget_worker("a")
    assert (await deployment.renew("b")).dead == {}
    assert not await leases.forget_worker("b")  # alive
    keys = await deployment.redis.keys(f"{deployment.prefix}worker*")
    assert sorted(keys) == [f"{deployment.prefix}worker:b", f"{deployment.prefix}workers"]


async def test_nobody_need_wait_for_a_worker_that_leaves(deployment: Deployment) -> None:
    leases = deployment.store.leases
    await deployment.renew("a")
    await leases.leave("a")
    assert (await deployment.renew("b")).due_ms is None
    await deployment.renew("a")
    await deployment.store.take("CA1", "a", 1)
    await leases.leave("a")
    assert list((await deployment.renew("b")).dead) == ["a"]
    assert await deployment.claim()


# What a woken worker may do


async def test_a_woken_worker_ends_no_call_that_goes_on(
    deployment: Deployment, other: Store
) -> None:
    await deployment.dead("CA1")
    await other.take("CA1", "b", 2)
    assert not await deployment.store.finish("CA1", OVER, generation=1)
    record = await other.load("CA1")
    assert record is None or record.ended is None
    assert await other.finish("CA1", OVER, generation=2)


async def test_a_woken_worker_adds_nothing_to_the_log(deployment: Deployment, other: Store) -> None:
    """Not even when it has already been told that the call is another's."""
    store = deployment.store
    await deployment.dead("CA1")
    await other.take("CA1", "b", 2)
    await other.commit(Record("CA1", generation=2))
    store.append("CA1", "stale", 1, generation=1)
    assert await store.flush(10)
    store.append("CA1", "stale", 2, generation=1)
    assert await store.flush(10)
    store.append("CA1", "status", 3)  # a webhook's, which any worker may get
    assert await store.flush(10)
    stored = await other.get("CA1")
    assert stored is not None
    assert [event["kind"] for event in stored.log] == ["status"]


async def test_a_deleted_call_is_held_by_nobody(deployment: Deployment) -> None:
    await deployment.renew("a")
    await deployment.store.take("CA1", "a", 1)
    assert await deployment.store.delete("CA1")
    assert await deployment.redis.exists(f"{deployment.prefix}worker:a:calls") == 0


async def test_everything_has_a_time_to_live(deployment: Deployment) -> None:
    await deployment.dead("CA1")
    await deployment.claim()
    await deployment.store.leases.put_down("CA2", 1)
    await deployment.renew("b", CA3=1)
    keys = [key async for key in deployment.redis.scan_iter(f"{deployment.prefix}*")]
    assert len(keys) == 8
    for key in keys:
        assert 0 < await deployment.redis.ttl(key) <= 30 * 86_400, key


async def test_the_living_are_counted(deployment: Deployment) -> None:
    assert await deployment.store.leases.alive() == 0
    await deployment.renew("a")
    await deployment.renew("b")
    await deployment.age("a", 3000)
    assert await deployment.store.leases.alive() == 1
