"""Which of the things that a state expects the caller said, if any.

What a recognizer chose among the state's phrases is matched whole. Others write free text ("I'd
like to book, please."), in which phrases, keywords and slot values are looked for; whatever could
mean two things, or is denied, means nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .script_phrases import Phrase
from .script_words import FILLERS, NEGATIONS, normalize
from .slots import Slot

__all__ = ["Expected", "Match", "Matcher"]

Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Expected:
    """One option: its expanded phrases, and words that mean it wherever they are said."""

    phrases: tuple[Phrase, ...]
    keywords: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Match:
    """The option that was meant, by its index, and the slot values that were heard."""

    option: int
    captures: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Candidate:
    match: Match
    heard: frozenset[int]
    """Indexes of the words that speak for it."""


class _Spotted:
    """What is looked for in free text on behalf of one option."""

    def __init__(self, option: Expected) -> None:
        said = [normalize(p.text) for p in option.phrases if not p.captures]
        # A single word may be part of anything; the script names those that are not.
        self.sayings = [words for words in said if len(words) > 1]
        self.sayings += [normalize(keyword) for keyword in option.keywords]
        self.fillings = {tuple(sorted(p.captures.items())) for p in option.phrases if p.captures}
        self.slots = {tuple(name for name, _ in filling) for filling in self.fillings}


class Matcher:
    """Finds the option of one state.

    `own` is the number of options, from the first, that belong to the state itself: only when
    none of these is meant do the others (those of the whole script) count.
    """

    def __init__(self, options: Sequence[Expected], own: int, slots: Mapping[str, Slot]) -> None:
        self._spotted = [_Spotted(option) for option in options]
        self._own = own
        self._slots = slots
        self._whole: dict[Words, Match] = {}
        self._bare: dict[Words, Match] = {}
        for index, option in enumerate(options):
            for phrase in option.phrases:
                words = normalize(phrase.text)
                match = Match(index, phrase.captures)
                self._whole.setdefault(words, match)
                self._bare.setdefault(_without_fillers(words), match)
        self._bare.pop((), None)

    def match(self, text: str) -> Match | None:
        """The option that `text` means, or None. Never raises."""
        words = normalize(text)
        found = self._whole.get(words) or self._bare.get(_without_fillers(words))
        if found is not None:
            return found
        words = _trimmed(words)
        every = range(len(self._spotted))
        for indexes in (every[: self._own], every[self._own :]):
            candidates = [c for index in indexes for c in self._spot(index, words)]
            if candidates:
                return _decided(candidates, words)
        return None

    def _spot(self, index: int, words: Words) -> list[_Candidate]:
        spotted = self._spotted[index]
        candidates = [c for said in spotted.sayings for c in _found(words, said, index)]
        for names in spotted.slots:
            candidate = self._filled(names, words, index)
            if candidate and tuple(sorted(candidate.match.captures.items())) in spotted.fillings:
                candidates.append(candidate)
        return candidates

    def _filled(self, names: tuple[str, ...], words: Words, index: int) -> _Candidate | None:
        """A candidate when each of the slots has exactly one value in the text."""
        captures = {}
        heard: set[int] = set()
        for name in names:
            found = self._slots[name].find(words)
            if len({f.value for f in found}) != 1:
                return None
            captures[name] = found[0].value
            heard.update(i for f in found for i in range(f.start, f.end))
        return _Candidate(Match(index, captures), frozenset(heard))


def _found(words: Words, said: Words, index: int) -> list[_Candidate]:
    size = len(said)
    return [
        _Candidate(Match(index), frozenset(range(at, at + size)))
        for at in range(len(words) - size + 1)
        if words[at : at + size] == said
    ]


def _decided(candidates: list[_Candidate], words: Words) -> Match | None:
    """The candidate with the most words, unless another speaks against it or it is denied."""
    best = max(candidates, key=lambda c: (len(c.heard), len(c.match.captures)))
    for other in candidates:
        if other.match.option != best.match.option and not other.heard < best.heard:
            return None
    denied = {i for i, word in enumerate(words) if word in NEGATIONS} - best.heard
    said_no = any(words[i] in NEGATIONS for i in best.heard)
    return None if denied and not said_no else best.match


def _without_fillers(words: Words) -> Words:
    return tuple(word for word in words if word not in FILLERS)


def _trimmed(words: Words) -> Words:
    """`words` without the fillers before and behind."""
    kept = [i for i, word in enumerate(words) if word not in FILLERS]
    return words[kept[0] : kept[-1] + 1] if kept else ()
