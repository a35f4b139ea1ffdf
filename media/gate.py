"""A cheap gate in front of a costly model: most of a call is not worth asking about."""

from __future__ import annotations

import numpy as np

from media.noise import NoiseFloor, levels_db
from media.vad import Model, Probabilities, Voices, Windows

__all__ = ["Gate"]

# µ-law's smallest step is −72 dBFS: below this there are only zeros with a stray step.
_SILENCE_DB = -75.0
# White noise strays 0.4 dB (one standard deviation) in a window and the floor lies 1 dB below its
# mean: 3 dB keeps it out, while a voice opens the gate from 2 dB under the noise on.
_MARGIN_DB = 3.0
_UNSURE = 0.1
_HOLD_WINDOWS = 16


class Gate:
    """Spares `model` the windows that cannot be speech: they are given probability 0.

    A window is shut out when it is digital silence or within 3 dB of the voice's noise floor, and
    the model has said "no speech" for half a second. So the gate never shuts within speech, and
    what the model remembers when it shuts is silence. That memory is kept, not cleared, across
    shut-out windows: a recurrent model that has heard the room takes the next word better than
    one that wakes from nothing. For the same reason the first half second of a voice always passes.
    """

    def __init__(self, model: Model) -> None:
        self.name = model.name
        self.passed = 0
        """How many windows went to the model."""
        self.model = model
        """What stands behind the gate."""
        self._noise = NoiseFloor()
        self._hold = np.empty(0, np.int32)

    def reserve(self, capacity: int) -> None:
        """Make room for the voices 0 to `capacity` − 1."""
        self.model.reserve(capacity)
        self._noise.reserve(capacity)
        more = np.full(capacity - len(self._hold), _HOLD_WINDOWS, np.int32)
        self._hold = np.concatenate([self._hold, more])

    def forget(self, voice: int) -> None:
        """Give the number `voice` to somebody new."""
        self.model.forget(voice)
        self._noise.forget(voice)
        self._hold[voice] = _HOLD_WINDOWS

    def infer(self, windows: Windows, voices: Voices) -> Probabilities:
        """Judge the next window of each of `voices`; asks the model about those that pass."""
        levels = levels_db(windows)
        threshold = np.maximum(self._noise.follow(levels, voices) + _MARGIN_DB, _SILENCE_DB)
        passing = np.flatnonzero((levels > threshold) | (self._hold[voices] > 0))
        probabilities = np.zeros(len(voices), np.float32)
        if passing.size:
            asked = voices[passing]
            answers = self.model.infer(windows[passing], asked)
            probabilities[passing] = answers
            left = np.maximum(self._hold[asked] - 1, 0)
            self._hold[asked] = np.where(answers >= _UNSURE, _HOLD_WINDOWS, left)
            self.passed += passing.size
        return probabilities
