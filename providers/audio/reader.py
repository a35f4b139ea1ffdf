"""Any audio file, by pieces of 16-bit samples, within limits. It blocks: see `open_audio`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from media.audio import AudioFormat, Samples
from media.channels import mixed
from media.resample import Resampler

from ..errors import AudioTooLargeError, InvalidAudioError
from ..results import Container
from .container import HEAD_BYTES, container_named, detect, raw_format
from .ffmpeg import open_encoded
from .plain import open_raw, open_wav
from .rate import check_rate
from .source import LIMITS, Limits, Source, open_source, reading

__all__ = ["AudioInfo", "AudioReader"]

PIECE_S = 1.0
# What a file says of its length counts padding, which decoders leave out.
_MISSING_S, _MISSING_SHARE = 0.5, 0.02


class _Audio(Protocol):
    """What a file's samples are got from."""

    sample_rate_hz: int
    channels: int

    @property
    def duration_ms(self) -> float | None: ...

    def pieces(self) -> Iterator[Samples]: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class AudioInfo:
    """What a file says of itself.

    Attributes:
        duration_ms: None when it does not say.
        size: in bytes.
    """

    container: Container
    sample_rate_hz: int
    channels: int
    duration_ms: float | None
    size: int


class AudioReader:
    """An audio file; a context manager, which closes it.

    Args:
        what: the file, or its bytes.
        format: of raw audio; None to find out what it is, by its first bytes, and by its name
            (`.ulaw`, `.alaw`) when they tell nothing.
        limits: how much is taken.
        name: what bytes are called.

    Raises:
        FileError: it cannot be opened, or read.
        InvalidAudioError: it is of no kind that is known, broken, or empty.
        AudioTooLargeError: it is beyond the limits.
        UnsupportedRateError: its rate is below 4 or above 192 kHz.
        MissingKeyError: it has to be decoded, and PyAV is not installed.
    """

    def __init__(
        self,
        what: Path | bytes,
        format: AudioFormat | None = None,
        limits: Limits = LIMITS,
        name: str = "",
    ) -> None:
        self._limits = limits
        self._source = open_source(what, limits, name)
        self._audio: _Audio | None = None
        try:
            with reading(self._source.name):
                self.info = self._open(format)
            self._check()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> AudioReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        if self._audio is not None:
            self._audio.close()
        self._source.close()

    def pieces(self, rate_hz: int | None = None, *, mix: bool = True) -> Iterator[Samples]:
        """Its samples, about a second at a time: mono, or else one column for each channel.

        Args:
            rate_hz: the rate wanted; None for the file's own.
            mix: whether channels are made one.

        Raises:
            FileError: it cannot be read any further.
            InvalidAudioError: the file is damaged, cut off, or holds no sample.
            AudioTooLargeError: it lasts too long.
        """
        pieces = _seconds(self._checked(), self.info.sample_rate_hz)
        if mix and self.info.channels > 1:
            pieces = map(mixed, pieces)
        if rate_hz is not None and rate_hz != self.info.sample_rate_hz:
            pieces = _resampled(pieces, self.info.sample_rate_hz, rate_hz)
        for piece in pieces:
            if len(piece):
                yield piece[:, 0] if mix else piece

    def _open(self, format: AudioFormat | None) -> AudioInfo:
        source = self._source
        container, format = _kind(source, format)
        if format is not None:
            check_rate(format.sample_rate_hz, source.name)
            audio: _Audio = open_raw(source, format)
        else:
            audio = (container == "wav" and open_wav(source)) or open_encoded(source, container)
        self._audio = audio
        return AudioInfo(
            container, audio.sample_rate_hz, audio.channels, audio.duration_ms, source.size
        )

    def _check(self) -> None:
        info = self.info
        check_rate(info.sample_rate_hz, self._source.name)
        if info.duration_ms is not None:
            self._check_duration(info.duration_ms / 1000)

    def _check_duration(self, duration_s: float) -> None:
        if duration_s > self._limits.max_duration_s:
            raise AudioTooLargeError(
                "audio",
                f"{self._source.name} lasts longer than {self._limits.max_duration_s:g} s",
                hint="cut it into shorter ones",
            )

    def _checked(self) -> Iterator[Samples]:
        """All samples, seen to be neither too many nor too few."""
        assert self._audio is not None
        info, count = self.info, 0
        with reading(self._source.name):
            for piece in self._audio.pieces():
                count += len(piece)
                self._check_duration(count / info.sample_rate_hz)
                yield piece
        if not count:
            raise InvalidAudioError("audio", f"{self._source.name} holds no audio")
        duration_s, told_s = count / info.sample_rate_hz, (info.duration_ms or 0) / 1000
        if told_s - duration_s > max(_MISSING_S, told_s * _MISSING_SHARE):
            raise InvalidAudioError(
                "audio",
                f"{self._source.name} is cut off: {duration_s:.1f} s of {told_s:.1f} s are there",
                hint="get it again",
            )


def _kind(source: Source, format: AudioFormat | None) -> tuple[Container, AudioFormat | None]:
    """What a file is in, and its format if it is raw."""
    source.file.seek(0)
    found = detect(source.file.read(HEAD_BYTES))
    named = container_named(source.name)
    format = format or raw_format(source.name)
    # What is meant to be raw may begin like frames of MP3 or AAC; what begins like a file is one.
    if format is not None and found in (None, "mp3", "aac"):
        return "raw", format
    if found is None:
        said = f" and is no {named} file" if named and named != "raw" else ""
        raise InvalidAudioError(
            "audio",
            f"{source.name} begins like no audio file that is known{said}",
            hint="known are wav, flac, mp3, m4a, mp4, aac, ogg, webm; of raw audio say the format",
        )
    return found, None


def _seconds(pieces: Iterator[Samples], rate_hz: int) -> Iterator[Samples]:
    """The same samples in pieces of a second or more: decoders give a few at a time."""
    held: list[Samples] = []
    count = 0
    for piece in pieces:
        held.append(piece)
        count += len(piece)
        if count >= rate_hz * PIECE_S:
            yield np.concatenate(held)
            held, count = [], 0
    if count:
        yield np.concatenate(held)


def _resampled(pieces: Iterator[Samples], from_hz: int, to_hz: int) -> Iterator[Samples]:
    resamplers: list[Resampler] = []
    for piece in pieces:
        resamplers = resamplers or [Resampler(from_hz, to_hz) for _ in piece.T]
        pairs = zip(resamplers, piece.T, strict=True)
        yield np.stack([one.process(np.ascontiguousarray(column)) for one, column in pairs], 1)
    yield np.stack([one.flush() for one in resamplers], 1)
