"""The demo from beginning to end: worker, call, files, judgement."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.phone.artifacts import write_artifacts
from bot.phone.call import PhoneConfig, place_call
from bot.phone.result import Artifacts, CallResult

from .scene import BOOKING, DIALOG, LINES, caller_steps
from .verdict import find_faults
from .watch import OnLine, Watch
from .worker import start_worker

__all__ = ["Outcome", "run_demo"]

_CALL_LIMIT_S = 120.0
# A process loads its models for half a second: the demo's one call needs one.
_ENGINES = {"PARLEY_POCKETSPHINX_PROCESSES": "1"}
WORKER_LOG = "worker.log"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A demo that is over.

    Attributes:
        artifacts: where the call's files are.
        notes: what is to be said about files that are not there.
        faults: what was wrong; empty when all was as it should be.
        worker_log: the file with what the worker had to say.
    """

    result: CallResult
    artifacts: Artifacts
    notes: tuple[str, ...]
    faults: tuple[str, ...]
    worker_log: Path


async def run_demo(
    out: Path,
    *,
    on_ready: Callable[[str, float], None],
    on_line: OnLine,
) -> Outcome:
    """Make the demo's call to a worker of its own, and leave its files in `out`.

    Args:
        on_ready: told the worker's URL and how many seconds it took to start.
        on_line: told the conversation, see `Watch`.

    Raises:
        WorkerFailed: the worker did not start, or did not live to the end of the call.
        ClipError: a recording of the caller's is missing.
        OSError: a file cannot be written.
    """
    steps = caller_steps()
    await asyncio.to_thread(out.mkdir, parents=True, exist_ok=True)
    watch, log = Watch(LINES, on_line), out / WORKER_LOG
    with _ended_by_signals():
        begun_s = time.monotonic()
        async with start_worker(DIALOG, log, **_ENGINES) as worker:
            on_ready(worker.url, time.monotonic() - begun_s)
            phone = PhoneConfig(worker.url, worker.auth_token, max_call_s=_CALL_LIMIT_S)
            async with asyncio.TaskGroup() as tasks:
                following = tasks.create_task(watch.follow(worker.url))
                result = await place_call(phone, steps, on_event=watch.phone)
                following.cancel()
            worker.check()
    if result.record is not None:
        watch.record(result.record)
    artifacts, notes = await asyncio.to_thread(write_artifacts, result, out)
    faults = find_faults(result, len(LINES), BOOKING)
    return Outcome(result, artifacts, tuple(notes), tuple(faults), log)


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end the demo as Ctrl-C does: the worker must not be left behind."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    numbers = (signal.SIGTERM, signal.SIGHUP)
    for number in numbers:
        loop.add_signal_handler(number, task.cancel)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)
