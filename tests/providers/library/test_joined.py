"""The parts of a recording, put together."""

from __future__ import annotations

import pytest

from providers.library.joined import Joined
from providers.results import TranscriptionResult, Word
from providers.types import Transcript


def test_texts_words_and_times_are_joined() -> None:
    joined = Joined()
    joined.add(Transcript(" One", True, words=(Word("One", 100, 200),)))
    joined.add(Transcript("", True, confidence=0.0, language="fr"))
    part = TranscriptionResult("two. ", "x", 900, words=(Word("two.", 10, 60, 0.5, "A"),))
    joined.add(part, start_ms=60_000.4)
    assert joined.result("somebody", 61_000.0) == TranscriptionResult(
        text="One two.",
        provider="somebody",
        duration_ms=61_000.0,
        words=(Word("One", 100, 200), Word("two.", 60_010, 60_060, 0.5, "A")),
    )


def test_the_language_is_what_most_of_it_is_in() -> None:
    joined = Joined()
    joined.add(Transcript("Oui.", True, language="fr-FR", confidence=0.2))
    joined.add(Transcript("An English sentence.", True, language="en-US", confidence=0.8))
    joined.add(Transcript("Nobody is sure of this.", True))
    result = joined.result("somebody", 1.0, final=False)
    assert (result.language, result.final) == ("en-US", False)
    assert result.confidence == pytest.approx((4 * 0.2 + 20 * 0.8) / 24)


def test_nothing_is_no_text() -> None:
    assert Joined().result("x", 5.0) == TranscriptionResult("", "x", 5.0)


def test_words_need_not_be_kept() -> None:
    joined = Joined(words=False)
    joined.add(Transcript("good day", True, words=(Word("good", 0, 300), Word("day", 300, 600))))
    whole = joined.result("vendor", 600)
    assert (whole.text, whole.words) == ("good day", ())
