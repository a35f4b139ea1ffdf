from __future__ import annotations

import asyncio

import pytest

from bot.tasks import Tasks, stop, within
from tests.virtual_time import virtual_time


class Stubborn:
    """Goes on in spite of so many cancellations."""

    def __init__(self, times: int) -> None:
        self.times = times
        self.task: asyncio.Task[None] | None = None

    async def run(self) -> None:
        self.task = asyncio.current_task()
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                if not self.times:
                    raise
                self.times -= 1

    async def end(self) -> None:
        assert self.task is not None
        self.times = 0
        self.task.cancel()
        await asyncio.wait([self.task])


@virtual_time
async def test_what_goes_on_after_one_cancellation_is_cancelled_again() -> None:
    task = asyncio.create_task(Stubborn(1).run())
    await asyncio.sleep(0)
    await stop(task)
    assert task.cancelled()


@virtual_time
async def test_what_cleans_up_is_not_disturbed() -> None:
    cleaned: list[str] = []

    async def polite() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.9)
            cleaned.append("polite")

    tasks = Tasks()
    async with asyncio.TaskGroup() as group:
        tasks.open(group)
        # Ours takes a moment too: the hook is cleaning up by then.
        tasks.spawn(Stubborn(0).run())
        tasks.spawn_hook(polite())
        await asyncio.sleep(0)
        await tasks.cancel()
    assert cleaned == ["polite"]


@virtual_time
async def test_what_does_not_end_is_left_behind() -> None:
    stubborn = Stubborn(10)
    task = asyncio.create_task(stubborn.run())
    await asyncio.sleep(0)
    began_s = asyncio.get_running_loop().time()
    await stop(task)
    await stop(task)
    assert asyncio.get_running_loop().time() - began_s < 3
    assert not task.done()
    await stubborn.end()


@virtual_time
async def test_the_users_code_has_its_time() -> None:
    done: list[str] = []

    async def quick() -> None:
        await asyncio.sleep(1)
        done.append("quick")

    async def wrong() -> None:
        raise ZeroDivisionError

    await within(2, quick())
    assert done == ["quick"]
    with pytest.raises(ZeroDivisionError):
        await within(2, wrong())
    stubborn = Stubborn(10)
    with pytest.raises(TimeoutError):
        await within(2, stubborn.run())
    await stubborn.end()


@virtual_time
async def test_whoever_waits_for_the_users_code_may_be_cancelled() -> None:
    polite = Stubborn(0)
    waiting = asyncio.create_task(within(60, polite.run()))
    await asyncio.sleep(1)
    waiting.cancel()
    await asyncio.wait([waiting])
    assert waiting.cancelled()
    assert polite.task is not None
    assert polite.task.cancelled()


@virtual_time
async def test_tasks_end_though_a_hook_does_not() -> None:
    tasks, stubborn = Tasks(), Stubborn(10)
    async with asyncio.TaskGroup() as group:
        tasks.open(group)
        ours = tasks.spawn(Stubborn(0).run())
        hook = tasks.spawn_hook(stubborn.run())
        await asyncio.sleep(0)
        await tasks.cancel()
    assert ours.cancelled()
    assert not hook.done()
    await stubborn.end()
