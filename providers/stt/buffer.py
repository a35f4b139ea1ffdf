"""PURE: an utterance that goes to a recognizer of recordings piece by piece.

Each piece begins a little before the one before it ended: where it is quiet, as far as that can be
had, so that no word is heard in halves alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from media.audio import Samples

from .overlap import Seam

__all__ = ["LONGEST_MS", "SHORT_MS", "Buffer", "Cut"]

WINDOW_MS = 10
SILENT_DB = -60.0
"""In dBFS: nothing on a line is speech below it."""
SILENT_BELOW_DB = 40.0
"""Nor is what is so much below the loudest of an utterance."""
QUIET_BELOW_DB = 20.0
"""Between words it is so much below the loudest of a piece, or the least loud there is."""
SHORT_MS = 300.0
"""What is left of an utterance, and is shorter, is heard once more with the piece before."""
LONGEST_MS = 20_000.0
"""Of what is new in one piece."""

_Levels = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """A piece of an utterance.

    Attributes:
        samples: of it.
        start_ms: where in the utterance it begins.
        seam: where it overlaps the piece before; None when nothing is to be heard there.
        again: whether it begins with the piece before, which was heard in vain.
    """

    samples: Samples
    start_ms: float
    seam: Seam | None = None
    again: bool = False


class Buffer:
    """One utterance, from its first samples to its last.

    Args:
        rate_hz: of the samples.
        buffer_ms: how much is new in a piece, at least, while the utterance lasts.
        overlap_ms: how much of it was in the piece before, at least: as much again is looked
            through for a quiet place to begin.
    """

    def __init__(self, rate_hz: int, buffer_ms: float, overlap_ms: float) -> None:
        self._rate_hz = rate_hz
        self._buffer = self._samples(buffer_ms)
        self._overlap = self._samples(overlap_ms)
        self._held: Samples = np.empty(0, np.int16)
        self._base = 0  # samples before those that are held
        self._taken = 0  # up to where it is in pieces, or silent
        self._latest: Cut | None = None  # the piece that ends there, if one does
        self._loudest_db = SILENT_DB

    @property
    def duration_ms(self) -> float:
        """How long the utterance is so far."""
        return self._ms(self._end)

    @property
    def waiting_ms(self) -> float:
        """How much of it is in no piece yet."""
        return self._ms(self._end - self._taken)

    @property
    def ready(self) -> bool:
        """Whether there is enough for a piece."""
        return self._end - self._taken >= self._buffer

    def add(self, samples: Samples) -> None:
        """Take the next samples."""
        self._held = np.concatenate([self._held, samples])

    def cut(self, *, even_silent: bool = False) -> Cut | None:
        """The next piece, of all that is new; None when that is silent, unless that is wanted."""
        end = min(self._end, self._taken + self._samples(LONGEST_MS))
        new, latest = self._between(self._taken, end), self._latest
        if not self._sounds(new) and not even_silent:
            found = None
        elif latest is not None and len(new) < min(self._samples(SHORT_MS), self._buffer):
            found = self._longer(latest, end)
        else:
            found = self._overlapping(latest, end)
        self._latest, self._taken = found, end
        self._forget(end if found is None else self._samples(found.start_ms))
        return found

    def _longer(self, latest: Cut, end: int) -> Cut:
        samples, seam = self._between(self._samples(latest.start_ms), end), latest.seam
        if seam is not None:
            seam = replace(seam, later_ms=self._ms(len(samples)))
        return Cut(samples, latest.start_ms, seam, again=True)

    def _overlapping(self, latest: Cut | None, end: int) -> Cut:
        start = self._taken
        if latest is not None and self._overlap:
            first = max(self._samples(latest.start_ms), start - 2 * self._overlap)
            start = self._quiet_place(first, max(first, start - self._overlap))
        samples = self._between(start, end)
        shared = samples[: self._taken - start]
        if not len(shared) or not self._sounds(shared):
            return Cut(samples, self._ms(start))
        seam = Seam(
            self._ms(start),
            self._ms(self._taken),
            starts_in_sound=not self._is_quiet(start),
            ends_in_sound=not self._is_quiet(self._taken),
            later_ms=self._ms(len(samples)),
        )
        return Cut(samples, self._ms(start), seam)

    def _quiet_place(self, first: int, last: int) -> int:
        """The middle of the last pause between those; without one the least loud place."""
        levels = self._levels(self._between(first, last))
        if not len(levels):
            return last
        quiet = np.flatnonzero(levels < self._loudest_db - QUIET_BELOW_DB)
        window = float(np.argmin(levels))
        if len(quiet):
            breaks = np.flatnonzero(np.diff(quiet) > 1)
            latest = quiet[breaks[-1] + 1 :] if len(breaks) else quiet
            window = float(latest.mean())
        return min(last, first + self._samples((window + 0.5) * WINDOW_MS))

    def _is_quiet(self, place: int) -> bool:
        around = self._between(place - self._samples(WINDOW_MS), place + self._samples(WINDOW_MS))
        return bool(self._levels(around).max() < self._loudest_db - QUIET_BELOW_DB)

    def _sounds(self, samples: Samples) -> bool:
        """Whether there is anything in it that may be speech."""
        if not len(samples):
            return False
        loudest_db = float(self._levels(samples).max())
        self._loudest_db = max(self._loudest_db, loudest_db)
        return loudest_db > max(SILENT_DB, self._loudest_db - SILENT_BELOW_DB)

    def _levels(self, samples: Samples) -> _Levels:
        """The level of each window, in dBFS."""
        starts = np.arange(0, len(samples), self._samples(WINDOW_MS))
        if not len(starts):
            return np.empty(0)
        sums = np.add.reduceat(np.square(samples, dtype=np.float64), starts)
        power = sums / np.diff(starts, append=len(samples)) / 32768.0**2
        levels: _Levels = 10 * np.log10(np.maximum(power, 1e-10))
        return levels

    @property
    def _end(self) -> int:
        return self._base + len(self._held)

    def _between(self, first: int, last: int) -> Samples:
        return self._held[max(0, first - self._base) : last - self._base]

    def _forget(self, until: int) -> None:
        """No piece begins before the latest one."""
        # A copy: a view would keep what was forgotten in memory.
        self._held = self._held[until - self._base :].copy()
        self._base = until

    def _samples(self, duration_ms: float) -> int:
        return round(duration_ms * self._rate_hz / 1000)

    def _ms(self, samples: int) -> float:
        return samples * 1000 / self._rate_hz
