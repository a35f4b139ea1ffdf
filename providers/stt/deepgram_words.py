"""PURE: the words of Deepgram's results."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from .heard import Token

__all__ = ["tokens_of", "words_of"]


def tokens_of(
    words: Sequence[Mapping[str, Any]], place_ms: Callable[[float], int], at_ms: float = 0.0
) -> list[Token]:
    """Words as tokens.

    Args:
        words: as Deepgram has them, with times in seconds.
        place_ms: says where on the stream's clock a time of Deepgram's, in ms, is.
        at_ms: where a word is that comes without its time, on Deepgram's clock.

    Raises:
        KeyError, TypeError, ValueError: they are none.
    """
    return [
        Token(f" {text}", place_ms(start_ms), place_ms(end_ms), *_more(word))
        for word, text, start_ms, end_ms in words_of(words, at_ms)
    ]


def words_of(
    words: Sequence[Mapping[str, Any]], at_ms: float = 0.0
) -> Iterator[tuple[Mapping[str, Any], str, float, float]]:
    """Each word, how it is written, and its times in ms; raises as `tokens_of` does."""
    for word in words:
        text = word.get("punctuated_word") or word["word"]
        if not isinstance(text, str):
            raise TypeError
        start_ms = at_ms if word.get("start") is None else float(word["start"]) * 1000
        at_ms = start_ms if word.get("end") is None else float(word["end"]) * 1000
        yield word, text, start_ms, at_ms


def _more(word: Mapping[str, Any]) -> tuple[float | None, str | None, str | None]:
    confidence, speaker, language = map(word.get, ("confidence", "speaker", "language"))
    return (
        None if confidence is None else float(confidence),
        None if speaker is None else str(speaker),
        None if language is None else str(language),
    )
