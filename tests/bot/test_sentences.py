from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.sentences import MAX_SENTENCE, Sentences


def cut(*pieces: str) -> list[str]:
    sentences = Sentences()
    done = [sentence for piece in pieces for sentence in sentences.feed(piece)]
    return done + sentences.flush()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("  \n ", []),
        ("Hello", ["Hello"]),
        ("Hello. How are you?", ["Hello.", "How are you?"]),
        ("It costs 3.50 today. Fine!", ["It costs 3.50 today.", "Fine!"]),
        ("Dr. Smith is in. Call at 10 a.m. on Friday.", None),
        ('He said "no." Then left.', ['He said "no."', "Then left."]),
        ("Meet J. Doe. Bye.", ["Meet J. Doe.", "Bye."]),
        ("Was it I. Yes.", ["Was it I.", "Yes."]),
        ("one\ntwo\n\nthree", ["one", "two", "three"]),
        ("你好。再见！", ["你好。", "再见！"]),
        ("Really?! Yes…  Well", ["Really?!", "Yes…", "Well"]),
    ],
)
def test_cutting(text: str, expected: list[str] | None) -> None:
    if expected is None:
        expected = ["Dr. Smith is in.", "Call at 10 a.m. on Friday."]
    assert cut(text) == expected


def test_a_sentence_is_given_as_soon_as_it_is_known_to_be_complete() -> None:
    sentences = Sentences()
    assert sentences.feed("Hello the") == []
    assert sentences.feed("re.") == []
    assert sentences.feed(" How") == ["Hello there."]
    assert sentences.flush() == ["How"]
    assert sentences.flush() == []


@pytest.mark.parametrize("filler", ["word, ", "word; ", "word ", "x"])
def test_a_long_sentence_is_cut_where_one_would_breathe(filler: str) -> None:
    text = filler * (1_000 // len(filler))
    parts = cut(text)
    assert len(parts) > 1
    assert all(len(part) <= MAX_SENTENCE for part in parts)
    assert "".join(parts).replace(" ", "") == text.replace(" ", "")


@given(st.lists(st.text(alphabet="ab .!?,\n。", max_size=40), max_size=20))
def test_nothing_is_lost_and_nothing_added(pieces: list[str]) -> None:
    text = "".join(pieces)
    assert "".join("".join(cut(*pieces)).split()) == "".join(text.split())


@given(st.text(alphabet="ab .!?\"'", max_size=100))
def test_the_cut_does_not_depend_on_the_pieces(text: str) -> None:
    assert cut(*text) == cut(text)
