"""PURE: from the times of characters, or of words, as vendors tell them, to words of a text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..types import WordPosition
from .words import word_spans

__all__ = ["Alignment"]


class Alignment:
    """Follows a text through the times of its characters.

    Space does not count: the vendor may have more of it, or less. When it has another character
    than the text (it left out a tag, or spelled out a number), no more words are placed: a wrong
    place is worse than none.

    Args:
        text: as it was given to be spoken.
    """

    def __init__(self, text: str) -> None:
        self._ends = dict(word_spans(text))
        self._rest: Iterator[tuple[int, str]] | None = (
            (at, character) for at, character in enumerate(text) if not character.isspace()
        )

    def take(
        self, characters: Sequence[str], starts_ms: Sequence[float], base_ms: float
    ) -> tuple[WordPosition, ...]:
        """The words that begin among the next characters.

        Args:
            characters: them; several in one entry begin together, such as a word's.
            starts_ms: when each begins, from `base_ms` on.
            base_ms: from the start of the text's audio.
        """
        words = []
        for entry, start_ms in zip(characters, starts_ms, strict=True):
            for character in entry:
                if character.isspace() or self._rest is None:
                    continue
                at, expected = next(self._rest, (0, ""))
                if character != expected:
                    self._rest = None
                elif at in self._ends:
                    words.append(WordPosition(at, self._ends[at], base_ms + start_ms))
        return tuple(words)
