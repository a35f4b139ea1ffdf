"""Which prefix of a sentence was heard."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.heard import heard_text


@dataclass(frozen=True)
class At:
    start: int
    end: int
    at_ms: float


TEXT = "Good morning, how can I help?"
WORDS = [At(0, 4, 0), At(5, 12, 300), At(14, 17, 900), At(18, 21, 1100), At(22, 23, 1300)]


def heard(heard_ms: float, *, audio_ms: float = 2000, complete: bool = True) -> str:
    return heard_text(TEXT, WORDS, heard_ms, audio_ms, complete=complete)


@pytest.mark.parametrize(
    ("heard_ms", "text"),
    [
        (0, ""),
        (1, "Good"),
        (300, "Good"),
        (301, "Good morning"),
        (900, "Good morning"),
        (1301, "Good morning, how can I"),
        (1999, "Good morning, how can I"),
        (2000, TEXT),
    ],
)
def test_a_word_is_heard_once_it_has_begun(heard_ms: float, text: str) -> None:
    assert heard(heard_ms) == text


def test_all_the_audio_is_all_the_text_only_when_there_is_no_more() -> None:
    assert heard(2000, complete=False) == "Good morning, how can I"


def test_before_the_first_word_nothing_is_heard() -> None:
    assert heard_text(TEXT, [At(0, 4, 250)], 200, 2000, complete=True) == ""


def test_positions_out_of_order_or_out_of_range_do_no_harm() -> None:
    words = [At(18, 21, 400), At(0, 4, 0), At(22, 99, 500), At(-9, -5, 0)]
    assert heard_text(TEXT, words, 450, 2000, complete=True) == "Good morning, how can"
    assert heard_text(TEXT, words, 550, 2000, complete=True) == TEXT
    assert heard_text(TEXT, words[3:], 550, 2000, complete=True) == ""


@pytest.mark.parametrize(
    ("heard_ms", "text"),
    [
        (1, "Good"),
        (200, "Good"),
        (300, "Good"),
        (345, "Good morning,"),
        (1000, "Good morning, how"),
        (1999, TEXT),
    ],
)
def test_without_positions_characters_in_proportion_decide(heard_ms: float, text: str) -> None:
    assert heard_text(TEXT, (), heard_ms, 2000, complete=True) == text


def test_a_sentence_still_being_synthesized_is_measured_by_its_length() -> None:
    # 29 characters take about 1.9 s, of which only 0.5 s are there yet.
    assert heard_text(TEXT, (), 500, 500, complete=False) == "Good morning,"
    assert heard_text(TEXT, (), 1500, 3000, complete=False) == "Good morning, how"


def test_a_script_without_spaces_is_cut_between_characters() -> None:
    text = "早" * 100
    assert heard_text(text, (), 500, 1000, complete=True) == "早" * 50
    assert heard_text(text, (), 900, 1000, complete=True) == text


@given(st.text(), st.floats(0, 1e6), st.floats(0, 1e6), st.booleans())
def test_it_is_a_prefix_whatever_the_text(
    text: str, heard_ms: float, audio_ms: float, complete: bool
) -> None:
    heard_ms = min(heard_ms, audio_ms)
    assert text.startswith(heard_text(text, (), heard_ms, audio_ms, complete=complete))
