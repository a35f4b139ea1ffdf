"""A recording that an oracle knows: its bytes, and what is said in it when."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from media.audio import AudioFormat

from .alignment import Index
from .hearing import Token

__all__ = ["BLOCK_MS", "Script", "ScriptWord", "spread", "words_of"]

BLOCK_MS = 20
PIECE_CHARACTERS = 3


@dataclass(frozen=True, slots=True)
class ScriptWord:
    """A word, its pieces without the leading space, and its place in the recording."""

    pieces: tuple[str, ...]
    start_ms: int
    end_ms: int

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    def tokens(self) -> Iterator[Token]:
        """Its pieces as tokens, which share its time evenly."""
        size = len(self.pieces)
        edges = [
            self.start_ms + (self.end_ms - self.start_ms) * edge // size for edge in range(size + 1)
        ]
        for index, (piece, (start_ms, end_ms)) in enumerate(
            zip(self.pieces, itertools.pairwise(edges), strict=True)
        ):
            # Not every token is sure; which are is always the same.
            confidence = 0.9 + 0.01 * (len(piece) * 7 % 10)
            yield Token(piece if index else f" {piece}", start_ms, end_ms, round(confidence, 2))


class Script:
    """A recording and its words, in the order of time.

    Args:
        audio: in `audio_format`, the very bytes that streams will send.
        audio_format: what streams announce.
        words: none of them overlaps another.

    Raises:
        ValueError: words overlap or are out of the recording, or all of its audio is alike.
    """

    def __init__(
        self, audio: bytes, audio_format: AudioFormat, words: Sequence[ScriptWord]
    ) -> None:
        self.audio = audio
        self.format = audio_format
        self.words = tuple(words)
        edges = [edge for word in words for edge in (word.start_ms, word.end_ms)]
        if edges != sorted(edges) or (edges and edges[-1] > audio_format.duration_ms(len(audio))):
            raise ValueError("the words are out of order, or out of the recording")
        self.index = Index(audio, audio_format.byte_count(BLOCK_MS))

    @property
    def text(self) -> str:
        """All that is said."""
        return " ".join(word.text for word in self.words)


def words_of(text: str) -> list[tuple[str, ...]]:
    """The words of a text in pieces, as a model of speech has them: `Hel`, `lo`, `,`."""
    return [tuple(_pieces(word)) for word in text.split()]


def spread(words: Sequence[tuple[str, ...]], start_ms: int, end_ms: int) -> list[ScriptWord]:
    """Give each word its share of a stretch of speech, by its length."""
    sizes = [sum(map(len, pieces)) + 1 for pieces in words]
    ends = [0, *itertools.accumulate(sizes)]
    edges = [start_ms + (end_ms - start_ms) * end // ends[-1] for end in ends]
    return [
        ScriptWord(pieces, *times)
        for pieces, times in zip(words, itertools.pairwise(edges), strict=True)
    ]


def _pieces(word: str) -> Iterator[str]:
    for part in re.findall(r"[\w'’-]+|[^\w'’-]+", word):
        for begin in range(0, len(part), PIECE_CHARACTERS):
            yield part[begin : begin + PIECE_CHARACTERS]
