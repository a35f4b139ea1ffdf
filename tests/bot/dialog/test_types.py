"""Actions that cannot be carried out are refused where they are made."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bot.dialog import CallBack, DialogError, Expect, SendDigits, Transfer


@pytest.mark.parametrize("to", ["+15551234567", "sip:desk@example.com", "client:anna"])
def test_what_can_be_dialled(to: str) -> None:
    assert Transfer(to).to == to


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Transfer("not a number <x>"), "write a number as"),
        (lambda: Transfer("5551234567"), "write a number as"),
        (lambda: Transfer("+1\N{ARABIC-INDIC DIGIT TWO}345"), "write a number as"),
        (lambda: Transfer(""), "write a number as"),
        (lambda: SendDigits("hello"), "SendDigits takes"),
        (lambda: SendDigits(""), "SendDigits takes"),
        (lambda: SendDigits("7" * 129), "up to 128 tones and pauses, not 129"),
        (lambda: CallBack(0), "CallBack takes 1 to 2592000 seconds"),
        (lambda: CallBack(2_592_001), "CallBack takes"),
        (lambda: CallBack(0.5), "CallBack takes"),  # type: ignore[arg-type]
        (lambda: Expect("on friday"), r"write Expect\(\('on friday',\)\)"),  # type: ignore[arg-type]
    ],
)
def test_what_cannot_be_done_says_why(make: Callable[[], object], says: str) -> None:
    with pytest.raises(DialogError, match=says):
        make()


def test_as_many_tones_as_are_allowed_can_be_sent() -> None:
    assert len(SendDigits("w" * 128).digits) == 128


@pytest.mark.parametrize("digits", ["1234x", "1234" * 33])
def test_digits_stay_out_of_the_error(digits: str) -> None:
    with pytest.raises(DialogError) as caught:
        SendDigits(digits)
    assert "1234" not in str(caught.value)
