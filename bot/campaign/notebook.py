"""Do-not-call requests on this machine's disk: one that was promised outlives its worker.

Each process has a file of its own in the state directory, for as long as there is something in it,
and holds a lock on it. The files of processes that are no more are taken over by whoever starts.
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import threading
from collections.abc import Mapping, Set
from contextlib import suppress
from pathlib import Path

import structlog

from bot.state_dir import prepare_state_dir

__all__ = ["Notebook"]

log = structlog.get_logger(__name__)

NAME = "do-not-call-{}.waiting"

_LINE = re.compile(r"(\+[1-9][0-9]{1,14}) (.*)\n", re.ASCII)


class Notebook:
    """Keeps requests, by number; its methods are for threads: a disk may be slow.

    A disk that is full or cannot be written is no error: the log says once that what waits is in
    memory alone.

    Args:
        folder: the state directory.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._own: _File | None = None
        self._found: list[_File] = []
        self._noted: frozenset[str] = frozenset()
        self._failed = False

    @property
    def noted(self) -> Set[str]:
        """The numbers that are on the disk."""
        return self._noted

    def find(self) -> dict[str, str]:
        """What processes that are no more have left: numbers, and who asked for them."""
        requests: dict[str, str] = {}
        with self._lock:
            for path in sorted(self._folder.glob(NAME.format("*"))):
                try:
                    if (file := _File.open(path)) is not None:
                        self._found.append(file)
                        requests |= file.read()
                except OSError as error:
                    why = error.strerror
                    log.error("do-not-call requests cannot be read", path=str(path), reason=why)
            self._noted = self._noted | requests.keys()
        return requests

    def keep(self, requests: Mapping[str, str]) -> None:
        """These are all that wait: write what is new, and take the files away when there are none.

        Args:
            requests: numbers, and who asked for them.
        """
        with self._lock:
            if not requests:
                self._clear()
                return
            new = {number: requests[number] for number in requests.keys() - self._noted}
            if new:
                self._write(new)

    def close(self) -> None:
        """Leave what is in the files to whoever starts next."""
        with self._lock:
            for file in self._files():
                file.close()
            self._own, self._found = None, []

    def _write(self, requests: Mapping[str, str]) -> None:
        try:
            if self._own is None:
                prepare_state_dir(self._folder)
                self._own = _File.create(self._folder / NAME.format(secrets.token_hex(6)))
            self._own.append(requests)
        except OSError as error:
            if not self._failed:
                self._failed = True
                log.error("do-not-call requests wait in memory alone", reason=error.strerror)
            return
        self._failed = False
        # Not in place: others look at it meanwhile.
        self._noted = self._noted | requests.keys()

    def _clear(self) -> None:
        for file in self._files():
            file.remove()
        self._own, self._found = None, []
        self._noted = frozenset()

    def _files(self) -> list[_File]:
        return self._found if self._own is None else [*self._found, self._own]


class _File:
    """A file that nobody else has: it is open, and locked, until it is removed."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor

    @classmethod
    def create(cls, path: Path) -> _File:
        """A new one, for its owner alone.

        Raises:
            OSError: it cannot be made.
        """
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600)
        # Whoever starts just now may have it already: there is another name for the next.
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            raise
        return cls(path, descriptor)

    @classmethod
    def open(cls, path: Path) -> _File | None:
        """One that is there; None when somebody has it, or has just taken it away.

        Raises:
            OSError: it cannot be opened.
        """
        try:
            descriptor = os.open(path, os.O_RDWR)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return cls(path, descriptor)

    def append(self, requests: Mapping[str, str]) -> None:
        """Write more.

        Raises:
            OSError: not all of it is written.
        """
        # What was broken off stands in a line of its own.
        data = ("\n" + "".join(f"{number} {by}\n" for number, by in requests.items())).encode()
        while data:
            data = data[os.write(self._descriptor, data) :]
        os.fsync(self._descriptor)

    def read(self) -> dict[str, str]:
        """All that is whole.

        Raises:
            OSError: it cannot be read.
        """
        with open(self._descriptor, encoding="utf-8", errors="replace", closefd=False) as file:
            lines = (_LINE.fullmatch(line) for line in file)
            return {line[1]: line[2] for line in lines if line is not None}

    def remove(self) -> None:
        """Take it away. What cannot be taken away is read again one day, which does no harm."""
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
        self.close()

    def close(self) -> None:
        """Let others have it."""
        os.close(self._descriptor)
