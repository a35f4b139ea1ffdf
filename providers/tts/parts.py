"""PURE: a long text in parts, each of them short enough for a vendor."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

__all__ = ["cut", "cut_long_sentences", "is_spoken", "sentences", "without_markup"]

_ENDS = (
    # A sentence's: with space after it, or as Chinese and Japanese have it. Or a line's.
    re.compile(r"""[.!?…؟।]+["'”’»)\]]*\s+|[。！？]+[”’」』）]*\s*|\n\s*"""),
    # A clause's.
    re.compile(r"[,;:،؛–—]\s+|[，；：、]\s*"),
    # A word's.
    re.compile(r"\s+"),
)
"""Where a text may be cut, the best first."""
_MARKUP = re.compile(r"<[^>]*>")
_SPOKEN_MARKS = frozenset("%&@#§")
_SPOKEN_KINDS = ("L", "N", "Sc", "Sm")
"""Letters, numbers, and the signs of currencies and of mathematics, as Unicode has them."""


def cut(text: str, max_bytes: int) -> Iterator[str]:
    """The text in parts of at most `max_bytes` of UTF-8 (4 or more), cut where one may pause.

    Nothing is said of a part that is only space, so there is none.
    """
    while len(encoded := text.encode()) > max_bytes:
        head = encoded[:max_bytes].decode(errors="ignore")
        at = _last_end(head)
        if head[:at].strip():
            yield text[:at]
        text = text[at:]
    if text.strip():
        yield text


def cut_long_sentences(text: str, max_letters: int) -> Iterator[str]:
    """The text in as few parts as make no sentence longer than that, cut where one may pause."""
    begin = at = 0  # of the part, and of the sentence
    for end in (*(found.end() for found in _ENDS[0].finditer(text)), len(text)):
        while end - at > max_letters:
            at += _last_end(text[at : at + max_letters])
            yield text[begin:at]
            begin = at
        at = end
    if begin < len(text):
        yield text[begin:]


def sentences(text: str, least_bytes: int) -> Iterator[str]:
    """The text in parts of whole sentences, as few of them as have `least_bytes` of UTF-8.

    So an abbreviation that looks like a sentence's end is seldom spoken by itself.
    """
    begin = 0
    for end in _ENDS[0].finditer(text):
        part = text[begin : end.end()]
        if len(part.strip().encode()) >= least_bytes:
            yield part
            begin = end.end()
    if text[begin:].strip():
        yield text[begin:]


def is_spoken(text: str) -> bool:
    """Whether there is anything to say in it: of "…" or a smile a voice makes no sound."""
    return any(
        character in _SPOKEN_MARKS or unicodedata.category(character).startswith(_SPOKEN_KINDS)
        for character in text
    )


def without_markup(ssml: str) -> str:
    """What is to be spoken of it."""
    return _MARKUP.sub("", ssml)


def _last_end(head: str) -> int:
    """Where to cut what is the beginning of a text: after its last sentence, clause or word."""
    for ends in _ENDS:
        if found := list(ends.finditer(head)):
            return found[-1].end()
    return len(head)
