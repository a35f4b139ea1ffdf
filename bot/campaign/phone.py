"""PURE: telephone numbers as people write them, read in one way wherever they are written.

A number on the do-not-call list has to be the one that an import makes of the same text: whoever
compares two spellings calls somebody who never wants to be called again.
"""

from __future__ import annotations

import re

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber

__all__ = ["NumberError", "e164", "number_of", "read_number"]

_SPREADSHEET = re.compile(r"\+?[0-9]+([.,][0-9]+)?[eE]\+?[0-9]+|\+?[0-9]+\.0+", re.ASCII)
_WRITTEN = re.compile(r"(tel:)?[\d\s+＋()\[\]./·\-\u2010-\u2015\u2212]+", re.IGNORECASE)
_TWO = re.compile(r"(\d\D*){8}/\s*\d{1,3}$")
"""A whole number and another end of it: 030 1234567/8 is that number, or 030 1234568."""
_MAX_CHARS = 60
_MEXICO, _OLD_MOBILE = 52, range(10_000_000_000, 20_000_000_000)
"""Mobile numbers there had a 1 before their ten digits until August 2019, and many still write it,
networks among them (https://en.wikipedia.org/wiki/Telephone_numbers_in_Mexico)."""


class NumberError(Exception):
    """Nobody can be called there; says why."""


def read_number(text: str, region: str | None) -> PhoneNumber:
    """The number that somebody wrote; there need be no such one.

    Args:
        region: the country of numbers without one, such as `US`; None if there is none.

    Raises:
        NumberError: it is no number, or not one alone.
    """
    text = text.strip()
    if not text:
        raise NumberError("there is no number")
    if len(text) > _MAX_CHARS:
        raise NumberError("it is too long for a number")
    if _SPREADSHEET.fullmatch(text):
        raise NumberError("a spreadsheet took it for a sum: format the column as text")
    try:
        number = phonenumbers.parse(text, region)
    except NumberParseException as error:
        raise NumberError(_unparsed(error, text, region)) from None
    if number.extension:
        raise NumberError("it has an extension, which cannot be dialled")
    # `parse` finds a number in many a text, though perhaps not the one that was meant.
    if not _WRITTEN.fullmatch(text):
        raise NumberError("there is something else beside the number")
    if _TWO.search(text):
        raise NumberError("it may be two numbers: write one")
    national = number.national_number or 0  # `parse` always tells it
    if number.country_code == _MEXICO and national in _OLD_MOBILE:
        number.national_number = national - _OLD_MOBILE.start
    return number


def e164(number: PhoneNumber) -> str:
    """The number as networks have it, such as +15551234567."""
    return f"+{number.country_code}{phonenumbers.national_significant_number(number)}"


def number_of(text: str) -> str | None:
    """The number in E.164 form, if its country code stands in front and its length is right.

    There need be no such one: who may not be called is listed before anybody knows the number.
    """
    try:
        number = read_number(text.strip("'\" \t\r\n"), None)
    except NumberError:
        return None
    return e164(number) if phonenumbers.is_possible_number(number) else None


def _unparsed(error: NumberParseException, text: str, region: str | None) -> str:
    if error.error_type == NumberParseException.INVALID_COUNTRY_CODE:
        if region is None and not text.startswith("+"):
            return "it has no country: write +COUNTRY before it, or set the campaign's region"
        return "there is no such country code"
    return "it is no telephone number"
