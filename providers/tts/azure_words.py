"""PURE: from the word boundaries that Azure tells to places in the text that it was given."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from typing import Any

from ..types import WordPosition
from .words import word_spans

__all__ = ["Boundaries"]

TICKS_PER_MS = 10_000
FAR_WORDS = 3
"""A word that would leave out more of the text than that is taken for another one."""
_MARKS = re.compile(r"[^\w\s]*")
_TAG = re.compile(r"<[^>]*>")


class Boundaries:
    """Follows a text through its words, which are told in their order, but not where they are.

    Azure may leave a word out, or say it in another form: then the next one is looked for a few
    words on. A word that is not found near there is not placed: a wrong place is worse than none.

    Args:
        text: as it was given to be spoken.
        markup: whether it is SSML, in whose tags nothing is said.
    """

    def __init__(self, text: str, *, markup: bool) -> None:
        self._text = _blanked(text) if markup else text
        self._markup = markup
        self._at = 0

    def take(self, boundary: Mapping[str, Any]) -> WordPosition | None:
        """Where a word is.

        Args:
            boundary: the `Data` of a `WordBoundary`.

        Raises:
            KeyError, TypeError, ValueError: it is none.
        """
        words = boundary["text"]
        if words.get("BoundaryType", "WordBoundary") != "WordBoundary":
            return None
        said, at_ms = str(words["Text"]), float(boundary["Offset"]) / TICKS_PER_MS
        # What was escaped for SSML comes back escaped.
        said = said if self._markup else html.unescape(said)
        begin = self._text.find(said, self._at)
        if not said or begin < 0 or len(word_spans(self._text[self._at : begin])) > FAR_WORDS:
            return None
        marks = _MARKS.match(self._text, begin + len(said))
        assert marks is not None  # it matches nothing, too
        self._at = marks.end()
        return WordPosition(begin, self._at, at_ms)


def _blanked(ssml: str) -> str:
    """It with space in the place of its tags."""
    return _TAG.sub(lambda tag: " " * len(tag[0]), ssml)
