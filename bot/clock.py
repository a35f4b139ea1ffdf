"""A call's clock, by which it sleeps until something is due."""

from __future__ import annotations

import asyncio

__all__ = ["Clock"]


class Clock:
    """Milliseconds since the call's first stream began; `began_ms` is when this one did."""

    def __init__(self, began_ms: float) -> None:
        self._began_ms = began_ms
        self._loop = asyncio.get_running_loop()
        self._started_s = self._loop.time()
        self._wake = asyncio.Event()

    def now_ms(self) -> float:
        """The time."""
        return self._began_ms + (self._loop.time() - self._started_s) * 1000

    def wake(self) -> None:
        """Something may be due: the next `sleep_until`, or the one under way, ends at once."""
        self._wake.set()

    def look(self) -> float:
        """The time, at which it is looked at what is due: `wake` counts from now on."""
        self._wake.clear()
        return self.now_ms()

    async def sleep_until(self, due_ms: float) -> None:
        """Sleep until then, unless `wake` was called since the last `look`, or is called now."""
        if self._wake.is_set():
            return
        due_s = self._started_s + (due_ms - self._began_ms) / 1000
        timer = self._loop.call_at(due_s, self._wake.set)
        try:
            await self._wake.wait()
        finally:
            timer.cancel()
