"""What a deployment's providers were used for, on a real Redis that also hangs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from bot.metrics import Metrics
from bot.usage import SharedUsage
from providers.usage import Use

from .redis_process import stopped

HEARD = Use("stt", "soniox", 60_000.0, 0.002)
SPOKEN = Use("tts", "openai-realtime", 12.0, None)


class Clock:
    now = datetime(2026, 11, 30, 23, 59, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@asynccontextmanager
async def usage(
    url: str, prefix: str, worker: str = "a", metrics: Metrics | None = None
) -> AsyncIterator[tuple[SharedUsage, Clock]]:
    clock = Clock()
    shared = SharedUsage(url, worker, prefix=prefix, metrics=metrics or Metrics(), now=clock)
    try:
        yield shared, clock
    finally:
        await shared.aclose()


async def test_workers_know_what_all_of_them_spent(redis_url: str, redis_prefix: str) -> None:
    async with usage(redis_url, redis_prefix) as (one, _):
        one.add(HEARD)
        one.add(HEARD)
        assert one.spent_usd() == pytest.approx(0.004)
        await one.exchange()
        assert one.spent_usd() == pytest.approx(0.004)
        async with usage(redis_url, redis_prefix, "b") as (other, _):
            other.add(HEARD)
            other.add(SPOKEN)
            assert other.spent_usd() == pytest.approx(0.002)
            await other.exchange()
            assert other.spent_usd() == pytest.approx(0.006)
        await one.exchange()
        assert one.spent_usd() == pytest.approx(0.006)
        amounts = {(use.kind, use.provider): use.amount for use in one.uses()}
        assert amounts == {("stt", "soniox"): 180_000, ("tts", "openai-realtime"): 12}
        prices = {use.provider: use.usd for use in one.uses()}
        assert prices == {"soniox": pytest.approx(0.006), "openai-realtime": None}
        assert {use.provider: use.priced[:2] for use in one.uses()} == {
            "soniox": "20",
            "openai-realtime": "",
        }


async def test_a_month_begins_with_nothing_spent(redis_url: str, redis_prefix: str) -> None:
    async with usage(redis_url, redis_prefix) as (shared, clock):
        shared.add(HEARD)
        await shared.exchange()
        clock.now = datetime(2026, 12, 1, tzinfo=UTC)
        assert shared.spent_usd() == 0
        assert shared.uses() == []
        shared.add(SPOKEN)
        await shared.exchange()
        assert [use.provider for use in shared.uses()] == ["openai-realtime"]


async def test_what_is_left_is_sent_at_the_end(redis_url: str, redis_prefix: str) -> None:
    async with usage(redis_url, redis_prefix) as (shared, _):
        shared.add(HEARD)
    async with usage(redis_url, redis_prefix, "b") as (other, _):
        await other.exchange()
        assert other.spent_usd() == pytest.approx(0.002)


async def test_nothing_is_counted_twice_when_redis_hangs(redis_url: str, redis_prefix: str) -> None:
    """What it was sent it finds when it goes on, though nobody has waited for its answer."""
    async with usage(redis_url, redis_prefix) as (shared, _):
        await shared.exchange()
        shared.add(HEARD)
        with stopped(redis_url):
            await shared.exchange()
            shared.add(HEARD)
            assert shared.spent_usd() == pytest.approx(0.004)
        await shared.exchange()
        assert shared.spent_usd() == pytest.approx(0.004)
        await shared.exchange()
        assert shared.spent_usd() == pytest.approx(0.004)
        (use,) = shared.uses()
        assert use.amount == 120_000
        assert use.usd == pytest.approx(0.004)


async def test_it_is_counted_for_prometheus(redis_url: str, redis_prefix: str) -> None:
    metrics = Metrics()
    async with usage(redis_url, redis_prefix, metrics=metrics) as (shared, _):
        shared.add(HEARD)
        shared.add(SPOKEN)
    held = metrics.registry.get_sample_value
    stt, tts = (
        {"kind": "stt", "provider": "soniox"},
        {"kind": "tts", "provider": "openai-realtime"},
    )
    assert held("parley_provider_audio_seconds_total", stt) == 60
    assert held("parley_provider_usd_total", stt) == pytest.approx(0.002)
    assert held("parley_provider_characters_total", tts) == 12
    assert held("parley_provider_usd_total", tts) is None
