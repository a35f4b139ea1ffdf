"""A sound in files of every kind, and how to tell that it was heard."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray

from media.audio import AudioFormat, Encoding, Samples
from providers.audio.writer import AudioWriter, Target, suitable_rate
from providers.results import Container

__all__ = ["CODED", "file_of", "pcm", "pitch_hz", "tone"]

CODED: tuple[Container, ...] = ("flac", "mp3", "m4a", "aac", "ogg", "webm")
"""What FFmpeg writes."""


def pcm(rate_hz: int, channels: int = 1) -> AudioFormat:
    """The format of samples."""
    return AudioFormat(Encoding.PCM16, rate_hz, channels)


def tone(seconds: float, rate_hz: int = 16_000, hz: float = 440.0, peak: int = 9000) -> Samples:
    """A sine wave."""
    phases = 2 * np.pi * hz * np.arange(round(seconds * rate_hz)) / rate_hz
    samples: Samples = np.rint(peak * np.sin(phases)).astype(np.int16)
    return samples


def pitch_hz(samples: Samples | NDArray[np.float64], rate_hz: int) -> float:
    """The strongest frequency."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum)) * rate_hz / len(samples)


def file_of(container: Container, seconds: float = 1.0, hz: float = 440.0) -> bytes:
    """A mono file with a tone in it, at 16 kHz or what its codec has next."""
    rate_hz = suitable_rate(container, 16_000)
    file = io.BytesIO()
    writer = AudioWriter(file, Target(container, pcm(rate_hz)))
    writer.write(tone(seconds, rate_hz, hz))
    writer.close()
    return file.getvalue()
