from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from bot.dialog import Action, Expect, Hangup, Play, Reply, Say
from bot.reading import MAX_AHEAD, HookFailed, Reading
from tests.virtual_time import virtual_time


async def hook(*replies: Reply, pause_s: float = 0) -> AsyncGenerator[Reply, None]:
    for reply in replies:
        await asyncio.sleep(pause_s)
        yield reply


async def read(reading: Reading) -> list[Action]:
    """All of it, read after the hook is over."""
    async with asyncio.timeout(10):
        await reading.run()
        return [step async for step in reading]


def reading_of(*replies: Reply, **more: object) -> Reading:
    return Reading(hook(*replies), 2.0, lambda: None, **more)  # type: ignore[arg-type]


@virtual_time
async def test_sentences_and_actions_in_order() -> None:
    yes = Expect(("yes",))
    reading = reading_of("One. Tw", "o.", yes, Say("Three. Four.", interruptible=False), Play("a"))
    assert await read(reading) == [
        Say("One."),
        Say("Two."),
        yes,
        Say("Three.", interruptible=False),
        Say("Four.", interruptible=False),
        Play("a"),
    ]
    assert reading.leaving is None


@virtual_time
async def test_nothing_is_read_behind_what_ends_the_stream() -> None:
    reading = reading_of("Bye.", Hangup("done"), "Never said.")
    assert await read(reading) == [Say("Bye.")]
    assert reading.leaving == Hangup("done")


@virtual_time
async def test_what_it_ends_with_unless_it_leaves_by_itself() -> None:
    assert reading_of("Bye.", then=Hangup("planned")).leaving == Hangup("planned")
    reading = reading_of("Bye.", Hangup("own"), then=Hangup("planned"))
    await read(reading)
    assert reading.leaving == Hangup("own")


@virtual_time
async def test_the_hook_is_over_before_its_reply_is_spoken() -> None:
    over: list[int] = []
    reading = Reading(hook("One. ", "Two."), 2.0, lambda: over.append(len(reading.ahead)))
    assert len(await read(reading)) == 2
    assert over == [2]


@pytest.mark.parametrize("failure", ["raises", "hangs"])
@virtual_time
async def test_a_hook_that_fails_fails_behind_its_words(failure: str) -> None:
    async def fails() -> AsyncGenerator[Reply, None]:
        yield "One. "
        if failure == "raises":
            raise ZeroDivisionError
        await asyncio.sleep(60)

    over: list[bool] = []
    reading = Reading(fails(), 2.0, lambda: over.append(True))
    await reading.run()
    steps = aiter(reading)
    assert await anext(steps) == Say("One.")
    with pytest.raises(HookFailed) as caught:
        await anext(steps)
    expected = ZeroDivisionError if failure == "raises" else TimeoutError
    assert isinstance(caught.value.__cause__, expected)
    assert over == []


@virtual_time
async def test_a_hook_that_never_ends_is_not_read_for_ever() -> None:
    given = 0

    async def endless() -> AsyncGenerator[Reply, None]:
        nonlocal given
        while True:
            given += 1
            yield Say("A")

    reading = Reading(endless(), 2.0, lambda: None)
    task = asyncio.create_task(reading.run())
    await asyncio.sleep(1)
    assert given == MAX_AHEAD
    steps = aiter(reading)
    for _ in range(10):
        await anext(steps)
    await asyncio.sleep(1)
    assert given == MAX_AHEAD + 10
    task.cancel()
    await asyncio.wait([task])


@virtual_time
async def test_a_reply_that_is_given_again_goes_on_where_it_was_heard() -> None:
    yes = Expect(("yes",))
    reading = reading_of(yes, "One. Two. Three.", heard=["One.", "Two."])
    assert await read(reading) == [yes, Say("Three.")]


@virtual_time
async def test_whoever_waits_for_a_step_lets_the_hook_go_on() -> None:
    """Half a sentence is no step yet."""
    reading = Reading(hook("One", " and", " a half.", pause_s=1), 2.0, lambda: None)
    task = asyncio.create_task(reading.run())
    assert [step async for step in reading] == [Say("One and a half.")]
    await task


@pytest.mark.parametrize("first", ["Another. ", Play("a")])
@virtual_time
async def test_another_reply_than_before_is_said_whole(first: Reply) -> None:
    reading = reading_of(first, "One. Two.", heard=["One.", "Two."])
    assert len(await read(reading)) == 3
