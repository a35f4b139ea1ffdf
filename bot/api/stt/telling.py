"""What the client of a session is told, in its door's words, until that is over."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from .faults import Fault
from .outbox import Outbox
from .wording import Wording

__all__ = ["Telling"]


class Telling(ABC):
    """The part of a session that has messages for its client.

    Args:
        wording: how its client is told things.

    Attributes:
        over: whether no more messages come.
    """

    def __init__(self, wording: Wording) -> None:
        self.over = False
        self._wording = wording
        self._outbox = Outbox()

    @abstractmethod
    def fail(self, fault: Fault) -> None:
        """End it at once: its client is told, and may resume it."""

    def push(self, message: bytes | None) -> None:
        """Have a message sent; None is not said."""
        if message is not None and not self.over:
            self._outbox.put(message)
            self._check_read()

    def push_missed(self, messages: Sequence[bytes]) -> None:
        """Have the finals sent that its client has not got, however many."""
        if messages:
            self._outbox.put_missed(messages)

    def tell(self, fault: Fault) -> None:
        """Tell of something that went wrong and does no harm."""
        self.push(self._wording.error(fault))

    async def next(self) -> bytes | None:
        """The next message; None when there are no more."""
        return await self._outbox.next()

    async def caught_up(self) -> None:
        """Wait until its client has read most of what it was told, or reads no more."""
        await self._outbox.half_empty()

    def unread(self) -> None:
        """Its client is gone: nobody reads what waits, nor what would come."""
        self._outbox.close()
        self._outbox.take_all()

    def take_all(self) -> list[bytes]:
        """The messages that wait, without waiting."""
        return self._outbox.take_all()

    def _push_interim(self, message: bytes, channel: int) -> None:
        """Have a message sent, unless the next one of its channel comes sooner."""
        self._outbox.put_interim(message, channel)
        self._check_read()

    def _check_read(self) -> None:
        if self._outbox.overflowed:
            self.fail(Fault("slow_reader", "results are not read: resume, and read them"))
