"""Formats, the µ-law and A-law codecs, resampling and framing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["AudioFormat", "Encoding"]


class Encoding(StrEnum):
    """How one sample is written."""

    PCM16 = "pcm_s16le"
    ULAW = "mulaw"
    ALAW = "alaw"

    @property
    def bytes_per_sample(self) -> int:
        return 2 if self is Encoding.PCM16 else 1


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """The shape of an audio stream: encoding, samples per second and channel, channels."""

    encoding: Encoding
    sample_rate_hz: int
    channels: int = 1
