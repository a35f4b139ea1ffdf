"""The phone's clock: samples since the call's first stream began, at a speed of its own."""

from __future__ import annotations

import asyncio

from .speech import FRAME_BYTES, FRAME_MS, SAMPLES_PER_MS

__all__ = ["PhoneClock"]


class PhoneClock:
    """One call's clock. `speed` 2 lets everything happen in half the time."""

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._now_s = asyncio.get_running_loop().time
        self._created_s = self._now_s()
        self._zero_s: float | None = None

    def begin(self) -> int:
        """A stream begins: the first sets the clock to zero. The number of its first frame."""
        if self._zero_s is None:
            self._zero_s = self._now_s()
            return 0
        return -(-self.sample // FRAME_BYTES)

    @property
    def speed(self) -> float:
        """How much faster than real time it runs."""
        return self._speed

    @property
    def sample(self) -> int:
        """The present time in samples at 8 kHz; 0 before the first stream."""
        return int(self.ms * SAMPLES_PER_MS)

    @property
    def ms(self) -> float:
        """The present time in milliseconds; 0 before the first stream."""
        return 0.0 if self._zero_s is None else (self._now_s() - self._zero_s) * 1000 * self._speed

    @property
    def call_s(self) -> float:
        """For how long there has been a call, streams or not."""
        return (self._now_s() - self._created_s) * self._speed

    async def sleep(self, ms: float) -> None:
        """Let `ms` of the phone's time pass."""
        await asyncio.sleep(ms / 1000 / self._speed)

    async def frame_end(self, frame: int) -> float:
        """Wait for the end of frame number `frame`; by how many real milliseconds it was missed."""
        assert self._zero_s is not None
        due_s = self._zero_s + (frame + 1) * FRAME_MS / 1000 / self._speed
        if (left_s := due_s - self._now_s()) > 0:
            await asyncio.sleep(left_s)
        return (self._now_s() - due_s) * 1000
