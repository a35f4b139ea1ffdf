"""Audio files: read `.ulaw` and `.wav`, write `.wav`, record a call in stereo.

Files are bytes, or binary files that somebody else opened; nothing is opened or closed here.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from media.audio import AudioFormat, Encoding, Samples, decode, pcm_to_bytes, ulaw_to_pcm
from media.resample import resample

__all__ = [
    "AudioFileError",
    "BinaryReader",
    "BinaryWriter",
    "StereoRecorder",
    "Wav",
    "WavHeader",
    "read_audio",
    "read_wav",
    "read_wav_header",
    "wav_header",
    "write_wav",
]

ACCEPTED = (
    "WAV (16-bit PCM, 8-bit µ-law or A-law; mono or stereo; 4 to 192 kHz) "
    "and headerless 8 kHz µ-law (.ulaw)"
)
_RATES_HZ = range(4_000, 192_001)
_PCM_TAG, _ALAW_TAG, _ULAW_TAG, _EXTENSIBLE_TAG = 1, 6, 7, 0xFFFE
_ENCODINGS = {
    (_PCM_TAG, 16): Encoding.PCM16,
    (_ALAW_TAG, 8): Encoding.ALAW,
    (_ULAW_TAG, 8): Encoding.ULAW,
}
_HEADER_BYTES = 44
_UNKNOWN_BYTES = 0xFFFFFFFF


class BinaryReader(Protocol):
    """What is read from: any binary file."""

    def read(self) -> bytes: ...


class BinaryWriter(Protocol):
    """What is written to: any binary file that can seek, and write past its end."""

    def seek(self, offset: int, /) -> int: ...

    def write(self, data: bytes, /) -> int | None: ...


class AudioFileError(ValueError):
    """A file that cannot be used as audio.

    Attributes:
        found: what it held instead.
        name: the file's name, empty when it is not known.
    """

    def __init__(self, found: str, name: str = "") -> None:
        super().__init__(found, name)
        self.found = found
        self.name = name

    def __str__(self) -> str:
        return f"{self.name or 'audio file'}: {self.found}; accepted are {ACCEPTED}"


@dataclass(frozen=True, slots=True)
class WavHeader:
    """Where the data of a WAV file begins, how much of it there shall be, and what it is like.

    Who does not know how much it will be claims 4 GiB, or about 2; that of who says 0 and is not
    believed is given as 4 GiB.
    """

    format: AudioFormat
    data_at: int
    data_bytes: int


@dataclass(frozen=True, slots=True, eq=False)
class Wav:
    """A WAV file's audio.

    Attributes:
        samples: one row for each moment, one column for each channel (one or two).
        sample_rate_hz: rows per second.
    """

    samples: Samples
    sample_rate_hz: int


def read_audio(source: bytes | BinaryReader, name: str, to_hz: int = 8_000) -> Samples:
    """Read a file as mono samples at a wanted rate; the sides of a stereo file are mixed.

    Args:
        source: the file's bytes, or the file.
        name: its name, whose suffix tells what it is: `.wav`, or `.ulaw` (or `.ul`).
        to_hz: the rate wanted.

    Raises:
        AudioFileError: it is none of the files accepted, is damaged, or holds no audio.
    """
    data = _bytes(source)
    suffix = name.lower().rpartition(".")[2]
    try:
        if suffix == "wav":
            wav = read_wav(data)
            # Added in float64 and rounded: two loud sides must not overflow.
            mono, rate_hz = np.rint(wav.samples.mean(axis=1)).astype(np.int16), wav.sample_rate_hz
        elif suffix in ("ulaw", "ul"):
            if data[:4] == b"RIFF":
                raise AudioFileError("it is named .ulaw but begins as a WAV file does")
            mono, rate_hz = ulaw_to_pcm(data), 8_000
        else:
            raise AudioFileError("its name ends in neither .wav nor .ulaw")
        if not mono.size:
            raise AudioFileError("it holds no audio")
    except AudioFileError as error:
        raise AudioFileError(error.found, name) from None
    return resample(mono, rate_hz, to_hz)


def read_wav(source: bytes | BinaryReader) -> Wav:
    """Read a WAV file as it is, without resampling or mixing.

    A data chunk that claims to be longer than the file (a writer that streamed, or died) ends where
    the file ends.

    Raises:
        AudioFileError: it is no WAV file, or one with an encoding, rate or number of channels that
            is not accepted.
    """
    data = _bytes(source)
    header = read_wav_header(data)
    body = data[header.data_at :][: header.data_bytes]
    whole = len(body) - len(body) % header.format.frame_bytes
    samples = decode(body[:whole], header.format.encoding)
    return Wav(samples.reshape(-1, header.format.channels), header.format.sample_rate_hz)


def read_wav_header(data: bytes) -> WavHeader:
    """Read what a WAV file says of its data; `data` may end anywhere after that.

    Raises:
        AudioFileError: as `read_wav`, or `data` ends before that.
    """
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise AudioFileError("it does not begin as a WAV file does")
    format: AudioFormat | None = None
    for kind, at, size in _chunks(data):
        if kind == b"fmt ":
            format = _format(data[at : at + size])
        elif kind == b"data":
            if format is None:
                raise AudioFileError("its data comes before its format")
            return WavHeader(format, at, size or _nothing_said(data, at))
    raise AudioFileError("it ends before its data")


def _bytes(source: bytes | BinaryReader) -> bytes:
    return source if isinstance(source, bytes) else source.read()


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """The name, place and size of each chunk's body."""
    position = 12
    while position + 8 <= len(data):
        kind, size = struct.unpack_from("<4sI", data, position)
        yield kind, position + 8, size
        position += 8 + size + size % 2  # chunks begin at even places


