"""PURE: numbers as people write them → E.164, or why nobody can be called there."""

from __future__ import annotations

from typing import NamedTuple

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberType, shortnumberinfo

from bot.campaign.phone import NumberError, e164, read_number

__all__ = ["Callee", "NumberError", "callee_of"]

_REFUSED = {
    PhoneNumberType.PREMIUM_RATE: "it is a premium-rate number",
    PhoneNumberType.SHARED_COST: "it is a shared-cost number",
    PhoneNumberType.PAGER: "it is a pager",
    PhoneNumberType.VOICEMAIL: "it is a voicemail's own number",
}


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
    number = read_number(text, region)
    kind = phonenumbers.number_type(number)
    # It is a valid number if it has a kind: `is_valid_number` would only look for it again.
    if kind == PhoneNumberType.UNKNOWN:
        raise NumberError(_invalid(number))
    if kind in _REFUSED:
        raise NumberError(_REFUSED[kind])
    # `parse` always tells it.
    return Callee(e164(number), number.country_code or 0, kind)


def _invalid(number: PhoneNumber) -> str:
    if shortnumberinfo.is_valid_short_number(number):
        return "it is a short or emergency number"
    return "there is no such number"
