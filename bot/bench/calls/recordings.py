"""The voice of the benchmark: the recordings that come with the demo."""

from __future__ import annotations

from pathlib import Path

import bot.demo
from media.audio import ulaw_to_pcm

from .script import Material, make_material

__all__ = ["load_material"]

_FOLDER = Path(bot.demo.__file__).parent
_NAMES = ("appointment", "friday", "ten", "yes")


def load_material() -> Material:
    """What is spoken in the benchmark's calls.

    Raises:
        OSError: the recordings are not there.
    """
    files = [_FOLDER / f"{name}.ulaw" for name in _NAMES]
    return make_material([ulaw_to_pcm(file.read_bytes()) for file in files])
