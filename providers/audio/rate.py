"""PURE: how many samples a second are taken and given."""

from __future__ import annotations

from ..errors import UnsupportedRateError

__all__ = ["LEAST_HZ", "MOST_HZ", "check_rate"]

LEAST_HZ, MOST_HZ = 4_000, 192_000


def check_rate(rate_hz: int, whose: str) -> None:
    """See that a rate is one that somebody uses.

    Raises:
        UnsupportedRateError: it is below 4 or above 192 kHz.
    """
    if not LEAST_HZ <= rate_hz <= MOST_HZ:
        raise UnsupportedRateError(
            "audio",
            f"{whose} has {rate_hz} samples a second",
            hint=f"{LEAST_HZ} to {MOST_HZ} are taken",
        )
