from __future__ import annotations

from typing import Any

import pytest

from providers.tts.azure_words import Boundaries
from providers.types import WordPosition


def boundary(said: str, at_ms: float, kind: str = "WordBoundary") -> dict[str, Any]:
    text = {"Text": said, "Length": len(said), "BoundaryType": kind}
    return {"Offset": round(at_ms * 10_000), "Duration": 500_000, "text": text}


def placed(text: str, *words: str, markup: bool = False) -> list[str | None]:
    """What of the text each word is found at."""
    boundaries = Boundaries(text, markup=markup)
    found = [boundaries.take(boundary(word, 0)) for word in words]
    return [None if one is None else text[one.start : one.end] for one in found]


def test_words_have_places_and_times() -> None:
    boundaries = Boundaries("Hello, you.", markup=False)
    assert boundaries.take(boundary("Hello", 50)) == WordPosition(0, 6, 50.0)
    assert boundaries.take(boundary(",", 300, "PunctuationBoundary")) is None
    assert boundaries.take(boundary("you", 437.5)) == WordPosition(7, 11, 437.5)


def test_the_same_word_again_is_the_next_one() -> None:
    boundaries = Boundaries("no no no", markup=False)
    found = [boundaries.take(boundary("no", at)) for at in range(3)]
    assert [one and one.start for one in found] == [0, 3, 6]


def test_words_may_be_missing_or_be_others() -> None:
    assert placed("One two three four", "one", "two", "four") == [None, "two", "four"]
    # Too far away to be that one.
    assert placed("a b c d e f g", "b", "g", "c") == ["b", None, "c"]
    assert placed("Hi", "", "Hi") == [None, "Hi"]


def test_escaped_words() -> None:
    assert placed("AT&T, please", "AT&amp;T", "please") == ["AT&T,", "please"]
    assert placed("AT&amp;T, <b>b</b>", "AT&amp;T", "b", markup=True) == ["AT&amp;T,", "b"]


def test_nothing_is_said_in_a_tag() -> None:
    ssml = "<speak><break time='1s'/>time <emphasis>flies</emphasis></speak>"
    assert placed(ssml, "time", "flies", markup=True) == ["time", "flies"]
    found = Boundaries(ssml, markup=True).take(boundary("time", 0))
    assert found is not None
    assert ssml[found.start - 1] == ">"


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"text": {"Text": "a"}},
        {"text": {}},
        {"text": {"Text": "a"}, "Offset": "x"},
        {"text": 7},
    ],
)
def test_what_is_none(wrong: dict[str, Any]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError, AttributeError)):
        Boundaries("a", markup=False).take(wrong)
