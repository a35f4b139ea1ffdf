"""PURE: the time zones of areas, which are told by how a number begins.

What phonenumbers knows has gaps, and an hour too early is somebody woken up. It gives an area
whose exchanges lie in two zones the zone of most, though it lists only some of the others: here
such an area is in all of them. In North America a number says no more than its area code, for
people take numbers along and exchanges are shared by carriers. What phonenumbers has not learned
yet, or has wrong, stands in the tables below.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from phonenumbers.tzdata import TIMEZONE_DATA

__all__ = ["area_of", "zones_of_area"]

_NORTH_AMERICA, _AREA_CODE = "1", 4  # with the calling code

_OVERLAYS = {
    "1236": "1250",
    "1257": "1250",
    "1672": "1250",
    "1778": "1250",
    "1273": "1418",
    "1367": "1418",
    "1581": "1418",
    "1364": "1270",
    "1448": "1850",
    "1458": "1541",
    "1474": "1306",
    "1639": "1306",
    "1689": "1407",
    "1930": "1812",
    "1986": "1208",
}
"""Newer area codes of the same places as older ones, where phonenumbers has fewer or other zones
(https://en.wikipedia.org/wiki/List_of_North_American_Numbering_Plan_area_codes)."""

_CHIHUAHUA = ("America/Chihuahua",)
_CORRECTIONS: Mapping[str, tuple[str, ...]] = {
    "1306": ("America/Edmonton", "America/Winnipeg"),  # Lloydminster, Creighton
    "243": ("Africa/Kinshasa", "Africa/Lubumbashi"),  # carriers' codes, not places'
    "52614": _CHIHUAHUA,  # the state left Mountain time in 2022, and so did its areas
    "5262": _CHIHUAHUA,
    "5263": _CHIHUAHUA,
    "52648": _CHIHUAHUA,
    "52649": _CHIHUAHUA,
    "52652": _CHIHUAHUA,
    "52659": _CHIHUAHUA,
    "5597": ("America/Eirunepe",),
    # Any Chilean number may be taken along to any place.
    "56": ("America/Punta_Arenas", "America/Coyhaique", "Pacific/Easter"),
    "6188": ("Australia/Darwin", "Australia/Perth"),
    "6189": ("Australia/Darwin", "Australia/Perth"),
    "675": ("Pacific/Bougainville",),
    "7411": ("Asia/Vladivostok", "Asia/Srednekolymsk"),  # the east of Yakutia
    "7845": ("Europe/Saratov",),  # on Samara's time since 2016
}
"""Zones in which an area may be as well, all its parts too; by tzdata's zone1970.tab and NEWS
(https://www.iana.org/time-zones) and Wikipedia's lists of each country's area codes."""


def area_of(number: str) -> str:
    """The longest known beginning of an E.164 number, without `+`; empty if it has none."""
    areas = _areas()
    return next((number[1:end] for end in range(len(number), 1, -1) if number[1:end] in areas), "")


def zones_of_area(area: str) -> tuple[str, ...]:
    """The zones in one of which somebody with a number of that area may be, if it says where."""
    return _areas().get(area, ())


@lru_cache(maxsize=1)
def _areas() -> Mapping[str, tuple[str, ...]]:
    # Dictionaries of nothing keep the order, in which phonenumbers has the zones.
    areas: dict[str, dict[str, None]] = {
        prefix: {} for prefix in (*map(_known, TIMEZONE_DATA), *_CORRECTIONS)
    }
    for prefix, zones in TIMEZONE_DATA.items():
        for area in _around(_known(prefix)):
            if area in areas and area != _NORTH_AMERICA:
                areas[area] |= dict.fromkeys(zones)
    for prefix, zones in _CORRECTIONS.items():
        # One that phonenumbers does not know is a part of another that it knows.
        whole = next((area for area in _around(prefix) if area in TIMEZONE_DATA), "")
        areas[prefix] |= areas.get(whole, {})
        for area in areas:
            if area.startswith(prefix) or (prefix.startswith(area) and area != _NORTH_AMERICA):
                areas[area] |= dict.fromkeys(zones)
    areas |= {newer: areas[older] for newer, older in _OVERLAYS.items()}
    return {area: tuple(zones) for area, zones in areas.items() if zones}


def _known(prefix: str) -> str:
    return prefix[:_AREA_CODE] if prefix.startswith(_NORTH_AMERICA) else prefix


def _around(prefix: str) -> list[str]:
    """The prefix and those that it begins with, the longest first."""
    return [prefix[:end] for end in range(len(prefix), 0, -1)]
