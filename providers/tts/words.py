"""PURE: where the words of a text are."""

from __future__ import annotations

import re

__all__ = ["word_spans"]

# Thai, Lao, Burmese, Khmer, and everything from the CJK radicals on is written without spaces:
# there a character is a word of its own.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\uabff\uf900-\U0003ffff"
_WORD = re.compile(f"[{_UNSPACED}]|[^\\s{_UNSPACED}]+")


def word_spans(text: str) -> list[tuple[int, int]]:
    """From which character to which each word goes."""
    return [match.span() for match in _WORD.finditer(text)]
