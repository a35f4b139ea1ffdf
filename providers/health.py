"""PURE: how well a provider is. One that has failed rests, and is well again after a good probe.

Times are those of one clock, in seconds.
"""

from __future__ import annotations

from .errors import (
    ApiError,
    AudioError,
    AuthenticationError,
    BudgetError,
    CapacityError,
    FileError,
    MissingKeyError,
    ProviderError,
    QuotaError,
    RateLimitError,
    SessionError,
    UnsupportedError,
)
from .patience import RATE_LIMIT_S

__all__ = ["SOUND_S", "Health"]

REST_S = (2.0, 5.0, 10.0, 20.0, 40.0, 60.0)
"""How long it rests, longer after each probe that failed; the last one is repeated."""
HOPELESS_REST_S = 600.0
"""How long it rests when somebody has to do something: pay, or set another key."""
SOUND_S = 60.0
"""Who fails again so soon was never really well, and rests longer than the last time."""

_HOPELESS = (AuthenticationError, MissingKeyError, QuotaError)
_NO_FAULT = (
    ApiError,
    UnsupportedError,
    BudgetError,
    CapacityError,
    AudioError,
    FileError,
    SessionError,
)
"""Errors that say nothing about how the provider will do with what others ask of it."""


class Health:
    """Of one provider, which is well until it fails.

    Attributes:
        error: why it rests; None while it is well.
        hopeless: whether it rests until somebody does something about it.
        resting_since_s: since when it has been resting without a break.
        probe_due_s: when it may be tried again.
    """

    def __init__(self) -> None:
        self.error: ProviderError | None = None
        self.hopeless = False
        self.resting_since_s = 0.0
        self.probe_due_s = 0.0
        self._rests = 0  # how often in a row it had to rest
        self._well_since_s = 0.0

    @property
    def well(self) -> bool:
        """Whether it can be relied on, as far as is known."""
        return self.error is None

    def failed(self, error: ProviderError, now_s: float) -> bool:
        """Note that it failed at what it was used for: as `fell_ill`, if it is its fault."""
        if isinstance(error, _NO_FAULT):
            return False
        return self.fell_ill(error, now_s, hopeless=isinstance(error, _HOPELESS))

    def fell_ill(self, error: ProviderError, now_s: float, *, hopeless: bool) -> bool:
        """It cannot be used for now. Returns whether that is news: it was well, or is now hopeless.

        Args:
            hopeless: whether somebody has to do something before it can be.
        """
        was_well, was_hopeless = self.well, self.hopeless
        if was_hopeless and not hopeless and now_s < self.probe_due_s:
            return False  # an old stream fails, which is no sign that somebody has done something
        self.hopeless = hopeless
        if was_well:
            self.resting_since_s = now_s
            if now_s - self._well_since_s > SOUND_S:
                self._rests = 0
        self.error = error
        # All calls fail at the same moment, and that is one failure.
        if was_well or now_s >= self.probe_due_s or hopeless is not was_hopeless:
            self.probe_due_s = now_s + self._rest_s(error)
            self._rests += 1
        elif isinstance(error, RateLimitError):
            self.probe_due_s = max(self.probe_due_s, now_s + (error.retry_after_s or 0.0))
        return was_well or (hopeless and not was_hopeless)

    def succeeded(self, began_s: float, now_s: float) -> bool:
        """Note that something begun at `began_s` went well. Returns whether that is news.

        What was begun before it failed is none: old streams may go on where new ones are refused.
        """
        if self.well or began_s < self.resting_since_s:
            return False
        self.error = None
        self.hopeless = False
        self._well_since_s = now_s
        return True

    def _rest_s(self, error: ProviderError) -> float:
        if self.hopeless:
            return HOPELESS_REST_S
        rest_s = REST_S[min(self._rests, len(REST_S) - 1)]
        if isinstance(error, RateLimitError):
            return max(rest_s, error.retry_after_s or RATE_LIMIT_S)
        return rest_s
