"""What Azure's API for short audio answers."""

from __future__ import annotations

from typing import Any

import pytest

from providers.errors import UnavailableError
from providers.results import TranscriptionResult, Word
from providers.stt.azure_short import understood

PHRASE: dict[str, Any] = {
    "RecognitionStatus": "Success",
    "Offset": 1_000_000,
    "Duration": 8_000_000,
    "NBest": [{"Confidence": 0.9, "Lexical": "good day", "Display": "Good day."}],
}


def test_words_share_the_time_of_all() -> None:
    assert understood("azure", PHRASE, 1_000.0, "en-US") == TranscriptionResult(
        text="Good day.",
        provider="azure",
        duration_ms=1_000.0,
        language="en-US",
        confidence=0.9,
        words=(Word("Good", 100, 500, 0.9), Word("day.", 500, 900, 0.9)),
    )


@pytest.mark.parametrize("status", ["NoMatch", "InitialSilenceTimeout", "BabbleTimeout"])
def test_nothing_may_be_understood(status: str) -> None:
    result = understood("azure", {"RecognitionStatus": status}, 1_000.0, "en-US")
    assert (result.text, result.words, result.confidence) == ("", (), None)


def test_something_may_go_wrong() -> None:
    with pytest.raises(UnavailableError):
        understood("azure", {"RecognitionStatus": "Error"}, 1_000.0, "en-US")
