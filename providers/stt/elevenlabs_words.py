"""PURE: the words of Scribe's transcripts, of streams and of recordings.

Source: https://elevenlabs.io/docs/api-reference/speech-to-text/convert
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..results import Word
from .heard import Token
from .timeline import Timeline

__all__ = ["placed", "words_of"]

Listed = Iterable[Mapping[str, Any]]
"""Words as they are listed, with the space between them, and sounds."""


def words_of(listed: Listed) -> Iterator[Word]:
    """The words alone.

    Raises:
        KeyError, TypeError, ValueError, OverflowError: they are not listed as they should be.
    """
    for item in listed:
        if item["type"] == "word":
            yield _word(item)


def placed(listed: Listed, timeline: Timeline, language: str | None) -> Iterator[Token]:
    """The words, each with the space before it, where they are in the stream.

    Raises:
        KeyError, TypeError, ValueError, OverflowError: they are not listed as they should be.
    """
    space = " "  # a commit begins with a word
    for item in listed:
        if item["type"] == "spacing":
            space = item["text"]
        if item["type"] != "word":
            continue
        word = _word(item)
        times_ms = timeline.place(word.start_ms), timeline.place(word.end_ms)
        yield Token(space + word.text, *times_ms, word.confidence, word.speaker, language)
        space = ""


def _word(item: Mapping[str, Any]) -> Word:
    logprob, speaker = item.get("logprob"), item.get("speaker_id")
    return Word(
        str(item["text"]),
        round(float(item["start"]) * 1000),
        round(float(item["end"]) * 1000),
        None if logprob is None else min(1.0, math.exp(logprob)),
        None if speaker is None else str(speaker),
    )
