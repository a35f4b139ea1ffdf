"""Audio made into another kind of file, or samples into one in memory."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO

from media.audio import AudioFormat, Encoding, Samples

from ..errors import FileError, UnsupportedFormatError
from ..results import Container, ContainerName
from .container import CONTAINERS, container_called, container_named, raw_format
from .opened import open_audio
from .own_thread import OwnThread
from .reader import AudioInfo
from .source import LIMITS, Limits
from .writer import AudioWriter, Target, suitable_rate

__all__ = ["convert_file", "encode_samples"]

_BOTH_SIDES = 2


async def convert_file(
    what: Path | bytes,
    to: Path,
    *,
    format: AudioFormat | None = None,
    container: ContainerName | None = None,
    rate_hz: int | None = None,
    mix: bool = False,
    limits: Limits = LIMITS,
) -> float:
    """Write the audio of a file, or of its bytes, into a file of another kind.

    What is there is replaced once the new file is whole.

    Args:
        what: the file, or its bytes.
        to: the new file.
        format: of `what`, if that is raw.
        container: of the new file; None goes by its name.
        rate_hz: of the new file; None is what loses least of the old one.
        mix: whether the sides of a stereo file are made one; of more than two they always are.
        limits: how much is read.

    Returns how long it plays, in ms.

    Raises:
        ProviderError: `FileError`, an `AudioError`, or `MissingKeyError` when PyAV is missing.
    """
    kind = container_called(container) if container else container_named(to.name)
    if kind is None:
        raise UnsupportedFormatError(
            "audio",
            f"the name {to.name} says no format",
            hint=f"let it end in one of .{', .'.join(CONTAINERS)}, .ulaw, .alaw",
        )
    async with open_audio(what, format, limits) as audio:
        mix = mix or audio.info.channels > _BOTH_SIDES
        target = _target(kind, audio.info, to.name, rate_hz, mix=mix)
        file = _NewFile(to, target)
        thread = OwnThread()
        try:
            await thread.do(file.open)
            async for piece in audio.pieces(target.format.sample_rate_hz, mix=mix):
                await thread.do(partial(file.write, piece))
            return await thread.do(file.complete)
        finally:
            await thread.aclose(file.close)


async def encode_samples(samples: Samples, target: Target) -> bytes:
    """Samples at the target's rate, as a whole file's bytes.

    Raises:
        ConversionError: they cannot be encoded.
        MissingKeyError: that needs PyAV, which is not installed.
    """

    def encode() -> bytes:
        file = io.BytesIO()
        writer = AudioWriter(file, target)
        second = target.format.sample_rate_hz
        for first in range(0, len(samples), second):
            writer.write(samples[first : first + second])
        writer.close()
        return file.getvalue()

    return await asyncio.to_thread(encode)


def _target(
    container: Container, info: AudioInfo, name: str, rate_hz: int | None, *, mix: bool
) -> Target:
    encoding, channels = Encoding.PCM16, 1 if mix else info.channels
    if container == "raw" and (format := raw_format(name)) is not None:
        encoding, rate_hz = format.encoding, rate_hz or format.sample_rate_hz
    rate_hz = rate_hz or suitable_rate(container, info.sample_rate_hz)
    return Target(container, AudioFormat(encoding, rate_hz, channels))


class _NewFile:
    """A file that takes its name when it is whole. Its methods block."""

    def __init__(self, path: Path, target: Target) -> None:
        self._path = path
        # Of its own: two may be written to one name, and the last to be whole is the one.
        self._part = path.with_name(f".{path.name}.{token_hex(4)}.part")
        self._target = target
        self._file: BinaryIO | None = None
        self._writer: AudioWriter | None = None

    def open(self) -> None:
        with _named(self._path):
            self._file = self._part.open("xb")
        self._writer = AudioWriter(self._file, self._target)

    def write(self, samples: Samples) -> None:
        assert self._writer is not None
        with _named(self._path):
            self._writer.write(samples)

    def complete(self) -> float:
        assert self._writer is not None
        assert self._file is not None
        with _named(self._path):
            self._writer.close()
            self._file.close()
            self._part.replace(self._path)
        return self._writer.duration_ms

    def close(self) -> None:
        """Leave nothing of what was not completed."""
        if self._file is not None:
            self._file.close()
            self._part.unlink(missing_ok=True)


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Errors of the disk, as errors of this file."""
    try:
        yield
    except OSError as error:
        raise FileError("file", f"cannot write {path}: {error.strerror}") from None
