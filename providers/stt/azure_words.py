"""PURE: the words of Azure's detailed results, of streams and of short recordings.

Source: https://learn.microsoft.com/azure/ai-services/speech-service/get-speech-recognition-results

A result has its text as it is to be read, with numbers in digits, and the words as they were
spoken. These alone have times for certain: what is to be read gets those of what was spoken for it.
Times are in ticks of 100 ns.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any

from ..results import Word
from .untimed import shares

__all__ = ["STATUSES", "best_of", "span_ms", "words_of"]

TICKS_PER_MS = 10_000
STATUSES = {"Error": 503, "TooManyRequests": 429, "BadRequest": 400, "Forbidden": 402}
"""What a result says in place of words when something went wrong, as HTTP would say it: to the SDKs
the last one means that a free resource's quota is used up."""


def span_ms(item: Mapping[str, Any]) -> tuple[float, float]:
    """When a word, or a whole result, begins and ends.

    Raises:
        KeyError, TypeError, ValueError: it does not say that.
    """
    start_ms = float(item["Offset"]) / TICKS_PER_MS
    return start_ms, start_ms + float(item["Duration"]) / TICKS_PER_MS


def best_of(phrase: Mapping[str, Any]) -> Mapping[str, Any]:
    """Of the ways in which a result can be read the best; they come in that order."""
    ranked = phrase.get("NBest") or ()
    best: Mapping[str, Any] = {**phrase, **ranked[0]} if ranked else phrase
    return {"Display": best.get("DisplayText") or "", **best}


def words_of(phrase: Mapping[str, Any]) -> list[Word]:
    """The words of a result that was understood, as they are to be read.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: it is not what it should be.
    """
    best = best_of(phrase)
    shown = best["Display"].split()
    listed = best.get("DisplayWords") or ()
    if len(listed) == len(shown):
        times = [_whole(span_ms(word)) for word in listed]
    else:
        times = _times(shown, best.get("Words") or (), span_ms(phrase))
    confidence = best.get("Confidence")
    sure = None if confidence is None else float(confidence)
    return [Word(text, *time, sure) for text, time in zip(shown, times, strict=True)]


def _times(
    shown: Sequence[str], spoken: Sequence[Mapping[str, Any]], whole_ms: tuple[float, float]
) -> list[tuple[int, int]]:
    """When each of the words that are shown was said."""
    if not spoken:
        return shares(len(shown), *whole_ms)
    spans = [span_ms(word) for word in spoken]
    said = [_bare(word["Word"]) for word in spoken]
    matched = SequenceMatcher(None, list(map(_bare, shown)), said, autojunk=False).get_opcodes()
    return [time for step in matched for time in _step(spans, *step)]


def _step(
    spans: Sequence[tuple[float, float]], tag: str, i: int, i_end: int, j: int, j_end: int
) -> Iterator[tuple[int, int]]:
    """The times of the shown words i to i_end, for which those from j to j_end were spoken."""
    if tag == "equal":
        yield from map(_whole, spans[j:j_end])
    elif j < j_end:
        yield from shares(i_end - i, spans[j][0], spans[j_end - 1][1])
    else:
        # For a dash, say, nothing is spoken.
        at_ms = spans[j - 1][1] if j else spans[0][0]
        yield from shares(i_end - i, at_ms, at_ms)


def _whole(span: tuple[float, float]) -> tuple[int, int]:
    return round(span[0]), round(span[1])


def _bare(word: str) -> str:
    """A word without case and punctuation, by which it is known again."""
    return "".join(filter(str.isalnum, word)).casefold()
