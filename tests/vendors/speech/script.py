"""A recording that an oracle knows: its bytes, and what is said in it when."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from media.audio import AudioFormat, Encoding, decode, encode
from media.resample import resample

from .alignment import Index
from .hearing import Token

__all__ = ["BLOCK_MS", "PCM_RATES_HZ", "Script", "ScriptWord", "spread", "words_of"]

BLOCK_MS = 20
PIECE_CHARACTERS = 3
PCM_RATES_HZ = (8_000, 16_000, 24_000)
PCM = [AudioFormat(Encoding.PCM16, rate_hz) for rate_hz in PCM_RATES_HZ]


@dataclass(frozen=True, slots=True)
class ScriptWord:
    """A word, its pieces without the leading space, and its place in the recording."""

    pieces: tuple[str, ...]
    start_ms: int
    end_ms: int

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    def tokens(self, *, whole: bool = False) -> Iterator[Token]:
        """Its pieces as tokens, which share its time evenly; or the whole as one."""
        pieces = (self.text,) if whole else self.pieces
        size = len(pieces)
        edges = [
            self.start_ms + (self.end_ms - self.start_ms) * edge // size for edge in range(size + 1)
        ]
        for index, (piece, (start_ms, end_ms)) in enumerate(
            zip(pieces, itertools.pairwise(edges), strict=True)
        ):
            # Not every token is sure; which are is always the same.
            confidence = 0.9 + 0.01 * (len(piece) * 7 % 10)
            yield Token(piece if index else f" {piece}", start_ms, end_ms, round(confidence, 2))


class Script:
    """A recording and its words, in the order of time.

    Args:
        audio: in `audio_format`, the very bytes that streams in it will send.
        audio_format: its own; streams may also bring it as linear PCM (see `audio_in`).
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
        self._indices: dict[AudioFormat, Index] = {}
        self.index(audio_format)

    @property
    def text(self) -> str:
        """All that is said."""
        return " ".join(word.text for word in self.words)

    def audio_in(self, audio_format: AudioFormat) -> bytes:
        """The recording in another format: what a stream in that format has to send.

        Raises:
            ValueError: it is not known in that format: see `knows`.
        """
        return self.index(audio_format).audio

    def knows(self, audio_format: AudioFormat | None) -> bool:
        """Whether it is known in a format: its own, and linear PCM at `PCM_RATES_HZ`."""
        return audio_format == self.format or audio_format in PCM

    def index(self, audio_format: AudioFormat) -> Index:
        """Where things are in the recording in a format; see `audio_in`."""
        if not self.knows(audio_format):
            raise ValueError(f"the recording is not known as {audio_format}")
        found = self._indices.get(audio_format)
        if found is None:
            found = Index(self._converted(audio_format), audio_format.byte_count(BLOCK_MS))
            self._indices[audio_format] = found
        return found

    def _converted(self, audio_format: AudioFormat) -> bytes:
        if audio_format == self.format:
            return self.audio
        samples = decode(self.audio, self.format.encoding)
        rate_hz = self.format.sample_rate_hz
        return encode(resample(samples, rate_hz, audio_format.sample_rate_hz), Encoding.PCM16)


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
