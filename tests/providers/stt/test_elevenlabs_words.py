from __future__ import annotations

from typing import Any

import pytest

from providers.results import Word
from providers.stt.elevenlabs_words import placed, words_of
from providers.stt.heard import Token
from providers.stt.timeline import Timeline

LISTED: list[dict[str, Any]] = [
    {"text": "Guten", "start": 0.1, "end": 0.4, "type": "word", "logprob": 0.0},
    {"text": " ", "start": 0.4, "end": 0.5, "type": "spacing", "logprob": 0.0},
    {"text": "(laughs)", "start": 0.4, "end": 0.5, "type": "audio_event"},
    {"text": "Tag.", "start": 0.5, "end": 0.9, "type": "word", "speaker_id": "speaker_1"},
]


def test_words_are_what_is_neither_space_nor_sound() -> None:
    assert list(words_of(LISTED)) == [
        Word("Guten", 100, 400, 1.0),
        Word("Tag.", 500, 900, None, "speaker_1"),
    ]


def test_words_are_placed_in_the_stream() -> None:
    timeline = Timeline()
    timeline.send(450)
    timeline.add(50)
    timeline.send(500)
    assert list(placed(LISTED, timeline, "de")) == [
        Token(" Guten", 100, 400, 1.0, None, "de"),
        Token(" Tag.", 450, 850, None, "speaker_1", "de"),
    ]


def test_where_there_is_no_space_none_is_put_in() -> None:
    listed = [
        {"text": text, "start": at, "end": at + 1, "type": "word"} for at, text in enumerate("你好")
    ]
    assert [token.text for token in placed(listed, Timeline(), None)] == [" 你", "好"]


@pytest.mark.parametrize(
    ("logprob", "confidence"), [(None, None), (0.0, 1.0), (0.1, 1.0), (-0.6931, 0.5)]
)
def test_confidence_is_no_logarithm(logprob: float | None, confidence: float | None) -> None:
    (word,) = words_of([{**LISTED[0], "logprob": logprob}])
    assert word.confidence == (None if confidence is None else pytest.approx(confidence, abs=1e-4))
