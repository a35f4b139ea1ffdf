"""How long a dialer may still ask Twilio for a call.

Nobody else looks at an attempt before its lease is over. So a process that was frozen, suspended or
swapped out between its claim and its request must not dial when it wakes: somebody may have taken
the attempt for lost by then.
"""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["Clocks", "DialLease", "read_clocks"]

Clocks = tuple[float, ...]
"""Seconds on several clocks."""


def read_clocks() -> Clocks:
    """Now, on clocks none of which stands still in all of the ways in which a process can.

    The monotonic clock of Linux stops while the machine sleeps; the one since boot does not, but
    may stop with a virtual machine, whose host sets its wall clock right when it goes on.
    """
    since_boot = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.monotonic(), time.clock_gettime(since_boot), time.time()


class DialLease:
    """The time in which one attempt may be dialled.

    Args:
        since: the clocks, read before the attempt was claimed.
        lasts_s: from the claim on.
        clocks: reads them.
    """

    def __init__(
        self, since: Clocks, lasts_s: float, clocks: Callable[[], Clocks] = read_clocks
    ) -> None:
        self._until = tuple(at_s + lasts_s for at_s in since)
        self._clocks = clocks

    def holds(self) -> bool:
        """Whether it is not over, on any of the clocks."""
        return all(now < until for now, until in zip(self._clocks(), self._until, strict=True))
