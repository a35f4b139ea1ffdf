"""PURE: the words of Google's results, as they are written in their transcript."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from .heard import Token

__all__ = ["GoogleResult", "GoogleWord", "tokens_of"]

_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u9fff]")
"""Kana, and the Chinese signs."""


@dataclass(frozen=True, slots=True)
class GoogleWord:
    """A word, with times from the beginning of the call."""

    text: str
    start_ms: float
    end_ms: float
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class GoogleResult:
    """A stretch of speech: its best transcript.

    Attributes:
        text: perhaps with a space before it.
        words: with their times, if the model tells them, which it does when it is final.
        end_ms: where it ends.
        language: which one was spoken.
        confidence: of all of it.
    """

    text: str
    words: Sequence[GoogleWord]
    end_ms: float
    is_final: bool
    language: str | None = None
    confidence: float | None = None


def tokens_of(
    result: GoogleResult, start_ms: float, place_ms: Callable[[float], int]
) -> Iterator[Token]:
    """A result's words as tokens; where there are none with times, it is one token.

    Some models, and some languages, have words without times: those are all at 0.

    Args:
        result: what Google said.
        start_ms: where it may begin at the earliest, by its clock.
        place_ms: says where in the stream a time of Google's is.
    """
    text = _spaced(result.text)
    if not text:
        return
    if not (result.words and result.words[-1].end_ms > 0):
        yield Token(
            text,
            place_ms(min(start_ms, result.end_ms)),
            place_ms(result.end_ms),
            result.confidence,
            language=result.language,
        )
        return
    pieces = _pieces(text, [word.text for word in result.words])
    for word, piece in zip(result.words, pieces, strict=True):
        yield Token(
            piece,
            place_ms(word.start_ms),
            place_ms(word.end_ms),
            result.confidence if word.confidence is None else word.confidence,
            language=result.language,
        )


def _spaced(text: str) -> str:
    """A transcript with the space before it, where its writing has spaces; empty for nothing."""
    bare = text.strip()
    is_apart = text[:1].isspace() or not _UNSPACED.match(bare)
    return f" {bare}" if bare and is_apart else bare


def _pieces(text: str, words: Sequence[str]) -> list[str]:
    """A text cut before each of its words and the space before it.

    Words have spaces between them, but not in every language. A word that is not in the text as it
    is takes what there is until the next one.
    """
    cuts, at = [0], max(text.find(words[0]), 0) + len(words[0])
    for word in words[1:]:
        found = text.find(word, at)
        if found < 0:
            cuts.append(min(at, len(text)))
            continue
        cuts.append(len(text[:found].rstrip()))
        at = found + len(word)
    return [text[begin:end] for begin, end in zip(cuts, [*cuts[1:], len(text)], strict=True)]
