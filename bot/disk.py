"""Files that are written beside the event loop, by one thread for the whole process.

A slow or full disk must not make a single frame late: writes are queued, up to a bound, and a file
that cannot be written is given up with a reason, while its call goes on.
"""

from __future__ import annotations

import os
import queue
import threading
from io import SEEK_SET, RawIOBase, UnsupportedOperation
from pathlib import Path
from typing import Any

import structlog

__all__ = ["Disk", "DiskFile"]

log = structlog.get_logger(__name__)

MAX_QUEUED_BYTES = 64 * 1024 * 1024
CLOSE_DEADLINE_S = 10.0


class DiskFile(RawIOBase):
    """A file open for writing and seeking, whose writes happen later, in order.

    Attributes:
        path: where it is.
        failure: why it was given up; empty while all is well.
    """

    def __init__(self, disk: Disk, path: Path) -> None:
        super().__init__()
        self.path = path
        self.failure = ""
        self._disk = disk
        self._position = 0
        self._fd = -1

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = SEEK_SET) -> int:
        if whence != SEEK_SET:
            raise UnsupportedOperation("only positions from the start are known here")
        self._position = offset
        return offset

    def tell(self) -> int:
        return self._position

    def write(self, data: Any) -> int:
        size = len(data)
        if not self.failure:
            self._disk._put(self, self._position, bytes(data))
        self._position += size
        return size

    def close(self) -> None:
        if not self.closed:
            self._disk._put(self, -1, b"")
        super().close()

    # In the disk's thread

    def _apply(self, position: int, data: bytes) -> None:
        try:
            if position < 0:
                self._release()
            elif not self.failure:
                if self._fd < 0:
                    self._fd = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
                while data:
                    written = os.pwrite(self._fd, data, position)
                    data, position = data[written:], position + written
        except OSError as error:
            self._give_up(error.strerror or repr(error))

    def _release(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _give_up(self, reason: str) -> None:
        if not self.failure:
            self.failure = reason
            log.error("file given up", path=str(self.path), reason=reason)


class Disk:
    """The thread that writes. Use it as a context manager around everything that opens files."""

    def __init__(self, max_queued_bytes: int = MAX_QUEUED_BYTES) -> None:
        self._max_queued_bytes = max_queued_bytes
        # Bounded by bytes, in `_put`.
        self._queue: queue.SimpleQueue[tuple[DiskFile, int, bytes] | None] = queue.SimpleQueue()
        self._queued_bytes = 0
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="disk", daemon=True)

    def __enter__(self) -> Disk:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._queue.put(None)
        self._thread.join(CLOSE_DEADLINE_S)
        if self._thread.is_alive():
            log.error("disk did not take everything in time", queued_bytes=self._queued_bytes)

    def open(self, path: Path) -> DiskFile:
        """A new file; it is created, over an older one, with the first write."""
        return DiskFile(self, path)

    def _put(self, file: DiskFile, position: int, data: bytes) -> None:
        with self._lock:
            if self._queued_bytes + len(data) > self._max_queued_bytes:
                file._give_up(f"the disk is more than {self._max_queued_bytes} bytes behind")
                return
            self._queued_bytes += len(data)
        self._queue.put((file, position, data))

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            file, position, data = item
            file._apply(position, data)
            with self._lock:
                self._queued_bytes -= len(data)
