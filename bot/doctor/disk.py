"""The directories that a worker writes into: may it, and is there room?"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from bot.settings import Settings

from .finding import Finding, Tell, failure, ok, warning
from .thread import aside

__all__ = ["check_disk"]

GB = 1_000_000_000
LITTLE_BYTES = 1 * GB
# 8000 samples of two channels a second, two bytes each.
RECORDED_BYTES_PER_H = 8000 * 2 * 2 * 3600


async def check_disk(settings: Settings, tell: Tell) -> None:
    """Look at the state directory, and at that of the recordings if any are made."""
    state_dir, recordings = settings.state_dir, settings.recordings
    tell(await aside(lambda: _look("state", "PARLEY_STATE_DIR", state_dir, recorded=False)))
    if recordings is None:
        tell(ok("recordings", "none are made"))
        return
    tell(await aside(lambda: _look("recordings", "PARLEY_RECORDINGS", recordings, recorded=True)))


def _look(check: str, variable: str, folder: Path, *, recorded: bool) -> Finding:
    try:
        place = _existing(folder.absolute())
        _try_to_write(place)
        free = shutil.disk_usage(place).free
    except OSError as error:
        remedy = f"give the directory to the worker's user, or correct {variable}"
        return failure(check, f"{folder} cannot be written: {error.strerror}", remedy)
    text = f"{folder}: {free / GB:.1f} GB free"
    if recorded:
        text += f", {free // RECORDED_BYTES_PER_H} hours of calls"
    if free < LITTLE_BYTES:
        return warning(check, text, "make room")
    return ok(check, text)


def _existing(folder: Path) -> Path:
    """The directory, or the one in which the worker would begin to create it."""
    while not folder.exists():
        folder = folder.parent
    return folder


def _try_to_write(place: Path) -> None:
    # A disk that is full or read-only says so only to those who write.
    with tempfile.TemporaryFile(dir=place) as file:
        file.write(b"parley doctor")
        file.flush()
