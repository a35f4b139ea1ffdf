"""Sees that nothing is left behind: no task, no socket, no timer."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.background import until
from tests.vendors.soniox.standin import SonioxStandIn
from tests.vendors.speech.faults import Fault
from tests.vendors.speech.oracle import OracleHearing
from tests.vendors.speech.script import Script
from tests.vendors.speech.standin import StandIn

__all__ = ["nothing_left", "served"]


@asynccontextmanager
async def nothing_left(standin: StandIn | None = None) -> AsyncIterator[None]:
    """What the body opened, starts or schedules has to be gone soon after it.

    Args:
        standin: all who came to it have to have left it, too.
    """
    before = _held()

    def given_back() -> bool:
        return all(now <= then for now, then in zip(_held(), before, strict=True))

    yield
    if standin is not None:
        records = [record for service in standin.records.values() for record in service]
        await standin.until(lambda: all(record.ended.is_set() for record in records))
    await until(given_back)


def _held() -> tuple[int, int, int]:
    """How many tasks, files and sockets, and timers of ours there are."""
    scheduled: list[asyncio.TimerHandle] = asyncio.get_running_loop()._scheduled  # type: ignore[attr-defined]
    timers = [
        timer
        for timer in scheduled
        if not timer.cancelled() and "providers." in repr(timer._callback)  # type: ignore[attr-defined]
    ]
    return len(asyncio.all_tasks()), len(os.listdir("/proc/self/fd")), len(timers)


@asynccontextmanager
async def served(script: Script, *faults: Fault, **options: Any) -> AsyncIterator[SonioxStandIn]:
    """A stand-in whose STT connections meet these faults; all who came must leave nothing."""
    async with (
        SonioxStandIn(OracleHearing(script), stt_faults=faults, **options) as standin,
        nothing_left(standin),
    ):
        yield standin
