"""From the engine's audio and word events to chunks: pieces of text, leading silence, positions."""

from __future__ import annotations

import re
from bisect import bisect_right

import numpy as np

from ..types import SynthesisChunk, WordPosition
from .espeak_lib import SAMPLE_RATE_HZ, WordEvent
from .words import word_spans

__all__ = ["LEAD_MS", "SEGMENT_CHARACTERS", "Segment", "segments_of"]

# One utterance of the engine: long enough for any sentence, short enough that its audio is a
# bounded amount (about 30 s, 1.3 MB) and that other calls get their turn.
SEGMENT_CHARACTERS = 400
# Speech begins above -60 dBFS; silence before it is dropped down to this lead-in. At the end the
# library leaves 7 ms, which need no trimming.
SILENCE_PEAK = 33
LEAD_MS = 10

# Control characters carry eSpeak's embedded commands (Ctrl-A); lone surrogates have no UTF-8.
_UNSPEAKABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_BREAKS = (re.compile(r"[.!?…][\"'”’)]*\s"), re.compile(r"[,;:]\s"), re.compile(r"\s"))


class Segment:
    """One piece of a text, and the chunks that come of what the engine gives for it.

    `begin` is where the piece begins in the text, and `samples` how much audio went before it.
    """

    def __init__(self, segment: str, begin: int, samples: int) -> None:
        self.samples = samples  # of the whole text, given out so far
        self._offset = samples
        self._begin = begin
        self._tokens = word_spans(segment)
        self._starts = [start for start, _ in self._tokens]
        self._last = -1
        self._speaking = False
        self._dropped = 0
        self._words: list[WordPosition] = []

    def shape(self, audio: bytes, events: list[WordEvent]) -> SynthesisChunk | None:
        """The chunk for this piece, if anything is left of it."""
        if not self._speaking:
            audio = self._trim(audio)
        for event in events:
            self._place(event)
        if not audio:
            return None
        self.samples += len(audio) // 2
        words, self._words = tuple(self._words), []
        return SynthesisChunk(audio, words)

    def _trim(self, audio: bytes) -> bytes:
        loud = np.abs(np.frombuffer(audio, "<i2").astype(np.int32)) > SILENCE_PEAK
        first = int(loud.argmax()) if loud.any() else loud.size
        self._speaking = first < loud.size
        lead = SAMPLE_RATE_HZ * LEAD_MS // 1000 if self._speaking else 0
        silent = max(first - lead, 0)
        self._dropped += silent
        return audio[2 * silent :]

    def _place(self, event: WordEvent) -> None:
        """Note where a word begins, by whole words of the text.

        The library counts parts of words (twice in "10:30", once a digit group in numbers), at
        times with a length of 0; the first part of each word is where the word begins.
        """
        index = bisect_right(self._starts, event.start) - 1
        if index <= self._last or event.start >= self._tokens[index][1]:
            return
        self._last = index
        start, end = self._tokens[index]
        sample = self._offset + max(event.sample - self._dropped, 0)
        at_ms = sample * 1000 / SAMPLE_RATE_HZ
        self._words.append(WordPosition(self._begin + start, self._begin + end, at_ms))


def segments_of(text: str) -> list[str]:
    """Cut `text` into pieces of at most `SEGMENT_CHARACTERS`, after a sentence if possible.

    Characters that cannot be spoken become spaces, so that all positions stay.
    """
    text = _UNSPEAKABLE.sub(" ", text)
    pieces = []
    while len(text) > SEGMENT_CHARACTERS:
        cut = SEGMENT_CHARACTERS
        for pattern in _BREAKS:
            ends = [m.end() for m in pattern.finditer(text, 0, SEGMENT_CHARACTERS)]
            if ends:
                cut = ends[-1]
                break
        pieces.append(text[:cut])
        text = text[cut:]
    return [*pieces, text]
