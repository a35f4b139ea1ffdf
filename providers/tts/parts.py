"""PURE: a long text in parts, each of them short enough for a vendor."""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["cut", "sentences"]

_ENDS = (
    # A sentence's: with space after it, or as Chinese and Japanese have it. Or a line's.
    re.compile(r"""[.!?…؟।]+["'”’»)\]]*\s+|[。！？]+[”’」』）]*\s*|\n\s*"""),
    # A clause's.
    re.compile(r"[,;:،؛–—]\s+|[，；：、]\s*"),
    # A word's.
    re.compile(r"\s+"),
)
"""Where a text may be cut, the best first."""


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


def _last_end(head: str) -> int:
    """Where to cut what is the beginning of a text: after its last sentence, clause or word."""
    for ends in _ENDS:
        if found := list(ends.finditer(head)):
            return found[-1].end()
    return len(head)
