"""Audio that needs no decoder: headerless samples, and WAV of PCM16, µ-law or A-law."""

from __future__ import annotations

from collections.abc import Iterator

from media.audio import AudioFormat, Samples, decode
from media.files import AudioFileError, WavHeader, read_wav_header

from ..errors import InvalidAudioError
from .container import HEAD_BYTES
from .source import Source

__all__ = ["PlainAudio", "open_raw", "open_wav"]

_ENDLESS = 0x7FFF0000
"""Who writes a WAV file into a pipe claims so many bytes of data or more, not knowing better."""


class PlainAudio:
    """The samples of a file that lie there one after another.

    Attributes:
        format: what they are like.
        duration_ms: how long they play.
    """

    def __init__(self, source: Source, format: AudioFormat, begin: int, size: int) -> None:
        self._source = source
        self._begin = begin
        # Whole samples: what is behind them is a chunk's padding, or was cut off in one.
        self._size = size - size % format.frame_bytes
        self.format = format
        self.sample_rate_hz = format.sample_rate_hz
        self.channels = format.channels
        self.duration_ms = format.duration_ms(self._size)

    def pieces(self) -> Iterator[Samples]:
        """The samples, one row for each moment, about a second at a time."""
        file, left = self._source.file, self._size
        file.seek(self._begin)
        step = self.format.byte_count(1000)
        while left and (data := file.read(min(step, left))):
            left -= len(data)
            whole = len(data) - len(data) % self.format.frame_bytes
            yield decode(data[:whole], self.format.encoding).reshape(-1, self.channels)

    def close(self) -> None:
        """Nothing is held but the file, which is the reader's."""


def open_raw(source: Source, format: AudioFormat) -> PlainAudio:
    """Headerless audio in a format that was stated."""
    return PlainAudio(source, format, 0, source.size)


def open_wav(source: Source) -> PlainAudio | None:
    """A WAV file; None when it needs a decoder, or is not understood here.

    Raises:
        InvalidAudioError: there is less data than its header says.
    """
    source.file.seek(0)
    try:
        header = read_wav_header(source.file.read(HEAD_BYTES))
    except AudioFileError:
        return None
    return PlainAudio(source, header.format, header.data_at, _data_bytes(source, header))


def _data_bytes(source: Source, header: WavHeader) -> int:
    there = source.size - header.data_at
    if header.data_bytes <= there:
        return header.data_bytes
    if header.data_bytes < _ENDLESS:
        raise InvalidAudioError(
            "audio",
            f"{source.name} is cut off: it should hold {header.data_bytes:,} bytes of audio"
            f" and holds {there:,}",
            hint="get it again",
        )
    return there
