"""Asking Twilio for nothing for a while, all dialling of a process together."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

__all__ = ["BackOff"]

FIRST_S = 1.0
LONGEST_S = 60.0


class BackOff:
    """Waits that grow twofold while Twilio refuses, with jitter, and end when it places a call.

    Args:
        clock: monotonic seconds.
        jitter: gives numbers from 0 to 1.

    Attributes:
        refuses: whether Twilio has placed no call since it refused one.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._clock = clock
        self._jitter = jitter
        self._wait_s = FIRST_S
        self._until_s = 0.0
        self.refuses = False

    def refused(self, retry_after_s: float | None) -> float:
        """Twilio refused, and named so many seconds or none; gives how long to wait.

        Requests that were on their way together are refused together: while a wait goes on, it
        does not grow.
        """
        self.refuses = True
        if (left_s := self.left_s) <= 0:
            left_s = self._wait_s * (1 + self._jitter()) / 2
            self._wait_s = min(2 * self._wait_s, LONGEST_S)
        left_s = max(left_s, retry_after_s or 0.0)
        self._until_s = self._clock() + left_s
        return left_s

    def placed(self) -> None:
        """Twilio placed a call: the next wait is short again."""
        self._wait_s = FIRST_S
        self.refuses = False

    @property
    def left_s(self) -> float:
        """How long to wait still; 0 when Twilio may be asked."""
        return max(0.0, self._until_s - self._clock())
