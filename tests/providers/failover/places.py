"""Where in a script a recognizer is killed: in words, between them, in pauses."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator

from tests.vendors.speech.script import Script

__all__ = ["APART_MS", "any_places", "places"]

PAUSE_MS = 500
APART_MS = 4_500.0
"""It takes three seconds until one that is killed is given up, and another is asked."""


def any_places(script: Script, times: int, chance: random.Random) -> list[float]:
    """So many times (ms) anywhere in the script, far enough from one another."""
    duration_ms = script.format.duration_ms(len(script.audio))
    spare_ms = duration_ms - times * APART_MS
    shifts_ms = sorted(chance.uniform(0, spare_ms) for _ in range(times))
    return [number * APART_MS + shift_ms for number, shift_ms in enumerate(shifts_ms)]


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
