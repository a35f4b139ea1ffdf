"""The level of windows, and the background noise under each voice."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from media.vad import Voices, Windows

__all__ = ["Levels", "NoiseFloor", "levels_db"]

Levels = npt.NDArray[np.float32]
"""Levels in dBFS (RMS; a full-scale square wave is 0), float32, shape [n]."""

_FULL_SCALE = 32768.0
_SILENCE_DB = -100.0
# 5 dB a second, in windows of 32 ms: it climbs out of the gap between two words slowly enough that
# it does not reach the next, and follows a caller who walks into the street within seconds.
_RISE_DB = 0.16


def levels_db(windows: Windows) -> Levels:
    """The level of each window; digital silence is −100."""
    scaled = windows.astype(np.float32)
    power = np.einsum("ij,ij->i", scaled, scaled) / (windows.shape[1] * _FULL_SCALE**2)
    levels: Levels = 10.0 * np.log10(np.maximum(power, 10.0 ** (_SILENCE_DB / 10.0)))
    return levels


class NoiseFloor:
    """The quietest level each voice had of late: falls at once, rises slowly.

    It hugs the minimum (about 1 dB below the mean of white noise), so what is near it is
    background. After R. Martin, "Noise power spectral density estimation based on optimal
    smoothing and minimum statistics", IEEE Trans. Speech Audio Process. 9 (2001), with a leaking
    minimum in place of a window of minima: one number for a voice.
    """

    def __init__(self) -> None:
        self._floors = np.empty(0, np.float32)

    def reserve(self, capacity: int) -> None:
        """Make room for the voices 0 to `capacity` − 1."""
        self._floors = np.concatenate(
            [self._floors, np.zeros(capacity - len(self._floors), np.float32)]
        )

    def forget(self, voice: int) -> None:
        """Start again for `voice`: its next window is the floor, whatever its level."""
        self._floors[voice] = 0.0

    def follow(self, levels: Levels, voices: Voices) -> Levels:
        """Take in the next window of each voice and return their floors, in dBFS."""
        floors: Levels = np.minimum(levels, self._floors[voices] + np.float32(_RISE_DB))
        self._floors[voices] = floors
        return floors
