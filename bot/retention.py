"""Retention of recordings: Redis forgets calls by itself, files must be deleted."""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path

import structlog

__all__ = ["RECORDING_NAME", "Retention", "recordings_of"]

log = structlog.get_logger(__name__)

RECORDING_NAME = re.compile(r"(?P<sid>CA[0-9a-f]{32})-[0-9]{1,9}\.wav", re.ASCII)
"""`{CallSid}-{generation}.wav`, as the worker names recordings. Nothing else is ever deleted."""
PERIOD_S = 3600.0
STEP = 1000
DAY_S = 86_400


def recordings_of(sid: str, folder: Path) -> list[Path]:
    """The recordings of call `sid` that are in `folder`, oldest stream first. Blocks.

    A folder that is not there holds none.
    """
    try:
        names = [name for name in os.listdir(folder) if _sid_of(name) == sid]
    except FileNotFoundError:
        return []
    return [folder / name for name in sorted(names, key=lambda name: (len(name), name))]


class Retention:
    """Deletes recordings that are older than they may become.

    Several workers may share a folder. A recording in progress is safe: its file has just changed.

    Args:
        folder: where recordings are.
        days: how long they are kept after their last change.
        clock: seconds since the epoch.
        period_s: how often to look.
        step: how many of the folder's entries are looked at without a pause.
    """

    def __init__(
        self,
        folder: Path,
        days: int,
        *,
        clock: Callable[[], float] = time.time,
        period_s: float = PERIOD_S,
        step: int = STEP,
    ) -> None:
        self._folder = folder
        self._kept_s = days * DAY_S
        self._clock = clock
        self._period_s = period_s
        self._step = step

    async def run(self) -> None:
        """Delete what is too old, now and every hour, for ever; the worker starts this once."""
        while True:
            await self.sweep()
            await asyncio.sleep(self._period_s)

    async def sweep(self) -> int:
        """Look through the folder once; gives how many recordings were deleted.

        The work is done in a thread, a bounded step at a time, so that a worker that stops never
        waits for it. What cannot be done is logged.
        """
        before_s = self._clock() - self._kept_s
        names = self._names()
        deleted, faults = 0, list[OSError]()
        try:
            while step := await asyncio.to_thread(lambda: list(islice(names, self._step))):
                deleted += await asyncio.to_thread(self._delete, step, before_s, faults)
        except OSError as error:
            faults.append(error)
        if faults:
            first = {"path": faults[0].filename, "reason": faults[0].strerror}
            log.error("recordings cannot be deleted", count=len(faults), **first)
        if deleted:
            log.info("old recordings deleted", count=deleted)
        return deleted

    def _names(self) -> Iterator[str]:
        with os.scandir(self._folder) as entries:
            for entry in entries:
                yield entry.name

    def _delete(self, names: Iterable[str], before_s: float, faults: list[OSError]) -> int:
        deleted = 0
        for path in (self._folder / name for name in names if _sid_of(name)):
            try:
                if path.lstat().st_mtime < before_s:
                    path.unlink()
                    deleted += 1
            except FileNotFoundError:
                pass  # another worker was faster
            except OSError as error:
                faults.append(error)
        return deleted


def _sid_of(name: str) -> str | None:
    match = RECORDING_NAME.fullmatch(name)
    return match["sid"] if match else None
