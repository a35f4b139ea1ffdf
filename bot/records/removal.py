"""Removing calls: the recordings on this machine, then record and log."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from bot.record import Record
from bot.retention import RECORDING_NAME, recordings_of
from bot.store import Store

__all__ = ["Recordings", "Removed", "find_recordings", "in_progress", "older_calls", "remove"]

# Twilio's longest `TimeLimit`: a call that began earlier is over, whether anybody said so or not.
LONGEST_CALL_MS = 24 * 3_600_000
PAGE = 200


@dataclass(frozen=True, slots=True)
class Recordings:
    """The recordings of a call: files that are on this machine, and those that are `missing`."""

    here: list[Path] = field(default_factory=list)
    missing: list[Path] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Removed:
    """A call that was removed; `recordings.here` were deleted."""

    sid: str
    recordings: Recordings


def in_progress(record: Record, now_ms: int) -> bool:
    """Whether the call may still be going on."""
    return record.ended is None and now_ms - record.started_ms < LONGEST_CALL_MS


def find_recordings(record: Record, folder: Path | None) -> Recordings:
    """The recordings that the record names, and those of the call that are in `folder`. Blocks.

    A name that no worker of ours gives is left out: a record may not have a foreign file deleted.

    Raises:
        OSError: whether there are any cannot be seen, for the directory is somebody else's, say.
    """
    named = [Path(path) for path in record.recordings]
    own = [path for path in named if _is_of(record.sid, path)]
    found = recordings_of(record.sid, folder) if folder is not None else []
    every = {path.absolute(): None for path in [*own, *found]}
    here = [path for path in every if _is_here(path)]
    return Recordings(here, [path for path in every if path not in here])


async def older_calls(store: Store, before_ms: int) -> AsyncIterator[Record]:
    """Every call that began before `before_ms`, newest first.

    Raises:
        StoreUnavailable: Redis is away.
    """
    before_sid = ""
    while page := await store.list_calls(PAGE, before_ms, before_sid):
        for record in page:
            yield record
        before_ms, before_sid = page[-1].started_ms, page[-1].sid


async def remove(store: Store, record: Record, folder: Path | None) -> Removed:
    """Delete a call's recordings on this machine, its record and its log.

    The record goes last: a removal that failed half-way can be asked for again.

    Raises:
        OSError: a recording cannot be deleted, or not be looked for.
        StoreUnavailable: Redis is away.
    """
    recordings = await asyncio.to_thread(_delete_recordings, record, folder)
    await store.delete(record.sid)
    return Removed(record.sid, recordings)


def _delete_recordings(record: Record, folder: Path | None) -> Recordings:
    recordings = find_recordings(record, folder)
    for path in recordings.here:
        path.unlink(missing_ok=True)
    return recordings


def _is_here(path: Path) -> bool:
    # Not `Path.is_file`: of what it cannot see, newer Pythons say that it is not there.
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def _is_of(sid: str, path: Path) -> bool:
    match = RECORDING_NAME.fullmatch(path.name)
    return match is not None and match["sid"] == sid
