"""One person's number is one text, whoever wrote it down, and where."""

from __future__ import annotations

from pathlib import Path

import phonenumbers
import pytest

from bot.campaign.do_not_call import listed_numbers
from bot.campaign.importing.numbers import NumberError, callee_of
from bot.campaign.listing import Listing
from bot.campaign.notebook import Notebook
from bot.campaign.phone import NumberError as PhoneError
from bot.campaign.phone import number_of, read_number
from bot.campaign.store import CampaignStore

from .campaigns import is_listed

SPELLINGS = [
    ("+44 (0)20 7946 0018", "+442079460018"),
    ("+49 (0) 30 1234567", "+49301234567"),
    ("+1 1 415 555 2671", "+14155552671"),
    ("＋1‐415‐555‐2671", "+14155552671"),
    ("tel:+44-20-7946-0018", "+442079460018"),
    ("+39 06 6982", "+39066982"),
    ("+52 1 55 1234 5678", "+525512345678"),
]


@pytest.mark.parametrize(("text", "number"), SPELLINGS)
def test_the_list_and_the_import_read_the_same_number(text: str, number: str) -> None:
    assert callee_of(text, None).number == number
    assert number_of(text) == number_of(f"'{text}") == number_of(number) == number


def test_whoever_can_be_called_can_be_listed() -> None:
    """In every form in which phonenumbers writes an example of each country and kind."""
    forms, seen = range(4), 0
    for region in sorted(phonenumbers.SUPPORTED_REGIONS)[::2]:
        for kind in (0, 1, 2, 3, 6):
            example = phonenumbers.example_number_for_type(region, kind)
            if example is None:
                continue
            code = f"+{example.country_code} "
            for text in (phonenumbers.format_number(example, form) for form in forms):
                for written in (text, code + text):
                    try:
                        callee = callee_of(written, None)
                    except NumberError:
                        continue
                    assert number_of(written) == callee.number
                    seen += 1
    assert seen > 1500


@pytest.mark.parametrize(
    "text", ["", "212555", "+1 415 555 26", "Ann", "+999 123456", "4.15555E+09", "+1", "anonymous"]
)
def test_what_nobody_can_have_is_no_number(text: str) -> None:
    assert number_of(text) is None


@pytest.mark.parametrize("text", ["030 1234567/8", "030/1234567/68", "030 1234567 / 681"])
def test_two_numbers_are_not_one(text: str) -> None:
    with pytest.raises(PhoneError, match="two numbers"):
        read_number(text, "DE")


@pytest.mark.parametrize("text", ["030/1234567", "030 / 1234567", "+49/30/1234567"])
def test_a_slash_may_stand_behind_an_area(text: str) -> None:
    assert callee_of(text, "DE").number == "+49301234567"


def test_a_list_has_one_number_in_a_line() -> None:
    lines = ["number,since", '"+44 (0)20 7946 0018",2020', "", "+1 415 555 26;x", "'+14155552671"]
    assert list(listed_numbers(lines)) == [(2, "+442079460018"), (4, None), (5, "+14155552671")]


async def test_who_asks_by_calling_is_listed_as_campaigns_dial(
    campaigns: CampaignStore, tmp_path: Path
) -> None:
    assert await Listing(campaigns, Notebook(tmp_path)).add("+5215512345678", "CA" + "0" * 32)
    assert await is_listed(campaigns, callee_of("+52 55 1234 5678", None).number)


async def test_who_asks_from_a_number_that_is_none_is_listed_too(
    campaigns: CampaignStore, tmp_path: Path
) -> None:
    assert await Listing(campaigns, Notebook(tmp_path)).add("+141555526", "CA" + "0" * 32)
    assert await is_listed(campaigns, "+141555526")
