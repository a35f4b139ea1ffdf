"""What waits to be sent to a session's client: in order, bounded, and nothing that is outdated."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Iterable

__all__ = ["MOST_BYTES", "MOST_MESSAGES", "Outbox"]

MOST_MESSAGES = 1_000
MOST_BYTES = 4 << 20
"""So much may wait for a client that does not read; a lost connection is found sooner."""


class Outbox:
    """Messages for one client.

    Attributes:
        overflowed: whether there was more than may wait: nothing more is taken since.
    """

    def __init__(self) -> None:
        self._waiting: OrderedDict[int, bytes] = OrderedDict()
        self._missed: deque[bytes] = deque()  # which go before those
        self._bytes = 0
        self._count = 0
        self._interims: dict[int, int] = {}  # of each channel, the one that waits, perhaps
        self._changed = asyncio.Event()
        self._taken = asyncio.Event()
        self._closed = False
        self.overflowed = False

    def put(self, message: bytes) -> None:
        """Have a message sent after all others."""
        if self._closed or self.overflowed:
            return
        if len(self._waiting) >= MOST_MESSAGES or self._bytes + len(message) > MOST_BYTES:
            self.overflowed = True
            self._wake()
            return
        self._waiting[self._count] = message
        self._count += 1
        self._bytes += len(message)
        self._changed.set()

    def put_missed(self, messages: Iterable[bytes]) -> None:
        """Have messages sent after those that wait now, however many: the store's log bounds them.

        Of a long session they are more than may wait of what comes from now on.
        """
        self._missed += self.take_all()
        self._missed += messages
        self._changed.set()

    def put_interim(self, message: bytes, channel: int) -> None:
        """Have a message sent, unless the next one of its channel comes sooner."""
        self.outdate(channel)
        self._interims[channel] = self._count
        self.put(message)

    def outdate(self, channel: int) -> None:
        """An interim message of a channel that still waits is not to be sent any more."""
        message = self._waiting.pop(self._interims.pop(channel, -1), b"")
        self._bytes -= len(message)

    def close(self) -> None:
        """There will be nothing more; what waits can still be taken."""
        self._closed = True
        self._wake()

    async def half_empty(self) -> None:
        """Wait until less than half of what may wait does, or nothing more is to be taken."""
        while not self._closed and not self.overflowed and self._half_full:
            self._taken.clear()
            await self._taken.wait()

    @property
    def _half_full(self) -> bool:
        return len(self._waiting) > MOST_MESSAGES / 2 or self._bytes > MOST_BYTES / 2

    async def next(self) -> bytes | None:
        """The next message; None when it is closed and all were taken, or there were too many."""
        while not (self._missed or self._waiting or self._closed or self.overflowed):
            self._changed.clear()
            await self._changed.wait()
        return self._take()

    def take_all(self) -> list[bytes]:
        """All that wait, without waiting."""
        taken = []
        while (message := self._take()) is not None:
            taken.append(message)
        return taken

    def _take(self) -> bytes | None:
        if self.overflowed:
            return None
        if self._missed:
            return self._missed.popleft()
        if not self._waiting:
            return None
        _, message = self._waiting.popitem(last=False)
        self._bytes -= len(message)
        self._taken.set()
        return message

    def _wake(self) -> None:
        self._changed.set()
        self._taken.set()
