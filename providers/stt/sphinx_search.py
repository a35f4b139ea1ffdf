"""Finds out whether one of the expected phrases was said.

A grammar alone maps any speech to one of its phrases. Whether it really was said is judged by
comparing, frame by frame, how well the grammar's best path explains the sound with how well free
speech (the language model's path) does, and whether both find speech in the same places: the
classic two-decoder confidence test (Young, "Detecting misrecognitions and out-of-vocabulary words",
ICASSP 1994).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pocketsphinx import Decoder

from .sphinx_phrases import grammar, pronounce, spoken_words

__all__ = ["FREE", "Match", "PhraseSearch", "Scored", "scored_segments"]

FREE = "_default"  # PocketSphinx's name for the search by the language model
_PHRASES = "phrases"
_IMPOSSIBLE = -900.0  # the logarithm of a score that underflowed
# The grammar's search gives its scores divided by this (SENSCR_SHIFT), the free one does not.
_GRAMMAR_SCALE = 1024
# A phrase takes no longer than this: what does is none, and need not be searched.
_LONGEST_MS = 1_500
_LONGEST_WORD_MS = 600
# Nats a frame beside free speech at which a phrase, and its worst word, are as likely as not.
# Measured on recordings and synthesized speech over µ-law with 11 and 13 phrases expected: phrases
# that were said came to a confidence of 0.68 and more.
_EVEN_GAP = -2.8
_EVEN_WORST_GAP = -6.0
_STEEPNESS = 1.5
_ACCEPTED = 0.6


@dataclass(frozen=True, slots=True)
class Scored:
    """A word or a pause: frames `[start, end)` of the utterance and how well they fit.

    `score` is the natural logarithm of the acoustic score, relative to the best-fitting sounds.
    """

    word: str
    start: int
    end: int
    score: float
    probability: float
    spoken: bool

    @property
    def score_per_frame(self) -> float:
        return self.score / (self.end - self.start)


@dataclass(frozen=True, slots=True)
class Match:
    """The phrase that was said, as the dialog wrote it."""

    phrase: str
    confidence: float
    segments: tuple[Scored, ...]


def scored_segments(decoder: Decoder, scale: int = 1) -> tuple[Scored, ...]:
    """The best path of the utterance that `decoder` ended last; `scale` multiplies its scores."""
    return tuple(
        Scored(
            word=segment.word.partition("(")[0],
            start=segment.start_frame,
            end=segment.end_frame + 1,
            score=scale * math.log(segment.ascore) if segment.ascore > 0 else _IMPOSSIBLE,
            probability=min(1.0, max(0.0, segment.prob)),
            spoken=segment.word[0] not in "<[+(",
        )
        for segment in decoder.seg() or ()
        if segment.end_frame >= segment.start_frame
    )


class PhraseSearch:
    """The expected phrases as a search of `decoder`; false while none are expected."""

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder
        self._phrases: dict[str, str] = {}  # by the words as PocketSphinx knows them
        self._loaded: tuple[str, ...] = ()
        # The path through the word lattice may stop in the middle of a phrase; the search's own
        # ends where a phrase ends. The free search has taken its setting already.
        decoder.config["bestpath"] = False

    def __bool__(self) -> bool:
        return bool(self._phrases)

    @property
    def longest_ms(self) -> int:
        """No phrase takes longer, however slowly it is said; 0 while none are expected."""
        words = max((phrase.count(" ") + 1 for phrase in self._phrases), default=0)
        return words and _LONGEST_MS + words * _LONGEST_WORD_MS

    def load(self, phrases: Sequence[str]) -> None:
        """Expect these from now on; what has no words in it is left out."""
        if tuple(phrases) == self._loaded:
            return
        self._loaded = tuple(phrases)
        self._phrases = {}
        for phrase in phrases:
            if words := spoken_words(phrase):
                self._phrases.setdefault(" ".join(words), phrase)
        for word in {word for words in self._phrases for word in words.split()}:
            if self._decoder.lookup_word(word) is None:
                self._decoder.add_word(word, pronounce(word), update=False)
        if self._phrases:
            rules = grammar([words.split() for words in self._phrases])
            self._decoder.add_jsgf_string(_PHRASES, rules)

    def match(self, audio: bytes, free: Sequence[Scored]) -> Match | None:
        """The phrase that was said in `audio` (PCM16 at 16 kHz), the whole utterance.

        `free` is its best path as free speech. None: it was none of the phrases.
        """
        decoder = self._decoder
        decoder.activate_search(_PHRASES)
        decoder.start_utt()
        decoder.process_raw(audio)
        decoder.end_utt()
        hypothesis = decoder.hyp()
        phrase = self._phrases.get(hypothesis.hypstr) if hypothesis else None
        if phrase is None:
            return None
        segments = scored_segments(decoder, _GRAMMAR_SCALE)
        confidence = _confidence(segments, free)
        return Match(phrase, confidence, segments) if confidence >= _ACCEPTED else None


def _confidence(phrase: Sequence[Scored], free: Sequence[Scored]) -> float:
    """How sure it is, from 0 to 1, that the path `phrase` was spoken rather than something else.

    The product of three: how much of free speech's speech is speech in the phrase too, how well
    the phrase explains that, and how well its worst word does.
    """
    ours = {at: segment for segment in phrase for at in range(segment.start, segment.end)}
    theirs = {at: segment for segment in free for at in range(segment.start, segment.end)}
    speech = [at for at, segment in theirs.items() if segment.spoken and at in ours]
    if not speech:
        return 0.0
    gaps = {
        at: ours[at].score_per_frame - theirs[at].score_per_frame for at in ours if at in theirs
    }
    agreement = sum(ours[at].spoken for at in speech) / len(speech)
    gap = sum(gaps[at] for at in speech) / len(speech)
    worst = min(_mean_gap(word, gaps) for word in phrase if word.spoken)
    likely = _logistic(gap - _EVEN_GAP) * _logistic(worst - _EVEN_WORST_GAP)
    return round(agreement * likely, 3)


def _mean_gap(word: Scored, gaps: dict[int, float]) -> float:
    known = [gaps[at] for at in range(word.start, word.end) if at in gaps]
    return sum(known) / len(known) if known else 0.0


def _logistic(gap: float) -> float:
    return 1.0 / (1.0 + math.exp(-max(-50.0, min(50.0, _STEEPNESS * gap))))
