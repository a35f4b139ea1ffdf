"""How long a call is busy before its next stream is opened."""

from __future__ import annotations

import pytest

from bot.telephony.prelude import prelude_s


@pytest.mark.parametrize(
    ("digits", "said", "seconds"),
    [
        (None, None, 0),
        ("", "", 0),
        ("w", None, 1),
        ("ww", None, 1),
        ("WW", None, 2),
        ("1w2W#", None, 3),
        ("w" * 121, None, 61),
        (None, "Good day.", 3),
        ("ww", "Good day.", 4),
    ],
)
def test_takes_the_time_of_its_tones_and_words(
    digits: str | None, said: str | None, seconds: int
) -> None:
    assert prelude_s(digits, said) == seconds
