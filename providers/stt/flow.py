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
    """

    def __init__(self, ahead_ms: float, pump: Callable[[], None]) -> None:
        self._ahead_ms = ahead_ms
        self._pump = pump
        self._loop = asyncio.get_running_loop()
        self._began_s = 0.0
        self._tick: asyncio.TimerHandle | None = None
        self.is_paced = math.isfinite(ahead_ms)

    def begin(self) -> None:
        """From now on the vendor takes audio, on a connection that was given none."""
        self._began_s = self._loop.time()

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
