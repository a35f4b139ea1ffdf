"""The pool's processes: leased, given back, lost, replaced, ended."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from providers.errors import CapacityError, DeadlineError, UnavailableError
from providers.stt import local_pool, pocketsphinx
from providers.stt.pocketsphinx import PocketSphinx
from providers.types import SttOptions

pytest.importorskip("pocketsphinx")
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.long]

SECOND = bytes(32_000)


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine a process may take its time to tidy up, or to load."""
    monkeypatch.setattr(local_pool, "LEASE_DEADLINE_S", 25.0)


@asynccontextmanager
async def started() -> AsyncIterator[PocketSphinx]:
    provider = PocketSphinx(processes=1)
    await provider.start()
    yield provider
    await provider.aclose()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stt() -> AsyncIterator[PocketSphinx]:
    """For all tests that kill no process: one takes a while to load."""
    async with started() as provider:
        yield provider


@pytest_asyncio.fixture(loop_scope="module")
async def own() -> AsyncIterator[PocketSphinx]:
    """For a test alone: those that die again and again are replaced ever more slowly."""
    async with started() as provider:
        yield provider


async def hears(provider: PocketSphinx) -> bool:
    """Whether a stream of `provider` answers."""
    async with asyncio.timeout(30), provider.stream(SttOptions()) as stream:
        stream.finalize()
        await stream.finish()
        return [event async for event in stream] != []


async def until_replaced(provider: PocketSphinx, pid: int) -> None:
    async with asyncio.timeout(40):
        while True:
            try:
                await hears(provider)
            except (UnavailableError, CapacityError):
                await asyncio.sleep(0)
            if provider.pids and provider.pids != [pid]:
                return


def gone(pid: int) -> bool:
    """Whether the process has ended and was waited for: a zombie is not gone."""
    return not Path(f"/proc/{pid}").exists()


def children() -> set[int]:
    """The processes that this one has started."""
    pids: set[int] = set()
    for task in Path("/proc/self/task").iterdir():
        with suppress(FileNotFoundError):  # a thread that has ended meanwhile
            pids |= set(map(int, (task / "children").read_text().split()))
    return pids


async def test_one_call_takes_one_process_and_the_next_is_refused(stt: PocketSphinx) -> None:
    async with stt.stream(SttOptions()):
        with pytest.raises(CapacityError, match="PARLEY_POCKETSPHINX_PROCESSES") as refusal:
            async with stt.stream(SttOptions()):
                pass
    assert refusal.value.retryable
    assert await hears(stt)


async def test_a_call_that_leaves_much_undone_frees_its_process_soon(stt: PocketSphinx) -> None:
    async with stt.stream(SttOptions()) as stream:
        for _ in range(29):
            stream.send(os.urandom(32_000))
        stream.finalize()
    assert await hears(stt)


async def test_a_killed_process_fails_its_stream_and_is_replaced(own: PocketSphinx) -> None:
    (pid,) = own.pids
    async with own.stream(SttOptions()) as stream:
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(UnavailableError, match="signal 9") as failure:
            async for _ in stream:
                pass
        with pytest.raises(UnavailableError):
            stream.send(SECOND)
    assert failure.value.retryable
    await until_replaced(own, pid)
    assert await hears(own)
    assert gone(pid)


async def test_a_process_killed_while_idle_is_replaced(own: PocketSphinx) -> None:
    (pid,) = own.pids
    os.kill(pid, signal.SIGKILL)
    await until_replaced(own, pid)
    assert await hears(own)


async def test_a_process_that_hangs_is_reported_and_replaced(
    own: PocketSphinx, monkeypatch: pytest.MonkeyPatch
) -> None:
    (pid,) = own.pids
    async with own.stream(SttOptions()) as stream:
        os.kill(pid, signal.SIGSTOP)
        with monkeypatch.context() as patch:
            patch.setattr("providers.stt.pocketsphinx.ANSWER_DEADLINE_S", 0.05)
            stream.finalize()
            with pytest.raises(DeadlineError, match="no answer"):
                await anext(aiter(stream))
    await until_replaced(own, pid)


async def test_a_process_that_hangs_when_given_back_is_killed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    impatient = replace(pocketsphinx.PROGRAM, close_deadline_s=0.05)
    monkeypatch.setattr(pocketsphinx, "PROGRAM", impatient)
    provider = PocketSphinx(processes=1)
    await provider.start()
    (pid,) = provider.pids
    async with provider.stream(SttOptions()):
        os.kill(pid, signal.SIGSTOP)
    await until_replaced(provider, pid)
    await provider.aclose()


async def test_closing_kills_the_processes_and_fails_open_streams() -> None:
    provider = PocketSphinx(processes=2)
    tasks = asyncio.all_tasks()
    await provider.start()
    await provider.start()
    pids = provider.pids
    assert len(pids) == 2
    async with provider.stream(SttOptions()) as stream:
        await provider.aclose()
        with pytest.raises(UnavailableError, match="closed"):
            await anext(aiter(stream))
    assert all(map(gone, pids))
    assert asyncio.all_tasks() == tasks
    with pytest.raises(UnavailableError, match="start"):
        async with provider.stream(SttOptions()):
            pass
    await provider.aclose()


async def test_it_can_be_started_again_after_closing() -> None:
    provider = PocketSphinx(processes=1)
    for _ in range(2):
        await provider.start()
        assert await hears(provider)
        await provider.aclose()


@pytest.mark.parametrize("moment", range(0, 60, 6))
async def test_a_start_cancelled_at_any_moment_leaves_nothing(moment: int) -> None:
    tasks = asyncio.all_tasks()
    before = children()
    provider = PocketSphinx(processes=2)
    starting = asyncio.create_task(provider.start())
    for _ in range(moment):
        await asyncio.sleep(0)
    starting.cancel()
    await asyncio.wait([starting])
    await provider.aclose()
    assert asyncio.all_tasks() == tasks
    assert children() <= before


@pytest.mark.parametrize("moment", range(6))
async def test_a_stream_cancelled_at_any_moment_frees_its_process(
    stt: PocketSphinx, moment: int
) -> None:
    async def call() -> None:
        async with stt.stream(SttOptions()) as stream:
            stream.send(SECOND)
            stream.finalize()
            async for _ in stream:
                pass

    calling = asyncio.create_task(call())
    for _ in range(moment):
        await asyncio.sleep(0)
    calling.cancel()
    await asyncio.wait([calling])
    assert await hears(stt)


async def test_a_caller_who_stops_waiting_for_a_process_takes_none(stt: PocketSphinx) -> None:
    async with stt.stream(SttOptions()):
        pass  # its process is tidying up now, so the next one waits for it
    waiting = asyncio.create_task(hears(stt))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    assert await hears(stt)


async def test_a_process_that_cannot_load_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POCKETSPHINX_PATH", "/nowhere")
    provider = PocketSphinx(processes=1)
    with pytest.raises(UnavailableError, match="RuntimeError"):
        await provider.start()
    assert provider.pids == []
