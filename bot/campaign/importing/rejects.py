"""The rows that were not taken, each with its reason, for whoever wants to mend them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

from bot.campaign.cells import csv_line

from .faults import ContactsError

__all__ = ["Reject", "Rejects", "RejectsFile"]

_HEADER = ("line", "number", "reason", "row")


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that was not taken.

    Attributes:
        line: in which it begins; the file's first is 1.
        number: as it was written, if it could be found.
        row: as it was in the file.
    """

    line: int
    number: str
    reason: str
    row: str


class Rejects(Protocol):
    """Where they go."""

    async def write(self, rejects: Sequence[Reject]) -> None:
        """Keep them; they come in the order of their lines.

        Raises:
            ContactsError: they cannot be kept.
        """


class RejectsFile:
    """A CSV file of them, which only its owner can read; an async context manager.

    A file of that name is written over.

    Raises (when entered, left and written to):
        ContactsError: the file cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle = -1

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self._open)
        try:
            await self._append(csv_line(_HEADER))
        except BaseException:
            os.close(self._handle)
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        # Nothing is held back that could fail to be written now.
        os.close(self._handle)

    async def write(self, rejects: Sequence[Reject]) -> None:
        """As `Rejects.write`; they are in the file when it returns."""
        await self._append("".join(csv_line((r.line, r.number, r.reason, r.row)) for r in rejects))

    async def _append(self, text: str) -> None:
        await asyncio.to_thread(self._write, text.encode())

    def _open(self) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        try:
            self._handle = os.open(self._path, flags, 0o600)
        except OSError as error:
            raise self._unwritten(error) from error

    def _write(self, data: bytes) -> None:
        try:
            while data:
                data = data[os.write(self._handle, data) :]
        except OSError as error:
            raise self._unwritten(error) from error

    def _unwritten(self, error: OSError) -> ContactsError:
        return ContactsError(
            f"the rejects cannot be written to {self._path}: {error.strerror or error}"
        )
