"""Blocking work that may never end: done in a thread which the process does not wait for."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

__all__ = ["Exited", "aside"]

T = TypeVar("T")


class Exited(Exception):
    """The work wanted to end the process; the message names how."""


async def aside(work: Callable[[], T]) -> T:
    """What `work` gives or raises; a caller that is cancelled leaves it alone.

    Raises:
        Exited: it raised `SystemExit` or the like.

    `asyncio.to_thread` would keep the process from ending until a resolver, a file system that
    hangs or an import of the user's is done.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: Exception | None) -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type]  # T may be None

    def run() -> None:
        result, error = None, None
        try:
            result = work()
        except Exception as raised:
            error = raised
        except BaseException as raised:
            # A module that exits when it is imported, say: that must not end the doctor.
            error = Exited(type(raised).__name__)
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(settle, result, error)

    threading.Thread(target=run, name="aside", daemon=True).start()
    return await future
