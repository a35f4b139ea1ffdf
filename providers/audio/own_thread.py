"""A thread for what blocks, and must never be used by two threads at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from ..errors import DeadlineError

__all__ = ["STEP_S", "OwnThread"]

STEP_S = 60.0
"""How long one step may take: a second of audio is decoded in a few ms, but disks may be far."""

_Result = TypeVar("_Result")


class OwnThread:
    """One thread, which works off steps in their order. It is given up by `aclose`."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="parley-audio")

    async def do(self, step: Callable[[], _Result]) -> _Result:
        """Have the thread take a step. One that nobody waits for any longer is taken all the same.

        Raises:
            DeadlineError: it took more than a minute.
        """
        try:
            async with asyncio.timeout(STEP_S):
                return await asyncio.get_running_loop().run_in_executor(self._executor, step)
        except TimeoutError:
            raise DeadlineError(
                "file", f"nothing was read or written for {STEP_S:g} s", hint="see to the disk"
            ) from None

    async def aclose(self, last: Callable[[], None]) -> None:
        """Have the thread take its last step, after the one under way, and end."""
        taken = asyncio.get_running_loop().run_in_executor(self._executor, last)
        self._executor.shutdown(wait=False)
        await asyncio.wait([taken], timeout=STEP_S)
