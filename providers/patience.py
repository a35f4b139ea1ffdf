"""PURE: how long, and how often, a vendor that fails is tried again, no clock."""

from __future__ import annotations

from collections import deque

from .errors import ProviderError, RateLimitError

__all__ = ["HELD_S", "RATE_LIMIT_S", "Patience"]

BACKOFF_S = (0.0, 0.1, 0.2, 0.4, 0.8)
"""The waits before each attempt to connect again; the last one is repeated."""
RATE_LIMIT_S = 1.0
"""The wait before another attempt after a refusal for too many requests, when none is advised."""
HELD_S = 1.0
"""A connection that brought something for so long was sound: what ends it is a new trouble."""
MOST_HELD, HELD_WITHIN_S = 5, 60.0
"""So often, and within so long, being sound is enough: then the vendor has to get on as well."""


class Patience:
    """What is left of it. Times are those of one clock, in seconds.

    Args:
        reconnect_s: for all attempts together, from a loss until the vendor gets on.
    """

    def __init__(self, reconnect_s: float) -> None:
        self._reconnect_s = reconnect_s
        self._troubled_s: float | None = None  # since when, without progress
        self._attempts = 0
        self._limited = False  # the vendor has refused for too many requests
        self._held: deque[float] = deque()  # when what was sound was lost, without progress since

    def progressed(self) -> None:
        """The vendor gets on: the next trouble is a new one."""
        self._new_trouble()
        self._attempts = 0
        self._held.clear()

    def lost(self, now_s: float, held_s: float) -> None:
        """A connection is lost that has brought something for `held_s`."""
        if held_s > HELD_S:
            self._lost_when_sound(now_s)
        if self._troubled_s is None:
            self._troubled_s = now_s

    def attempt(self, now_s: float, error: ProviderError | None) -> tuple[float, float]:
        """Another attempt, after `error`, if any: what to wait, and what is then left.

        Nothing left (0 or less) means that there is to be no other.
        """
        if self._troubled_s is None:
            self._troubled_s = now_s
        delay_s = BACKOFF_S[min(self._attempts, len(BACKOFF_S) - 1)]
        if isinstance(error, RateLimitError):
            if self._limited:
                return 0.0, 0.0
            self._limited = True
            delay_s = max(delay_s, error.retry_after_s or RATE_LIMIT_S)
        self._attempts += 1
        return delay_s, self._troubled_s + self._reconnect_s - now_s - delay_s

    def _lost_when_sound(self, now_s: float) -> None:
        """A vendor with nothing to say is no failure, but neither does it get on."""
        while self._held and now_s - self._held[0] > HELD_WITHIN_S:
            self._held.popleft()
        if not self._held:
            self._attempts = 0
        if len(self._held) < MOST_HELD:
            self._held.append(now_s)
            self._new_trouble()

    def _new_trouble(self) -> None:
        self._troubled_s = None
        self._limited = False
