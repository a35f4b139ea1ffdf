"""Silence in a recording: where it is, and long recordings cut there.

Silence is what is near the recording's own background noise, so that a noisy telephone line has
pauses too, and a whisper in a quiet room is none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from media.audio import Samples

__all__ = ["Piece", "Silence", "SilenceFinder", "Splitter", "find_silence"]

WINDOW_MS = 10
_FULL_SCALE = 32768.0
# A window is silent below the first of these, whatever surrounds it: 1 bit of 16 is −90 dBFS, and
# telephone speech stays above −50. Below the second one it tells nothing of the background.
_SILENT_DB = -60.0
_EMPTY_DB = -75.0
# Where silence ends between the background and the loudest, in dB: on a good line (50 dB) breaths
# and echoes are 20 dB above the one, on a bad one (15 dB) weak speech sounds 8 dB under the other.
_SHARE = 0.4

_Levels = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Silence:
    """Nobody speaks from `start_ms` until `end_ms`."""

    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """A part of a recording, which begins `start_ms` into it."""

    start_ms: float
    samples: Samples


def find_silence(samples: Samples, rate_hz: int, min_ms: int = 300) -> list[Silence]:
    """The silences of a mono recording that last for `min_ms` at least, in their order.

    Sound that never changes its level is no silence, unless it is very low: nothing tells whether
    it is background.
    """
    return _silences(_levels_db(samples, rate_hz), min_ms)


class SilenceFinder:
    """Finds the silences of a mono recording that comes bit by bit, as `find_silence` does.

    It keeps how loud each hundredth of a second is, and no more.
    """

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._rest: Samples = np.empty(0, np.int16)  # less than a second
        self._known: list[_Levels] = []

    def feed(self, samples: Samples) -> None:
        """Take the next samples."""
        held = np.concatenate([self._rest, samples])
        # A second has whole windows at every rate.
        whole = len(held) - len(held) % self._rate_hz
        self._known.append(_levels_db(held[:whole], self._rate_hz))
        self._rest = held[whole:].copy()

    def silences(self, min_ms: int = 300) -> list[Silence]:
        """Those so far that last for `min_ms` at least, in their order."""
        levels = np.concatenate([*self._known, _levels_db(self._rest, self._rate_hz)])
        return _silences(levels, min_ms)


class Splitter:
    """Cuts a recording that comes bit by bit into pieces of bounded length.

    It cuts in the longest silence of a piece's second half, else in the last one there is, else
    where it is least loud. Silence at a piece's ends is left out but for `padding_ms`, and so are
    pieces that hold nothing else: a piece's `start_ms` tells its place. No more is held in memory
    than the longest piece and what was fed last.

    Args:
        rate_hz: of the recording, which is mono.
        max_ms: how long a piece may be.
        min_silence_ms: how long a pause must be to be cut.
        padding_ms: how much silence is left before and after speech.

    Raises:
        ValueError: a piece would be shorter than two silences with their padding.
    """

    def __init__(
        self, rate_hz: int, max_ms: int, *, min_silence_ms: int = 300, padding_ms: int = 200
    ) -> None:
        if max_ms < 2 * (min_silence_ms + padding_ms):
            raise ValueError(f"pieces of {max_ms} ms are too short for silences in them")
        self._rate_hz = rate_hz
        self._max = max_ms * rate_hz // 1000
        self._min_silence_ms = min_silence_ms
        self._padding = padding_ms * rate_hz // 1000
        self._held: list[Samples] = []
        self._held_samples = 0
        self._base = 0  # the place of the first sample held

    @property
    def held(self) -> Piece:
        """What was fed and has not been given yet."""
        return Piece(self._base * 1000 / self._rate_hz, self._join())

    def feed(self, samples: Samples) -> Iterator[Piece]:
        """Take the next samples; give the pieces that are now complete."""
        self._held.append(samples)
        self._held_samples += len(samples)
        while self._held_samples > self._max:
            yield from self._cut()

    def flush(self) -> Iterator[Piece]:
        """The rest."""
        rest = self._take(self._held_samples)
        yield from self._trimmed(rest, self._silences(rest), self._base - len(rest))

    def _cut(self) -> Iterator[Piece]:
        """Cut one piece off what is held."""
        window = self._join()[: self._max]
        silences = self._silences(window)
        taken = self._take(self._place(window, silences))
        inside = [(start, end) for start, end in silences if start < len(taken)]
        yield from self._trimmed(taken, inside, self._base - len(taken))

    def _join(self) -> Samples:
        if len(self._held) != 1:
            self._held = [np.concatenate([np.empty(0, np.int16), *self._held])]
        return self._held[0]

    def _take(self, count: int) -> Samples:
        held = self._join()
        # A copy: a view would keep what was cut off in memory.
        self._held = [held[count:].copy()]
        self._held_samples -= count
        self._base += count
        return held[:count]

    def _silences(self, samples: Samples) -> list[tuple[int, int]]:
        """Where silences begin and end, in samples; the last may end a little beyond all."""
        spans = find_silence(samples, self._rate_hz, self._min_silence_ms)
        return [(self._samples(span.start_ms), self._samples(span.end_ms)) for span in spans]

    def _samples(self, ms: int) -> int:
        return ms * self._rate_hz // 1000

    def _place(self, samples: Samples, silences: list[tuple[int, int]]) -> int:
        """Where to cut."""
        least = 2 * self._padding
        middles = {(start + end) // 2: end - start for start, end in silences}
        late = [place for place in middles if place >= len(samples) // 2]
        if late:
            return max(late, key=lambda place: middles[place])
        usable = [place for place in middles if place >= least]
        return max(usable) if usable else self._least_loud(samples)

    def _least_loud(self, samples: Samples) -> int:
        """The middle of the least loud tenth of a second of the second half."""
        half = len(samples) // 2
        power = 10 ** (_levels_db(samples[half:], self._rate_hz) / 10)
        width = 100 // WINDOW_MS
        sums = np.convolve(power, np.ones(width), "valid")
        return half + self._samples((int(np.argmin(sums)) + width // 2) * WINDOW_MS)

    def _trimmed(
        self, samples: Samples, silences: list[tuple[int, int]], place: int
    ) -> Iterator[Piece]:
        """What is left without the silence at both ends; nothing, if all of it is silence."""
        first, last = 0, len(samples)
        if silences and silences[0][0] == 0:
            first = max(0, silences[0][1] - self._padding)
            if silences[0][1] >= last:
                return
        if silences and silences[-1][1] >= last:
            last = min(last, silences[-1][0] + self._padding)
        if last > first:
            yield Piece((place + first) * 1000 / self._rate_hz, samples[first:last])


def _silences(levels: _Levels, min_ms: int) -> list[Silence]:
    edges = np.flatnonzero(np.diff(_quiet(levels).astype(np.int8), prepend=0, append=0))
    spans = [Silence(int(a) * WINDOW_MS, int(b) * WINDOW_MS) for a, b in edges.reshape(-1, 2)]
    return [span for span in spans if span.end_ms - span.start_ms >= min_ms]


def _quiet(levels: _Levels) -> NDArray[np.bool_]:
    """Which windows are silent."""
    sounding = levels[levels > _EMPTY_DB]
    if not sounding.size:
        return np.ones(len(levels), np.bool_)
    background, loud = np.percentile(sounding, (10, 95))
    threshold = background + _SHARE * (loud - background)
    quiet: NDArray[np.bool_] = levels < max(threshold, _SILENT_DB)
    return quiet


def _levels_db(samples: Samples, rate_hz: int) -> _Levels:
    """The level of each window, in dBFS; the last one may be shorter than the others."""
    # A minute at a time: squares take four times the room of samples, and there may be hours.
    minutes = range(0, len(samples), 60 * rate_hz)
    blocks = [_powers(samples[first : first + 60 * rate_hz], rate_hz) for first in minutes]
    power = np.concatenate([np.empty(0), *blocks])
    levels: _Levels = 10 * np.log10(np.maximum(power / _FULL_SCALE**2, 1e-10))
    return levels


def _powers(samples: Samples, rate_hz: int) -> NDArray[np.float64]:
    """The mean square of each window."""
    # Not every rate has whole windows: 11025 Hz has of 110 and of 111 samples.
    windows = -(-len(samples) * 1000 // (rate_hz * WINDOW_MS))
    starts = np.arange(windows) * rate_hz * WINDOW_MS // 1000
    sums = np.add.reduceat(np.square(samples, dtype=np.float64), starts)
    powers: NDArray[np.float64] = sums / np.diff(starts, append=len(samples))
    return powers
