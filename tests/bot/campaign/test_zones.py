"""Where the person of a number may be."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import phonenumbers
import pytest
from phonenumbers import PhoneNumberType
from phonenumbers.tzdata import TIMEZONE_DATA

from bot.campaign.areas import area_of, zones_of_area
from bot.campaign.zones import ZoneError, zones_of

NEW_YORK = "+12125550100"


@pytest.mark.parametrize(
    ("given", "zone"),
    [
        ("America/Los_Angeles", "America/Los_Angeles"),
        (" america/los angeles ", "America/Los_Angeles"),
        ("US/Pacific", "US/Pacific"),
        ("Asia/Calcutta", "Asia/Calcutta"),
        ("utc", "UTC"),
    ],
)
def test_a_zone_that_is_given_wins(given: str, zone: str) -> None:
    assert zones_of(NEW_YORK, given) == (zone,)
    assert zones_of("+870773111632", given) == (zone,)
    ZoneInfo(zone)


@pytest.mark.parametrize(
    "given", ["Mars/Olympus", "America", "EST", "gmt", "MST", "../etc/passwd", "Factory", "+02:00"]
)
def test_a_name_that_does_not_say_which_zone_is_refused(given: str) -> None:
    with pytest.raises(ZoneError, match=r"write (one|a place,) such as"):
        zones_of(NEW_YORK, given)


@pytest.mark.parametrize("given", ["", "  "])
@pytest.mark.parametrize(
    ("number", "zones"),
    [
        (NEW_YORK, {"America/New_York"}),
        ("+14155550100", {"America/Los_Angeles"}),
        ("+551123456789", {"America/Sao_Paulo"}),
        ("+73011234567", {"Asia/Irkutsk"}),
        ("+34612345678", {"Europe/Madrid", "Atlantic/Canary", "Africa/Ceuta"}),
        ("+447911123456", {"Europe/London"}),
        ("+353850123456", {"Europe/Dublin"}),
        ("+97798412345", {"Asia/Kathmandu"}),
        ("+38343201234", {"Europe/Belgrade"}),
        ("+299321234", {"America/Nuuk"}),  # phonenumbers has its older name
    ],
)
def test_a_number_says_where_it_is(number: str, zones: set[str], given: str) -> None:
    assert set(zones_of(number, given)) == zones


@pytest.mark.parametrize(
    ("number", "zones"),
    [
        ("+212650123456", {"Africa/Casablanca", "Africa/El_Aaiun"}),  # not the Canaries
        ("+213551234567", {"Africa/Algiers"}),  # not Paris
        ("+50581234567", {"America/Managua"}),  # not Chicago
    ],
)
def test_a_zone_of_another_country_is_not_believed(number: str, zones: set[str]) -> None:
    assert set(zones_of(number)) == zones


@pytest.mark.parametrize(
    ("number", "some"),
    [
        ("+15551234567", {"America/New_York", "Pacific/Honolulu", "Pacific/Guam"}),  # no such area
        ("+18002345678", {"America/New_York", "America/St_Johns", "America/Adak"}),  # toll-free
        ("+79123456789", {"Europe/Kaliningrad", "Europe/Moscow", "Asia/Kamchatka"}),  # mobile
        ("+74012345678", {"Europe/Kaliningrad", "Europe/Moscow", "Asia/Kamchatka"}),  # "Bucharest"
        ("+61412345678", {"Australia/Perth", "Australia/Sydney", "Australia/Lord_Howe"}),
        ("+62812345678", {"Asia/Jakarta", "Asia/Jayapura"}),
        ("+64211234567", {"Pacific/Auckland", "Pacific/Chatham"}),
    ],
)
def test_a_number_that_is_used_anywhere_stands_for_its_whole_country(
    number: str, some: set[str]
) -> None:
    assert some <= set(zones_of(number))
    assert "Asia/Kolkata" not in zones_of(number)


EASTERN, CENTRAL, MOUNTAIN = "America/New_York", "America/Chicago", "America/Denver"
PACIFIC = "America/Los_Angeles"


@pytest.mark.parametrize(
    ("codes", "zones"),
    [
        ("219 270 364 423 448 574 606 812 850 906 930", {EASTERN, CENTRAL}),
        ("308 605 620 701 785", {CENTRAL, MOUNTAIN}),
        ("208 458 541 775 986", {MOUNTAIN, PACIFIC}),
        ("928", {MOUNTAIN, "America/Phoenix"}),
        ("236 250 257 672 778", {"America/Vancouver", "America/Edmonton"}),
        ("273 367 418 581", {"America/Toronto", "America/Halifax"}),
        ("306 474 639", {"America/Regina", "America/Edmonton", "America/Winnipeg"}),
        ("807", {"America/Toronto", "America/Winnipeg"}),
        ("689", {EASTERN}),
        ("212 407", {EASTERN}),
        ("615", {CENTRAL}),
        ("480", {"America/Phoenix"}),
    ],
)
def test_a_north_american_number_may_be_wherever_its_area_code_is(
    codes: str, zones: set[str]
) -> None:
    for code in codes.split():
        for exchange in ("200", "346", "555", "632", "999"):
            found = zones_of(f"+1{code}{exchange}1234")
            assert zones <= {*found}
            # Other names of the same clocks, as Boise has them, or parts of North Dakota.
            clocks = {_offsets(zone) for zone in zones}
            assert {_offsets(zone) for zone in found} == clocks


def _offsets(zone: str) -> tuple[object, ...]:
    months = (datetime(2026, month, 1, tzinfo=ZoneInfo(zone)) for month in (1, 7))
    return tuple(moment.utcoffset() for moment in months)


@pytest.mark.parametrize(
    ("number", "zones"),
    [
        ("+61746321234", {"Australia/Brisbane", "Australia/Sydney"}),  # Toowoomba
        ("+61889812345", {"Australia/Darwin"}),
        ("+56221234567", {"America/Santiago", "America/Punta_Arenas", "Pacific/Easter"}),
        ("+526141234567", {"America/Chihuahua"}),
        ("+5597991234567", {"America/Eirunepe", "America/Manaus"}),
        ("+74112345678", {"Asia/Yakutsk", "Asia/Vladivostok", "Asia/Srednekolymsk"}),
        ("+78452345678", {"Europe/Saratov"}),
        ("+6753212345", {"Pacific/Port_Moresby", "Pacific/Bougainville"}),
    ],
)
def test_what_phonenumbers_does_not_know_of_an_area_is_known(number: str, zones: set[str]) -> None:
    assert zones <= set(zones_of(number)) < {*zones_of("nonsense")}
    assert len(zones_of(number)) < 8


def test_a_part_of_an_area_is_not_where_the_whole_is() -> None:
    assert zones_of("+34922123456") == ("Atlantic/Canary",)
    assert set(zones_of("+34912345678")) == {"Europe/Madrid", "Atlantic/Canary"}
    assert zones_of("+526641234567") == ("America/Tijuana",)


def test_an_area_has_the_zones_of_all_its_parts() -> None:
    for prefix, zones in TIMEZONE_DATA.items():
        if len(prefix) > 1:
            area = area_of("+" + prefix)
            assert prefix.startswith(area)
            assert {*zones} <= {*zones_of_area(area)} or area == "1689"


@pytest.mark.parametrize("number", ["+870773111632", "+80012345678", "+999123", "nonsense"])
def test_a_number_of_no_country_stands_for_the_world(number: str) -> None:
    assert {"Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kolkata"} < set(zones_of(number))


def test_every_country_has_zones_that_exist() -> None:
    kinds = (PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE)
    for region in phonenumbers.SUPPORTED_REGIONS:
        for number in (phonenumbers.example_number_for_type(region, kind) for kind in kinds):
            if number is not None:
                zones = zones_of(phonenumbers.format_number(number, 0))
                assert 0 < len(zones) < 100
                assert all(ZoneInfo(zone) for zone in zones)
