"""Many calls at once."""

from __future__ import annotations

from bot.phone.call import PhoneConfig
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
