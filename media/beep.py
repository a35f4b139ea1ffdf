"""The beep of an answering machine: find it, at 8 kHz.

A beep is one steady tone by itself. Speech is never so pure for so long, and the other tones of a
telephone network are told by what the standards say of them: keys, ringing and busy tones of two
frequencies are not pure, special information tones come three in a row (ITU-T E.180, Q.35), and
ringing or busy tones of one frequency, a calling fax (1100 Hz, half a second; ITU-T T.30) and an
answering modem (2100 Hz, seconds long; ITU-T V.25) are known by frequency and length. So is the
warning tone of a recorder (1400 Hz; ITU-T E.180), which beeps as machines do: a beep says so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from media.audio import Samples

__all__ = ["Beep", "BeepDetector"]

_RATE_HZ = 8000
_WINDOW = 512
"""64 ms: with Hann's window, tones 40 Hz apart (440 and 480 Hz, ringing) are not one peak."""
_HOP = 160
_HOP_MS = 20
_STEP = 2 * _HOP
"""Two windows are judged at a time, which takes little longer than one."""
_SPAN = _WINDOW + _HOP
_BIN_HZ = _RATE_HZ / _WINDOW
_HANN = np.hanning(_WINDOW).astype(np.float32)
_BAND = slice(13, 231)  # 200 to 3600 Hz, without the mains' hum
_LOW_HZ, _HIGH_HZ = 340.0, 2320.0
_LEAK = 2  # a steady tone stays within so many bins beside its peak
# On the recorded speech that this was tried on, no two windows in a row reach it on one frequency.
_PURITY = 0.9
_LEAST_RMS = 32  # about −54 dBm0
_LEAST_POWER = _LEAST_RMS**2 * 0.375 * _WINDOW**2 / 2  # Parseval; 0.375 is Hann's power
_STEADY_HZ = 8.0

_LEAST_WINDOWS = 5
"""A tone of 120 ms fills four windows, and all but fills those beside them."""
_LONGEST_WINDOWS = 2000 // _HOP_MS
_QUIET_WINDOWS = 5
"""So long (100 ms) no tone may come before and after it: else it is one of a row."""
_EDGE_MS = 34
"""A window counts as tone when the tone fills so much of it, more or less."""

_NETWORK_HZ = (400.0, 425.0, 450.0)
"""Ringing and busy tones where they are of one frequency (ITU-T E.180: 400 to 450 Hz)."""
_NETWORK_WITHIN_HZ = 8.0
_FAX_HZ, _FAX_WITHIN_HZ = 1100.0, 38.0
_FAX_MS, _FAX_WITHIN_MS = 500, 90
_RECORDER_HZ, _RECORDER_WITHIN_HZ = 1400.0, 25.0
_RECORDER_MS = (300, 550)


@dataclass(frozen=True, slots=True)
class Beep:
    """A beep of `hz` from `start_ms` to `end_ms`, counted from the first sample; within 20 ms."""

    hz: float
    start_ms: int
    end_ms: int

    @property
    def is_recorders(self) -> bool:
        """Whether it may be the tone that warns of a recorder: a person is on the line then."""
        least_ms, most_ms = _RECORDER_MS
        near = abs(self.hz - _RECORDER_HZ) <= _RECORDER_WITHIN_HZ
        return near and least_ms <= self.end_ms - self.start_ms <= most_ms


@dataclass(slots=True)
class _Tone:
    """A run of windows with one frequency: the numbers of its first and last."""

    hz: float
    first: int
    last: int
    alone: bool

    @property
    def windows(self) -> int:
        return self.last - self.first + 1

    @property
    def start_ms(self) -> int:
        return self.first * _HOP_MS + _WINDOW * 1000 // _RATE_HZ - _EDGE_MS

    @property
    def end_ms(self) -> int:
        return self.last * _HOP_MS + _EDGE_MS

    @property
    def is_beep(self) -> bool:
        """Whether it is, unless another tone follows."""
        if not (self.alone and _LEAST_WINDOWS <= self.windows <= _LONGEST_WINDOWS):
            return False
        long_ms = self.end_ms - self.start_ms
        fax = abs(self.hz - _FAX_HZ) <= _FAX_WITHIN_HZ and abs(long_ms - _FAX_MS) <= _FAX_WITHIN_MS
        network = min(abs(self.hz - hz) for hz in _NETWORK_HZ) <= _NETWORK_WITHIN_HZ
        return _LOW_HZ <= self.hz <= _HIGH_HZ and not fax and not network


class BeepDetector:
    """Finds beeps in a stream of samples at 8 kHz.

    Windows of 64 ms, a new one every 20 ms, are searched for a peak that holds nearly all of their
    power, however loud they are. The result does not depend on how the samples are cut.
    """

    __slots__ = ("_held", "_number", "_tone")

    def __init__(self) -> None:
        self._held: NDArray[np.float32] = np.zeros(0, np.float32)
        self._number = 0  # of the next window
        self._tone: _Tone | None = None

    def process(self, samples: Samples) -> list[Beep]:
        """Take any number of samples; return the beeps that are over, each once.

        One is told about 150 ms after its end.
        """
        held: NDArray[np.float32] = np.concatenate((self._held, samples), dtype=np.float32)
        found: list[Beep] = []
        start = 0
        while start + _SPAN <= len(held):
            for hz in _pitches(held[start : start + _SPAN]):
                beep = self._step(hz)
                if beep is not None:
                    found.append(beep)
            start += _STEP
        self._held = held[start:]
        return found

    def _step(self, hz: float | None) -> Beep | None:
        """Take the next window's tone, or that it has none; give the beep that is over for sure."""
        number, tone = self._number, self._tone
        self._number += 1
        if hz is not None:
            self._follow(hz, number)
        elif tone is not None and number - tone.last > _QUIET_WINDOWS:
            self._tone = None
            if tone.is_beep:
                return Beep(tone.hz, tone.start_ms, tone.end_ms)
        return None

    def _follow(self, hz: float, number: int) -> None:
        tone = self._tone
        if tone is None:
            self._tone = _Tone(hz, number, number, alone=True)
        elif tone.last == number - 1 and abs(hz - tone.hz) <= _STEADY_HZ:
            tone.last = number
        else:
            # What is too short for a beep may be a part of speech, or the edge of what follows.
            alone = tone.alone and tone.windows < _LEAST_WINDOWS
            self._tone = _Tone(hz, number, number, alone)


def _pitches(samples: NDArray[np.float32]) -> list[float | None]:
    """For each of the windows in `_SPAN` samples: the frequency of the only tone in it."""
    windows = np.ndarray((2, _WINDOW), np.float32, samples, 0, (4 * _HOP, 4))
    spectra = np.fft.rfft(windows * _HANN)
    powers = np.square(spectra.real) + np.square(spectra.imag)
    totals = powers[:, _BAND].sum(axis=1).tolist()
    if max(totals) < _LEAST_POWER:
        return [None, None]
    peaks = (powers[:, _BAND].argmax(axis=1) + _BAND.start).tolist()
    return [_pitch(*judged) for judged in zip(powers, peaks, totals, strict=True)]


def _pitch(power: NDArray[np.float32], peak: int, total: float) -> float | None:
    near = power[peak - _LEAK : peak + _LEAK + 1].tolist()
    if total < _LEAST_POWER or sum(near) < _PURITY * total:
        return None
    # Hann's peak is nearly a parabola in decibels.
    below, top, above = (math.log(max(one, 1.0)) for one in near[1:4])
    bend = below - 2 * top + above
    return (peak + (0.5 * (below - above) / bend if bend else 0.0)) * _BIN_HZ
