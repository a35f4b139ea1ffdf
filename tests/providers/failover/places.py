"""Where in a script a recognizer is killed: in words, between them, in pauses."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from tests.vendors.speech.script import Script

__all__ = ["places"]

PAUSE_MS = 500


def places(script: Script, times: int) -> list[float]:
    """So many times (ms), spread over the script: in a word, behind one, in a pause, and again."""
    duration_ms = script.format.duration_ms(len(script.audio))
    kinds = itertools.cycle((_in_words, _behind_words, _in_words, _in_pauses))
    return [
        min(kind(script), key=lambda at_ms: abs(at_ms - wanted_ms))
        for wanted_ms, kind in zip(
            ((number + 0.5) * duration_ms / times for number in range(times)), kinds, strict=False
        )
    ]


def _in_words(script: Script) -> Iterator[float]:
    return ((word.start_ms + word.end_ms) / 2 for word in script.words)


def _behind_words(script: Script) -> Iterator[float]:
    """While the last word is understood and not final yet."""
    return (word.end_ms + 100.0 for word in script.words)


def _in_pauses(script: Script) -> Iterator[float]:
    for word, following in itertools.pairwise(script.words):
        if following.start_ms - word.end_ms > PAUSE_MS:
            yield (word.end_ms + following.start_ms) / 2
