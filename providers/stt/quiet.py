"""PURE: in which audio nobody speaks, as far as its loudness tells."""

from __future__ import annotations

import numpy as np

from media.audio import Encoding, decode

__all__ = ["is_quiet"]

QUIET_PEAK = 1_000
"""Samples below it (-30 dBFS) are a pause."""


def is_quiet(audio: bytes, encoding: Encoding) -> bool:
    """Whether no sample of the audio is loud enough for speech."""
    samples = decode(audio, encoding).astype(np.int32)
    return not samples.size or bool(np.abs(samples).max() < QUIET_PEAK)
