"""From what a dialog expects to what PocketSphinx can search for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.stt.sphinx_phrases import grammar, pronounce, spoken_words


@pytest.mark.parametrize(
    ("phrase", "words"),
    [
        ("Yes, please!", "yes please"),
        ("I'd like Café Müller", "i'd like cafe muller"),
        ("o’clock", "o'clock"),
        ("at 10", "at ten"),
        ("10:30", "ten thirty"),
        ("on the 2nd & 31st", "on the second and thirty first"),
        ("the 12th, 20th, 4th", "the twelfth twentieth fourth"),
        ("room 0", "room zero"),
        ("007", "zero zero seven"),
        ("100 and 117", "one hundred and one hundred seventeen"),
        ("12045", "twelve thousand forty five"),
        ("2000", "two thousand"),
        ("1234567", "one two three four five six seven"),
        ("…?", ""),
        ("日本", ""),
    ],
)
def test_phrases_become_the_words_one_says(phrase: str, words: str) -> None:
    assert " ".join(spoken_words(phrase)) == words


@given(st.text())
def test_only_words_that_a_grammar_can_hold_come_out(phrase: str) -> None:
    for word in spoken_words(phrase):
        assert word.replace("'", "").isascii()
        assert word.replace("'", "").isalpha()
        assert word == word.lower()


@pytest.mark.parametrize(
    ("word", "phones"),
    [
        ("parley", "P AA R L IY"),
        ("twilio", "T W IH L IH OW"),
        ("phone", "F OW N"),
        ("kitty", "K IH T IY"),
        ("nation", "N AE SH AH N"),
        ("o'brien", "OW B R IY N"),
    ],
)
def test_an_unknown_word_is_pronounced_as_it_is_spelled(word: str, phones: str) -> None:
    assert pronounce(word) == phones


def test_phrases_that_begin_alike_share_their_beginning() -> None:
    phrases = [phrase.split() for phrase in ("yes", "yes please", "on monday", "on friday", "no")]
    rule = grammar(phrases).splitlines()[-1]
    assert rule == "public <phrase> = yes [ please ] | on ( monday | friday ) | no ;"
