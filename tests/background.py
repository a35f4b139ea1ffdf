"""What goes on beside a test, and waiting for what comes of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest

__all__ = ["eventually", "running", "until"]

DEADLINE_S = 10.0
POLL_S = 0.005


async def until(condition: Callable[[], object]) -> None:
    """Wait until it is so."""

    async def so() -> bool:
        return bool(condition())

    await eventually(so)


async def eventually(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait until it is so, which has to be asked."""
    async with asyncio.timeout(DEADLINE_S):
        while not await condition():  # noqa: ASYNC110 - nobody tells a test
            await asyncio.sleep(POLL_S)


@asynccontextmanager
async def running(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Inside, this runs, which would go on for ever; it must not have ended by itself."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
