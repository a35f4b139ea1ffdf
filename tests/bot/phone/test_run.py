"""Many calls at once."""

from __future__ import annotations

import pytest

from bot.phone.balancer import AddressError
from bot.phone.config import PhoneConfig
from bot.phone.exchange import Exchange
from bot.phone.run import place_calls
from bot.phone.steps import Wait

from .worker_stub import TOKEN, StubStream, running_worker


async def test_calls_are_made_at_the_same_time() -> None:
    at_once = most = 0

    async def talk(stream: StubStream) -> None:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await stream.until("stop")
        at_once -= 1

    async with running_worker() as worker:
        worker.talk = [talk]
        config = PhoneConfig(worker.url, TOKEN, speed=5.0)
        results = await place_calls(config, [Wait(3_000)], 5)
    assert most == 5
    assert len({result.call_sid for result in results}) == 5
    assert not any(result.failed for result in results)


async def test_all_calls_share_one_balancer_and_one_exchange() -> None:
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
    assert 1 <= polls < 8


async def test_an_address_that_is_none() -> None:
    with pytest.raises(AddressError):
        await place_calls(PhoneConfig("http://127.0.0.1:1", TOKEN, ("nowhere",)), [], 2)