def _nothing_said(data: bytes, at: int) -> int:
    """How much data there is where a chunk says 0, which whoever writes puts there at first.

    It is none if the file as a whole says that it goes on behind; else nobody came to mend it.
    """
    (said,) = struct.unpack_from("<I", data, 4)
    return 0 if at < 8 + said < _UNKNOWN_BYTES else _UNKNOWN_BYTES


def _format(body: bytes) -> AudioFormat:
    """What a format chunk says."""
    if len(body) < 16:
        raise AudioFileError(f"its format takes {len(body)} bytes instead of at least 16")
    tag, channels, rate_hz, _, _, bits = struct.unpack_from("<HHIIHH", body)
    if tag == _EXTENSIBLE_TAG and len(body) >= 26:
        # The true tag opens the GUID behind the extension's size, valid bits and speaker mask.
        (tag,) = struct.unpack_from("<H", body, 24)
    encoding = _ENCODINGS.get((tag, bits))
    if encoding is None:
        raise AudioFileError(f"its samples have {bits} bits of format {tag}")
    if channels not in (1, 2):
        raise AudioFileError(f"it has {channels} channels")
    if rate_hz not in _RATES_HZ:
        raise AudioFileError(f"its sample rate is {rate_hz} Hz")
    return AudioFormat(encoding, rate_hz, channels)


def wav_header(data_bytes: int, rate_hz: int, channels: int) -> bytes:
    """The 44 bytes before PCM16 data in a WAV file. Sizes stop at 4 GiB: 37 hours of a call."""
    frame = 2 * channels
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF",
        min(_HEADER_BYTES - 8 + data_bytes, 0xFFFFFFFF),
        b"WAVE",
        b"fmt ",
        16,
        _PCM_TAG,
        channels,
        rate_hz,
        rate_hz * frame,
        frame,
        16,
        b"data",
        min(data_bytes, 0xFFFFFFFF),
    )


def write_wav(file: BinaryWriter, samples: Samples, rate_hz: int) -> None:
    """Write samples, one row for each moment if there are several channels, as PCM16 WAV."""
    channels = 1 if samples.ndim == 1 else samples.shape[1]
    data = pcm_to_bytes(samples)
    file.write(wav_header(len(data), rate_hz, channels) + data)


class StereoRecorder:
    """Writes a call to a stereo WAV file, 8 kHz PCM16, as it goes on.

    Each side is written at its place on the call's clock, in any order; what nobody wrote is
    silence, and what is written twice is as the second time. The last 4 to 5 s are held in memory
    (160 kB); what is older goes to the file, a second at a time, and what comes when its place has
    gone is not kept but counted in `late_samples`. Each of these writes makes the header right: the
    file of a process that died plays up to what had gone.

    It writes to the file when its time has come: on an event loop, give it one that does not block.
    """

    __slots__ = ("_base", "_end", "_file", "_hold", "late_samples")

    _RATE_HZ = 8_000
    _WRITE_SAMPLES = 8_000
    _HOLD_SAMPLES = 40_000

    def __init__(self, file: BinaryWriter) -> None:
        """Begin the file; time 0 is its first sample."""
        self._file = file
        self._hold: NDArray[np.int16] = np.zeros((self._HOLD_SAMPLES, 2), np.int16)
        self._base = 0  # the place of the first sample held
        self._end = 0  # the place after the latest sample
        self.late_samples = 0
        file.write(wav_header(0, self._RATE_HZ, 2))

    def write_left(self, samples: Samples, at_ms: float) -> None:
        """What the caller said, at 8 kHz, from `at_ms` on."""
        self._write(0, samples, at_ms)

    def write_right(self, samples: Samples, at_ms: float) -> None:
        """What the caller heard of the bot, at 8 kHz, from `at_ms` on."""
        self._write(1, samples, at_ms)

    def close(self) -> None:
        """Write the rest and the final header; the file stays open."""
        self._settle(self._end - self._base)

    def _write(self, side: int, samples: Samples, at_ms: float) -> None:
        place = round(at_ms * self._RATE_HZ / 1000)
        for first in range(0, len(samples), self._WRITE_SAMPLES):
            piece = samples[first : first + self._WRITE_SAMPLES]
            self._write_piece(side, piece, place + first)

    def _write_piece(self, side: int, samples: Samples, place: int) -> None:
        end = place + len(samples)
        excess = end - self._base - self._HOLD_SAMPLES
        if excess > 0:
            self._settle(max(excess, self._WRITE_SAMPLES))
        start = place - self._base
        if start < 0:
            late = min(-start, len(samples))
            self.late_samples += late
            samples, start = samples[late:], start + late
        if len(samples):
            self._hold[start : start + len(samples), side] = samples
            self._end = max(self._end, end)

    def _settle(self, count: int) -> None:
        """Give `count` samples of both sides to the file, and hold what follows them."""
        kept = self._hold[count:].copy()
        written = self._hold[: min(count, self._end - self._base)]
        if len(written):
            self._file.seek(_HEADER_BYTES + 4 * self._base)
            self._file.write(pcm_to_bytes(written))
        # After its data, so that the header never promises what is not there.
        total = self._base + len(written)
        self._file.seek(0)
        self._file.write(wav_header(4 * total, self._RATE_HZ, 2))
        self._hold[: len(kept)] = kept
        self._hold[len(kept) :] = 0
        self._base += count
