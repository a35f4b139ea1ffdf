"""Short memory: bounded, and of one mind with Redis when that is there."""

from __future__ import annotations

from bot.store import Store
from bot.telephony.memory import AWAY_S, Memory, SharedMemory


class Clock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def test_the_first_answer_counts_until_it_expires() -> None:
    memory = Memory()
    assert memory.recall("k", 0) is None
    assert memory.remember("k", "one", 10, 0) == "one"
    assert memory.remember("k", "two", 10, 5) == "one"
    assert memory.recall("k", 9.9) == "one"
    assert memory.recall("k", 10) is None
    assert len(memory) == 0
    assert memory.remember("k", "two", 10, 10) == "two"


def test_once_is_once_within_its_time() -> None:
    memory = Memory()
    assert [memory.once("k", 10, now_s) for now_s in (0, 1, 9.9, 10, 11)] == [
        True,
        False,
        False,
        True,
        False,
    ]


def test_the_oldest_is_forgotten_when_it_is_full() -> None:
    memory = Memory(limit=3)
    for key in "abcd":
        memory.remember(key, key, 10, 0)
    assert len(memory) == 3
    assert [memory.recall(key, 1) for key in "abcd"] == [None, "b", "c", "d"]


def test_what_has_expired_is_given_back_before_it_is_full() -> None:
    memory = Memory(limit=1000)
    for second in range(100):
        memory.remember(f"k{second}", "", 10, second)
    assert len(memory) == 10


async def test_workers_share_what_redis_keeps(store: Store) -> None:
    one, other = SharedMemory(store), SharedMemory(store)
    assert await one.recall("k") is None
    assert await one.remember("k", "first", 60) == "first"
    assert await other.remember("k", "second", 60) == "first"
    assert await other.recall("k") == "first"
    assert await SharedMemory(store).recall("k") == "first"
    assert await one.once("o", 60)
    assert not await other.once("o", 60)
    assert not await one.once("o", 60)
    assert not one.away


async def test_without_redis_a_worker_remembers_by_itself(no_store: Store) -> None:
    memory = SharedMemory(no_store)
    assert await memory.once("o", 60)
    assert memory.away
    assert not await memory.once("o", 60)
    assert await memory.remember("k", "first", 60) == "first"
    assert await memory.remember("k", "second", 60) == "first"
    assert await memory.recall("k") == "first"
    assert await memory.recall("other") is None


async def test_what_redis_kept_is_known_when_it_is_gone(own_redis: str) -> None:
    store = Store(own_redis, deadline_s=10)
    clock = Clock()
    memory = SharedMemory(store, clock)
    await memory.remember("k", "first", 60)
    memory.set_away()
    assert await memory.recall("k") == "first"
    assert await memory.once("o", 60)
    clock.now_s += AWAY_S
    assert not memory.away
    assert await store.once("o", 60), "Redis was asked while it was held to be away"
    await store.aclose()
