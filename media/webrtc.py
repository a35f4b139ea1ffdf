"""WebRTC's voice activity detector, a Gaussian mixture model that needs little and knows little."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from media.spectrum import voicelike
from media.vad import Probabilities, Voices, Windows

__all__ = ["WebRtc"]

_RATE_HZ = 8000
_FRAME = 80
_FRAME_BYTES = _FRAME * 2
# 3 is the strictest of its four modes; the milder ones take steady noise for speech.
_MODE = 3


class _Vad(Protocol):
    def is_speech(self, buf: bytes, sample_rate: int) -> bool: ...


class WebRtc:
    """The `webrtcvad` package; a window's probability is the share of its 10 ms frames it took
    for speech.

    Its frames do not divide a window, so each voice carries the samples that are left over. It
    takes music for speech, and tones too but for `media.spectrum.voicelike`: prefer Silero where
    it is installed.

    Raises:
        ImportError: `webrtcvad` is not installed.
    """

    name = "webrtc"

    def __init__(self) -> None:
        import webrtcvad

        self._new = webrtcvad.Vad
        self._detectors: list[_Vad] = []
        self._rests: list[bytes] = []

    def reserve(self, capacity: int) -> None:
        """Make room for the voices 0 to `capacity` − 1."""
        more = capacity - len(self._rests)
        self._detectors += [self._new(_MODE) for _ in range(more)]
        self._rests += [b""] * more

    def forget(self, voice: int) -> None:
        """Give the number `voice` to somebody new."""
        self._detectors[voice] = self._new(_MODE)
        self._rests[voice] = b""

    def infer(self, windows: Windows, voices: Voices) -> Probabilities:
        """Judge the next window of each of `voices`, one after the other."""
        shares = [self._share(windows[row], voice) for row, voice in enumerate(voices.tolist())]
        probabilities: Probabilities = np.where(voicelike(windows), shares, 0.0).astype(np.float32)
        return probabilities

    def _share(self, window: Windows, voice: int) -> float:
        pcm = self._rests[voice] + window.tobytes()
        whole = len(pcm) - len(pcm) % _FRAME_BYTES
        is_speech = self._detectors[voice].is_speech
        starts = range(0, whole, _FRAME_BYTES)
        spoken = sum(is_speech(pcm[at : at + _FRAME_BYTES], _RATE_HZ) for at in starts)
        self._rests[voice] = pcm[whole:]
        return spoken / len(starts)
