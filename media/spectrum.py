"""What the spectrum of a window says about its being a voice."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from media.vad import WINDOW, Windows

__all__ = ["voicelike"]

# Hann: a steady tone stays within four bins, two (a key, a ringing phone) within eight.
_HANN = np.hanning(WINDOW).astype(np.float32)
_TONE_BINS = 8
# Bins of 31.25 Hz: the telephone's band, 156 to 3600 Hz, without mains hum.
_BAND = slice(5, 115)
# On the recorded speech that this was tried on 99 % of the power lies in eight bins in 5 % of the
# windows at most, and flatness passes 0.4 in 5 % of them; of tones and of white noise it is all.
_TONAL_SHARE = 0.99
_FLATNESS = 0.4


def voicelike(windows: Windows) -> npt.NDArray[np.bool_]:
    """Whether each window is neither one or two pure tones nor plain noise; shape [n].

    Noise is told by its spectral flatness: the geometric mean of the power spectrum over the
    arithmetic one, 1 for an even spectrum (0.56 expected of one window of white noise).
    """
    spectrum = np.fft.rfft(windows * _HANN, axis=1)[:, _BAND]
    power = np.square(np.abs(spectrum)) + 1.0
    total = power.sum(axis=1)
    strongest = np.partition(power, -_TONE_BINS, axis=1)[:, -_TONE_BINS:].sum(axis=1)
    flatness = np.exp(np.log(power).mean(axis=1)) * power.shape[1] / total
    verdict: npt.NDArray[np.bool_] = (strongest < _TONAL_SHARE * total) & (flatness < _FLATNESS)
    return verdict
