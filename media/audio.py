"""Formats, the µ-law and A-law codecs (ITU-T G.711), and the level of a signal.

*Samples* are 16-bit linear PCM in a numpy array, one channel unless said otherwise. Bytes are what
a wire or a file holds, in one of the three encodings. This is the only module that imports
`audioop`; resampling is `media.resample`.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

with warnings.catch_warnings():
    # The standard library's audioop warns that 3.13 removes it; there audioop-lts takes its place.
    warnings.simplefilter("ignore", DeprecationWarning)
    import audioop

__all__ = [
    "PCM16_8K",
    "PCM16_16K",
    "ULAW_8K",
    "AudioFormat",
    "Encoding",
    "Samples",
    "alaw_to_pcm",
    "audioop",
    "bytes_to_pcm",
    "decode",
    "encode",
    "pcm_to_alaw",
    "pcm_to_bytes",
    "pcm_to_ulaw",
    "rms_dbfs",
    "ulaw_to_pcm",
]

Samples: TypeAlias = NDArray[np.int16]

_FULL_SCALE = 32768.0


class Encoding(StrEnum):
    """How one sample is written."""

    PCM16 = "pcm_s16le"
    ULAW = "mulaw"
    ALAW = "alaw"

    @property
    def bytes_per_sample(self) -> int:
        return 2 if self is Encoding.PCM16 else 1


# The code of the smallest positive level, which every G.711 codec takes for silence.
_SILENCE = {Encoding.PCM16: b"\x00\x00", Encoding.ULAW: b"\xff", Encoding.ALAW: b"\xd5"}


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """The shape of an audio stream: encoding, samples per second and channel, channels."""

    encoding: Encoding
    sample_rate_hz: int
    channels: int = 1

    @property
    def frame_bytes(self) -> int:
        """Bytes of one sample of every channel: audio is cut at multiples of it."""
        return self.encoding.bytes_per_sample * self.channels

    def byte_count(self, duration_ms: float) -> int:
        """How many bytes `duration_ms` of audio take, to the nearest whole sample."""
        return round(duration_ms * self.sample_rate_hz / 1000) * self.frame_bytes

    def duration_ms(self, byte_count: int) -> float:
        """How long `byte_count` bytes play, in ms."""
        return byte_count * 1000 / (self.sample_rate_hz * self.frame_bytes)

    def silence(self, duration_ms: float) -> bytes:
        """`duration_ms` of silence in this format."""
        unit = _SILENCE[self.encoding]
        return unit * (self.byte_count(duration_ms) // len(unit))


ULAW_8K = AudioFormat(Encoding.ULAW, 8_000)
PCM16_8K = AudioFormat(Encoding.PCM16, 8_000)
PCM16_16K = AudioFormat(Encoding.PCM16, 16_000)


def ulaw_to_pcm(data: bytes) -> Samples:
    """Decode µ-law (G.711): one sample a byte, peak ±32124. The array is read-only."""
    # Per 20 ms: audioop 0.4 µs, a numpy table 1.0 µs.
    return np.frombuffer(audioop.ulaw2lin(data, 2), np.int16)


def alaw_to_pcm(data: bytes) -> Samples:
    """Decode A-law (G.711): one sample a byte, peak ±32256. The array is read-only."""
    return np.frombuffer(audioop.alaw2lin(data, 2), np.int16)


def bytes_to_pcm(data: bytes) -> Samples:
    """See little-endian PCM16 bytes as samples, without a copy. The array is read-only.

    Raises:
        ValueError: the bytes end in the middle of a sample.
    """
    return np.frombuffer(data, np.dtype("<i2"))


def pcm_to_ulaw(samples: Samples) -> bytes:
    """Encode samples as µ-law (G.711): one byte a sample."""
    return audioop.lin2ulaw(samples.tobytes(), 2)


def pcm_to_alaw(samples: Samples) -> bytes:
    """Encode samples as A-law (G.711): one byte a sample."""
    return audioop.lin2alaw(samples.tobytes(), 2)


def pcm_to_bytes(samples: Samples) -> bytes:
    """Write samples as little-endian PCM16."""
    return samples.astype("<i2", copy=False).tobytes()


_DECODERS = {
    Encoding.PCM16: bytes_to_pcm,
    Encoding.ULAW: ulaw_to_pcm,
    Encoding.ALAW: alaw_to_pcm,
}
_ENCODERS = {
    Encoding.PCM16: pcm_to_bytes,
    Encoding.ULAW: pcm_to_ulaw,
    Encoding.ALAW: pcm_to_alaw,
}


def decode(data: bytes, encoding: Encoding) -> Samples:
    """Decode bytes of any encoding; channels stay interleaved. The array is read-only.

    Raises:
        ValueError: PCM16 bytes end in the middle of a sample.
    """
    return _DECODERS[encoding](data)


def encode(samples: Samples, encoding: Encoding) -> bytes:
    """Encode samples in any encoding; channels stay interleaved."""
    return _ENCODERS[encoding](samples)


def rms_dbfs(samples: Samples) -> float:
    """The level of samples in dB relative to full scale, −inf for silence or no samples.

    0 dBFS is a square wave of full scale, so that the loudest sine is at −3.01 dBFS.
    """
    if not samples.size:
        return -math.inf
    wide = samples.astype(np.float64)
    power = float(np.dot(wide, wide)) / samples.size
    return 10 * math.log10(power / _FULL_SCALE**2) if power else -math.inf
