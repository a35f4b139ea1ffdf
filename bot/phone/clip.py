"""A caller's recording."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Clip", "ClipError", "load_clip"]


class ClipError(Exception):
    """A recording that cannot be used; the message names it and what is wrong."""


@dataclass(frozen=True, slots=True)
class Clip:
    """Sound to speak: µ-law, 8 kHz mono, named after its file."""

    name: str
    audio: bytes = field(repr=False)


def load_clip(path: Path) -> Clip:
    """Read a ``.ulaw`` (8 kHz, headerless) or ``.wav`` file.

    Raises:
        ClipError: it is neither, or cannot be read, or is empty.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ClipError(f"{path}: {error.strerror}") from None
    audio = data
    if not audio:
        raise ClipError(f"{path}: there is nothing in it")
    return Clip(path.name, audio)
