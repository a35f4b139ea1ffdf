"""Samples written into an audio file of any kind. It blocks: see `convert`."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from media.audio import AudioFormat, Encoding, Samples, encode, pcm_to_bytes
from media.files import wav_header

from ..errors import ConversionError, UnsupportedRateError
from ..results import Container
from .ffmpeg import import_av
from .rate import check_rate

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.container import OutputContainer

__all__ = ["AudioWriter", "Target", "suitable_rate"]

_MPEG_HZ = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
_OPUS_HZ = (8_000, 12_000, 16_000, 24_000, 48_000)
_CODED_CHANNELS = 2


@dataclass(frozen=True, slots=True)
class _Coding:
    """How FFmpeg writes a container.

    Attributes:
        rates_hz: those that the codec knows; empty for any.
        bits_per_s: for each channel, ample for speech; None for what is lossless.
    """

    muxer: str
    codec: str
    rates_hz: tuple[int, ...] = ()
    bits_per_s: int | None = None


_CODINGS: dict[Container, _Coding] = {
    "flac": _Coding("flac", "flac"),
    "mp3": _Coding("mp3", "libmp3lame", _MPEG_HZ, 64_000),
    "m4a": _Coding("ipod", "aac", _MPEG_HZ, 64_000),
    "aac": _Coding("adts", "aac", _MPEG_HZ, 64_000),
    "ogg": _Coding("ogg", "libopus", _OPUS_HZ, 32_000),
    "webm": _Coding("webm", "libopus", _OPUS_HZ, 32_000),
}


@dataclass(frozen=True, slots=True)
class Target:
    """What samples are written into.

    Attributes:
        format: rate and channels; an encoding other than PCM16 is for `raw` alone.

    Raises:
        UnsupportedRateError: the container's codec knows no such rate.
        ConversionError: it does not take that encoding, or so many channels.
    """

    container: Container
    format: AudioFormat

    def __post_init__(self) -> None:
        container, format = self.container, self.format
        rates = _CODINGS[container].rates_hz if container in _CODINGS else ()
        check_rate(format.sample_rate_hz, "what is to be written")
        if rates and format.sample_rate_hz not in rates:
            raise UnsupportedRateError(
                "audio",
                f"{container} is not written with {format.sample_rate_hz} samples a second",
                hint=f"choose of {', '.join(map(str, rates))}",
            )
        if container != "raw" and format.encoding is not Encoding.PCM16:
            raise ConversionError(
                "audio",
                f"{container} is not written with {format.encoding} samples",
                hint="choose raw, or let the encoding be PCM16",
            )
        if not 1 <= format.channels <= _CODED_CHANNELS:
            raise ConversionError("audio", f"{format.channels} channels are not written")


def suitable_rate(container: Container, rate_hz: int) -> int:
    """The rate at which audio of `rate_hz` loses nothing in a container, or least."""
    rates = _CODINGS[container].rates_hz if container in _CODINGS else ()
    return next((known for known in rates if known >= rate_hz), rates[-1] if rates else rate_hz)


class AudioWriter:
    """Writes samples into a file, which stays open.

    Args:
        file: any binary file that can seek.
        target: what it becomes.

    Raises:
        MissingKeyError: FFmpeg has to write it, and PyAV is not installed.
    """

    def __init__(self, file: BinaryIO, target: Target) -> None:
        format = target.format
        self._rate_hz = format.sample_rate_hz
        self._count = 0
        if target.container == "raw":
            self._file: _Raw | _Wav | _Encoded = _Raw(file, format)
        elif target.container == "wav":
            self._file = _Wav(file, format)
        else:
            self._file = _Encoded(file, format, _CODINGS[target.container])

    @property
    def duration_ms(self) -> float:
        """How long it plays so far."""
        return self._count * 1000 / self._rate_hz

    def write(self, samples: Samples) -> None:
        """Append samples at the target's rate; of two channels, one column for each.

        Raises:
            ConversionError: they cannot be encoded.
            OSError: they cannot be written.
        """
        self._file.write(samples)
        self._count += len(samples)

    def close(self) -> None:
        """Complete the file. Raises as `write` does."""
        self._file.close()


class _Raw:
    def __init__(self, file: BinaryIO, format: AudioFormat) -> None:
        self._file = file
        self._encoding = format.encoding

    def write(self, samples: Samples) -> None:
        self._file.write(encode(samples, self._encoding))

    def close(self) -> None:
        """There is nothing to complete."""


class _Wav:
    def __init__(self, file: BinaryIO, format: AudioFormat) -> None:
        self._file = file
        self._format = format
        self._bytes = 0
        self._write_header()

    def write(self, samples: Samples) -> None:
        self._bytes += self._file.write(pcm_to_bytes(samples))

    def close(self) -> None:
        self._file.seek(0)
        self._write_header()

    def _write_header(self) -> None:
        format = self._format
        self._file.write(wav_header(self._bytes, format.sample_rate_hz, format.channels))


class _Encoded:
    """What FFmpeg writes."""

    def __init__(self, file: BinaryIO, format: AudioFormat, coding: _Coding) -> None:
        self._av = import_av()
        self._rate_hz = format.sample_rate_hz
        self._count = 0
        self._layout = "mono" if format.channels == 1 else "stereo"
        self._output: OutputContainer = self._av.open(file, "w", format=coding.muxer)
        self._stream: AudioStream = self._output.add_stream(
            coding.codec, rate=self._rate_hz, layout=self._layout
        )
        if coding.bits_per_s is not None:
            self._stream.bit_rate = coding.bits_per_s * format.channels

    def write(self, samples: Samples) -> None:
        packed = np.ascontiguousarray(samples).reshape(1, -1)
        frame = self._av.AudioFrame.from_ndarray(packed, "s16", self._layout)
        frame.sample_rate = self._rate_hz
        # Counted from 0, so that what the codec puts before it is known to be no part of it.
        frame.pts, frame.time_base = self._count, Fraction(1, self._rate_hz)
        self._count += len(samples)
        self._mux(frame)

    def close(self) -> None:
        self._mux(None)
        self._output.close()

    def _mux(self, frame: AudioFrame | None) -> None:
        try:
            self._output.mux(self._stream.encode(frame))
        except OSError:
            raise  # the disk is full, say: FFmpeg's errors of that kind are the system's too
        except self._av.FFmpegError as error:
            raise ConversionError("audio", f"encoding failed: {error.strerror}") from None
