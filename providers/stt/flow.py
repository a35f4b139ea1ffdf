"""When audio may go to a vendor that takes it no faster than it is spoken."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

__all__ = ["Flow"]

PACE_S = 0.05
"""So often it is looked whether audio may go that had to wait for its time."""


class Flow:
    """The time that a connection has had for its audio.

    Args:
        ahead_ms: see `Delivery`.
        pump: sends what may go.

    Attributes:
        is_paced: whether audio may have to wait at all.
        opening_ms: how long it takes, as far as was seen, until another connection takes audio.
    """

    def __init__(self, ahead_ms: float, pump: Callable[[], None]) -> None:
        self._ahead_ms = ahead_ms
        self._pump = pump
        self._loop = asyncio.get_running_loop()
        self._began_s = self._left_s = self._loop.time()
        self.opening_ms = math.inf
        self._tick: asyncio.TimerHandle | None = None
        self.is_paced = math.isfinite(ahead_ms)

    def begin(self) -> None:
        """From now on the vendor takes audio, on a connection that was given none."""
        self._began_s = self._loop.time()

    def took(self) -> None:
        """It takes audio now, after it has been opened."""
        self.begin()
        # What was waited before an attempt, or for one that failed, is no part of it.
        self.opening_ms = min(self.opening_ms, (self._began_s - self._left_s) * 1000)

    def leave(self) -> None:
        """The connection is given up, and another one opened."""
        self._left_s = self._loop.time()

    def gained_ms(self, again_ms: float) -> float:
        """How much less would wait after another connection, which is sent so much again."""
        return self._ahead_ms - self.opening_ms - again_ms

    @property
    def allowed_ms(self) -> float:
        """How much audio may have gone on the connection by now."""
        return (self._loop.time() - self._began_s) * 1000 + self._ahead_ms

    def wait(self) -> None:
        """See to it that `pump` is called again soon."""
        if self._tick is None:
            self._tick = self._loop.call_later(PACE_S, self._go_on)

    def stop(self) -> None:
        """Nothing goes any more."""
        if self._tick is not None:
            self._tick.cancel()

    def _go_on(self) -> None:
        self._tick = None
        self._pump()
