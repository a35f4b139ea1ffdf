"""PURE: what was understood of pieces of one utterance, put together where they overlap.

Each piece begins with some of the sound of the one before, so its first words may be there already,
and at both of its ends half a word may be heard, as itself or as something else. Where words have
times, those that were said at the same time are one; else those that read the same on both sides
are, as far as so many can have been said in the overlap.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from statistics import fmean

from ..results import TranscriptionResult, Word
from .units import Unit, text_of, units_of, words_of

__all__ = ["Merged", "Seam", "joined"]

EDGE_MS = 30.0
"""So near to a piece's end a word may be cut, if the other piece has more of it."""
LEAST_SLACK_MS, MOST_SLACK_MS = 40.0, 120.0
"""By so much a vendor may differ from itself about when a word was said."""
_FULL_STOPS = ".\u2026\u3002\u0964\u06d4"
_FRAGMENT = 0.6
"""What half a word is worth beside a whole one that both sides have."""
_DOUBT = 0.3
"""By so much less is worth what takes a word for half of another though it does not look so."""


@dataclass(frozen=True, slots=True)
class Seam:
    """Where a piece overlaps the one before, in ms of the utterance.

    Attributes:
        start_ms: where the later one begins.
        end_ms: where the earlier one ends.
        starts_in_sound: whether there is sound at `start_ms`: a word may be cut there.
        ends_in_sound: likewise at `end_ms`.
        later_ms: how long the later piece is.
    """

    start_ms: float
    end_ms: float
    starts_in_sound: bool
    ends_in_sound: bool
    later_ms: float

    @property
    def shared_ms(self) -> float:
        """How long the overlap is."""
        return self.end_ms - self.start_ms


class Merged:
    """What was understood of an utterance so far, piece by piece."""

    def __init__(self) -> None:
        self._units: list[Unit] = []
        self._before: list[Unit] = []
        self._results: list[TranscriptionResult] = []

    def add(self, result: TranscriptionResult, start_ms: float, seam: Seam | None) -> None:
        """Take what was understood of the piece that begins at `start_ms`.

        Args:
            seam: the overlap with the piece before; None when there was no sound in it, or none.
        """
        self._before = self._units
        units = units_of(result.text, result.words, start_ms)
        self._units = joined(self._units, units, seam)
        self._results.append(result)

    def undo(self) -> None:
        """Forget the latest piece: it will be heard again, as part of a longer one."""
        self._units = self._before
        self._results.pop()

    @property
    def text(self) -> str:
        """All of it."""
        return text_of(self._units)

    @property
    def words(self) -> tuple[Word, ...]:
        """Those of which it is known when they were said."""
        return words_of(self._units)

    @property
    def confidence(self) -> float | None:
        """0 to 1, the mean of the words', else of the pieces'; None when nobody tells."""
        known = [word.confidence for word in self.words if word.confidence is not None]
        known = known or [one.confidence for one in self._said if one.confidence is not None]
        return round(fmean(known), 3) if known else None

    @property
    def language(self) -> str | None:
        """The one in which most was said; None when nobody tells."""
        spoken: Counter[str] = Counter()
        for result in self._said:
            if result.language is not None:
                spoken[result.language] += len(result.text)
        return max(spoken, key=lambda tag: spoken[tag], default=None)

    @property
    def _said(self) -> list[TranscriptionResult]:
        return [result for result in self._results if result.text]


def joined(earlier: list[Unit], later: list[Unit], seam: Seam | None) -> list[Unit]:
    """What was said in two pieces that overlap, each word of it once."""
    if seam is None or seam.shared_ms <= 0 or not earlier or not later:
        return earlier + later
    first = _first_after(earlier, seam.start_ms - MOST_SLACK_MS)
    count = _count_before(later, seam.end_ms + MOST_SLACK_MS)
    if all(unit.timed for unit in (*earlier[first:], *later[:count])):
        woven = _by_time(earlier[first:], later[:count], seam)
        return earlier[:first] + woven + later[count:]
    return _by_text(earlier, later, seam)


# By time


def _first_after(units: Sequence[Unit], at_ms: float) -> int:
    """The first of those units at the end that were said after that; those without times are."""
    first = len(units)
    while first and (units[first - 1].end_ms is None or (units[first - 1].end_ms or 0) > at_ms):
        first -= 1
    return first


def _count_before(units: Sequence[Unit], at_ms: float) -> int:
    return next(
        (
            at
            for at, unit in enumerate(units)
            if unit.start_ms is not None and unit.start_ms > at_ms
        ),
        len(units),
    )


