"""PURE: which 20 ms frames of a µ-law track are speech.

A frame is loud above −40 dBFS (RMS). It is speech when it is loud and lies in some window of five
frames of which at least three are loud, so that neither a click nor one weak frame counts.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from media.audio import ulaw_to_pcm

__all__ = [
    "FRAME_BYTES",
    "FRAME_MS",
    "SAMPLES_PER_MS",
    "Span",
    "SpeechDetector",
    "loud_frames",
    "spans",
    "speech_frames",
]

FRAME_MS = 20
FRAME_BYTES = 160
SAMPLES_PER_MS = 8

_THRESHOLD_DBFS = -40.0
_WINDOW = 5
_NEEDED = 3
_FULL_SCALE = 32768.0
_POWERS = ulaw_to_pcm(bytes(range(256))).astype(np.float64) ** 2
_THRESHOLD = FRAME_BYTES * _FULL_SCALE**2 * 10 ** (_THRESHOLD_DBFS / 10)

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time in milliseconds, its end not included."""

    start_ms: int
    end_ms: int

    def overlap_ms(self, other: Span) -> int:
        """How long both last together; negative: how far they are apart."""
        return min(self.end_ms, other.end_ms) - max(self.start_ms, other.start_ms)


def loud_frames(track: bytes | bytearray) -> Flags:
    """For each whole 20 ms frame of µ-law, whether it is loud."""
    frames = len(track) // FRAME_BYTES
    codes = np.frombuffer(bytes(track[: frames * FRAME_BYTES]), np.uint8)
    sums: NDArray[np.float64] = _POWERS[codes].reshape(frames, FRAME_BYTES).sum(axis=1)
    return sums > _THRESHOLD


def speech_frames(loud: Flags) -> Flags:
    """For each frame, whether it is speech."""
    if not loud.size:
        return loud
    # Windows that begin before the track or end after it count too: what is outside is not loud.
    outside = np.zeros(_WINDOW - 1, np.bool_)
    padded = np.concatenate((outside, loud, outside))
    dense = np.convolve(padded, np.ones(_WINDOW, np.int64), "valid") >= _NEEDED
    near = np.convolve(dense, np.ones(_WINDOW, np.int64), "valid") > 0
    return loud & near


def spans(speech: Flags, bridge_ms: int, cuts_ms: tuple[float, ...] = ()) -> list[Span]:
    """The stretches of speech; pauses of up to `bridge_ms` belong to them.

    A pause that holds one of `cuts_ms` (the audio was cleared there) is never bridged.
    """
    found: list[Span] = []
    edges = np.flatnonzero(np.diff(speech.astype(np.int8), prepend=0, append=0)) * FRAME_MS
    for start, end in edges.reshape(-1, 2).tolist():
        last = found[-1] if found else None
        # A clear falls into the frame that it cut short, which may still be loud.
        if (
            last is not None
            and start - last.end_ms <= bridge_ms
            and not any(last.end_ms - FRAME_MS <= cut <= start for cut in cuts_ms)
        ):
            found[-1] = Span(last.start_ms, end)
        else:
            found.append(Span(start, end))
    return found


class SpeechDetector:
    """The same rule while a call goes on, frame by frame.

    `speaking` turns true with the third loud frame of five, and false when fewer than three are.
    """

    def __init__(self) -> None:
        self.speaking = False
        self._recent: deque[bool] = deque(maxlen=_WINDOW)

    def hear(self, frame: bytes | bytearray) -> bool:
        """Take the next frame of µ-law; whether there is speech now."""
        codes = np.frombuffer(frame, np.uint8)
        self._recent.append(bool(_POWERS[codes].sum() > _THRESHOLD))
        self.speaking = sum(self._recent) >= _NEEDED
        return self.speaking
