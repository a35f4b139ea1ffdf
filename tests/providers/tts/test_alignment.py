from __future__ import annotations

import pytest

from providers.tts.alignment import Alignment
from providers.types import WordPosition


def test_words_begin_where_their_first_characters_do() -> None:
    alignment = Alignment("Oh no, not me.")
    first = alignment.take(list("Oh no, n"), [0, 10, 20, 30, 40, 50, 60, 70], 0)
    assert first == (WordPosition(0, 2, 0), WordPosition(3, 6, 30), WordPosition(7, 10, 70))
    # A word that has begun in the piece before comes no more; times restart with each piece.
    assert alignment.take(list("ot me. "), [0, 5, 10, 15, 20, 25, 30], 80) == (
        WordPosition(11, 14, 95),
    )


def test_space_does_not_count() -> None:
    alignment = Alignment(" a  b\n")
    words = alignment.take(["a", " ", "b", " ", " "], [0, 1, 2, 3, 4], 0)
    assert words == (WordPosition(1, 2, 0), WordPosition(4, 5, 2))


def test_an_entry_may_have_two_characters() -> None:
    assert Alignment("äb c").take(["äb", " ", "c"], [0, 1, 2], 0) == (
        WordPosition(0, 2, 0),
        WordPosition(3, 4, 2),
    )


def test_no_word_is_placed_after_one_that_differs() -> None:
    alignment = Alignment("I owe 5 pounds")
    assert alignment.take(list("I owe five"), list(range(10)), 0) == (
        WordPosition(0, 1, 0),
        WordPosition(2, 5, 2),
    )
    assert alignment.take(list(" pounds"), list(range(7)), 100) == ()


def test_more_characters_than_there_are_place_nothing() -> None:
    assert Alignment("a").take(["a", "b"], [0, 1], 0) == (WordPosition(0, 1, 0),)


def test_times_and_characters_come_in_pairs() -> None:
    with pytest.raises(ValueError, match="zip"):
        Alignment("ab").take(["a", "b"], [0], 0)
