from __future__ import annotations

from providers.tts.words import word_spans


def test_words_are_what_space_parts() -> None:
    text = "  Grüß Gott, Mr. 4711!\n"
    assert [text[start:end] for start, end in word_spans(text)] == ["Grüß", "Gott,", "Mr.", "4711!"]


def test_where_there_is_no_space_a_character_is_a_word() -> None:
    assert word_spans("你好 ok") == [(0, 1), (1, 2), (3, 5)]
