"""Who came to a stand-in, who is there now, and what is to go wrong with whom."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping

from .faults import Fault
from .record import Record

__all__ = ["Register"]


class Register:
    """Counts by service; see `StandIn`.

    Args:
        faults: by service, what happens to its connections and requests, one each.

    Attributes:
        records: by service, who came, in their order.
    """

    def __init__(self, faults: Mapping[str, Iterable[Fault]]) -> None:
        self.records: defaultdict[str, list[Record]] = defaultdict(list)
        self._faults: defaultdict[str, deque[Fault]] = defaultdict(deque)
        for service, those in faults.items():
            self._faults[service] += those
        self._open: set[Record] = set()
        self._news = asyncio.Condition()

    def misbehave(self, *faults: Fault, service: str = "stt") -> None:
        """Add to what the next connections and requests of a service meet."""
        self._faults[service].extend(faults)

    def behave(self, *, service: str = "stt") -> None:
        """Forget what the next ones were to meet."""
        self._faults[service].clear()

    def at_once(self, service: str) -> int:
        """How many connections and requests of a service are open."""
        return sum(record.service == service for record in self._open)

    async def until(self, condition: Callable[[], bool], within_s: float = 5.0) -> None:
        """Wait until it is so; looked at whenever a connection or a request begins or ends.

        Raises:
            TimeoutError: it is not so in time.
        """
        async with asyncio.timeout(within_s), self._news:
            await self._news.wait_for(condition)

    async def came(self, record: Record) -> None:
        """Note who comes, and which fault is theirs."""
        faults = self._faults[record.service]
        record.fault = faults.popleft() if faults else None
        self.records[record.service].append(record)
        await self._notify()

    def began(self, record: Record) -> None:
        """Note that somebody is there now."""
        self._open.add(record)

    async def over(self, record: Record) -> None:
        """Note that somebody is gone, or was not let in."""
        self._open.discard(record)
        record.ended.set()
        await self._notify()

    async def _notify(self) -> None:
        async with self._news:
            self._news.notify_all()
