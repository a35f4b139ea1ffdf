"""Resampling: the half-band 8→16 kHz `Upsampler` for the way in, `Resampler` for any two rates.

Both are state machines that may be fed pieces of any length, and whose output, joined, is the same
to the bit however the input was cut.
"""

from __future__ import annotations

import numpy as np
import soxr
from numpy.typing import NDArray

from media.audio import Samples

__all__ = ["UPSAMPLER_DELAY_MS", "Downsampler", "Resampler", "Upsampler", "resample", "upsample"]

# A 59-tap half-band low-pass: every second tap but the centre (1.0) is zero, and these are the
# first half of the 30 others, in units of 2^-15. They are the equiripple solution for a pass band
# up to 3.4 kHz (Vaidyanathan and Nguyen, "A 'trick' for the design of FIR half-band filters", IEEE
# Trans. Circuits and Systems 34(3), 1987: `scipy.signal.remez(30, [0, 6800], [1], fs=16000)`),
# rounded. Being integers, they make every sum of taps and 16-bit samples exact in float64, so that
# neither the order in which a library adds nor the cut of the input shows in the output.
_HALF = (14, -29, 59, -105, 175, -275, 415, -608, 870, -1230, 1740, -2509, 3823, -6739, 20788)
_TAPS = np.array(_HALF + _HALF[::-1], np.float64) / 2**15
_HISTORY = len(_TAPS) - 1  # samples of 8 kHz that the next output still needs
_CENTRE = len(_TAPS) // 2  # where the centre tap's sample stands among taps and history
_DELAY = len(_TAPS) - 1  # half of the 59 taps, in samples of 16 kHz

UPSAMPLER_DELAY_MS = _DELAY / 16
"""How much later than the input `Upsampler` gives it: 29 samples of 16 kHz, 1.8 ms."""


class Upsampler:
    """8 kHz to 16 kHz, for the way from the telephone to the recognizer.

    Ripple is 0.003 dB up to 3.4 kHz and images are 74 dB down from 4.6 kHz. Every sample in gives
    two out at once, `UPSAMPLER_DELAY_MS` late; `flush` gives the delayed rest.
    """

    __slots__ = ("_history",)

    def __init__(self) -> None:
        self._history: NDArray[np.float64] = np.zeros(_HISTORY)

    def process(self, samples: Samples) -> Samples:
        """Take any number of samples at 8 kHz; return twice as many at 16 kHz."""
        if not samples.size:
            return np.empty(0, np.int16)
        window: NDArray[np.float64] = np.concatenate((self._history, samples))
        self._history = window[-_HISTORY:].copy()
        between = np.correlate(window, _TAPS, "valid")
        # The taps' magnitudes sum to 2.4: a loud signal overshoots, and must not wrap.
        np.rint(between, out=between)
        np.maximum(between, -32768.0, out=between)
        np.minimum(between, 32767.0, out=between)
        out = np.empty(2 * samples.size, np.int16)
        out[0::2] = between
        out[1::2] = window[_CENTRE : _CENTRE + samples.size]
        return out

    def flush(self) -> Samples:
        """Return the delayed rest, as if silence followed, and start afresh.

        All that `process` and `flush` returned, less the first 29 samples, is the input at twice
        its rate.
        """
        rest = self.process(np.zeros(_CENTRE, np.int16))[:_DELAY]
        self._history = np.zeros(_HISTORY)
        return rest


def upsample(samples: Samples) -> Samples:
    """8 kHz to 16 kHz in one go: twice as many samples, without the delay."""
    upsampler = Upsampler()
    return np.concatenate((upsampler.process(samples), upsampler.flush()))[_DELAY:]


class Resampler:
    """Any rate to any rate, anti-aliased, by soxr at its high quality.

    Output comes in bursts and late (the first after about 100 ms of input, see `parley bench
    media`), which costs nothing where audio comes faster than it is played: synthesized speech and
    files. Equal rates pass through untouched.
    """

    __slots__ = ("_from_hz", "_stream", "_to_hz")

    def __init__(self, from_hz: int, to_hz: int) -> None:
        """Take two rates in Hz.

        Raises:
            ValueError: a rate is not positive.
        """
        if from_hz <= 0 or to_hz <= 0:
            raise ValueError(f"sample rates must be positive, got {from_hz} and {to_hz} Hz")
        self._from_hz = from_hz
        self._to_hz = to_hz
        self._stream = self._start()

    def _start(self) -> soxr.ResampleStream | None:
        if self._from_hz == self._to_hz:
            return None
        # float32, since soxr dithers its 16-bit output, differently in every run.
        return soxr.ResampleStream(self._from_hz, self._to_hz, 1, dtype="float32", quality="HQ")

    def process(self, samples: Samples) -> Samples:
        """Take any number of samples; return as many as are ready, often none."""
        if self._stream is None:
            return samples
        return _to_int16(self._stream.resample_chunk(samples.astype(np.float32)))

    def flush(self) -> Samples:
        """Return the rest, as if silence followed, and start afresh."""
        if self._stream is None:
            return np.empty(0, np.int16)
        rest = self._stream.resample_chunk(np.empty(0, np.float32), last=True)
        self._stream = self._start()
        return _to_int16(rest)


class Downsampler(Resampler):
    """Any rate to the telephone's 8 kHz, for the way from the synthesizer to the caller."""

    __slots__ = ()

    def __init__(self, from_hz: int) -> None:
        super().__init__(from_hz, 8_000)


def resample(samples: Samples, from_hz: int, to_hz: int) -> Samples:
    """Resample in one go.

    Raises:
        ValueError: a rate is not positive.
    """
    resampler = Resampler(from_hz, to_hz)
    return np.concatenate((resampler.process(samples), resampler.flush()))


def _to_int16(values: NDArray[np.float32]) -> Samples:
    return np.clip(np.rint(values), -32768, 32767).astype(np.int16)
