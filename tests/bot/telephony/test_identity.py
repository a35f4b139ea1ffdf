"""Which call it is: the same, whoever says so."""

from __future__ import annotations

import pytest

from bot.record import Record
from bot.telephony.identity import CallIdentity
from bot.telephony.requests import Form

from .deployment import ACCOUNT, CALL, INBOUND


def test_a_form_and_the_record_made_of_it_say_the_same() -> None:
    of_form = CallIdentity.of_form(Form(INBOUND))
    assert of_form == CallIdentity(CALL, ACCOUNT, "+15550001111", "+15551234567", "inbound")
    assert of_form == CallIdentity.of_record(
        Record(CALL, ACCOUNT, from_number="+15550001111", to_number="+15551234567")
    )


@pytest.mark.parametrize(
    ("said", "direction", "own"),
    [
        ("inbound", "inbound", "+15551234567"),
        ("outbound-api", "outbound", "+15550001111"),
        ("outbound-dial", "outbound", "+15550001111"),
        ("", "inbound", "+15551234567"),
    ],
)
def test_our_number_is_the_one_called_or_the_one_that_calls(
    said: str, direction: str, own: str
) -> None:
    call = CallIdentity.of_form(Form(list((dict(INBOUND) | {"Direction": said}).items())))
    assert (call.direction, call.own_number) == (direction, own)
