"""Voice activity detection: what a model of speech is, and when speech starts and stops.

A *model* judges windows of `WINDOW` samples, many callers' at once, and says how likely
each is to be speech. A `SpeechDetector` follows one caller's probabilities and says when
speech started and stopped. The models are `media.silero.Silero` (behind a
`media.gate.Gate`), `media.webrtc.WebRtc` and `media.energy.Energy`.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

__all__ = [
    "WINDOW",
    "WINDOW_MS",
    "Model",
    "Probabilities",
    "SpeechDetector",
    "SpeechEvent",
    "SpeechStarted",
    "SpeechStopped",
    "Voices",
    "Windows",
]

WINDOW = 256
"""Samples in a window at 8 kHz: what Silero takes."""
WINDOW_MS = 32
"""How long a window lasts."""

Windows = npt.NDArray[np.int16]
"""Windows of 8 kHz PCM, int16, shape [n, `WINDOW`]."""
Voices = npt.NDArray[np.intp]
"""Whose window each is: n different numbers below the model's capacity."""
Probabilities = npt.NDArray[np.float32]
"""How likely each window is to be speech, float32, shape [n], 0 to 1."""


class Model(Protocol):
    """Judges windows of many voices in one call, and remembers each voice between calls."""

    name: str
    """What to call it: `silero`, `webrtc` or `energy`."""

    def reserve(self, capacity: int) -> None:
        """Make room for the voices 0 to `capacity` − 1; those already known keep their memory."""
        ...

    def forget(self, voice: int) -> None:
        """Give the number `voice` to somebody new: what was remembered of it is gone."""
        ...

    def infer(self, windows: Windows, voices: Voices) -> Probabilities:
        """Judge the next window of each of `voices`, none of whom may appear twice."""
        ...


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """Speech began at `at_ms`, which was sure at `detected_ms`: both on the audio's clock."""

    at_ms: int
    detected_ms: int


@dataclass(frozen=True, slots=True)
class SpeechStopped:
    """Speech ended at `at_ms`, which was sure at `detected_ms`: both on the audio's clock."""

    at_ms: int
    detected_ms: int


SpeechEvent = SpeechStarted | SpeechStopped


class SpeechDetector:
    """Turns one caller's probabilities into starts and stops of speech, with hysteresis.

    Speech starts when `min_speech_ms` worth of windows reach `start` within a span four windows
    longer: one weak window, as in a stop consonant, does not delay it, and a click, a key tone or
    a plucked string, which make a window or two look like speech, do not begin it. It goes on
    while windows reach `stay` and stops after `min_silence_ms` without one. That is the end of
    a stretch of speech, not of a turn: a turn's end is timed by `bot.turn`, which counts from
    `last_speech_ms`.

    Raises:
        ValueError: the thresholds are not 0 < `stay` ≤ `start` ≤ 1, or a time is not positive.
    """

    def __init__(
        self,
        *,
        start: float = 0.5,
        stay: float = 0.35,
        min_speech_ms: int = 96,
        min_silence_ms: int = 200,
    ) -> None:
        if not 0 < stay <= start <= 1:
            raise ValueError(f"thresholds must be 0 < stay ≤ start ≤ 1, not {stay=} {start=}")
        if min_speech_ms <= 0 or min_silence_ms <= 0:
            raise ValueError(f"times must be positive, not {min_speech_ms=} {min_silence_ms=}")
        self._start = start
        self._stay = stay
        self._min_silence_ms = min_silence_ms
        self._needed = -(-min_speech_ms // WINDOW_MS)
        self._span_ms = (self._needed + 4) * WINDOW_MS
        self._candidates: deque[int] = deque(maxlen=self._needed)
        self.speaking = False
        self.last_speech_ms: int | None = None
        """When the last window of speech ended; `None` before the first start."""

    def feed(self, probability: float, end_ms: int) -> SpeechEvent | None:
        """Judge the window that ended at `end_ms` on the audio's clock; windows come in order."""
        return self._more(probability, end_ms) if self.speaking else self._wait(probability, end_ms)

    def _wait(self, probability: float, end_ms: int) -> SpeechStarted | None:
        if probability < self._start:
            return None
        candidates = self._candidates
        candidates.append(end_ms)
        if len(candidates) < self._needed or end_ms - candidates[0] >= self._span_ms:
            return None
        started = SpeechStarted(at_ms=candidates[0] - WINDOW_MS, detected_ms=end_ms)
        candidates.clear()
        self.speaking = True
        self.last_speech_ms = end_ms
        return started

    def _more(self, probability: float, end_ms: int) -> SpeechStopped | None:
        if probability >= self._stay or self.last_speech_ms is None:
            self.last_speech_ms = end_ms
        elif end_ms - self.last_speech_ms >= self._min_silence_ms:
            self.speaking = False
            return SpeechStopped(at_ms=self.last_speech_ms, detected_ms=end_ms)
        return None
