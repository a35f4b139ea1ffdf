from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.dialog.script_words import clock_words, normalize, number_at, number_words, plain


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("I'd like to book, please.", "i would like to book please"),
        ("I’ll come on FRIDAY!", "i will come on friday"),
        ("That's right; it isn't late, can't you?", "that is right it is not late cannot you"),
        ("We won't, they've, you're, I'm", "we will not they have you are i am"),
        ("10 am", "ten a m"),
        ("10:30", "ten thirty"),
        ("at 9.05 p.m.", "at nine oh five p m"),
        ("10:00 a.m.", "ten o'clock a m"),
        ("ten o'clock", "ten o'clock"),
        ("I am here", "i am here"),
        ("25 of 2024", "twenty five of two thousand twenty four"),
        ("007 and 12345", "zero zero seven and one two three four five"),
        ("0 or 100", "zero or one hundred"),
        ("1:23:45 and 10.11.12", "one twenty three forty five and ten eleven twelve"),
        ("Größe: ½ Café", "grösse one two café"),
        ("", ""),
        ("?!… 😀", ""),
    ],
)
def test_normalize(text: str, words: str) -> None:
    assert " ".join(normalize(text)) == words


def test_plain_keeps_contractions_for_the_dictionary() -> None:
    assert plain("I'd like 2, Please!") == "i'd like two please"


@given(st.text())
def test_normalize_is_idempotent_on_any_text(text: str) -> None:
    words = normalize(text)
    assert all(words)
    assert normalize(plain(text)) == words


@given(st.integers(0, 9_999))
def test_numbers_are_read_as_they_are_written(value: int) -> None:
    words = tuple(number_words(value).split())
    assert number_at(words, 0) == (value, len(words))
    assert normalize(str(value)) == words


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("one hundred and five", (105, 4)),
        ("two thousand and twenty", (2020, 4)),
        ("one hundred and", (100, 2)),
        ("twenty thirty", (20, 1)),
        ("twenty", (20, 1)),
        ("hundred", None),
        ("and five", None),
        ("word", None),
        ("", None),
    ],
)
def test_number_at(text: str, value: tuple[int, int] | None) -> None:
    assert number_at(tuple(text.split()), 0) == value


def test_clock_words() -> None:
    assert clock_words(10, 0) == "ten o'clock"
    assert clock_words(10, 5) == "ten oh five"
    assert clock_words(12, 45) == "twelve forty five"
