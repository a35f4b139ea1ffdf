"""The store, on a real Redis that is also stopped, killed and emptied."""

from __future__ import annotations

import asyncio
import os
import signal
from functools import partial

import orjson
import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from bot import store_scripts, store_writer
from bot.dialog.types import Ended, HistoryEntry
from bot.metrics import Metrics
from bot.record import Record
from bot.store import Store, StoreUnavailable, Superseded
from bot.write_behind import Backlog
from tests.background import eventually, running, until

from .redis_process import gone, impatient, server_pid, stopped

DAY_S = 86_400


def metric(metrics: Metrics, name: str) -> float:
    value = metrics.registry.get_sample_value(f"parley_store_{name}")
    assert value is not None
    return value


async def kinds(store: Store, sid: str = "CA1") -> list[str]:
    call = await store.get(sid)
    return [event["kind"] for event in call.log] if call else []


# Records and logs


async def test_a_record_comes_back_as_it_was_saved(store: Store) -> None:
    record = Record(
        "CA1",
        from_number="+15550001111",
        parameters={"a": "b"},
        started_ms=1_700_000_000_000,
        history=[HistoryEntry("bot", "Hello there.", "Hello", 0, 400, True)],
        state={"slots": {"day": "Monday"}, "tries": [1, 2.5, None]},
        pending={"hangup": "dialog"},
        ended=Ended("bot", "dialog"),
    )
    store.save(record)
    assert await store.flush(10)
    assert await store.load("CA1") == record


async def test_a_record_is_kept_as_it_was_when_saved(store: Store) -> None:
    record = Record("CA1")
    store.save(record)
    record.state["later"] = True
    assert await store.flush(10)
    loaded = await store.load("CA1")
    assert loaded is not None
    assert loaded.state == {}


async def test_there_is_nothing_of_an_unknown_call(store: Store) -> None:
    assert await store.load("CA1") is None
    assert await store.get("CA1") is None
    assert not await store.delete("CA1")


async def test_a_state_that_is_not_json_is_refused_at_once(store: Store) -> None:
    with pytest.raises(TypeError):
        store.save(Record("CA1", state={"a": object()}))
    with pytest.raises(TypeError):
        store.append("CA1", "mark", 1, name=object())


async def test_the_log_is_in_order(store: Store) -> None:
    store.save(Record("CA1"))
    store.append("CA1", "transcript", 5, text="hello")
    store.append("CA1", "mark", 6, name="m1")
    assert await store.flush(10)
    store.append("CA1", "clear", 7)
    assert await store.flush(10)
    call = await store.get("CA1")
    assert call is not None
    assert call.log == [
        {"kind": "transcript", "at_ms": 5, "text": "hello"},
        {"kind": "mark", "at_ms": 6, "name": "m1"},
        {"kind": "clear", "at_ms": 7},
    ]


async def test_two_workers_may_log_about_one_call(store: Store, other: Store) -> None:
    store.save(Record("CA1", generation=1))
    store.append("CA1", "start", 1)
    assert await store.flush(10)
    other.append("CA1", "status", 2)
    other.release("CA1")
    assert await other.flush(10)
    store.append("CA1", "stop", 3)
    assert await store.flush(10)
    assert await kinds(store) == ["start", "status", "stop"]


async def test_calls_are_listed_newest_first(store: Store) -> None:
    now = 1_900_000_000_000
    for number in range(5):
        store.save(Record(f"CA{number}", started_ms=now + number))
    assert await store.flush(10)
    assert [record.sid for record in await store.list_calls(limit=2)] == ["CA4", "CA3"]
    older = await store.list_calls(before_ms=now + 3)
    assert [record.sid for record in older] == ["CA2", "CA1", "CA0"]


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8])
async def test_no_call_is_missed_or_listed_twice_between_two_pages(
    store: Store, limit: int
) -> None:
    starts = [1, 5, 5, 5, 5, 5, 9]
    for number, start in enumerate(starts):
        store.save(Record(f"CA{number}", started_ms=1_900_000_000_000 + start))
    assert await store.flush(10)
    found: list[str] = []
    before_ms, before_sid = None, ""
    while page := await store.list_calls(limit, before_ms, before_sid):
        found += [record.sid for record in page]
        before_ms, before_sid = page[-1].started_ms, page[-1].sid
    assert found == ["CA6", "CA5", "CA4", "CA3", "CA2", "CA1", "CA0"]


