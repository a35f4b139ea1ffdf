from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.dialog import Call
from bot.dialog.chat.memory import ToolCall
from bot.dialog.chat.running import MAX_AT_ONCE, run_tools
from bot.dialog.chat.tools import make_tool
from tests.virtual_time import virtual_time

CALL = Call("CA1", "+15550100001", "+15550100002", "inbound")


def called(name: str, arguments: str = "{}") -> ToolCall:
    return {"id": name, "name": name, "arguments": arguments, "result": None}


class Tools:
    """Tools, and how often one was done."""

    def __init__(self, *functions: Callable[..., Any]) -> None:
        self._tools = {function.__name__: make_tool(function, "spec") for function in functions}
        self.done = 0

    async def run(self, *calls: ToolCall, deadline_s: float = 5.0) -> list[object]:
        await run_tools(calls, self._tools, CALL, deadline_s, self._note)
        return [call["result"] for call in calls]

    def _note(self) -> None:
        self.done += 1


async def three() -> int:
    """Take three seconds."""
    await asyncio.sleep(3)
    return 3


async def ten() -> str:
    """Take ten seconds."""
    await asyncio.sleep(10)
    return "ten"


async def fails(day: str) -> None:
    """Fail."""
    raise ValueError(f"no {day}")


async def leaves() -> None:
    """End the process."""
    raise SystemExit(3)


async def cancels() -> None:
    """Cancel what nobody has cancelled."""
    raise asyncio.CancelledError


@virtual_time
async def test_tools_run_at_the_same_time() -> None:
    began_s = asyncio.get_running_loop().time()
    tools = Tools(three)
    assert await tools.run(*(called("three") for _ in range(4))) == ["3"] * 4
    assert asyncio.get_running_loop().time() - began_s < 3.1
    assert tools.done == 4
    assert await tools.run() == []


@virtual_time
async def test_what_a_tool_does_wrong_is_told_to_the_model_and_logged() -> None:
    tools = Tools(fails, leaves, cancels, three)
    calls = [called("fails", '{"day": "friday"}'), *map(called, ("leaves", "cancels", "three"))]
    with capture_logs() as logs:
        results = await tools.run(*calls)
    assert results == [
        "error: the tool failed (ValueError)",
        "error: the tool failed (SystemExit)",
        "error: the tool failed (CancelledError)",
        "3",
    ]
    assert [entry["tool"] for entry in logs if entry["event"] == "tool failed"] == [
        "fails", "leaves", "cancels",
    ]  # fmt: skip


@virtual_time
async def test_what_cannot_be_run_is_told() -> None:
    tools = Tools(fails)
    with capture_logs() as logs:
        results = await tools.run(called("cook"), called("fails", '{"day": 7, "hush": 1}'))
    assert results[0] == "error: there is no such tool"
    assert str(results[1]).startswith("error: day: Input should be a valid string")
    assert "hush" not in repr(logs)
    assert tools.done == 0


@virtual_time
async def test_no_more_than_so_many_at_once() -> None:
    results = await Tools(three).run(*(called("three") for _ in range(MAX_AT_ONCE + 2)))
    assert results[:MAX_AT_ONCE] == ["3"] * MAX_AT_ONCE
    assert [str(result).startswith("error: not run") for result in results[-2:]] == [True, True]


@virtual_time
async def test_a_tool_that_takes_too_long() -> None:
    tools = Tools(three, ten)
    began_s = asyncio.get_running_loop().time()
    results = await tools.run(called("ten"), called("three"))
    assert "took too long" in str(results[0])
    assert (results[1], tools.done) == ("3", 1)
    assert asyncio.get_running_loop().time() - began_s < 5.1


@virtual_time
async def test_a_tool_that_does_not_end_when_it_is_cancelled() -> None:
    may_end = asyncio.Event()

    async def stubborn() -> None:
        """Go on."""
        while not may_end.is_set():
            try:
                await may_end.wait()
            except asyncio.CancelledError:
                continue

    began_s = asyncio.get_running_loop().time()
    (result,) = await Tools(stubborn).run(called("stubborn"))
    assert "took too long" in str(result)
    assert asyncio.get_running_loop().time() - began_s < 7.5
    may_end.set()
    await asyncio.sleep(0.1)


@virtual_time
async def test_cancelling_ends_what_can_be_ended_and_leaves_the_rest_unknown() -> None:
    tools = Tools(three, ten)
    calls = [called("three"), called("ten")]
    running = asyncio.create_task(tools.run(*calls, deadline_s=60))
    await asyncio.sleep(5)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert [call["result"] for call in calls] == ["3", None]
    assert tools.done == 1


@virtual_time
async def test_a_tool_that_cleans_up_is_not_disturbed() -> None:
    cleaned: list[str] = []

    async def careful() -> None:
        """Clean up in the end."""
        try:
            await asyncio.sleep(10)
        finally:
            await asyncio.sleep(0.9)
            cleaned.append("up")

    (result,) = await Tools(careful).run(called("careful"), deadline_s=1)
    assert cleaned == ["up"]
    assert "took too long" in str(result)


@virtual_time
async def test_cancelling_twice_reaches_the_tools_too() -> None:
    ended: list[str] = []

    async def careful() -> None:
        """Say how it ends."""
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise
        finally:
            await asyncio.sleep(0.5)
            ended.append("cleaned up")

    running = asyncio.create_task(Tools(careful).run(called("careful"), deadline_s=60))
    await asyncio.sleep(1)
    # As a call's end does it: the second time before the first has come to anything.
    running.cancel()
    await asyncio.sleep(0)
    running.cancel()
    await asyncio.wait([running])
    await asyncio.sleep(1)
    assert ended == ["cancelled", "cleaned up"]


async def test_a_tool_in_a_thread_ends_there_and_its_result_is_known_then() -> None:
    may_go_on, ended = threading.Event(), threading.Event()

    def blocking() -> str:
        """Block."""
        may_go_on.wait(5)
        return "at last"

    call = called("blocking")
    tools = Tools(blocking)
    running = asyncio.create_task(tools.run(call))
    await asyncio.sleep(0.01)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert call["result"] is None
    may_go_on.set()
    # The same thread, or one after it, comes to this when the tool is done.
    while call["result"] is None:
        await asyncio.to_thread(ended.wait, 0.001)
    assert call["result"] == "at last"


async def test_a_tool_in_a_thread_that_takes_too_long_says_no_more() -> None:
    may_go_on = threading.Event()
    went_on = threading.Event()

    def blocking() -> str:
        """Block."""
        may_go_on.wait(5)
        went_on.set()
        return "at last"

    (result,) = await Tools(blocking).run(call := called("blocking"), deadline_s=0.01)
    assert "took too long" in str(result)
    may_go_on.set()
    assert await asyncio.to_thread(went_on.wait, 5)
    await asyncio.get_running_loop().shutdown_default_executor()
    assert call["result"] == result
