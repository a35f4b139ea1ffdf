"""Voice activity from level alone: the fallback that needs nothing but numpy."""

from __future__ import annotations

import numpy as np

from media.noise import NoiseFloor, levels_db
from media.spectrum import voicelike
from media.vad import Probabilities, Voices, Windows

__all__ = ["Energy"]

# Even odds at 10 dB over the noise floor, certain at 20.
_EVEN_DB = 10.0
_QUIETEST_DB = -50.0


class Energy:
    """Takes for speech what is well above the noise floor and neither a tone nor plain noise.

    Music, a slammed door and a television pass for speech: prefer Silero where it is installed.
    """

    name = "energy"

    def __init__(self) -> None:
        self._noise = NoiseFloor()

    def reserve(self, capacity: int) -> None:
        """Make room for the voices 0 to `capacity` − 1."""
        self._noise.reserve(capacity)

    def forget(self, voice: int) -> None:
        """Give the number `voice` to somebody new."""
        self._noise.forget(voice)

    def infer(self, windows: Windows, voices: Voices) -> Probabilities:
        """Judge the next window of each of `voices`."""
        levels = levels_db(windows)
        floors = np.maximum(self._noise.follow(levels, voices), _QUIETEST_DB - _EVEN_DB)
        odds = np.clip(0.5 + (levels - floors - _EVEN_DB) / (2 * _EVEN_DB), 0.0, 1.0)
        probabilities: Probabilities = np.where(voicelike(windows), odds, 0.0).astype(np.float32)
        return probabilities
