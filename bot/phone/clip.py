"""A caller's recording."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from media.audio import pcm_to_ulaw
from media.files import AudioFileError, read_audio

__all__ = ["Clip", "ClipError", "load_clip"]


class ClipError(Exception):
    """A recording that cannot be used; the message names it and what is wrong."""


@dataclass(frozen=True, slots=True)
class Clip:
    """Sound to speak: µ-law, 8 kHz mono, named after its file."""

    name: str
    audio: bytes = field(repr=False)


def load_clip(path: Path) -> Clip:
    """Read a `.ulaw` (8 kHz, headerless) or `.wav` file.

    Raises:
        ClipError: it is neither, or cannot be read, or is empty.
    """
    try:
        data = path.read_bytes()
        samples = read_audio(data, path.name)
    except OSError as error:
        raise ClipError(f"{path}: {error.strerror}") from None
    except AudioFileError as error:
        raise ClipError(str(error)) from None
    # µ-law goes on the line as it is: decoding it and back would lose its negative zero.
    return Clip(path.name, pcm_to_ulaw(samples) if path.suffix.lower() == ".wav" else data)
