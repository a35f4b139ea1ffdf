"""An event loop on which time passes only while nothing else happens.

A conversation of half a minute, with all its deadlines, takes as long as its code takes to run, and
every run of it is the same.
"""

from __future__ import annotations

import asyncio
import functools
import os
import selectors
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from pathlib import Path
from typing import Any, ParamSpec

__all__ = ["VirtualTimeLoop", "virtual_time", "virtual_time_on_sockets"]

P = ParamSpec("P")

STEP_S = 1e-6
STUCK_S = 10.0
"""Real time that a thread or a socket may take when nothing else is due."""
GRACE_S = 0.0003
"""Real time for what one socket of this process sends another: the kernel may be busy."""
TASKS = "/proc/self/task"
NAPS = (b"35", b"230", b"101", b"115")
"""The system calls nanosleep and clock_nanosleep, of x86-64 and of arm64."""


class _Selector(selectors.SelectSelector):
    """Where the loop would sleep, its time jumps instead.

    It is the one that counts in microseconds: epoll would round the grace up to a millisecond.
    """

    def __init__(self, grace_s: float) -> None:
        super().__init__()
        self._grace_s = grace_s
        self.now_s = 1_000.0
        self.threads = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        # Code takes a little time too: else rounding could keep a timer just ahead for ever.
        self.now_s += STEP_S
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if self.threads:
            # Work is going on beside the loop: its time is not the test's.
            return super().select(STUCK_S)
        if self._grace_s and (ready := self._graced()):
            return ready
        if timeout is None:
            raise RuntimeError("every task waits for something that will never happen")
        self.now_s += timeout
        return ready

    def _graced(self) -> list[tuple[selectors.SelectorKey, int]]:
        """What comes while something is on its way: in the kernel, or in a library's thread."""
        until_s, before = time.monotonic() + STUCK_S, None
        while not (ready := super().select(0 if before else self._grace_s)):
            seen = _others_asleep()
            # Asleep twice, and none ran meanwhile: so nobody has woken another, or sent anything.
            if (seen is not None and seen in (before, {})) or time.monotonic() > until_s:
                break
            before = seen
        return ready


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """A loop whose clock jumps to the next timer when all tasks wait.

    While a thread of an executor works, time stands still.

    Args:
        grace_s: how long, really, sockets are waited for before each jump.
    """

    def __init__(self, grace_s: float = 0.0) -> None:
        self._clock = _Selector(grace_s)
        super().__init__(self._clock)

    def time(self) -> float:
        return self._clock.now_s

    def stall(self, duration_s: float) -> None:
        """Let time pass in which nothing is done, as on a machine that is suspended."""
        self._clock.now_s += duration_s

    def run_in_executor(  # type: ignore[override]
        self, executor: Executor | None, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        self._clock.threads += 1
        future: asyncio.Future[Any] = super().run_in_executor(executor, func, *args)
        future.add_done_callback(self._thread_done)
        return future

    async def shutdown_default_executor(self, *args: Any) -> None:
        self._clock.threads += 1
        await super().shutdown_default_executor(*args)

    def _thread_done(self, future: asyncio.Future[Any]) -> None:
        self._clock.threads -= 1


def _others_asleep() -> dict[str, bytes] | None:
    """How often every other thread of the process has run, if all wait, those of C libraries too;
    None if one does not."""
    here, found = str(threading.get_native_id()), dict[str, bytes]()
    for thread in os.listdir(TASKS):
        if thread == here:
            continue
        try:
            state = Path(TASKS, thread, "stat").read_bytes().rpartition(b") ")[2][:1]
            ran = Path(TASKS, thread, "schedstat").read_bytes()
            if state != b"S" or _naps(thread):
                return None
        except OSError:
            return None  # it has just ended
        found[thread] = ran
    return found


def _naps(thread: str) -> bool:
    """Whether it sleeps for a moment, as gRPC's do where they find a lock taken or no work yet."""
    try:
        call = Path(TASKS, thread, "syscall").read_bytes()
    except PermissionError:
        return False
    return call.partition(b" ")[0] in NAPS


def virtual_time(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Run a test on a loop of virtual time; it must leave no task behind."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        _run(test(*args, **kwargs), VirtualTimeLoop)

    return run


def virtual_time_on_sockets(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """As `virtual_time`, for a test with both ends of some sockets in this process."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        _run(test(*args, **kwargs), functools.partial(VirtualTimeLoop, GRACE_S))

    return run


def _run(
    test: Coroutine[Any, Any, None], new_loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(_alone(test))


async def _alone(test: Coroutine[Any, Any, None]) -> None:
    await test
    left = asyncio.all_tasks() - {asyncio.current_task()}
    assert not left, f"tasks left behind: {left}"
