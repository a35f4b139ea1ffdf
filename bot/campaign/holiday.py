"""PURE: the days on which nobody is called: dates, and the public holidays of countries."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from holidays import HolidayBase

__all__ = ["check_country", "is_holiday"]


@lru_cache(maxsize=4096)
def is_holiday(listed: tuple[str, ...], day: date) -> bool:
    """Whether `day` is one of those listed as dates (2026-12-25) or by country (US, US-CA)."""
    text = day.isoformat()
    return any(text == held if held[0].isdigit() else day in _of_country(held) for held in listed)


def check_country(code: str) -> None:
    """Raise unless the holidays of a country, or of a part of it, are known.

    Raises:
        ValueError: they are not.
    """
    try:
        _of_country(code)
    except NotImplementedError:
        raise ValueError(f"the holidays of {code} are not known: list their dates") from None


@lru_cache(maxsize=64)
def _of_country(code: str) -> HolidayBase:
    # It takes a while to import, which most campaigns need not wait for.
    from holidays import country_holidays

    country, _, part = code.partition("-")
    return country_holidays(country, subdiv=part or None)
