from __future__ import annotations

import asyncio
from itertools import pairwise
from time import monotonic

from bot.bench.calls.wheel import Wheel


async def test_each_slot_is_called_once_in_20_ms_and_none_is_left_out() -> None:
    wheel = Wheel()
    due: dict[int, list[float]] = {3: [], 23: [], 11: []}
    done = asyncio.Event()
    for slot, times in due.items():
        wheel.join(slot, times.append)
    wheel.at(monotonic() + 0.09, done.set)
    began_s = monotonic()
    wheel.start()
    try:
        async with asyncio.timeout(5):
            await done.wait()
    finally:
        wheel.stop()
    assert due[3] == due[23]
    for times in due.values():
        assert 4 <= len(times) <= 5 + (monotonic() - began_s - 0.09) / 0.020
        assert {round((b - a) * 1000, 6) for a, b in pairwise(times)} == {20.0}
    assert round((due[11][0] - due[3][0]) * 1000, 6) == 8


async def test_who_has_left_is_called_no_more() -> None:
    wheel = Wheel()
    called: list[float] = []
    done = asyncio.Event()

    def once(due_s: float) -> None:
        called.append(due_s)
        wheel.leave(0, once)
        wheel.at(due_s + 0.045, done.set)

    wheel.join(0, once)
    wheel.start()
    async with asyncio.timeout(5):
        await done.wait()
    wheel.stop()
    assert len(called) == 1


async def test_moments_come_in_the_order_of_their_times() -> None:
    wheel = Wheel()
    order: list[str] = []
    done = asyncio.Event()
    now_s = monotonic()
    wheel.at(now_s + 0.004, done.set)
    wheel.at(now_s + 0.002, lambda: order.append("later"))
    wheel.at(now_s, lambda: order.append("first"))
    wheel.at(now_s, lambda: order.append("second"))
    wheel.start()
    async with asyncio.timeout(5):
        await done.wait()
    wheel.stop()
    assert order == ["first", "second", "later"]
