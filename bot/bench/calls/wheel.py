"""One timer for everything that is due: frames by the millisecond, and moments to come."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from itertools import count
from time import monotonic

from .script import FRAME_MS

__all__ = ["Wheel"]

_STEP_S = 0.001


class Wheel:
    """Turns once every 20 ms, through one slot a millisecond.

    Who is in a slot is called in each turn with the time at which it was due (`monotonic`), also
    when that has passed: nothing is left out. The loop's own clock is too coarse for this: uvloop's
    stands still between two rounds of the loop.
    """

    def __init__(self) -> None:
        self._slots: list[list[Callable[[float], None]]] = [[] for _ in range(FRAME_MS)]
        self._index = 0
        self._due_s = monotonic()
        self._later: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Turn until `stop`."""
        self._due_s = monotonic()
        self._turn()

    def stop(self) -> None:
        """Stand still."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def join(self, slot: int, call: Callable[[float], None]) -> None:
        """Call this once in each turn."""
        self._slots[slot % FRAME_MS].append(call)

    def leave(self, slot: int, call: Callable[[float], None]) -> None:
        """Call it no more."""
        self._slots[slot % FRAME_MS].remove(call)

    def at(self, due_s: float, call: Callable[[], None]) -> None:
        """Call this once, when the time (`monotonic`) has come."""
        heapq.heappush(self._later, (due_s, next(self._order), call))

    def _turn(self) -> None:
        now_s = monotonic()
        while self._due_s <= now_s:
            for call in list(self._slots[self._index]):
                call(self._due_s)
            self._index = (self._index + 1) % FRAME_MS
            self._due_s += _STEP_S
        while self._later and self._later[0][0] <= now_s:
            heapq.heappop(self._later)[2]()
        # A shorter wait would be rounded to none by uvloop, and the loop would spin.
        self._timer = asyncio.get_running_loop().call_later(_STEP_S, self._turn)
