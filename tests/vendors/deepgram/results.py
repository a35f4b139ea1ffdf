"""Words and metadata, as Deepgram's results have them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from datetime import UTC, datetime

from tests.vendors.speech.hearing import Token
from tests.vendors.speech.refusal import Json

__all__ = ["alternative", "metadata", "model_info", "seconds"]

MARKS = re.compile(r"[^\w'’-]+")
MODEL_UUID = "40bd3654-e622-47c4-a111-63a61b23bfe8"


def seconds(duration_ms: float) -> float:
    """A time as results have it."""
    return round(duration_ms / 1000, 3)


def alternative(tokens: Sequence[Token], *, marks: bool, speakers: bool = False) -> Json:
    """What was understood, word by word.

    Args:
        tokens: each is a word.
        marks: whether words are written with capitals and punctuation, too.
        speakers: whether they say whose they are.
    """
    words = [_word(token, marks=marks, speakers=speakers) for token in tokens]
    written = [word["punctuated_word"] if marks else word["word"] for word in words]
    confidences = [token.confidence for token in tokens] or [0.0]
    return {
        "transcript": " ".join(written),
        "confidence": round(sum(confidences) / len(confidences), 3),
        "words": words,
    }


def _word(token: Token, *, marks: bool, speakers: bool) -> Json:
    assert token.start_ms is not None
    assert token.end_ms is not None
    text = token.text.strip()
    word: Json = {
        "word": MARKS.sub("", text).lower(),
        "start": seconds(token.start_ms),
        "end": seconds(token.end_ms),
        "confidence": token.confidence,
    }
    if marks:
        word["punctuated_word"] = text
    if speakers:
        word["speaker"] = 0
    return word


def model_info(model: str) -> Json:
    """Which model understood it."""
    return {"name": f"general-{model[:6]}", "version": "2026-01-01.0", "arch": model[:6]}


def metadata(request_id: str, duration_ms: float, audio: bytes = b"") -> Json:
    """What is told of a whole stream, or a recording."""
    return {
        "transaction_key": "deprecated",
        "request_id": request_id,
        "sha256": hashlib.sha256(audio).hexdigest(),
        "created": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
        "duration": seconds(duration_ms),
        "channels": 1,
    }
