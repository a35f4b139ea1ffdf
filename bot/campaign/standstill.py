"""Why nobody is dialled for any campaign, told once it has lasted."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal, cast

import structlog

from .store import CampaignStore
from .types import Blocked, Claims

__all__ = ["LASTS_S", "TOLD_FOR_S", "Obstacle", "Standstill"]

Obstacle = Literal["workers", "inbound", "account_concurrency", "twilio"]
"""No worker is alive; there is no room beside inbound calls; as many calls are live as the account
may have; Twilio refuses, or does not answer."""

LASTS_S = 30.0
"""Calls end and others are placed all the time: what is over sooner is nothing to tell of."""

TOLD_FOR_S = 90
"""Whoever told of it, and has died, is not believed for longer."""

_OF_ALL: frozenset[Blocked] = frozenset({"workers", "inbound", "account_concurrency"})

log = structlog.get_logger(__name__)


class Standstill:
    """Sees what every claim gives, in one process, and leaves word of it in the store.

    Args:
        store: where word is left.
        clock: monotonic seconds.
    """

    def __init__(self, store: CampaignStore, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._obstacle: Obstacle | None = None
        self._since_s = 0.0
        self._told_s: float | None = None

    async def see(self, claims: Claims) -> None:
        """A claim was made."""
        if claims.blocked in _OF_ALL and not claims.attempts:
            await self.meet(cast(Obstacle, claims.blocked))
        elif claims.attempts:
            # Of those it is not known yet whether Twilio takes them.
            if self._obstacle != "twilio":
                await self.end()
        elif claims.blocked == "nothing_due":
            await self.end()

    async def meet(self, obstacle: Obstacle) -> None:
        """Nobody is dialled now, for that reason."""
        now_s = self._clock()
        if obstacle != self._obstacle:
            self._obstacle, self._since_s, self._told_s = obstacle, now_s, None
        if now_s - self._since_s < LASTS_S:
            return
        if self._told_s is None:
            log.warning("nobody is dialled", obstacle=obstacle)
        elif now_s - self._told_s < LASTS_S:
            return
        self._told_s = now_s
        await self._store.tell_obstacle(obstacle, TOLD_FOR_S)

    async def end(self) -> None:
        """Somebody is dialled, or nobody is to be."""
        was_told = self._told_s is not None
        self._obstacle = self._told_s = None
        if was_told:
            log.info("nothing is in the way of dialling any more")
            await self._store.tell_obstacle("", TOLD_FOR_S)
