"""PURE: what Whisper understood, piece by piece, of an utterance or of a recording."""

from __future__ import annotations

from collections import Counter
from statistics import fmean

from ..results import Word
from .local_wire import Result

__all__ = ["Understood"]


class Understood:
    """Puts the results of pieces together, which come in their order."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._words: list[Word] = []
        self._languages: Counter[str] = Counter()

    def add(self, result: Result, start_ms: float) -> None:
        """Take what was understood of the piece that begins at `start_ms`."""
        if not result.text:
            return
        self._texts.append(result.text)
        first = round(start_ms)
        self._words += [
            Word(text, first + start, first + end, confidence)
            for text, start, end, confidence in result.words
        ]
        if result.language is not None:
            self._languages[result.language] += len(result.text)

    @property
    def text(self) -> str:
        """All of it."""
        return " ".join(self._texts)

    @property
    def words(self) -> tuple[Word, ...]:
        """With their times from where pieces are counted from."""
        return tuple(self._words)

    @property
    def confidence(self) -> float | None:
        """0 to 1, the mean of the words'; None without words."""
        known = [word.confidence for word in self._words if word.confidence is not None]
        return round(fmean(known), 3) if known else None

    @property
    def language(self) -> str | None:
        """Whisper's code of the one in which most was said; None when nothing was."""
        return self._languages.most_common(1)[0][0] if self._languages else None