def _by_time(tail: Sequence[Unit], head: Sequence[Unit], seam: Seam) -> list[Unit]:
    """Those of the earlier piece and of the later, where they overlap; each once, in order."""
    pairs, woven, place, at = _paired(tail, head, seam), list[Unit](), 0, 0
    for first, second in [*pairs, (len(tail), len(head))]:
        between = [*tail[place:first], *head[at:second]]
        woven += sorted(between, key=lambda unit: unit.start_ms or 0.0)
        if first < len(tail):
            woven += _better(tail[first], head[second], seam)
        place, at = first + 1, second + 1
    return woven


def _paired(tail: Sequence[Unit], head: Sequence[Unit], seam: Seam) -> list[tuple[int, int]]:
    """Which of the one are the same as which of the other: in order, and as many as can be."""
    best: list[list[tuple[float, list[tuple[int, int]]]]] = [
        [(0.0, []) for _ in range(len(head) + 1)] for _ in range(len(tail) + 1)
    ]
    for i, one in enumerate(tail):
        for j, other in enumerate(head):
            options = [best[i][j + 1], best[i + 1][j]]
            if (likeness := _likeness(one, other, seam)) > 0:
                value, pairs = best[i][j]
                options.append((value + likeness, [*pairs, (i, j)]))
            best[i + 1][j + 1] = max(options, key=lambda option: option[0])
    return best[-1][-1][1]


def _likeness(one: Unit, other: Unit, seam: Seam) -> float:
    """How much two units, of the earlier and the later piece, seem to be the same; 0 if not."""
    # Of a word that is cut both have the same part in the overlap.
    begin_ms, end_ms = max(_span(one)[0], seam.start_ms), _span(one)[1]
    from_ms, to_ms = _span(other)[0], min(_span(other)[1], seam.end_ms)
    slack_ms = max(end_ms - begin_ms, to_ms - from_ms) / 2
    slack_ms = min(max(slack_ms, LEAST_SLACK_MS), MOST_SLACK_MS)
    apart_ms = max(abs(begin_ms - from_ms), abs(end_ms - to_ms))
    if apart_ms > slack_ms:
        return 0.0
    near = 1.0 - apart_ms / (2 * slack_ms)
    if one.key == other.key:
        return 2.0 + near
    if other.key.startswith(one.key) or one.key.endswith(other.key):
        return 1.0 + near
    # One of them was heard as another word: at that time there was but one.
    return near


def _span(unit: Unit) -> tuple[float, float]:
    return unit.start_ms or 0.0, unit.end_ms or 0.0


def _better(one: Unit, other: Unit, seam: Seam) -> list[Unit]:
    """A word as the two pieces have it, put together; both, where they were two all the same."""
    begin_ms, end_ms = _span(one)
    from_ms, to_ms = _span(other)
    cut = end_ms >= seam.end_ms - EDGE_MS and to_ms > end_ms
    begun = from_ms <= seam.start_ms + EDGE_MS and begin_ms < from_ms
    if one.key == other.key:
        both = replace(one, text=one.core + other.tail)
        return [replace(both, end_ms=other.end_ms) if cut else both]
    if cut and begun:
        # Some stretch the first and the last word of a piece to its ends: these may be two.
        return [_glued(one, other)] if _are_ends(one, other, seam) else [one, other]
    if cut:
        return [_cased(other, one)]
    if begun:
        return [one]
    # Who heard more around it heard it better.
    return [one if seam.end_ms - end_ms >= from_ms - seam.start_ms else other]


# By text


@dataclass(frozen=True, slots=True)
class _Match:
    """How two texts may overlap.

    Attributes:
        run: how many units both have.
        cut: whether the last of the earlier is half of what follows the run in the later.
        begun: whether the first of the later is half of what is before the run in the earlier.
        worth: how likely it is; 0 for not at all.
    """

    run: int
    cut: bool
    begun: bool
    worth: float = 0.0

    @property
    def count(self) -> float:
        """How many words the overlap has."""
        return self.run + (self.cut + self.begun) / 2


