"""What was understood, as results have it: for streams, and for short recordings.

Source: https://learn.microsoft.com/azure/ai-services/speech-service/rest-speech-to-text-short and
`get-speech-recognition-results`
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from tests.vendors.speech.hearing import Token
from tests.vendors.speech.refusal import Json

__all__ = ["nothing", "said", "ticks"]

MARKS = re.compile(r"[^\w'’-]+")
TICKS_PER_MS = 10_000


def ticks(time_ms: float) -> int:
    """A time as results have it."""
    return round(time_ms * TICKS_PER_MS)


def said(tokens: Sequence[Token], *, detailed: bool, words: bool) -> Json:
    """A result with words.

    Args:
        tokens: each is a word; there is one at least.
        detailed: whether its ways to read it are listed, of which there is one.
        words: whether these say when each word was spoken.
    """
    start_ms, end_ms = _span_ms(tokens)
    text = " ".join(token.text.strip() for token in tokens)
    result: Json = {
        "RecognitionStatus": "Success",
        "Offset": ticks(start_ms),
        "Duration": ticks(end_ms - start_ms),
        "Channel": 0,
        "DisplayText": text,
    }
    if detailed:
        result["NBest"] = [_reading(tokens, text, words=words)]
    return result


def nothing(status: str, end_ms: float) -> Json:
    """A result without words; all up to there was listened to."""
    return {"RecognitionStatus": status, "Offset": ticks(end_ms), "Duration": 0, "Channel": 0}


def _reading(tokens: Sequence[Token], text: str, *, words: bool) -> Json:
    spoken = [MARKS.sub("", token.text).lower() for token in tokens]
    lexical = " ".join(spoken)
    confidence = sum(token.confidence for token in tokens) / len(tokens)
    reading: Json = {
        "Confidence": round(confidence, 4),
        "Lexical": lexical,
        "ITN": lexical,
        "MaskedITN": lexical,
        "Display": text,
    }
    if words:
        spans = [_span_ms([token]) for token in tokens]
        reading["Words"] = [
            {"Word": word, "Offset": ticks(start_ms), "Duration": ticks(end_ms - start_ms)}
            for word, (start_ms, end_ms) in zip(spoken, spans, strict=True)
        ]
    return reading


def _span_ms(tokens: Sequence[Token]) -> tuple[int, int]:
    start_ms, end_ms = tokens[0].start_ms, tokens[-1].end_ms
    assert start_ms is not None
    assert end_ms is not None
    return start_ms, end_ms
