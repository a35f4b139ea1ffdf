"""Where audio comes from: a file, or bytes. Opening one blocks, as reading it does."""

from __future__ import annotations

import io
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ..errors import AudioTooLargeError, FileError, InvalidAudioError

__all__ = ["LIMITS", "Limits", "Source", "open_source", "reading"]


@dataclass(frozen=True, slots=True)
class Limits:
    """How much audio is taken.

    Attributes:
        max_bytes: of a file, as it is stored.
        max_duration_s: of the audio in it, as it plays; a small file may hold days of silence.
    """

    max_bytes: int = 1 << 30
    max_duration_s: float = 5 * 3600.0


LIMITS = Limits()
"""A gibibyte, and five hours: longer than calls last and any vendor takes at a time."""


@dataclass(frozen=True, slots=True)
class Source:
    """An open file.

    Attributes:
        name: what to call it in errors, and what may tell its format.
        size: in bytes.
    """

    file: BinaryIO
    name: str
    size: int

    def close(self) -> None:
        """Close the file."""
        self.file.close()


def open_source(what: Path | bytes, limits: Limits = LIMITS, name: str = "") -> Source:
    """Open a file, or bytes that may be called `name`.

    Raises:
        FileError: it cannot be opened, or is no regular file.
        AudioTooLargeError: it has too many bytes.
        InvalidAudioError: it is empty.
    """
    file, name, size = _opened(what, name)
    try:
        if size > limits.max_bytes:
            raise AudioTooLargeError(
                "audio",
                f"{name} has {size:,} bytes",
                hint=f"at most {limits.max_bytes:,} are taken: cut it, or compress it",
            )
        if not size:
            raise InvalidAudioError("audio", f"{name} is empty")
    except BaseException:
        file.close()
        raise
    return Source(file, name, size)


def _opened(what: Path | bytes, name: str) -> tuple[BinaryIO, str, int]:
    if isinstance(what, bytes):
        return io.BytesIO(what), name or "the audio", len(what)
    try:
        # Looked at before it is opened: opening a pipe that nobody writes to takes for ever.
        if not stat.S_ISREG(what.stat().st_mode):
            raise FileError("file", f"{what} is no file", hint="name a file, or read - from a pipe")
        file = what.open("rb")
    except (OSError, ValueError) as error:  # ValueError: a name with a null in it
        raise _unreadable(what, error) from None
    try:
        return file, what.name, file.seek(0, io.SEEK_END)
    except OSError as error:
        file.close()
        raise _unreadable(what, error) from None


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Errors of the disk, as errors of this file.

    Raises:
        FileError: it cannot be read.
    """
    try:
        yield
    except OSError as error:
        raise _unreadable(name, error) from None


def _unreadable(what: Path | str, error: OSError | ValueError) -> FileError:
    why = error.strerror if isinstance(error, OSError) else error
    return FileError("file", f"cannot read {what}: {why}")
