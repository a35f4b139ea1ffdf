"""Pieces of an utterance put together."""

from __future__ import annotations

from providers.results import Word
from providers.stt.local_wire import Result
from providers.stt.whisper_understood import Understood


def test_nothing_was_understood_of_nothing() -> None:
    understood = Understood()
    understood.add(Result("", True, 0, 500, language="la"), 0)
    assert (understood.text, understood.words) == ("", ())
    assert (understood.confidence, understood.language) == (None, None)


def test_words_of_later_pieces_are_later() -> None:
    understood = Understood()
    first = (("ten", 0, 400, 0.9), ("o'clock", 400, 900, 0.5))
    understood.add(Result("ten o'clock", True, 0, 900, 0.7, first, language="en"), 100.4)
    understood.add(
        Result("bitte", True, 0, 400, 0.7, (("bitte", 0, 400, 0.7),), language="de"), 28_000
    )
    assert understood.text == "ten o'clock bitte"
    assert understood.words == (
        Word("ten", 100, 500, 0.9),
        Word("o'clock", 500, 1000, 0.5),
        Word("bitte", 28_000, 28_400, 0.7),
    )
    assert understood.confidence == 0.7
    assert understood.language == "en"


def test_a_language_counts_by_how_much_was_said_in_it() -> None:
    understood = Understood()
    for text, language in (("hi", "en"), ("ho", "en"), ("guten Morgen", "de"), ("?", None)):
        understood.add(Result(text, True, 0, 400, language=language), 0)
    assert understood.language == "de"
    assert understood.confidence is None
