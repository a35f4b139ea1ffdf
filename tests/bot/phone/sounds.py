"""Sounds for the phone's tests."""

from __future__ import annotations

import numpy as np

from media.audio import pcm_to_ulaw

__all__ = ["quiet", "tone"]


def tone(ms: int, peak: int = 8_000, hz: float = 440.0) -> bytes:
    """A sine in µ-law; at the default peak it is at −15 dBFS."""
    times = np.arange(ms * 8) / 8000
    return pcm_to_ulaw((peak * np.sin(2 * np.pi * hz * times)).astype(np.int16))


def quiet(ms: int) -> bytes:
    """Silence in µ-law."""
    return b"\xff" * (ms * 8)
