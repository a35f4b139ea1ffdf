"""Sessions whose clients are lost, and whose recognizers wait for them to come back."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping

import structlog

from .held import Held
from .roster import Roster
from .upkeep import LOOK_S

__all__ = ["Absent"]

log = structlog.get_logger(__name__)


class Absent:
    """Has those wait no longer whose recognizers are wanted by somebody who is there.

    They hold a recognizer each, and count for nobody: not for the worker, whose end waits for none
    of them, nor for their key, nor for whoever recognizes. In return the one that has waited
    longest gives way when

    - the worker would have more sessions, with these, than it takes;
    - a key would have more here than it may have;
    - a recognizer would have more streams, with those of calls, than it takes.

    Of one that has given way nothing is made final: its client is to send again what it said last.

    Args:
        roster: of the worker.
        most: how many sessions it takes.
        calls: how many calls each recognizer has.
    """

    def __init__(self, roster: Roster, most: int, calls: Callable[[], Counter[str]]) -> None:
        self._roster = roster
        self._most = most
        self._calls = calls

    async def run(self) -> None:
        """Give way to calls, for ever."""
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                await self.give_way()
            except Exception:
                # One session's trouble must not end the worker.
                log.exception("a session did not give way in order")

    async def give_way(self, wanted: Mapping[str, int] | None = None) -> None:
        """Have as many give way as must.

        Args:
            wanted: how many streams of which recognizers a session needs that is about to begin.
        """
        while (held := self._next(wanted or {})) is not None:
            log.info("a session waits no longer for its client", session=held.session.id)
            await self._roster.let_go(held, None, again=True)

    def _next(self, wanted: Mapping[str, int]) -> Held | None:
        """Who is to give way, if somebody is."""
        absent = self._roster.absent
        if not absent:
            return None
        if len(absent) + self._roster.live.total() > self._most:
            return absent[0]
        of_key = self._roster.live + Counter(one.session.principal.key_id for one in absent)
        streams = self._calls() + self._roster.recognizing() + Counter(wanted)
        for one in absent:
            streams[one.session.provider] += one.session.request.streams
        for one in absent:
            session = one.session
            key = session.principal
            if _exceeds(of_key[key.key_id], key.limits.sessions):
                return one
            if _exceeds(streams[session.provider], session.capacity):
                return one
        return None


def _exceeds(count: int, most: int | None) -> bool:
    return most is not None and count > most
