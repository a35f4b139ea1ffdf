"""Texts as words and characters."""

from __future__ import annotations

import pytest

from providers.results import Word
from providers.stt.units import text_of, units_of, words_of

TEXTS = {
    "Hello, how are you?": ["hello", "how", "are", "you"],
    "It's 5 o'clock \u2013 isn't it": ["its", "5", "oclock", "isnt", "it"],
    "\u2026 well": ["well"],
    "今日は、晴れ。": ["今", "日", "は", "晴", "れ"],
    "iPhoneを買う": ["iphone", "を", "買", "う"],
    "ที่นี่": ["ที่", "นี่"],
    "नमस्ते।": ["नमस्ते"],
    "안녕 하세요": ["안녕", "하세요"],
}


@pytest.mark.parametrize(("text", "keys"), TEXTS.items())
def test_a_text_is_made_of_its_units(text: str, keys: list[str]) -> None:
    units = units_of(text)
    assert [unit.key for unit in units] == keys
    assert text_of(units) == text
    assert not any(unit.timed for unit in units)
    assert words_of(units) == ()


def test_marks_alone_are_nothing() -> None:
    assert units_of("\u2026 -") == []


@pytest.mark.parametrize(
    ("text", "core", "tail"), [("ends.", "ends", "."), ("ที่", "ที่", ""), ("नमस्ते।", "नमस्ते", "।")]
)
def test_what_is_behind_a_word_is_told_from_it(text: str, core: str, tail: str) -> None:
    (unit,) = units_of(text)
    assert (unit.core, unit.tail) == (core, tail)


def test_arabic_is_the_same_with_signs_and_without() -> None:
    (plain,), (signed,) = units_of("اهلا"), units_of("أَهْـلاً")
    assert plain.key == signed.key


def test_words_give_their_times_however_they_are_written() -> None:
    words = (Word("twenty", 0, 300, 0.9), Word("five", 300, 500), Word("o'clock", 600, 900))
    units = units_of("Twenty-five o'clock!", words, 1_000)
    assert [(unit.start_ms, unit.end_ms) for unit in units] == [(1000, 1500), (1600, 1900)]
    assert [(word.text, word.start_ms, word.end_ms) for word in words_of(units)] == [
        ("Twenty-five", 1000, 1500), ("o'clock!", 1600, 1900),
    ]  # fmt: skip


def test_characters_share_the_time_of_their_word() -> None:
    words = (Word("天気", 0, 400, 0.8), Word("です", 400, 600))
    units = units_of("天気です。", words)
    assert [unit.start_ms for unit in units] == [0, 200, 400, 500]
    assert words_of(units) == (Word("天気", 0, 400, 0.8), Word("です。", 400, 600))
    # A word of which a part is left out has the time of the rest.
    assert words_of(units[1:])[0] == Word("気", 200, 400, 0.8)


@pytest.mark.parametrize(
    "words",
    [
        (Word("good", 0, 300),),  # not all of them
        (Word("good", 0, 700, speaker="A"), Word("morning", 0, 700, speaker="A")),
        (Word("good", 0, 0), Word("morning", 300, 600)),
    ],
)
def test_words_that_tell_no_times_are_not_believed(words: tuple[Word, ...]) -> None:
    assert not any(unit.timed for unit in units_of("Good morning", words))
