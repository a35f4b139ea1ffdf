"""Push-button tones (DTMF): make and detect them, at 8 kHz.

Frequencies are those of ITU-T Q.23; what a receiver must take and refuse is from ITU-T Q.24.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from media.audio import Samples

__all__ = ["DIGITS", "DtmfDetector", "DtmfTone", "tones"]

_RATE_HZ = 8000
_KEYS = ("123A", "456B", "789C", "*0#D")
_LOW_HZ = (697, 770, 852, 941)
_HIGH_HZ = (1209, 1336, 1477, 1633)
_PAIRS = {
    key: (low, high)
    for low, row in zip(_LOW_HZ, _KEYS, strict=True)
    for high, key in zip(_HIGH_HZ, row, strict=True)
}
_WAIT_MS = {"w": 500, "W": 1000}  # as in Twilio's <Play digits> and sendDigits

DIGITS = frozenset(_PAIRS)
"""The sixteen keys: 0–9, A–D, `*` and `#`."""


def _amplitude(level_dbm0: float) -> float:
    """The peak of a sine of that level; µ-law's loudest sine, 32124, is +3.17 dBm0 (G.711)."""
    return 32124 * 10 ** ((level_dbm0 - 3.17) / 20)


def tones(
    digits: str, *, tone_ms: int = 100, pause_ms: int = 50, level_dbm0: float = -13.0
) -> Samples:
    """Dial digits at 8 kHz: each a tone and a pause; `w` waits half a second, `W` a whole one.

    `level_dbm0` is that of each of a tone's two sines.

    Raises:
        ValueError: a character is none of these.
    """
    time_s = np.arange(tone_ms * _RATE_HZ // 1000) / _RATE_HZ
    pause = np.zeros(pause_ms * _RATE_HZ // 1000)
    pieces = [np.zeros(0)]
    for key in digits:
        if key in _WAIT_MS:
            pieces.append(np.zeros(_WAIT_MS[key] * _RATE_HZ // 1000))
        elif key in _PAIRS:
            sines = [np.sin(2 * np.pi * hz * time_s) for hz in _PAIRS[key]]
            pieces += [_amplitude(level_dbm0) * np.sum(sines, axis=0), pause]
        else:
            raise ValueError(f"cannot dial {key!r}: only 0-9, A-D, *, #, w and W")
    return np.clip(np.rint(np.concatenate(pieces)), -32768, 32767).astype(np.int16)


@dataclass(frozen=True, slots=True)
class DtmfTone:
    """A key was pressed; `at_ms` is when its tone began, from the first sample, to about 10 ms."""

    digit: str
    at_ms: int


_WINDOW = 160
_HOP = 40
# A tone of 40 ms holds four whole windows however it lies; one of 23 ms never makes four.
_HITS = 4
# A break of 10 ms spoils five windows at most, a pause of 40 ms ten.
_MISSES = 7
_LEAST_POWER = _amplitude(-28.0) ** 2 / 2  # of each sine; Q.24 asks for −25 dBm0 and less
_TWIST_UP = 10 ** (5.5 / 10)  # Q.24 asks for a high sine up to 4 dB over the low one,
_TWIST_DOWN = 10 ** (-9.5 / 10)  # and up to 8 dB under it; 1.5 dB is for the measurement's error
_OFF_TUNE = 0.028  # Q.24: 1.5 % must pass, 3.5 % must not
# Talk-off: two sines are all there is in a tone, and hardly ever in speech.
_PURITY = 0.75

_HZ = np.array(_LOW_HZ + _HIGH_HZ, np.float64)
# Cosine and −sine side by side, so that one real product's result reads as complex numbers.
_GOERTZEL = np.exp(-2j * np.pi * np.outer(np.arange(_WINDOW), _HZ) / _RATE_HZ).view(np.float64)
_TURN = np.exp(-2j * np.pi * _HZ * _HOP / _RATE_HZ)


class DtmfDetector:
    """Finds tones in a stream of samples at 8 kHz.

    Windows of 20 ms, a new one every 5 ms, are measured at the eight frequencies (Goertzel). How
    far each sine's phase turns from one window to the next tells its true frequency. The result
    does not depend on how the samples are cut.
    """

    __slots__ = ("_before", "_hits", "_key", "_misses", "_position", "_reported", "_samples")

    def __init__(self) -> None:
        self._samples: NDArray[np.float64] = np.zeros(0)
        self._position = 0  # of the first sample held
        self._before: NDArray[np.complex128] | None = None  # the window before, if it had sound
        self._key: str | None = None
        self._hits = 0
        self._misses = 0
        self._reported: str | None = None

    def process(self, samples: Samples) -> list[DtmfTone]:
        """Take any number of samples; return the tones recognized in them, each once."""
        held: NDArray[np.float64] = np.concatenate((self._samples, samples))
        found: list[DtmfTone] = []
        start = 0
        while start + _WINDOW <= len(held):
            tone = self._step(self._hear(held[start : start + _WINDOW]), self._position + start)
            if tone is not None:
                found.append(tone)
            start += _HOP
        self._samples = held[start:]
        self._position += start
        return found

    def _hear(self, window: NDArray[np.float64]) -> str | None:
        """The key that sounds in one window, by itself and by the phases of the one before."""
        power = float(np.dot(window, window)) / _WINDOW
        if power < _LEAST_POWER:
            self._before = None
            return None
        before, now = self._before, (window @ _GOERTZEL).view(np.complex128)
        self._before = now
        if before is None:
            return None
        size = np.abs(now)
        low, high = int(np.argmax(size[:4])), 4 + int(np.argmax(size[4:]))
        low_power, high_power = (_power(before, now, index) for index in (low, high))
        if (
            min(low_power, high_power) >= _LEAST_POWER
            and _TWIST_DOWN <= high_power / low_power <= _TWIST_UP
            and low_power + high_power >= _PURITY * power
        ):
            return _KEYS[low][high - 4]
        return None

    def _step(self, key: str | None, position: int) -> DtmfTone | None:
        """Count what one window held; a tone is told when it has lasted."""
        if key is None:
            self._hits = 0
        else:
            self._hits = self._hits + 1 if key == self._key else 1
        self._key = key
        self._misses += 1
        if key is not None and key == self._reported:
            self._misses = 0
        if self._misses >= _MISSES:
            self._reported = None
        if key is None or key == self._reported or self._hits < _HITS:
            return None
        self._reported, self._misses = key, 0
        first = position - (_HITS - 1) * _HOP
        return DtmfTone(key, first * 1000 // _RATE_HZ)


def _power(before: NDArray[np.complex128], now: NDArray[np.complex128], index: int) -> float:
    """The power of the sine near a frequency; 0 when it is off tune."""
    turned = now[index] * np.conj(before[index]) * _TURN[index]
    off_hz = math.atan2(turned.imag, turned.real) * _RATE_HZ / (2 * math.pi * _HOP)
    if abs(off_hz) > _OFF_TUNE * _HZ[index]:
        return 0.0
    # Beside its frequency the window sees less of a sine.
    seen = float(np.sinc(off_hz * _WINDOW / _RATE_HZ))
    return float(2 * abs(now[index]) ** 2 / (_WINDOW * seen) ** 2)
