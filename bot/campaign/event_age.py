"""Events that nobody takes are given up: they hold people's numbers, and do not expire in Redis."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from prometheus_client import Counter

from .store import CampaignStore

__all__ = ["GIVEN_UP_MS", "EventAge"]

GIVEN_UP_MS = 3 * 86_400_000
"""So long after it happened nobody is told of an event any more."""
LOOK_S = 600.0
CONTACTS, BATCHES = 40, 100
"""So many contacts' events are looked at together, so often."""

_Event = Mapping[str, Any]

log = structlog.get_logger(__name__)


class EventAge:
    """Gives up events that are too old.

    Args:
        store: where they wait.
        counter: of events, by what became of them.
    """

    def __init__(self, store: CampaignStore, counter: Counter) -> None:
        self._store = store
        self._counter = counter
        self._look_again_s = -math.inf

    async def rest(self, campaign: str, number: str, events: Sequence[_Event]) -> Sequence[_Event]:
        """A contact's events, the oldest first, without those that are given up by this.

        Raises:
            StoreUnavailable: Redis does not answer.
        """
        now_ms = await self._store.now_ms()
        for at, event in enumerate(events):
            if now_ms - event["at_ms"] < GIVEN_UP_MS:
                return events[at:]
            log.warning("event was given up", event_id=event["id"], reason="three days")
            self._counter.labels("given_up").inc()
            await self._store.delivered(campaign, number, event["id"])
        return []

    async def look(self) -> bool:
        """Give up what is too old, unless that was done lately: nobody tells of events here. Gives
        whether some wait, as far as was looked.

        Raises:
            StoreUnavailable: Redis does not answer.
        """
        now_s, left = asyncio.get_running_loop().time(), False
        if now_s < self._look_again_s:
            return False
        self._look_again_s = now_s + LOOK_S
        for _ in range(BATCHES):
            given_up, left = await self._look()
            if not given_up:
                break
        return left

    async def _look(self) -> tuple[bool, bool]:
        """Whether some were given up of those that wait for longest, and whether others wait."""
        given_up = left = False
        for campaign, number, events in await self._store.next_events(CONTACTS, 0):
            rest = await self.rest(campaign, number, events)
            given_up |= len(rest) < len(events)
            left |= bool(rest)
            # Behind those whose events are older.
            await self._store.undelivered(campaign, number, (rest or events[-1:])[0]["at_ms"])
        return given_up, left
