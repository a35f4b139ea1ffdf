"""PURE: `zones_of`, remembered: a file has many numbers, and they come from few places."""

from __future__ import annotations

from bot.campaign.areas import area_of
from bot.campaign.zones import zones_of

from .numbers import Callee

__all__ = ["Places"]

MAX_KEPT = 10_000


class Places:
    """Time zones of callees.

    They depend on three things alone: the number's area, its kind, and the country code.
    """

    def __init__(self) -> None:
        self._kept: dict[tuple[str, int, int] | str, tuple[str, ...]] = {}

    def zones(self, callee: Callee, given: str) -> tuple[str, ...]:
        """As `zones_of`, which also says what is raised."""
        key = given or (area_of(callee.number), callee.country_code, callee.kind)
        if key not in self._kept:
            if len(self._kept) >= MAX_KEPT:
                self._kept.clear()
            self._kept[key] = zones_of(callee.number, given)
        return self._kept[key]
