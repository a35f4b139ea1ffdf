"""The pool's processes: leased, given back, lost, replaced, ended."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from providers.errors import CapacityError, DeadlineError, UnavailableError
from providers.stt import local_pool, pocketsphinx
from providers.stt.local_pool import replacement_delay_s
from providers.stt.local_wire import Command, FrameReader, Report, frame
from providers.stt.pocketsphinx import PocketSphinx
from providers.types import SttOptions

pytest.importorskip("pocketsphinx")
pytestmark = pytest.mark.long

SECOND = bytes(32_000)


@pytest.fixture
async def stt(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[PocketSphinx]:
    # On a busy machine a process may take its time to tidy up, or to load.
    monkeypatch.setattr(local_pool, "LEASE_DEADLINE_S", 25.0)
    provider = PocketSphinx(processes=1)
    await provider.start()
    yield provider
    await provider.aclose()


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


async def test_a_killed_process_fails_its_stream_and_is_replaced(stt: PocketSphinx) -> None:
    (pid,) = stt.pids
    async with stt.stream(SttOptions()) as stream:
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(UnavailableError, match="signal 9") as failure:
            async for _ in stream:
                pass
        with pytest.raises(UnavailableError):
            stream.send(SECOND)
    assert failure.value.retryable
    await until_replaced(stt, pid)
    assert await hears(stt)
    assert gone(pid)


async def test_a_process_killed_while_idle_is_replaced(stt: PocketSphinx) -> None:
    (pid,) = stt.pids
    os.kill(pid, signal.SIGKILL)
    await until_replaced(stt, pid)
    assert await hears(stt)


async def test_a_process_that_hangs_is_reported_and_replaced(
    stt: PocketSphinx, monkeypatch: pytest.MonkeyPatch
) -> None:
    (pid,) = stt.pids
    async with stt.stream(SttOptions()) as stream:
        os.kill(pid, signal.SIGSTOP)
        with monkeypatch.context() as patch:
            patch.setattr("providers.stt.pocketsphinx.ANSWER_DEADLINE_S", 0.05)
            stream.finalize()
            with pytest.raises(DeadlineError, match="no answer"):
                await anext(aiter(stream))
    await until_replaced(stt, pid)


async def test_a_process_that_hangs_when_given_back_is_killed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    impatient = replace(pocketsphinx.PROGRAM, close_deadline_s=0.05)
    monkeypatch.setattr(pocketsphinx, "PROGRAM", impatient)
    monkeypatch.setattr(local_pool, "LEASE_DEADLINE_S", 25.0)
    provider = PocketSphinx(processes=1)
    await provider.start()
    (pid,) = provider.pids
    async with provider.stream(SttOptions()):
        os.kill(pid, signal.SIGSTOP)
    await until_replaced(provider, pid)
    await provider.aclose()


def test_processes_that_die_again_and_again_are_replaced_ever_more_slowly() -> None:
    delays = [replacement_delay_s([100.0] * deaths, 110.0) for deaths in range(10)]
    assert delays == [0, 0, 0, 1, 2, 4, 8, 16, 30, 30]
    assert replacement_delay_s([100.0] * 9, 161.0) == 0


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


def worker() -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "providers.stt.sphinx_worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )
    assert process.stdout is not None
    ready = frame(Report.READY, b"{}")
    assert process.stdout.read(len(ready)) == ready
    return process


def test_the_end_of_stdin_ends_a_process_even_while_it_decodes() -> None:
    with worker() as process:
        assert process.stdin is not None
        for _ in range(20):
            process.stdin.write(frame(Command.AUDIO, os.urandom(32_000)))
        process.stdin.close()
        assert process.wait(timeout=30) == 0


def test_ctrl_c_is_left_to_the_parent() -> None:
    with worker() as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.send_signal(signal.SIGINT)
        process.stdin.write(frame(Command.FINALIZE))
        process.stdin.flush()
        reader = FrameReader()
        kinds: list[bytes] = []
        while Report.RESULT.value not in kinds:
            kinds += [kind for kind, _ in reader.feed(process.stdout.read1())]  # type: ignore[attr-defined]
        process.stdin.close()
        assert process.wait(timeout=30) == 0
