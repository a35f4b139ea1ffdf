"""Doing what is to be done again and again, whenever the deployment's clock ticks."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import structlog

from .keys import CampaignKeys

__all__ = ["Recurring", "tick_for_ever"]

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Recurring:
    """Something to do about every so many seconds, by one of all processes.

    Attributes:
        every_s: whole seconds.
        work: done once for a tick, never twice at once in a process; ticks that come meanwhile are
            one.
    """

    every_s: int
    work: Callable[[], Awaitable[None]]


async def tick_for_ever(url: str, prefix: str, recurring: Mapping[str, Recurring]) -> None:
    """Do what recurs, as one of any number of processes, until this is cancelled.

    Args:
        url: of the Redis that the processes share.
        prefix: of its keys.
        recurring: by names that are the same in all processes.
    """
    # In a thread: it takes half a second, in which calls would be mute.
    module = await asyncio.to_thread(importlib.import_module, "bot.campaign.tick_broker")
    broker = module.TickBroker(url, CampaignKeys(prefix).ticks)
    async with asyncio.TaskGroup() as group:
        for name, item in recurring.items():
            due = asyncio.Event()
            broker.on_tick(name, item.every_s, due.set)
            group.create_task(_do_for_ever(name, item.work, due))
        group.create_task(broker.run())


async def _do_for_ever(name: str, work: Callable[[], Awaitable[None]], due: asyncio.Event) -> None:
    while True:
        await due.wait()
        due.clear()
        try:
            await work()
        except Exception:
            # Whatever is wrong with one tick, the next one may be right.
            log.exception("campaigns' work failed", work=name)
