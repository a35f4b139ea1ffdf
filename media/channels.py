"""Channels: bytes of several that come in pieces of any length, and several channels made one."""

from __future__ import annotations

import numpy as np

from media.audio import AudioFormat, Samples, decode

__all__ = ["Unpacker", "mixed"]


class Unpacker:
    """Reads a stream of bytes as moments: one row for each, one column for each channel.

    Pieces may end in the middle of a sample or of a moment: what is missing comes with the next.

    Args:
        format: what the bytes are like.
    """

    __slots__ = ("_format", "_rest")

    def __init__(self, format: AudioFormat) -> None:
        self._format = format
        self._rest = b""

    def process(self, data: bytes) -> Samples:
        """Take any number of bytes; return the whole moments, shape [n, channels]."""
        data = self._rest + data if self._rest else data
        whole = len(data) - len(data) % self._format.frame_bytes
        self._rest = data[whole:]
        return decode(data[:whole], self._format.encoding).reshape(-1, self._format.channels)


def mixed(frames: Samples) -> Samples:
    """The mean of all channels, shape [n, 1], of samples of shape [n, channels]."""
    if frames.shape[1] == 1:
        return frames
    # Added in float64 and rounded: two loud sides must not overflow.
    mono: Samples = np.rint(frames.mean(axis=1, keepdims=True)).astype(np.int16)
    return mono
