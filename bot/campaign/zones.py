"""PURE: the time zones in one of which a called person may be.

A zone that is given wins. Else the number's area tells it (`areas`); a number that does not say
stands for all zones of its country, or of the world: its window is then the strictest, never an
open one. What phonenumbers says is held against the countries of the IANA data,
because it names zones of other countries where the clocks once agreed: Canary for Morocco, Paris
for Algeria, Bucharest for Kaliningrad.
"""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib import resources

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberType
from phonenumbers.timezone import UNKNOWN_TIMEZONE

from .areas import area_of, zones_of_area

__all__ = ["ZoneError", "zones_of"]

_FIXED = {
    "EST": "America/New_York or America/Panama",
    "GMT": "Europe/London or Africa/Accra",
    "MST": "America/Denver or America/Phoenix",
}
"""Names that people write for places with summer time, where they would be an hour off."""
_NO_PLACE = {"Factory", "localtime"}
_INDONESIA = 62
"""phonenumbers takes its mobile numbers for Java's, but they are used on all islands."""


class ZoneError(ValueError):
    """A name that does not say which time zone it is; the message says what to write."""


def zones_of(number: str, given: str = "") -> tuple[str, ...]:
    """IANA names of the zones in one of which the person of an E.164 `number` is; never empty.

    Args:
        given: the zone's name, in any case and with spaces for underscores; empty if unknown.

    Raises:
        ZoneError: `given` is no time zone.
    """
    if name := given.strip():
        return (_given(name),)
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return _world()
    return _of_number(parsed, number) or _world()


def _given(name: str) -> str:
    if places := _FIXED.get(name.upper()):
        raise ZoneError(f"{name} has no summer time: write a place, such as {places}")
    known = _names().get(name.replace(" ", "_").casefold())
    if known is None:
        raise ZoneError(f"{name[:40]!r} is no time zone: write one such as America/New_York")
    return known


def _of_number(number: PhoneNumber, text: str) -> tuple[str, ...]:
    """What the area says, else the zones of all countries that share the calling code."""
    regions = phonenumbers.region_codes_for_country_code(number.country_code or 0)
    country = {zone for region in regions for zone in _countries().get(region, ())}
    found = _canonical(zones_of_area(area_of(text)))
    if not country or (country.issuperset(found) and _says_where(number)):
        return found
    return tuple(sorted(country))


def _says_where(number: PhoneNumber) -> bool:
    """Whether the number is one of a place, not a mobile or a free one that is used anywhere."""
    kind, code = phonenumbers.number_type(number), number.country_code or 0
    if code == _INDONESIA and kind == PhoneNumberType.MOBILE:
        return False
    return bool(phonenumbers.is_number_type_geographical(kind, code))


def _canonical(zones: Iterable[str]) -> tuple[str, ...]:
    known = (zone for zone in zones if zone != UNKNOWN_TIMEZONE)
    return tuple(dict.fromkeys(_links().get(zone, zone) for zone in known))


@lru_cache(maxsize=1)
def _names() -> Mapping[str, str]:
    return {name.casefold(): name for name in zoneinfo.available_timezones() - _NO_PLACE}


@lru_cache(maxsize=1)
def _countries() -> Mapping[str, tuple[str, ...]]:
    """The zones of each country, by its ISO code; zone1970.tab explains itself."""
    zones: dict[str, tuple[str, ...]] = {}
    for line in _iana("zone1970.tab"):
        if not line.startswith("#"):
            codes, _, zone = line.split("\t")[:3]
            for code in codes.split(","):
                zones[code] = (*zones.get(code, ()), zone)
    return zones


@lru_cache(maxsize=1)
def _links() -> Mapping[str, str]:
    """Other names of zones, such as Europe/Jersey; they stand in tzdata.zi as zic(8) reads it."""
    words = (line.split() for line in _iana("tzdata.zi"))
    return {fields[2]: fields[1] for fields in words if fields[0] == "L"}


@lru_cache(maxsize=1)
def _world() -> tuple[str, ...]:
    return tuple(sorted({zone for zones in _countries().values() for zone in zones}))


def _iana(name: str) -> list[str]:
    # From the package, not from the system: slim images have neither file.
    return resources.files("tzdata").joinpath("zoneinfo", name).read_text("utf-8").splitlines()
