"""PURE: what Azure's API for short audio answers.

Source: https://learn.microsoft.com/azure/ai-services/speech-service/rest-speech-to-text-short
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..azure import failure
from ..results import TranscriptionResult
from .azure_words import STATUSES, best_of, words_of

__all__ = ["MAX_MS", "RATE_HZ", "understood"]

MAX_MS = 60_000.0
RATE_HZ = 16_000
"""It takes PCM at this rate alone."""


def understood(
    provider: str, phrase: Mapping[str, Any], duration_ms: float, language: str
) -> TranscriptionResult:
    """What was understood of a recording.

    Args:
        provider: the catalogue name.
        phrase: the answer.
        duration_ms: of the recording.
        language: which it was told.

    Raises:
        ProviderError: something went wrong.
        KeyError, TypeError, ValueError, AttributeError: it is no answer of the protocol.
    """
    status = phrase["RecognitionStatus"]
    if status in STATUSES:
        raise failure(provider, STATUSES[status], f"it answers {status}", status)
    best = best_of(phrase) if status == "Success" else {"Display": ""}
    confidence = best.get("Confidence")
    return TranscriptionResult(
        text=best["Display"].strip(),
        provider=provider,
        duration_ms=duration_ms,
        language=language,
        confidence=None if confidence is None else float(confidence),
        words=tuple(words_of(phrase)) if status == "Success" else (),
    )
