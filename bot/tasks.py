"""The tasks of one call: known by name to nobody, ended together."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

__all__ = ["STOP_S", "Tasks", "stop", "within"]

log = structlog.get_logger(__name__)

STOP_S = 1.0
"""How long what is cancelled may take to end before it is cancelled again, or left behind."""

_left_behind: set[asyncio.Task[None]] = set()


class Tasks:
    """Starts tasks, and ends those that are left.

    Ours are in one task group, and end when they are cancelled. The user's code may do otherwise,
    and is not waited for then: a call's end must not depend on it.
    """

    def __init__(self) -> None:
        self._group: asyncio.TaskGroup | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._hooks: set[asyncio.Task[None]] = set()

    def open(self, group: asyncio.TaskGroup) -> None:
        """Tasks may start from now on."""
        self._group = group

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Start a task of ours."""
        assert self._group is not None
        task = self._group.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def spawn_hook(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Start a task that runs the user's code; `work` keeps to itself what that raises."""
        task = asyncio.create_task(work)
        self._hooks.add(task)
        task.add_done_callback(self._hooks.discard)
        return task

    async def cancel(self, *, but: asyncio.Task[None] | None = None) -> None:
        """Cancel every task, and those that one starts while it ends; `but` goes on."""
        for hook in self._hooks:
            hook.cancel()
        while left := [task for task in self._tasks if task is not but]:
            for task in left:
                if not task.cancelling():
                    task.cancel()
            await asyncio.wait(left, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.gather(*map(stop, self._hooks))


async def stop(task: asyncio.Task[None]) -> None:
    """End a task that runs the user's code.

    One that is still cleaning up after a second is cancelled again; one that does not end even
    then is left behind, and said so. One that was cancelled before has its second all the same: a
    further cancellation would end its cleaning up.
    """
    if task in _left_behind:
        return
    for again in (False, True):
        if again or not task.cancelling():
            task.cancel()
        await asyncio.wait([task], timeout=STOP_S)
        if task.done():
            return
    log.error("dialog goes on though it was cancelled; it is left behind")
    _left_behind.add(task)
    task.add_done_callback(_left_behind.discard)


async def within(deadline_s: float, work: Coroutine[Any, Any, None]) -> None:
    """Run the user's code, which may not end when it is cancelled, for so long at most.

    Raises:
        TimeoutError: it took longer.
        Exception: what it raised.
    """
    task = asyncio.create_task(work)
    try:
        await asyncio.wait([task], timeout=deadline_s)
        if not task.done():
            raise TimeoutError
        task.result()
    finally:
        if not task.done():
            await stop(task)
