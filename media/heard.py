"""Which words of a sentence the caller has heard, from how much of its audio was played."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Protocol

__all__ = ["WordAt", "heard_text"]

# How fast speech is, for a sentence whose audio is not complete and has no word positions: about
# 150 words a minute. Only the place of a cut depends on it.
_MS_PER_CHARACTER = 65.0

# What is longer than this between two spaces is a script without spaces rather than a word.
_WORD_END = re.compile(r"\S{0,24}(?=\s|\Z)")


class WordAt(Protocol):
    """Where a word of the text is in the audio: characters `[start, end)` begin at `at_ms`."""

    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...
    @property
    def at_ms(self) -> float: ...


def heard_text(
    text: str, words: Iterable[WordAt], heard_ms: float, audio_ms: float, *, complete: bool
) -> str:
    """The prefix of `text` of which the caller heard at least the beginning of the last word.

    A word whose playing has begun counts: it ends within one word of the true position, and the
    position is known a little late, because a mark's echo takes time to arrive.

    Args:
        text: the sentence.
        words: the synthesizer's word positions; without any, characters in proportion decide.
        heard_ms: how much of the sentence's audio was played.
        audio_ms: how much audio there is so far.
        complete: whether that is all of its audio.
    """
    if heard_ms <= 0:
        return ""
    if complete and heard_ms >= audio_ms:
        return text
    positions = list(words)
    if positions:
        end = max((word.end for word in positions if word.at_ms < heard_ms), default=0)
        return text[: max(end, 0)].rstrip()
    if not complete:
        audio_ms = max(audio_ms, len(text) * _MS_PER_CHARACTER)
    end = int(len(text) * heard_ms / audio_ms)
    if (rest := _WORD_END.match(text, end)) is not None:
        end = rest.end()
    return text[:end].rstrip()