def _by_text(earlier: list[Unit], later: list[Unit], seam: Seam) -> list[Unit]:
    match = _match(earlier, later, seam)
    if match is None:
        last, first = earlier[-1], later[0]
        if _are_ends(last, first, seam):
            return [*earlier[:-1], _glued(last, first), *later[1:]]
        return [*earlier[:-1], _unended(last, seam), *later]
    kept = earlier[: len(earlier) - match.run - match.cut]
    ends = earlier[len(kept) : len(kept) + match.run]
    begins = later[match.begun : match.begun + match.run]
    shared = [
        replace(one, text=one.core + other.tail) for one, other in zip(ends, begins, strict=True)
    ]
    rest = later[match.begun + match.run :]
    if match.cut and not match.run and not match.begun:
        rest = [_cased(rest[0], earlier[-1]), *rest[1:]]
    return [*kept, *shared, *rest]


def _match(earlier: Sequence[Unit], later: Sequence[Unit], seam: Seam) -> _Match | None:
    """The likeliest way in which two texts overlap; None when there is none."""
    expected = len(later) * seam.shared_ms / seam.later_ms
    most = math.ceil(2 * expected) + 2
    found: list[_Match] = []
    for cut, begun in product((False, True), repeat=2):
        weighed = [
            _weighed(earlier, later, _Match(run, cut, begun), seam)
            for run in range(most + 1)
            if _is_run(earlier, later, run, cut, begun)
        ]
        likely = [match for match in weighed if match.worth > 0]
        if likely:
            # Where words repeat themselves several are possible.
            found.append(min(likely, key=lambda match: abs(match.count - expected)))
    return max(found, key=lambda match: match.worth, default=None)


def _is_run(
    earlier: Sequence[Unit], later: Sequence[Unit], run: int, cut: bool, begun: bool
) -> bool:
    """Whether so many are the same, and halves have a whole on the other side."""
    first = len(earlier) - run - cut
    if first < begun or begun + run + cut > len(later):
        return False
    # What is whole on both sides is no half.
    if cut and earlier[-1].key == later[begun + run].key:
        return False
    if begun and later[0].key == earlier[first - 1].key:
        return False
    pairs = zip(earlier[first : first + run], later[begun : begun + run], strict=True)
    return all(one.key == other.key for one, other in pairs)


def _weighed(earlier: Sequence[Unit], later: Sequence[Unit], match: _Match, seam: Seam) -> _Match:
    """A way to overlap, with how likely it is."""
    halves = []
    if match.cut:
        half, whole = earlier[-1].key, later[match.begun + match.run].key
        halves.append((whole.startswith(half), seam.ends_in_sound, half[0] == whole[0]))
    if match.begun:
        half, whole = later[0].key, earlier[len(earlier) - match.run - match.cut - 1].key
        halves.append((whole.endswith(half), seam.starts_in_sound, half[-1] == whole[-1]))
    worth = float(match.run)
    for fragment, in_sound, similar in halves:
        # Half a word may be heard as another one; then only what is beside it tells.
        if not fragment and not (in_sound and match.run and (similar or match.run > 1)):
            return match
        worth = worth + _FRAGMENT if fragment else worth * _DOUBT
    return replace(match, worth=worth)


# Half words


def _glued(one: Unit, other: Unit) -> Unit:
    """A word of which each piece has one end."""
    common = _common(one.key, other.key)
    core, rest = one.core, other.text[common:]
    return replace(one, text=core + rest, key=one.key + other.key[common:], end_ms=other.end_ms)


def _are_ends(one: Unit, other: Unit, seam: Seam) -> bool:
    """Whether the last of the earlier piece and the first of the later seem to be one word."""
    if not (seam.starts_in_sound and seam.ends_in_sound):
        return False
    expected = 0.0
    if one.timed and other.timed:
        # Of letters they have as much in common as of time; some are heard as others.
        spans = ((one, _span(one)), (other, _span(other)))
        parts = (len(unit.key) / max(end - start, seam.shared_ms) for unit, (start, end) in spans)
        expected = max(parts) * seam.shared_ms / 2
    return _common(one.key, other.key) >= max(expected, 1)


def _common(one: str, other: str) -> int:
    """With how many letters one ends and the other begins."""
    most = min(len(one), len(other))
    return next((n for n in range(most, 0, -1) if one.endswith(other[:n])), 0)


def _cased(whole: Unit, half: Unit) -> Unit:
    """A whole word in the place of its half: a piece begins with a capital, whatever it is."""
    if half.text[:1].islower():
        whole = replace(whole, text=whole.text[:1].lower() + whole.text[1:])
    return replace(whole, spaced=half.spaced)


def _unended(unit: Unit, seam: Seam) -> Unit:
    """The last word of a piece that ended where somebody spoke: its full stop is none."""
    if not seam.ends_in_sound:
        return unit
    return replace(unit, text=unit.core + unit.tail.rstrip(_FULL_STOPS))
