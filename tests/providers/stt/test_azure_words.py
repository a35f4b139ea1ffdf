"""The words of Azure's detailed results."""

from __future__ import annotations

from typing import Any

import pytest

from providers.results import Word
from providers.stt.azure_words import best_of, span_ms, words_of


def spoken(word: str, start_ms: int, end_ms: int) -> dict[str, Any]:
    return {"Word": word, "Offset": start_ms * 10_000, "Duration": (end_ms - start_ms) * 10_000}


def phrase(display: str, *words: dict[str, Any], **best: Any) -> dict[str, Any]:
    """A result from 100 to 900 ms."""
    read = {"Confidence": 0.9, "Display": display, "Words": list(words), **best}
    return {"Offset": 1_000_000, "Duration": 8_000_000, "NBest": [read]}


def times(result: dict[str, Any]) -> list[tuple[str, int, int]]:
    return [(word.text, word.start_ms, word.end_ms) for word in words_of(result)]


def test_ticks_are_ms() -> None:
    assert span_ms({"Offset": 1_000_000, "Duration": 3_005_000}) == (100.0, 400.5)


def test_a_word_has_the_time_at_which_it_was_spoken() -> None:
    result = phrase("Good day.", spoken("good", 100, 300), spoken("day", 400, 800))
    assert words_of(result) == [Word("Good", 100, 300, 0.9), Word("day.", 400, 800, 0.9)]


def test_digits_have_the_time_of_the_words_that_were_spoken_for_them() -> None:
    words = [("at", 100, 200), ("two", 200, 300), ("forty", 300, 400), ("today", 500, 700)]
    result = phrase("At 2:40 today.", *(spoken(*word) for word in words))
    assert times(result) == [("At", 100, 200), ("2:40", 200, 400), ("today.", 500, 700)]


def test_what_takes_more_words_to_read_than_to_speak_shares_their_time() -> None:
    result = phrase("Go to www. x", spoken("go", 100, 200), spoken("example", 200, 800))
    assert times(result) == [
        ("Go", 100, 200),
        ("to", 200, 400),
        ("www.", 400, 600),
        ("x", 600, 800),
    ]


def test_what_is_read_and_not_spoken_takes_no_time() -> None:
    result = phrase("- Yes —", spoken("yes", 300, 500))
    assert times(result) == [("-", 300, 300), ("Yes", 300, 500), ("—", 500, 500)]


def test_what_is_spoken_and_not_read_is_left_out() -> None:
    result = phrase(
        "Yes no", spoken("yes", 100, 200), spoken("um", 200, 300), spoken("no", 400, 500)
    )
    assert times(result) == [("Yes", 100, 200), ("no", 400, 500)]


def test_words_of_which_no_times_are_told_share_those_of_the_result() -> None:
    assert times(phrase("Good day.")) == [("Good", 100, 500), ("day.", 500, 900)]
    simple = {"Offset": 1_000_000, "Duration": 8_000_000, "DisplayText": "Good day."}
    assert times(simple) == [("Good", 100, 500), ("day.", 500, 900)]
    assert words_of(simple)[0].confidence is None


def test_words_that_are_listed_as_they_are_read_need_no_comparison() -> None:
    listed = [spoken("2:40", 100, 450), spoken("today.", 500, 700)]
    result = phrase("2:40 today.", spoken("two", 100, 200), DisplayWords=listed)
    assert times(result) == [("2:40", 100, 450), ("today.", 500, 700)]


def test_nothing_has_no_words() -> None:
    assert words_of({"Offset": 0, "Duration": 0, "DisplayText": ""}) == []


def test_the_first_reading_is_the_best() -> None:
    both = {"DisplayText": "one", "NBest": [{"Display": "One."}, {"Display": "Won."}]}
    assert best_of(both)["Display"] == "One."


@pytest.mark.parametrize("wrong", [{}, {"Offset": "x", "Duration": 1}, {"Offset": 1}])
def test_what_has_no_times_is_no_result(wrong: dict[str, Any]) -> None:
    with pytest.raises((KeyError, ValueError)):
        words_of({"DisplayText": "Hello", **wrong})
