"""A file, read piece by piece beside the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

from .faults import ContactsError

__all__ = ["read_file"]

PIECE_BYTES = 64 * 1024


async def read_file(path: Path) -> AsyncGenerator[bytes, None]:
    """The bytes of a file, a pipe among them.

    Raises:
        ContactsError: it cannot be read.
    """
    try:
        file = await asyncio.to_thread(path.open, "rb", buffering=0)
        try:
            while piece := await asyncio.to_thread(file.read, PIECE_BYTES):
                yield piece
        finally:
            file.close()
    except OSError as error:
        raise ContactsError(f"{path} cannot be read: {error.strerror or error}") from error
