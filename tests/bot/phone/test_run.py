"""Many calls at once."""

from __future__ import annotations

import asyncio

import pytest

from bot.phone import health
from bot.phone.balancer import AddressError
from bot.phone.config import PhoneConfig
from bot.phone.exchange import Exchange
from bot.phone.run import place_calls
from bot.phone.steps import Wait

from .worker_stub import TOKEN, StubStream, running_worker


async def test_calls_are_made_at_the_same_time() -> None:
    all_of_them = asyncio.Barrier(5)
    met = 0

    async def talk(stream: StubStream) -> None:
        nonlocal met
        async with asyncio.timeout(10):
            await all_of_them.wait()
        met += 1

    async with running_worker() as worker:
        worker.talk = [talk]
        config = PhoneConfig(worker.url, TOKEN, speed=5.0)
        results = await place_calls(config, [Wait(60_000)], 5)
    assert met == 5
    assert len({result.call_sid for result in results}) == 5
    assert not any(result.failed for result in results)


async def test_all_calls_share_one_balancer_and_one_exchange(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(health, "_PERIOD_S", 60.0)
    monkeypatch.setattr(health, "_TIMEOUT_S", 10.0)
    exchange = Exchange()
    async with running_worker() as first, running_worker() as second:
        first.ready = 503
        second.documents["/twilio/voice"] = ["<Response><Hangup/></Response>"]
        config = PhoneConfig(first.url, TOKEN, (first.url, second.url))
        results = await place_calls(config, [], 8, exchange=exchange)
        polls = 0
        while not second.polls.locked():
            await second.polls.acquire()
            polls += 1
    assert first.paths() == []
    assert set(exchange.calls) == {result.call_sid for result in results}
    # Each call on its own would have asked.
    assert polls == 1


async def test_an_address_that_is_none() -> None:
    with pytest.raises(AddressError):
        await place_calls(PhoneConfig("http://127.0.0.1:1", TOKEN, ("nowhere",)), [], 2)
