"""Sessions in Redis, on a real one that is also stopped and emptied."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import orjson
import pytest
from redis.asyncio import Redis

from bot.api.stt.chunks import Answer, Chunk, ChunkStore
from bot.api.stt.faults import Fault
from bot.api.stt.kept import HeardChunk
from bot.api.stt.store import (
    SessionExists,
    SessionGone,
    StoreUnavailable,
    SttStore,
    Superseded,
)
from bot.leases import Leases
from bot.store_keys import Keys
from media.audio import PCM16_16K
from tests.background import eventually, running
from tests.bot.redis_process import stopped

VALUES = {"language": "en-US", "sample_rate": 16_000}


class WatchedStore(SttStore):
    """A store that knows which of its writes were refused."""

    refused: list[tuple[str, int]]


@asynccontextmanager
async def stt_store(
    url: str, prefix: str, worker: str, deadline_s: float = 10
) -> AsyncIterator[WatchedStore]:
    refused: list[tuple[str, int]] = []
    made = WatchedStore(
        url,
        worker,
        prefix=prefix,
        deadline_s=deadline_s,
        on_superseded=lambda session, generation, _: refused.append((session, generation)),
    )
    made.refused = refused
    yield made
    await made.aclose()


@pytest.fixture
async def a(redis_url: str, redis_prefix: str) -> AsyncIterator[WatchedStore]:
    async with stt_store(redis_url, redis_prefix, "a") as made:
        yield made


@pytest.fixture
async def b(redis_url: str, redis_prefix: str) -> AsyncIterator[WatchedStore]:
    async with stt_store(redis_url, redis_prefix, "b") as made:
        yield made


def said(sequence: int, text: str, confidence: float | None = 0.5) -> bytes:
    return orjson.dumps({"sequence": sequence, "text": text, "confidence": confidence})


async def test_another_worker_has_all_that_was_understood(a: SttStore, b: SttStore) -> None:
    assert await a.begin("s", "k", VALUES, PCM16_16K) == 1
    a.final("s", 1, 1, said(1, "hello", 1.0), 900.5)
    a.final("s", 1, 2, said(2, "wörld\nagain", 0.5), 1800)
    a.final("s", 1, 3, said(3, "", None), 1900)
    a.touch("s", 1, 2500, covered_ms=1950)
    assert await a.flush(10)
    taken = await b.take("s", "k")
    assert taken is not None
    assert (taken.generation, taken.values, taken.sequence) == (2, VALUES, 3)
    assert (taken.covered_ms, taken.audio_ms) == (1950, 2500)
    assert await b.log("s", 1) == [said(2, "wörld\nagain", 0.5), said(3, "", None)]
    shown = await b.show("s", "k")
    assert shown is not None
    assert shown.text == "hello wörld\nagain"
    assert shown.confidence == pytest.approx((5 * 1.0 + 11 * 0.5) / 16)
    assert not shown.ended
    assert 299 < shown.expires_s <= 300


async def test_who_lost_a_session_writes_nothing_of_it(a: WatchedStore, b: SttStore) -> None:
    await a.begin("s", "k", VALUES, PCM16_16K)
    await b.take("s", "k")
    b.final("s", 2, 1, said(1, "mine"), 500)
    assert await b.flush(10)
    a.final("s", 1, 1, said(1, "late"), 600)
    await a.flush(10)
    assert a.refused == [("s", 1)]
    a.final("s", 1, 2, said(2, "later"), 700)
    a.touch("s", 1, 800)
    with pytest.raises(Superseded):
        await a.ended("s", 1, "client")
    with pytest.raises(Superseded):
        await a.heard("s", 1, HeardChunk(0, 640, 20), ())
    assert await a.flush(10)
    assert await b.log("s", 0) == [said(1, "mine")]
    shown = await b.show("s", "k")
    assert shown is not None
    assert (shown.text, shown.audio_ms) == ("mine", 0)


async def test_who_lost_a_session_learns_it_from_what_it_waits_for(
    a: WatchedStore, b: SttStore
) -> None:
    await a.begin("s", "k", VALUES, PCM16_16K)
    await b.take("s", "k")
    with pytest.raises(Superseded):
        await a.ended("s", 1, "client")
    assert a.refused == [("s", 1)]
    assert await b.take("s", "k") is not None


async def test_a_session_may_come_back_to_a_worker(a: WatchedStore, b: SttStore) -> None:
    await a.begin("s", "k", VALUES, PCM16_16K)
    await b.take("s", "k")
    taken = await a.take("s", "k")
    assert taken is not None
    assert taken.generation == 3
    a.touch("s", 1, 9000)  # of a part of it that is over
    a.touch("s", 3, 700)
    assert await a.flush(10)
    shown = await b.show("s", "k")
    assert shown is not None
    assert shown.audio_ms == 700
    assert not a.refused


async def test_there_is_one_session_of_an_id(a: SttStore, b: SttStore) -> None:
    await a.begin("s", "k", VALUES, PCM16_16K)
    with pytest.raises(SessionExists):
        await b.begin("s", "k", VALUES, PCM16_16K)
    with pytest.raises(SessionExists):
        await a.begin("s", "k2", VALUES, PCM16_16K)


async def test_a_session_is_its_key_s_alone(a: SttStore) -> None:
    await a.begin("s", "k", VALUES, PCM16_16K)
    for key, session in (("other", "s"), ("", "s"), ("k", "t")):
        assert await a.take(session, key) is None
        assert await a.show(session, key) is None
        assert not await a.delete(session, key)
    assert await a.log("t", 0) == []
    assert await a.take("s", "k") is not None


async def test_an_ended_session_is_shown_and_goes_on_no_more(a: SttStore, b: SttStore) -> None:
    await a.begin("s", "k", VALUES, None)
    a.final("s", 1, 1, said(1, "bye"), 500)
    await a.ended("s", 1, "client")
    a.release("s")
    with pytest.raises(SessionGone, match="client") as caught:
        await b.take("s", "k")
    assert not caught.value.expired
    shown = await b.show("s", "k")
    assert shown is not None
    assert (shown.ended, shown.text) == ("client", "bye")


@pytest.mark.parametrize("left", [True, False])
async def test_what_is_left_of_an_expired_session_is_that_it_was(
    a: SttStore, b: SttStore, redis: Redis, redis_prefix: str, left: bool
) -> None:
    await a.begin("s", "k", VALUES, PCM16_16K)
    a.final("s", 1, 1, said(1, "bye"), 500)
    assert await a.flush(10)
    if left:  # by its worker, too
        await redis.hset(f"{redis_prefix}stt:s", "expires", 1)
    else:
        await a.ended("s", 1, "idle")
    for ask in (b.take, b.show, b.delete):
        with pytest.raises(SessionGone) as caught:
            await ask("s", "k")
        assert caught.value.expired
    assert await b.take("s", "other") is None
    with pytest.raises(SessionExists):
        await b.begin("s", "k", VALUES, PCM16_16K)
    assert 3600 < await redis.ttl(f"{redis_prefix}stt:s") <= 3900
    for part in ("log", "text"):
        assert 0 < await redis.ttl(f"{redis_prefix}stt:s:{part}") <= 305


async def test_a_session_that_is_deleted_is_taken_from_who_has_it(
    a: WatchedStore, b: SttStore, redis: Redis, redis_prefix: str
) -> None:
    await a.begin("s", "k", VALUES, PCM16_16K)
    a.final("s", 1, 1, said(1, "secret"), 500)
    assert await a.flush(10)
    assert await b.delete("s", "k")
    a.final("s", 1, 2, said(2, "secret"), 600)
    await a.flush(10)
    assert a.refused == [("s", 1)]
    for ask in (b.take, b.show, b.delete):
        with pytest.raises(SessionGone, match="deleted"):
            await ask("s", "k")
    (name,) = [key async for key in redis.scan_iter(f"{redis_prefix}stt:*")]
    assert "secret" not in str(await redis.hgetall(name))


async def test_a_live_owner_elsewhere_is_known(a: SttStore, b: SttStore, redis_prefix: str) -> None:
    await a.begin("s", "k", VALUES, PCM16_16K)
    assert await b.owner("s", "k") is None  # it has never said that it is alive
    leases = Leases(a.link, Keys(redis_prefix), 60)
    await leases.renew("a", {"host": "here"}, {})
    assert await b.owner("s", "k") == "a"
    assert await a.owner("s", "k") is None
    assert await b.owner("s", "another") is None  # whose it is not
    await a.ended("s", 1, "client")
    assert await b.owner("s", "k") is None


async def test_the_owner_of_chunks_is_left_alone(
    a: SttStore, b: SttStore, redis_prefix: str
) -> None:
    await a.begin("s", "k", VALUES, PCM16_16K)
    await Leases(a.link, Keys(redis_prefix), 60).renew("a", {"host": "here"}, {})
    chunk = Chunk(0, b"x" * 640, False, b"d", False)
    assert not (await ChunkStore(b).put("s", "k", chunk, held=False)).orphan
    assert await b.owner("s", "k") is None
    with pytest.raises(Fault, match="chunks"):
        await b.take("s", "k")


async def test_an_outage_loses_nothing(own_redis: str) -> None:
    async with stt_store(own_redis, "p:", "a") as a, running(a.run()):
        await a.begin("s", "k", VALUES, PCM16_16K)
        with stopped(own_redis):
            a.link._deadline_s = 0.02
            a.final("s", 1, 1, said(1, "meanwhile"), 500)
            with pytest.raises(StoreUnavailable):
                await a.ended("s", 1, "client")
            with pytest.raises(StoreUnavailable):
                await a.show("s", "k")
        a.link._deadline_s = 10

        async def there() -> bool:
            shown = await a.show("s", "k")
            return shown is not None and (shown.text, shown.ended) == ("meanwhile", "client")

        await eventually(there)


async def test_a_redis_that_came_back_empty_is_told_all_again(
    a: SttStore, b: SttStore, redis: Redis, redis_prefix: str
) -> None:
    await a.begin("s", "k", VALUES, PCM16_16K)
    a.final("s", 1, 1, said(1, "one"), 500)
    await a.heard("s", 1, HeardChunk(4, 32_000, 1000), ())
    async for key in redis.scan_iter(f"{redis_prefix}*"):
        await redis.delete(key)
    a.final("s", 1, 2, said(2, "two"), 900)
    assert await a.flush(10)
    shown = await b.show("s", "k")
    assert shown is not None
    assert (shown.sequence, shown.values) == (2, VALUES)
    # Chunks before those that were heard are not waited for.
    assert (shown.text, shown.chunks) == ("one two", 5)


async def test_a_session_in_chunks_is_not_taken_but_by_who_is_to_hear_them(
    a: SttStore, b: SttStore
) -> None:
    await a.begin("s", "k", VALUES, PCM16_16K)
    await a.heard("s", 1, HeardChunk(0, 32_000, 1000), ())
    with pytest.raises(Fault, match="bad_config"):
        await b.take("s", "k")


async def test_a_session_goes_on_though_redis_was_away_for_longer_than_it_lives(
    a: WatchedStore, redis: Redis, redis_prefix: str
) -> None:
    await a.begin("s", "k", VALUES, PCM16_16K)
    a.final("s", 1, 1, said(1, "one"), 500)
    assert await a.flush(10)
    await redis.hset(f"{redis_prefix}stt:s", "expires", 1)
    await redis.delete(f"{redis_prefix}stt:s:log")
    a.final("s", 1, 2, said(2, "two"), 900)
    assert await a.flush(10)
    shown = await a.show("s", "k")
    assert shown is not None
    assert shown.text == "one two"
    await a.ended("s", 1, "client")
    await redis.hset(f"{redis_prefix}stt:s", "expires", 1)
    a.touch("s", 1, 5000)
    await a.flush(10)
    assert a.refused == [("s", 1)]


async def test_a_session_begun_while_redis_is_away_is_written_later(own_redis: str) -> None:
    async with stt_store(own_redis, "p:", "a") as a, stt_store(own_redis, "p:", "b") as b:
        with stopped(own_redis):
            a.link._deadline_s = 0.02
            with pytest.raises(StoreUnavailable):
                await a.begin("s", "k", VALUES, PCM16_16K)
        a.link._deadline_s = 10
        a.final("s", 1, 1, said(1, "words"), 500)
        assert await a.flush(10)
        shown = await b.show("s", "k")
        assert shown is not None
        assert shown.text == "words"


async def keys_that_pass(redis: Redis, prefix: str) -> list[str]:
    """What is in Redis, all of which has a time to live."""
    keys = [key async for key in redis.scan_iter(f"{prefix}stt:*")]
    for key in keys:
        assert 0 < await redis.ttl(key) <= 3900, key
    return sorted(key.rsplit(":", 1)[-1] for key in keys)


async def test_everything_has_a_time_to_live(a: SttStore, redis: Redis, redis_prefix: str) -> None:
    await a.begin("s", "k", VALUES, PCM16_16K)
    a.final("s", 1, 1, said(1, "one"), 500)
    await a.heard("s", 1, HeardChunk(0, 32_000, 1000), (said(0, "tw"),))
    assert await keys_that_pass(redis, redis_prefix) == ["chunks", "log", "s", "text"]


async def test_who_waits_for_a_chunk_leaves_nothing_behind(
    a: SttStore, redis: Redis, redis_prefix: str
) -> None:
    chunks = ChunkStore(a)
    await a.begin("s", "k", VALUES, PCM16_16K)
    early = Chunk(1, b"x" * 640, False, b"d", False)
    assert (await chunks.put("s", "k", early, held=True)).fate == "early"
    assert await keys_that_pass(redis, redis_prefix) == ["s", "waiting"]
    await chunks.put("s", "k", Chunk(0, b"x" * 640, False, b"d", False), held=True)
    assert await a.delete("s", "k")
    # It is woken, and asks.
    answer = await chunks.answer("s", "k", 0, held=True, unreachable="", now=False)
    assert isinstance(answer, Answer)
    assert (answer.status, answer.reason) == ("unheard", "deleted")
    assert await keys_that_pass(redis, redis_prefix) == ["s", "waiting"]
