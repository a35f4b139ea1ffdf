from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.tts.parts import cut, cut_long_sentences, is_spoken, sentences, without_markup


@pytest.mark.parametrize(
    ("text", "max_bytes", "parts"),
    [
        ("", 10, []),
        (" \n", 10, []),
        ("one two", 10, ["one two"]),
        ("one two", 7, ["one two"]),
        ("one two", 6, ["one ", "two"]),
        ("one two three", 8, ["one two ", "three"]),
        ("abcdefgh", 3, ["abc", "def", "gh"]),
        ("äöü", 4, ["äö", "ü"]),
        ("äöü", 5, ["äö", "ü"]),
        ("😀😀", 4, ["😀", "😀"]),
        (" abcdef", 4, ["abcd", "ef"]),
        ("ab      cd", 4, ["ab  ", "cd"]),
        ("One, two. Three, four five", 24, ["One, two. ", "Three, four five"]),
        ("Is 3.5 one, or two of them?", 24, ["Is 3.5 one, ", "or two of them?"]),
        ('"Go!" he said to me', 16, ['"Go!" ', "he said to me"]),
        ("a line\nand another", 16, ["a line\n", "and another"]),
        ("你好。我是帕利，你是谁", 24, ["你好。", "我是帕利，你是谁"]),
        ("我是帕利，你是谁", 18, ["我是帕利，", "你是谁"]),
    ],
)
def test_a_text_is_cut_where_one_may_pause(text: str, max_bytes: int, parts: list[str]) -> None:
    assert list(cut(text, max_bytes)) == parts


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", []),
        ("One. Two. Three.", ["One. Two. Three."]),
        ("One. It is two, or three. Four.", ["One. It is two, ", "or three. Four."]),
        ("one two three", ["one two ", "three"]),
        ("abcdefghijklmnop", ["abcdefghijkl", "mnop"]),
    ],
)
def test_long_sentences_alone_are_cut(text: str, parts: list[str]) -> None:
    assert list(cut_long_sentences(text, 12)) == parts


@given(st.text(alphabet="aä😀。.,! \n"), st.integers(4, 20))
def test_no_part_is_too_long_and_nothing_is_left_out(text: str, max_bytes: int) -> None:
    parts = list(cut(text, max_bytes))
    assert all(0 < len(part.encode()) <= max_bytes and part.strip() for part in parts)
    assert "".join("".join(parts).split()) == "".join(text.split())


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (" \n", []),
        ("Only one", ["Only one"]),
        (
            "It is three. It is half past three, Sir. ",
            ["It is three. ", "It is half past three, Sir. "],
        ),
        ("Ask Dr. No. He knows it all.", ["Ask Dr. No. ", "He knows it all."]),
        ("One. Two. Three. Four", ["One. Two. Three. ", "Four"]),
        ("你好吗？我是帕利。你是谁", ["你好吗？", "我是帕利。", "你是谁"]),
        ("\n\n\nA line alone\nand more", ["\n\n\nA line alone\n", "and more"]),
    ],
)
def test_sentences_are_told_apart_if_they_have_a_word_or_two(text: str, parts: list[str]) -> None:
    assert list(sentences(text, 11)) == parts


@given(st.text(alphabet="aä。.! \n"), st.integers(1, 20))
def test_sentences_leave_nothing_out(text: str, least_bytes: int) -> None:
    assert "".join(sentences(text, least_bytes)).strip() == text.strip()


@pytest.mark.parametrize("text", ["…", "...", " – ", "!?", "😀", "«»", "​"])
def test_of_marks_alone_nothing_is_said(text: str) -> None:
    assert not is_spoken(text)


@pytest.mark.parametrize("text", ["a", "7", "½", "ä!", "你", "€", "+", "%", "… so"])
def test_of_words_numbers_and_signs_something_is_said(text: str) -> None:
    assert is_spoken(text)


def test_markup_is_not_spoken() -> None:
    assert without_markup('<speak>Hi <break time="1s"/>you</speak>') == "Hi you"
