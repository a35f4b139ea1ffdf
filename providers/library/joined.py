"""PURE: what was understood of the parts of a recording, put together."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from ..results import TranscriptionResult, Word
from ..types import Transcript

__all__ = ["Joined"]


class Joined:
    """The final transcripts of a recording, in their order.

    Args:
        words: whether their words are kept, too: an hour of speech has ten thousand.
    """

    def __init__(self, *, words: bool = True) -> None:
        self._keeps_words = words
        self._texts: list[str] = []
        self._words: list[Word] = []
        self._languages: Counter[str] = Counter()
        self._sure = self._rated = 0.0  # confidence by characters, and characters that have one

    def add(self, part: Transcript | TranscriptionResult, start_ms: float = 0.0) -> None:
        """Add a part, whose times count from `start_ms`."""
        text = part.text.strip()
        if not text:
            return
        self._texts.append(text)
        if self._keeps_words:
            self._words += [_shifted(word, round(start_ms)) for word in part.words]
        if part.language is not None:
            self._languages[part.language] += len(text)
        if part.confidence is not None:
            self._sure += part.confidence * len(text)
            self._rated += len(text)

    def result(
        self, provider: str, duration_ms: float, *, final: bool = True
    ) -> TranscriptionResult:
        """All of it. The language is what most of it is in."""
        return TranscriptionResult(
            text=" ".join(self._texts),
            provider=provider,
            duration_ms=duration_ms,
            language=max(self._languages, key=lambda tag: self._languages[tag], default=None),
            confidence=self._sure / self._rated if self._rated else None,
            words=tuple(self._words),
            final=final,
        )


def _shifted(word: Word, by_ms: int) -> Word:
    return replace(word, start_ms=word.start_ms + by_ms, end_ms=word.end_ms + by_ms)
