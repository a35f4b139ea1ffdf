"""The rows that were not taken, each with its reason, for whoever wants to mend them."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

from bot.campaign.cells import csv_line

from .faults import ContactsError, OptionError

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

    A file of that name is written over with the first of them, or at the end if there are none: an
    import that fails before leaves it as it is.

    Raises (when entered, left and written to):
        ContactsError: the file cannot be written; an `OptionError` when entered.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle = -1

    async def __aenter__(self) -> Self:
        try:
            await asyncio.to_thread(self._check)
        except OSError as error:
            raise OptionError(self._unwritten(error)) from error
        return self

    async def __aexit__(self, fault: type[BaseException] | None, *_: object) -> None:
        try:
            if fault is None and self._handle < 0:
                await self._append("")
        finally:
            # Nothing is held back that could fail to be written now.
            if self._handle >= 0:
                os.close(self._handle)

    async def write(self, rejects: Sequence[Reject]) -> None:
        """As `Rejects.write`; they are in the file when it returns."""
        await self._append("".join(csv_line((r.line, r.number, r.reason, r.row)) for r in rejects))

    async def _append(self, text: str) -> None:
        try:
            await asyncio.to_thread(self._write, text.encode())
        except OSError as error:
            raise ContactsError(self._unwritten(error)) from error

    def _check(self) -> None:
        """See that it could be written, and leave it as it is."""
        try:
            os.close(os.open(self._path, os.O_WRONLY | os.O_CLOEXEC))
        except FileNotFoundError:
            folder = self._path.parent
            if not os.access(folder, os.W_OK | os.X_OK):
                code = errno.EACCES if folder.exists() else errno.ENOENT
                raise OSError(code, os.strerror(code)) from None

    def _write(self, data: bytes) -> None:
        if self._handle < 0:
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
            self._handle = os.open(self._path, flags, 0o600)
            data = csv_line(_HEADER).encode() + data
        while data:
            data = data[os.write(self._handle, data) :]

    def _unwritten(self, error: OSError) -> str:
        return f"the rejects cannot be written to {self._path}: {error.strerror or error}"
