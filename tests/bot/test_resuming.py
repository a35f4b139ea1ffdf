from __future__ import annotations

import pytest

from bot.dialog import HistoryEntry, Turn
from bot.resuming import reopen, take_unheard

TURN = Turn("CA-1", "two teas", 0.9, 1000, 1600)


def said(text: str, heard: str, *, interrupted: bool = False) -> HistoryEntry:
    return HistoryEntry("bot", text, heard, 2000, 3000, interrupted)


def caller(text: str = "two teas", start_ms: int = 1000) -> HistoryEntry:
    return HistoryEntry("caller", text, text, start_ms, start_ms + 600)


@pytest.mark.parametrize(
    ("text", "heard", "unheard"),
    [
        ("One two. Three four.", "One two. Three", "Three four."),
        ("One two. Three four.", "One", "One two. Three four."),
        ("One two. Three four.", "", "One two. Three four."),
        ("One two. Three four.", "One two.", "Three four."),
        ("One two.", "One two.", ""),
        ("One. [jingle.wav] Two three.", "One. [jing", "Two three."),
        ("One. [jingle.wav]", "One.", ""),
    ],
)
def test_the_last_words_from_the_first_sentence_that_was_not_heard(
    text: str, heard: str, unheard: str
) -> None:
    history = [caller(), said(text, heard)]
    assert take_unheard(history) == unheard
    # They are said again now.
    assert history[-1].interrupted is (text != heard)


def test_several_answers_that_were_not_heard() -> None:
    history = [
        said("Before.", ""),
        caller(),
        said("One. Two.", "One."),
        said("Three.", "Three."),
        said("Four.", ""),
    ]
    assert take_unheard(history) == "Two. Four."
    assert not history[0].interrupted


def test_what_was_said_again_already_is_not_said_once_more() -> None:
    history = [said("One. Two.", "One.", interrupted=True), said("Two.", "")]
    assert take_unheard(history) == "Two."
    history[-1].heard = "Two."
    assert take_unheard(history) == ""


def test_the_caller_had_the_last_word() -> None:
    assert take_unheard([said("One.", ""), caller()]) == ""
    assert take_unheard([]) == ""


def test_a_turn_that_had_no_answer() -> None:
    history = [said("Hello.", "Hello."), caller()]
    assert reopen(history, TURN) == []
    assert history == [said("Hello.", "Hello."), caller()]


def test_a_turn_whose_answer_was_heard_in_part() -> None:
    history = [caller(), said("One. Two. Three.", "One. Two. Th"), said("Four.", "")]
    assert reopen(history, TURN) == ["One.", "Two."]
    assert history == [caller(), said("One. Two. Three.", "One. Two. Th", interrupted=True)]


def test_a_turn_whose_answer_was_heard_as_far_as_it_went() -> None:
    history = [caller(), said("One. Two.", "One. Two.")]
    assert reopen(history, TURN) == ["One.", "Two."]


def test_a_turn_that_was_taken_back() -> None:
    """Its words had left the history, to open the next turn."""
    history = [caller("two teas", 100), said("Two teas, then.", "Two teas, then.")]
    assert reopen(history, TURN) == []
    assert history[-1] == caller()
    assert len(history) == 3