async def test_a_page_is_full_though_calls_on_it_have_expired(
    store: Store, redis: Redis, redis_prefix: str
) -> None:
    for number in range(6):
        store.save(Record(f"CA{number}", started_ms=1_900_000_000_000 + number // 3))
    assert await store.flush(10)
    for number in (5, 4, 3, 1):
        await redis.delete(f"{redis_prefix}call:CA{number}")
    assert [record.sid for record in await store.list_calls(limit=2)] == ["CA2", "CA0"]


async def test_a_call_that_expired_is_not_listed(
    store: Store, redis: Redis, redis_prefix: str
) -> None:
    store.save(Record("CA1"))
    assert await store.flush(10)
    await redis.delete(f"{redis_prefix}call:CA1")
    assert await store.list_calls() == []


async def test_a_deleted_call_is_gone(store: Store, redis: Redis, redis_prefix: str) -> None:
    store.save(Record("CA1"))
    store.append("CA1", "start", 1)
    store.release("CA1")
    assert await store.flush(10)
    assert await store.delete("CA1")
    assert await store.list_calls() == []
    (key,) = [key async for key in redis.scan_iter(f"{redis_prefix}call*")]
    assert await redis.hgetall(key) == {"deleted": "1"}
    # For as long as a worker that had it may be frozen.
    assert DAY_S - 60 < await redis.ttl(key) <= DAY_S


async def test_a_deleted_call_is_not_written_again_by_who_had_it(
    store: Store, other: Store, redis: Redis, redis_prefix: str
) -> None:
    record = (await store.take("CA1", "w1", 1)).record or Record("CA1", generation=1)
    await store.commit(record)
    assert await other.finish("CA1", Ended("caller", "hung up"))
    assert await other.delete("CA1")
    # Who had the call ends it too, a while later.
    assert not await store.finish("CA1", Ended("caller", "hung up"), 1)
    with pytest.raises(Superseded):
        await store.commit(record)
    store.append("CA1", "status", 1)
    await store.flush(10)
    await store.leases.put_down("CA1", 1)
    renewal = await store.leases.renew("w1", {}, {"CA1": 1})
    assert renewal.superseded == ["CA1"]
    with pytest.raises(Superseded):
        await store.take("CA1", "w1", 2)
    assert await store.get("CA1") is None
    assert not await other.delete("CA1")
    (key,) = [key async for key in redis.scan_iter(f"{redis_prefix}call:*")]
    assert await redis.hgetall(key) == {"deleted": "1"}


async def test_everything_has_a_time_to_live(
    redis_url: str, redis: Redis, redis_prefix: str
) -> None:
    store = Store(redis_url, prefix=redis_prefix, retention_days=2, deadline_s=10)
    long_ago = 1_600_000_000_000
    store.save(Record("CA0", started_ms=long_ago))
    assert await store.flush(10)
    store.save(Record("CA1"))
    store.append("CA1", "start", 1)
    assert await store.flush(10)
    await store.finish("CA1", Ended("caller", "hangup"))
    await store.finish("CA2", Ended("caller", "hangup"))
    await store.take("CA3", "w1", 1)
    await store.once("token", 60)
    await store.remember("token", "answer", 60)
    keys = [key async for key in redis.scan_iter(f"{redis_prefix}*")]
    assert len(keys) == 10
    for key in keys:
        assert 0 < await redis.ttl(key) <= 2 * DAY_S, key
    assert await redis.zrange(f"{redis_prefix}calls", 0, -1) == ["CA1"]
    await store.aclose()


async def test_a_log_is_bounded(redis_url: str, redis: Redis, redis_prefix: str) -> None:
    backlog = Backlog(log_bytes=10_000_000)
    store = Store(redis_url, prefix=redis_prefix, backlog=backlog, deadline_s=10)
    bound = store_scripts.LOG_EVENTS
    for _ in range(2):
        for number in range(bound * 5 // 8):
            store.append("CA1", "mark", number)
        assert await store.flush(5)
    # Redis drops whole nodes of a hundred.
    assert bound <= await redis.xlen(f"{redis_prefix}call:CA1:log") <= bound + 100
    await store.aclose()


async def test_what_is_hurried_is_not_gathered(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_writer, "GATHER_S", 60.0)
    async with running(store.run()):
        store.save(Record("CA1"))
        assert await store.load("CA1") is None
        store.hurry()
        await eventually(lambda: _is_there(store, "CA1"))
        store.save(Record("CA2"))
        store.hurry()
        await eventually(lambda: _is_there(store, "CA2"))


async def _is_there(store: Store, sid: str) -> bool:
    return await store.load(sid) is not None


async def test_what_is_secured_is_in_redis(store: Store, other: Store) -> None:
    await store.take("CA1", "w1", 1)
    store.save(Record("CA1", generation=1, state={"turns": 1}))
    assert await store.secure("CA1", 10.0)
    record = await other.load("CA1")
    assert record is not None
    assert record.state == {"turns": 1}
    assert await store.secure("CA1", 10.0)  # nothing is left to write
    await other.take("CA1", "w2", 2)
    store.save(Record("CA1", generation=1))
    assert not await store.secure("CA1", 10.0)


async def test_securing_takes_no_time_while_redis_is_away(own_redis: str) -> None:
    metrics = Metrics()
    store = Store(own_redis, metrics=metrics, deadline_s=10)
    store.save(Record("CA1"))
    with stopped(own_redis):
        async with asyncio.timeout(5):
            assert not await store.secure("CA1", 0.02)
        # So short a time tells nothing about Redis; this does.
        assert metric(metrics, "failures_total") == 0
        with impatient(store), pytest.raises(StoreUnavailable):
            await store.ping()
        async with asyncio.timeout(5):
            assert not await store.secure("CA1", 10.0)
    await eventually(lambda: _answers(store))
    assert await store.secure("CA1", 10.0)
    await store.aclose()


async def test_whoever_is_cancelled_while_asking_redis_is_cancelled(store: Store) -> None:
    """`asyncio.wait_for` swallows it now and then before Python 3.12: a worker would not stop."""

    async def ask() -> None:
        while True:
            await store.ping()

    for _ in range(10):
        tasks = [asyncio.create_task(ask()) for _ in range(12)]
        await store.load("CA1")
        for task in tasks:
            task.cancel()
        _, left = await asyncio.wait(tasks, timeout=5)
        assert not left


# Who owns a call


async def test_a_newer_generation_takes_the_call_and_the_older_writes_nothing(
    redis_url: str, redis_prefix: str, other: Store
) -> None:
    told: list[tuple[str, int]] = []
    store = Store(
        redis_url,
        prefix=redis_prefix,
        on_superseded=lambda sid, generation: told.append((sid, generation)),
        deadline_s=10,
    )
    await store.take("CA1", "w1", 1)
    await store.commit(Record("CA1", generation=1, state={"by": "old"}))
    taken = (await other.take("CA1", "w2", 2)).record
    assert taken is not None
    assert (taken.generation, taken.worker, taken.state) == (2, "w2", {"by": "old"})

    store.append("CA1", "late", 1)
    store.save(Record("CA1", generation=1, state={"by": "stalled"}))
    assert await store.flush(10)
    assert told == [("CA1", 1)]
    with pytest.raises(Superseded):
        await store.commit(Record("CA1", generation=1))
    with pytest.raises(Superseded):
        await store.take("CA1", "w1", 1)

    call = await other.get("CA1")
    assert call is not None
    assert (call.record.state, call.log) == ({"by": "old"}, [])
    await store.aclose()


async def test_of_two_that_take_one_generation_the_first_has_it(store: Store, other: Store) -> None:
    await store.take("CA1", "w1", 1)
    with pytest.raises(Superseded):
        await other.take("CA1", "w2", 1)
    await store.take("CA1", "w1", 1)


async def test_taking_writes_first_what_this_worker_still_buffers(store: Store) -> None:
    await store.take("CA1", "w1", 1)
    store.save(Record("CA1", generation=1, state={"turns": 1}))
    taken = (await store.take("CA1", "w1", 2)).record
    assert taken is not None
    assert taken.state == {"turns": 1}
    assert not store.save(Record("CA1", generation=1, state={"turns": 0}))
    with pytest.raises(Superseded):
        await store.commit(Record("CA1", generation=1))


async def test_taking_after_another_worker_had_it_in_between(store: Store, other: Store) -> None:
    await store.take("CA1", "w1", 1)
    await other.take("CA1", "w2", 2)
    await other.commit(Record("CA1", generation=2, state={"by": "w2"}))
    store.save(Record("CA1", generation=1, state={"by": "w1"}))
    taken = (await store.take("CA1", "w1", 3)).record
    assert taken is not None
    assert taken.state == {"by": "w2"}


async def test_a_call_is_told_once_that_it_is_superseded(
    redis_url: str, redis_prefix: str, other: Store
) -> None:
    told: list[tuple[str, int]] = []
    store = Store(
        redis_url,
        prefix=redis_prefix,
        on_superseded=lambda sid, generation: told.append((sid, generation)),
        deadline_s=10,
    )
    await other.take("CA1", "w2", 5)
    store.save(Record("CA1", generation=1))
    # Both write what is buffered, and both are refused.
    written, taken = await asyncio.gather(store.flush(10), store.take("CA1", "w1", 6))
    assert (written, taken.record, told) == (True, None, [("CA1", 1)])
    await store.aclose()


async def test_the_first_to_finish_is_told_so(store: Store, other: Store) -> None:
    await store.commit(Record("CA1"))
    results = await asyncio.gather(
        store.finish("CA1", Ended("caller", "hangup")),
        other.finish("CA1", Ended("twilio", "completed")),
    )
    assert sorted(results) == [False, True]
    record = await store.load("CA1")
    assert record is not None
    assert record.ended == (
        Ended("caller", "hangup") if results[0] else Ended("twilio", "completed")
    )
    # The rest comes with the record's last writing.
    assert record.status == "completed"
    assert record.ended_ms is None


async def test_a_record_that_another_worker_has_closed_stays_as_it_is(
    store: Store, other: Store
) -> None:
    """Whoever had the call may have been frozen when it ended."""
    record = (await store.take("CA1", "w1", 1)).record or Record("CA1", generation=1)
    await store.commit(record)
    assert await other.finish("CA1", Ended("caller", "hung up"))
    # What was heard last may still be said, until the dialog has been told.
    record.state = {"heard": "all"}
    await store.commit(record)
    closed = await other.load("CA1")
    assert closed is not None
    assert closed.state == {"heard": "all"}
    closed.close(Ended("caller", "hung up"))
    await other.commit(closed)

    record.state = {"heard": "more"}
    with pytest.raises(Superseded):
        await store.commit(record)
    store.append("CA1", "mark", 1, 1)
    assert await store.flush(10)
    call = await store.get("CA1")
    assert call is not None
    assert (call.record.state, call.record.ended_ms, call.log) == (
        {"heard": "all"},
        closed.ended_ms,
        [],
    )
    # What Twilio says of it afterwards is kept, and so is what its closer adds.
    store.append("CA1", "status", 2)
    assert await store.flush(10)
    closed.state = {"closed": True}
    await other.commit(closed)
    call = await store.get("CA1")
    assert call is not None
    assert (call.record.state, [event["kind"] for event in call.log]) == (
        {"closed": True},
        ["status"],
    )


async def test_a_call_that_goes_on_after_all_is_written_again(store: Store, other: Store) -> None:
    closed = Record("CA1", generation=1)
    await other.commit(closed)
    closed.close(Ended("unknown", "worker lost"))
    await other.commit(closed)
    await store.take("CA1", "w1", 2)
    await store.commit(Record("CA1", generation=2, state={"goes": "on"}))
    record = await other.load("CA1")
    assert record is not None
    assert record.state == {"goes": "on"}


async def test_once_is_once_for_all_workers(store: Store, other: Store) -> None:
    results = await asyncio.gather(*(s.once("nonce", 60) for s in (store, other) * 5))
    assert sum(results) == 1


async def test_the_first_answer_counts(store: Store, other: Store) -> None:
    assert await store.recall("delivery") is None
    assert await store.remember("delivery", "first", 60) == "first"
    assert await other.remember("delivery", "second", 60) == "first"
    assert await other.recall("delivery") == "first"


# Redis hangs, is gone, comes back empty


async def test_a_hanging_redis_costs_the_deadline_and_no_more(own_redis: str) -> None:
    store = Store(own_redis, deadline_s=0.1)
    patient = Store(own_redis, deadline_s=60)
    await eventually(lambda: _answers(store))
    await patient.ping()
    with stopped(own_redis):
        for ask in (
            lambda: store.load("CA1"),
            lambda: store.take("CA1", "w1", 1),
            lambda: store.commit(Record("CA1")),
            lambda: store.once("a", 1),
            lambda: store.list_calls(),
        ):
            async with asyncio.timeout(2):
                with pytest.raises(StoreUnavailable):
                    await ask()
        async with asyncio.timeout(5):
            with pytest.raises(StoreUnavailable):
                await patient.commit(Record("CA1"), deadline_s=0.02)
    await eventually(lambda: _answers(store))
    await store.aclose()
    await patient.aclose()


async def _answers(store: Store) -> bool:
    try:
        await store.ping()
    except StoreUnavailable:
        return False
    return True


async def test_many_who_wait_for_a_hanging_redis_wait_together(own_redis: str) -> None:
    store = Store(own_redis, deadline_s=0.1)
    with stopped(own_redis):
        async with asyncio.timeout(5):  # one after another, they would take ten seconds
            results = await asyncio.gather(
                *(store.load(f"CA{n}") for n in range(100)), return_exceptions=True
            )
    assert all(isinstance(result, StoreUnavailable) for result in results)
    await store.aclose()


async def test_a_redis_that_is_not_there_is_said_at_once(redis_prefix: str) -> None:
    metrics = Metrics()
    store = Store("redis://127.0.0.1:1", prefix=redis_prefix, metrics=metrics)
    with pytest.raises(StoreUnavailable, match="Redis: ConnectionError"):
        await store.ping()
    assert metric(metrics, "failures_total") == 1
    assert metric(metrics, "available") == 0
    await store.aclose()


async def test_what_was_said_while_redis_hung_is_written_once_and_in_order(own_redis: str) -> None:
    metrics = Metrics()
    store = Store(own_redis, deadline_s=2, metrics=metrics)
    async with running(store.run()):
        store.save(Record("CA1", state={"turns": 0}))
        store.append("CA1", "0", 0)
        await eventually(lambda: _has(store, ["0"]))
        await until(lambda: not store._backlog.dirty)
        with stopped(own_redis), impatient(store), capture_logs() as logs:
            for number in range(1, 6):
                store.save(Record("CA1", state={"turns": number}))
                store.append("CA1", str(number), number)
                failed = metric(metrics, "failures_total")
                await eventually(partial(_failed_since, metrics, failed))
            assert metric(metrics, "buffered_calls") == 1
        await eventually(lambda: _has(store, list("012345")))
    assert [entry["event"] for entry in logs].count("Redis does not answer") == 1
    record = await store.load("CA1")
    assert record is not None
    assert record.state == {"turns": 5}
    assert await kinds(store) == list("012345")
    assert metric(metrics, "available") == 1
    await store.aclose()


async def _failed_since(metrics: Metrics, failed: float) -> bool:
    return metric(metrics, "failures_total") > failed


async def _has(store: Store, expected: list[str], sid: str = "CA1") -> bool:
    try:
        return await kinds(store, sid) == expected
    except StoreUnavailable:
        return False


async def test_calls_go_on_when_redis_is_killed(own_redis: str) -> None:
    store = Store(own_redis)
    async with running(store.run()):
        store.save(Record("CA1"))
        store.append("CA1", "before", 1)
        await eventually(lambda: _has(store, ["before"]))
        pid = server_pid(own_redis)
        os.kill(pid, signal.SIGKILL)
        await gone(pid)
        store.append("CA1", "after", 2)
        await eventually(lambda: _has(store, ["before", "after"]))
    await store.aclose()


async def test_a_redis_that_came_back_empty_gets_everything_again(
    own_redis: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_writer, "HEARTBEAT_S", 0.02)
    store = Store(own_redis, deadline_s=10)
    record = Record("CA1", generation=3, state={"turns": 1})
    async with running(store.run()):
        store.save(record)
        store.append("CA1", "one", 1)
        store.append("CA1", "two", 2)
        await eventually(lambda: _has(store, ["one", "two"]))
        # Nothing more happens in the call, and still it is written again.
        async with Redis.from_url(own_redis) as redis:
            await redis.flushall()
        await eventually(lambda: _has(store, ["one", "two"]))
        assert await store.load("CA1") == record
        assert await store.list_calls() == [record]
    await store.aclose()


async def test_without_calls_nothing_is_asked_of_redis(
    monkeypatch: pytest.MonkeyPatch, redis_prefix: str
) -> None:
    monkeypatch.setattr(store_writer, "HEARTBEAT_S", 0.001)

    class Counting(Backlog):
        heartbeats = 0

        def __len__(self) -> int:
            self.heartbeats += 1
            return super().__len__()

    metrics, backlog = Metrics(), Counting()
    store = Store("redis://127.0.0.1:1", prefix=redis_prefix, metrics=metrics, backlog=backlog)
    async with running(store.run()):
        await until(lambda: backlog.heartbeats >= 20)
    assert metric(metrics, "failures_total") == 0
    await store.aclose()


async def test_a_commit_finds_out_that_redis_lost_the_call(own_redis: str) -> None:
    store = Store(own_redis, deadline_s=10)
    store.append("CA1", "one", 1)
    await store.commit(Record("CA1"))
    async with Redis.from_url(own_redis) as redis:
        await redis.delete("parley:call:CA1", "parley:call:CA1:log")
    await store.commit(Record("CA1", pending={"hangup": "dialog"}))
    call = await store.get("CA1")
    assert call is not None
    assert call.record.pending == {"hangup": "dialog"}
    assert [event["kind"] for event in call.log] == ["one"]
    await store.aclose()


async def test_one_call_that_redis_refuses_does_not_hold_up_the_others(
    store: Store, redis: Redis, redis_prefix: str
) -> None:
    await redis.set(f"{redis_prefix}call:CA1", "no hash")
    store.save(Record("CA1"))
    store.save(Record("CA2"))
    assert not await store.flush(0.2)
    async with running(store.run()):
        await eventually(lambda: _is_there(store, "CA2"))
    with pytest.raises(StoreUnavailable, match="ResponseError"):
        await store.load("CA1")


async def test_a_large_backlog_is_written_in_batches(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_writer, "BATCH_BYTES", 3000)
    monkeypatch.setattr(store_writer, "BATCH_CALLS", 5)
    for number in range(50):
        store.save(Record(f"CA{number}", notes=["x" * 40 * number]))
    assert await store.flush(5)
    assert len(await store.list_calls(limit=100)) == 50


async def test_what_cannot_be_kept_is_counted_and_said_once(redis_prefix: str) -> None:
    metrics = Metrics()
    store = Store(
        "redis://127.0.0.1:1",
        prefix=redis_prefix,
        metrics=metrics,
        backlog=Backlog(log_bytes=100),
    )
    with capture_logs() as logs:
        for round_ in range(2):
            for number in range(10):
                store.append("CA1", "mark", number)
            assert not await store.flush(0.01), round_
    assert metric(metrics, "dropped_total") > 10
    assert sum("not everything is kept" in entry["event"] for entry in logs) == 1
    await store.aclose()


async def test_the_writer_forgets_calls_that_are_over(redis_url: str, redis_prefix: str) -> None:
    backlog = Backlog()
    store = Store(redis_url, prefix=redis_prefix, backlog=backlog, deadline_s=10)
    async with running(store.run()):
        store.save(Record("CA1"))
        store.release("CA1")

        async def forgotten() -> bool:
            return len(backlog) == 0

        await eventually(forgotten)
    assert await store.load("CA1") is not None
    await store.aclose()


@pytest.mark.parametrize("text", [b"[]", b"{}", b"no json"])
def test_what_is_no_record_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"not a call|invalid literal"):
        Record.from_json(text)


def test_a_record_of_another_version_is_read_field_by_field() -> None:
    record = Record.from_json(b'{"sid":"CA1","version":99,"unheard_of":1,"language":"de-DE"}')
    assert (record.sid, record.language, record.version) == ("CA1", "de-DE", 1)
    said = {"role": "bot", "text": "Hi.", "heard": "Hi.", "start_ms": 0, "end_ms": 400, "new": 1}
    ended = {"by": "bot", "reason": "done", "new": 1}
    values = {"sid": "CA1", "history": [said], "ended": ended}
    record = Record.from_json(orjson.dumps(values))
    assert record.history == [HistoryEntry("bot", "Hi.", "Hi.", 0, 400)]
    assert record.ended == Ended("bot", "done")


async def test_several_records_are_loaded_at_once(store: Store) -> None:
    for sid in ("CA1", "CA2"):
        await store.commit(Record(sid, from_number="+15550100001"))
    assert await store.load_all([]) == []
    both = [await store.load("CA2"), await store.load("CA1")]
    assert await store.load_all(["CA2", "CA9", "CA1"]) == [both[0], None, both[1]]
    assert None not in both
