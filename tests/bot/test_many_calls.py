"""A few calls of `python -m tests.bot.many_calls`, and what its judge would not let pass."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from redis.asyncio import Redis

from .many_calls import MOST_GROWTH_KB, RETENTION_MS, Holdings, Outcome, let_pass, many_calls
from .process_facts import ProcessFacts


@pytest.mark.real_time
async def test_a_few_calls_leave_nothing_behind() -> None:
    outcome = await many_calls(3, 5)
    assert outcome.faults == []
    assert outcome.calls == 13
    assert outcome.keys > 13
    assert outcome.grown_kb < MOST_GROWTH_KB
    assert all(holdings.tasks.total() > 2 for holdings in outcome.holdings)


def test_whatever_is_left_is_seen() -> None:
    facts = ProcessFacts(100_000, 4, Counter(tcp=1, unix=3), 0)
    before = Holdings(facts, Counter({"serve": 1}))
    assert before.beyond(before) == []
    assert Holdings(replace(facts, rss_kb=1), before.tasks).beyond(before) == []
    for changed in (
        Holdings(facts, Counter({"serve": 1, "_recognize": 1})),
        Holdings(facts, Counter()),
        Holdings(replace(facts, handles=Counter(tcp=2, unix=3)), before.tasks),
        Holdings(replace(facts, threads=5), before.tasks),
        Holdings(replace(facts, children=1), before.tasks),
    ):
        assert len(changed.beyond(before)) == 1


async def test_the_retention_passes_for_every_key(redis: Redis, redis_prefix: str) -> None:
    outcome = Outcome()
    times_ms = {"kept": RETENTION_MS, "too long": 2 * RETENTION_MS, "for ever": None}
    keys = {name: f"{redis_prefix}{name}".encode() for name in (*times_ms, "expired")}
    for name, time_ms in times_ms.items():
        await redis.set(keys[name], "", px=time_ms)
    for key in keys.values():
        await let_pass(redis, key, outcome)
    # One that was listed, and is gone, is as it should be.
    assert [fault.split("'")[1].removeprefix(redis_prefix) for fault in outcome.faults] == [
        "too long",
        "for ever",
    ]
    assert await redis.exists(keys["kept"]) == 0
    assert await redis.exists(keys["too long"]) == 1
    await redis.delete(*keys.values())
