"""The pool of processes of any recognizer: what becomes of those that wait, and what is told."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from structlog.testing import capture_logs

from providers.errors import ProviderError, UnavailableError
from providers.stt import local_pool
from providers.stt.local_pool import WorkerPool, cores, replacement_delay_s
from providers.stt.local_process import WorkerProgram
from providers.stt.local_wire import Result
from tests.background import until


class Caller:
    """A lessee."""

    def __init__(self) -> None:
        self.error: ProviderError | None = None

    def taken(self, byte_count: int) -> None:
        """Nothing is sent."""

    def understood(self, result: Result) -> None:
        """Nothing is asked."""

    def failed(self, error: ProviderError) -> None:
        self.error = error


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model"
    path.touch()
    return path


@pytest.fixture
async def pool(model: Path) -> AsyncIterator[WorkerPool]:
    program = WorkerProgram("toy", "tests.providers.stt.toy_worker", (str(model),))
    one = WorkerPool(program, 1, full="wait")
    yield one
    await one.aclose()


@contextmanager
def open_files(spare: int) -> Iterator[None]:
    """Inside, this process may open so many files more."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest_free = os.dup(0)
    os.close(lowest_free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free + spare, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


@pytest.mark.parametrize("spare", range(8))
async def test_a_process_that_cannot_be_started_is_an_error_of_the_provider(
    pool: WorkerPool, spare: int
) -> None:
    tasks = asyncio.all_tasks()
    with open_files(spare), pytest.raises(UnavailableError, match="toy: no process can be") as why:
        await pool.start()
    assert why.value.retryable
    assert asyncio.all_tasks() == tasks
    assert pool.pids == []


async def test_who_waits_when_the_pool_is_closed_is_told(pool: WorkerPool) -> None:
    await pool.start()
    await pool.lease()
    waiting = [asyncio.create_task(pool.lease(patience_s=600)) for _ in range(2)]
    await asyncio.sleep(0)
    await pool.aclose()
    await pool.start()  # it is of no use to who waited for a process of the old one
    async with asyncio.timeout(5):
        errors = await asyncio.gather(*waiting, return_exceptions=True)
    assert [str(error) for error in errors] == [
        "toy: not started, or closed; call start() first"
    ] * 2
    assert (await pool.lease()).pid in pool.pids


async def test_the_loss_of_a_process_and_why_it_is_not_replaced_are_told(
    pool: WorkerPool, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_pool, "replacement_delay_s", lambda deaths, now: 0.05)
    await pool.start()
    (pid,) = pool.pids
    os.remove(model)
    with capture_logs() as logs:
        os.kill(pid, signal.SIGKILL)
        await until(lambda: logs)
        async with asyncio.timeout(5):
            for patience_s in (0, 600):  # whether or not it is known yet
                with pytest.raises(UnavailableError, match="model is gone; get it again") as why:
                    await pool.lease(patience_s=patience_s)
    assert why.value.retryable
    assert logs[:2] == [
        {
            "event": "recognizer process lost",
            "error": f"toy: recognizer process {pid} ended (signal 9);"
            " another is started in its place",
            "log_level": "warning",
        },
        {
            "event": "recognizer process not replaced",
            "error": "toy: the model is gone; get it again",
            "log_level": "warning",
        },
    ]
    await asyncio.to_thread(model.touch)
    await leased(pool)


async def leased(pool: WorkerPool) -> None:
    """Until a process can be had again."""
    async with asyncio.timeout(5):
        while True:
            try:
                await pool.lease(patience_s=5)
            except UnavailableError:
                await asyncio.sleep(0)
            else:
                return


async def test_the_last_words_of_a_process_are_its_reason(pool: WorkerPool) -> None:
    await pool.start()
    caller, worker = Caller(), await pool.lease()
    worker.open(caller, {"last_words": f"{'x' * 999}\nno such\n  device\n"})
    await until(lambda: caller.error is not None)
    said = str(caller.error).partition("exit code 3): ")[2].partition(";")[0]
    assert said.endswith("x no such device")
    assert len(said) < 300


def test_cores_that_belong_to_others_are_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {3, 5})
    assert cores() == 2
    monkeypatch.setattr(local_pool, "os", SimpleNamespace(cpu_count=lambda: 64))  # as on macOS
    assert cores() == 64


def test_processes_that_die_again_and_again_are_replaced_ever_more_slowly() -> None:
    delays = [replacement_delay_s([100.0] * deaths, 110.0) for deaths in range(10)]
    assert delays == [0, 0, 0, 1, 2, 4, 8, 16, 30, 30]
    assert replacement_delay_s([100.0] * 9, 161.0) == 0
