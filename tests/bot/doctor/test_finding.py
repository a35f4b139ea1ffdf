from __future__ import annotations

import asyncio
import threading

import pytest

from bot.doctor.finding import Check, Finding, Level, Tell, failure, ok, run_checks, warning
from bot.doctor.thread import Exited, aside

from .conftest import Findings


def same(text: str) -> str:
    return text


async def test_checks_run_at_once_and_are_told_in_order(found: Findings) -> None:
    second_done = asyncio.Event()

    async def first(tell: Tell) -> None:
        await second_done.wait()
        tell(ok("first", "one"))
        tell(warning("first", "two", "change it"))

    async def second(tell: Tell) -> None:
        tell(failure("second", "three", "change it"))
        second_done.set()

    checks = [Check("first", first, 10), Check("second", second, 10)]
    await run_checks(checks, found.append, same)
    assert found.lines == ["ok first: one", "warning first: two", "failure second: three"]


async def test_what_is_not_done_in_time_is_a_failure_after_what_was_told(found: Findings) -> None:
    async def hang(tell: Tell) -> None:
        tell(ok("slow", "so far"))
        await asyncio.Event().wait()

    await run_checks([Check("slow", hang, 0.01)], found.append, same)
    assert found.lines == ["ok slow: so far", "failure slow: not done within 0.01 s"]
    assert found.last.remedy


async def test_a_fault_of_one_check_is_told_and_keeps_no_other_from_it(found: Findings) -> None:
    async def fail(tell: Tell) -> None:
        raise KeyError("redis_version")

    async def go(tell: Tell) -> None:
        tell(ok("other", "well"))

    await run_checks([Check("one", fail, 1), Check("other", go, 1)], found.append, same)
    assert found.lines == [
        "failure one: could not be checked: KeyError: 'redis_version'",
        "ok other: well",
    ]


async def test_a_finding_is_one_line_without_secrets(found: Findings) -> None:
    async def tell_all(tell: Tell) -> None:
        tell(failure("x", "the key\nis  s3cret", "do not use s3cret"))

    def hide(text: str) -> str:
        return text.replace("s3cret", "…")

    await run_checks([Check("x", tell_all, 1)], found.append, hide)
    assert found == [Finding("x", Level.FAILURE, "the key is …", "do not use …")]


# Work in a thread


async def test_work_aside_gives_its_result_or_its_error() -> None:
    assert await aside(lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        await aside(lambda: 1 // 0)


async def test_work_aside_does_not_end_the_process() -> None:
    def leave() -> None:
        raise SystemExit(3)

    with pytest.raises(Exited, match="SystemExit"):
        await aside(leave)


def threads_have_ended() -> None:
    for thread in threading.enumerate():
        if thread.name == "aside":
            thread.join(10)


async def test_work_aside_may_be_abandoned() -> None:
    began, done = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def work() -> None:
        loop.call_soon_threadsafe(began.set)
        done.wait(10)

    task = asyncio.create_task(aside(work))
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    done.set()
    await asyncio.to_thread(threads_have_ended)
    # The thread settled what nobody waits for any more.
    assert await aside(lambda: 1) == 1


def test_work_aside_may_outlive_the_loop() -> None:
    go, ended = threading.Event(), threading.Event()

    def work() -> None:
        go.wait(10)
        ended.set()

    async def begin() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await aside(work)

    asyncio.run(begin())
    go.set()
    assert ended.wait(10)
    threads_have_ended()
