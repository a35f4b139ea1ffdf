"""Stops a coroutine at a chosen one of the places where it waits."""

from __future__ import annotations

import asyncio
import functools
import types
from collections.abc import Callable, Coroutine, Generator
from typing import Any

__all__ = ["stopped_at"]


async def stopped_at(work: Coroutine[Any, Any, None], point: int, *, late: bool) -> bool:
    """Run `work` until it waits for the time number `point` (from 0), and cancel it there.

    Args:
        late: not before it waits, but when what it has waited for is there.

    Returns whether it came to its end before that.
    """
    return await _steps(work, point, late) <= point


@types.coroutine
def _steps(work: Coroutine[Any, Any, None], point: int, late: bool) -> Generator[Any, Any, int]:
    """Returns how often it waited."""
    resume: Callable[[], Any] = functools.partial(work.send, None)
    at = 0
    while True:
        try:
            waited = resume()
        except StopIteration:
            return at
        task = asyncio.current_task()
        assert task is not None
        if at == point and not late:
            task.cancel()
        resume = functools.partial(work.send, None)
        try:
            yield waited
        except BaseException as error:
            resume = functools.partial(work.throw, error)
        else:
            if at == point and late:
                resume = functools.partial(work.throw, asyncio.CancelledError())
        at += 1
