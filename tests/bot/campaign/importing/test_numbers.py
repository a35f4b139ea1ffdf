from __future__ import annotations

import phonenumbers
import pytest

from bot.campaign.importing.numbers import NumberError, callee_of
from bot.campaign.importing.places import Places
from bot.campaign.zones import ZoneError, zones_of


@pytest.mark.parametrize(
    ("text", "region", "number"),
    [
        ("+1 (415) 555-2671", None, "+14155552671"),
        (" 415.555.2671 ", "US", "+14155552671"),
        ("14155552671", "US", "+14155552671"),
        ("0044 20 7946 0018", "DE", "+442079460018"),
        ("+39 06 6982", None, "+39066982"),
        ("tel:+44-20-7946-0018", None, "+442079460018"),
        ("٠٢٠ ٧٩٤٦ ٠٠١٨", "GB", "+442079460018"),
        ("+44 20 7946 0018", "US", "+442079460018"),
    ],
)
def test_numbers_become_e164(text: str, region: str | None, number: str) -> None:
    callee = callee_of(text, region)
    assert callee.number == number
    assert number.startswith(f"+{callee.country_code}")


@pytest.mark.parametrize(
    ("text", "region", "fault"),
    [
        ("", "US", "there is no number"),
        ("  ", None, "there is no number"),
        ("4155552671", None, "it has no country: write +COUNTRY"),
        ("+999 123456", None, "there is no such country code"),
        ("Ann", "US", "it is no telephone number"),
        ("+1 415 555 26", "US", "there is no such number"),
        ("+1 415 055 2671", None, "there is no such number"),
        ("911", "US", "it is a short or emergency number"),
        ("+1 911", None, "it is a short or emergency number"),
        ("112", "DE", "it is a short or emergency number"),
        ("110", "DE", "it is a short or emergency number"),
        ("11833", "DE", "it is a short or emergency number"),
        ("+1 900 234 5678", None, "it is a premium-rate number"),
        ("0900 1234567", "DE", "it is a premium-rate number"),
        ("0180 1 234567", "DE", "it is a shared-cost number"),
        ("+1 415 555 2671 ext. 12", None, "it has an extension"),
        ("4.15555E+09", "US", "a spreadsheet took it for a sum"),
        ("1,4155E+10", "US", "a spreadsheet took it for a sum"),
        ("14155552671.0", "US", "a spreadsheet took it for a sum"),
        ("1" * 61, "US", "it is too long for a number"),
        ("+1 415 555 2671\0", None, "there is something else beside the number"),
        ("+1 415 555 2671 Ann", None, "there is something else beside the number"),
        ("Ann: +1 415 555 2671", None, "there is something else beside the number"),
    ],
)
def test_who_cannot_be_called_is_said(text: str, region: str | None, fault: str) -> None:
    with pytest.raises(NumberError) as raised:
        callee_of(text, region)
    assert fault in str(raised.value)


def test_nobody_calls_for_help_anywhere() -> None:
    refused = 0
    for region in phonenumbers.SUPPORTED_REGIONS:
        for text in ("15", "17", "18", "110", "112", "911", "999", "000", "100", "122"):
            if phonenumbers.connects_to_emergency_number(text, region):
                with pytest.raises(NumberError, match="it is a short or emergency number"):
                    callee_of(text, region)
                refused += 1
    assert refused > 300


def test_what_is_remembered_of_zones_is_what_they_are() -> None:
    places, seen = Places(), 0
    for _ in range(2):
        for region in sorted(phonenumbers.SUPPORTED_REGIONS)[::3]:
            for kind in phonenumbers.PhoneNumberType.values():
                example = phonenumbers.example_number_for_type(region, kind)
                if example is None:
                    continue
                text = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
                try:
                    callee = callee_of(text, None)
                except NumberError:
                    continue
                assert places.zones(callee, "") == zones_of(text)
                seen += 1
    assert seen > 500


def test_what_is_remembered_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.campaign.importing.places.MAX_KEPT", 2)
    places, callee = Places(), callee_of("+14155552671", None)
    for zone in ("UTC", "Europe/Paris", "Asia/Tokyo", "UTC"):
        assert places.zones(callee, zone) == (zone,)
    assert len(places._kept) <= 2


def test_a_number_of_no_country_may_be_anywhere() -> None:
    callee = callee_of("+883 510 012 345", None)
    assert Places().zones(callee, "") == zones_of(callee.number)
    assert len(zones_of(callee.number)) > 100


def test_a_zone_that_is_given_wins() -> None:
    places, callee = Places(), callee_of("+14155552671", None)
    assert places.zones(callee, "Europe/Paris") == ("Europe/Paris",)
    assert places.zones(callee, "") == ("America/Los_Angeles",)
    with pytest.raises(ZoneError):
        places.zones(callee, "Mars")
