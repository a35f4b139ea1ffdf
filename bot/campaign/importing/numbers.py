"""PURE: numbers as people write them → E.164, or why nobody can be called there."""

from __future__ import annotations

import re
from typing import NamedTuple

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberType, shortnumberinfo

__all__ = ["Callee", "NumberError", "callee_of"]

_SPREADSHEET = re.compile(r"\+?[0-9]+([.,][0-9]+)?[eE]\+?[0-9]+|\+?[0-9]+\.0+", re.ASCII)
_WRITTEN = re.compile(r"(tel:)?[\d\s+＋()\[\]./·\-\u2010-\u2015\u2212]+", re.IGNORECASE)
_MAX_CHARS = 60
_REFUSED = {
    PhoneNumberType.PREMIUM_RATE: "it is a premium-rate number",
    PhoneNumberType.SHARED_COST: "it is a shared-cost number",
    PhoneNumberType.PAGER: "it is a pager",
    PhoneNumberType.VOICEMAIL: "it is a voicemail's own number",
}


class NumberError(Exception):
    """Nobody can be called there; says why."""


class Callee(NamedTuple):
    """Who can be called.

    Attributes:
        number: in E.164 form.
        kind: one of `phonenumbers.PhoneNumberType`.
    """

    number: str
    country_code: int
    kind: int


def callee_of(text: str, region: str | None) -> Callee:
    """Who is called by a number.

    Args:
        text: as somebody wrote it.
        region: the country of numbers without one, such as `US`; None if there is none.

    Raises:
        NumberError: it is no number, or none that a campaign calls.
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
    kind = phonenumbers.number_type(number)
    # It is a valid number if it has a kind: `is_valid_number` would only look for it again.
    if kind == PhoneNumberType.UNKNOWN:
        raise NumberError(_invalid(number))
    if kind in _REFUSED:
        raise NumberError(_REFUSED[kind])
    # `parse` always tells it.
    code = number.country_code or 0
    return Callee(f"+{code}{phonenumbers.national_significant_number(number)}", code, kind)


def _unparsed(error: NumberParseException, text: str, region: str | None) -> str:
    if error.error_type == NumberParseException.INVALID_COUNTRY_CODE:
        if region is None and not text.startswith("+"):
            return "it has no country: write +COUNTRY before it, or set the campaign's region"
        return "there is no such country code"
    return "it is no telephone number"


def _invalid(number: PhoneNumber) -> str:
    if shortnumberinfo.is_valid_short_number(number):
        return "it is a short or emergency number"
    return "there is no such number"
