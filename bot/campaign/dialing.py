"""A process's part in the campaigns: it dials, sweeps, and delivers events."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Protocol

import structlog

from bot.metrics import Metrics
from bot.redis_link import StoreUnavailable
from bot.settings import Settings
from bot.telephony.address import Address

from .dialer import Dialer, Placing
from .durability import ensure_durable
from .patience import Asking
from .reconcile import Timings
from .store import CampaignStore
from .sweep import Settles, Sweeper
from .ticking import Recurring, tick_for_ever
from .types import Limits

__all__ = ["Asked", "Delivers", "Dialing", "limits_of"]

DIAL_S, SWEEP_S, DELIVER_S = 1, 2, 1
LOOK_S = 2.0
"""Between two looks at whether there are campaigns at all."""
PAUSE_S = 5.0

log = structlog.get_logger(__name__)


class Asked(Asking, Placing, Protocol):
    """What of Twilio's REST is needed; `bot.telephony.rest.TwilioRest` is it."""


class Delivers(Protocol):
    """Tells owners of events; `bot.campaign.events.Deliverer` is one."""

    async def deliver(self) -> None:
        """Deliver what is due."""


def limits_of(settings: Settings, timings: Timings) -> Limits:
    """The account's limits, as the settings say."""
    return Limits(
        calls_per_second=settings.dial_per_second,
        max_concurrent=settings.dial_max_calls,
        inbound_room=settings.inbound_room,
        lease_ms=timings.lease_ms,
    )


class Dialing:
    """Runs campaigns, as one of any number of processes.

    Nothing is lost if it dies, at whatever moment: what it had claimed is found by the sweepers of
    the others, or by its own when it is back.

    Args:
        settings: the process's.
        store: the truth.
        rest: Twilio's.
        settling: decides what became of attempts.
        deliverer: tells owners of events.
        redis_url: of the Redis in which `store` is, for the clock that all processes share.
        metrics: where calls are counted.
        timings: how long things may take.
        limits: of the account; None is what the settings say.
    """

    def __init__(
        self,
        settings: Settings,
        store: CampaignStore,
        rest: Asked,
        settling: Settles,
        deliverer: Delivers,
        redis_url: str,
        *,
        metrics: Metrics | None = None,
        timings: Timings | None = None,
        limits: Limits | None = None,
    ) -> None:
        timings = timings or Timings()
        self._store = store
        self._deliverer = deliverer
        self._redis_url = redis_url
        self._prefix = settings.redis_prefix
        self._private = settings.redis_url is None
        self._dialer = Dialer(
            store,
            rest,
            Address(settings.public_url),
            limits or limits_of(settings, timings),
            metrics=metrics,
        )
        self._sweeper = Sweeper(store, rest, settling, timings)
        self._stopping = asyncio.Event()

    def hold(self) -> None:
        """Claim nobody any more; all else goes on, above all taking back who waits at Twilio."""
        self._dialer.hold()

    def stop(self) -> None:
        """Claim nobody any more; `run` returns when what was begun is done, in seconds."""
        self._stopping.set()

    async def run(self) -> None:
        """Dial until this is stopped, or cancelled: then calls that were being asked for are left
        to a sweeper."""
        async with asyncio.TaskGroup() as group:
            ticking = group.create_task(self._run(group))
            await self._stopping.wait()
            await self._dialer.stop()
            ticking.cancel()

    async def _run(self, group: asyncio.TaskGroup) -> None:
        def spawn(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
            return group.create_task(work)

        recurring = {
            "dial": Recurring(DIAL_S, lambda: self._dialer.tick(spawn)),
            "sweep": Recurring(SWEEP_S, self._sweep),
            "deliver": Recurring(DELIVER_S, self._deliverer.deliver),
        }
        while True:
            try:
                # Nobody pays for campaigns who has none: neither with imports nor with ticks.
                while not await self._needed():  # noqa: ASYNC110 - nobody tells of it
                    await asyncio.sleep(LOOK_S)
                await tick_for_ever(self._redis_url, self._prefix, recurring)
            except Exception:
                # Calls go on without campaigns, so this must not end the worker.
                log.exception("campaigns stand still")
            await asyncio.sleep(PAUSE_S)

    async def _needed(self) -> bool:
        """Whether there is a campaign that has been started."""
        try:
            return await self._store.any_campaign() and any(
                found.state != "draft" for found in await self._store.campaigns()
            )
        except StoreUnavailable:
            return False

    async def _sweep(self) -> None:
        if self._private:
            # It begins so, unless what says it is gone from its directory.
            try:
                await ensure_durable(self._redis_url, private=True)
            except StoreUnavailable:
                return
        await self._sweeper.tick()
