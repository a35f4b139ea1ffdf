"""Rounds of sessions: begun, measured for a while, and ended."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from bot.bench.calls.exposition import scrape
from bot.bench.calls.process import Usage
from bot.bench.calls.quiet import no_garbage
from bot.bench.calls.rounds import Pace
from bot.bench.calls.spent import Spent, excuses, spend

from .crowd import Crowd, wrong_with
from .measured import Costs, Echo, Round, faults_of, sights_of
from .rig import Rig

__all__ = ["WARM_SESSIONS", "Look", "run_round", "times_of", "warm_up"]

WARM_SESSIONS = 8
_WARM_MESSAGE_MS = 100


def times_of(per_session: float, echo: Echo) -> float | None:
    """The CPU time of a session in that of the bare echo; None when that shows nothing."""
    of_echo = echo["cpu_percent_per_session"]
    # A system counts in ticks: a short run may have used none.
    return None if echo["void"] or not of_echo else per_session / of_echo


@dataclass(frozen=True, slots=True)
class Look:
    """The worker at one time: what it holds, and how many tasks it has."""

    usage: Usage
    tasks: float

    @classmethod
    async def at(cls, rig: Rig) -> Look:
        rig.worker.check()
        exposition = await scrape(rig.client)
        return cls(Usage.of(rig.worker.process.pid), exposition.tasks)


async def warm_up(rig: Rig, sessions: int, pace: Pace) -> Look:
    """Have some sessions that are not measured; what the worker is when they are over."""
    crowd = Crowd(rig.scene, rig.worker.url, min(sessions, WARM_SESSIONS), _WARM_MESSAGE_MS)
    try:
        await crowd.begin()
        await asyncio.sleep(pace.warm_s)
        await crowd.end()
    finally:
        crowd.abort()
    await asyncio.sleep(pace.rest_s)
    return await Look.at(rig)


async def run_round(
    rig: Rig, sessions: int, message_ms: int, seconds: float, pace: Pace, idle: Look, echo: Echo
) -> Round:
    """Have `sessions` at a time, and measure for `seconds`.

    Args:
        idle: the worker before the first of all rounds, from which its memory is counted.
        echo: the same clients with the bare echo.

    Raises:
        WorkerFailed: the worker has ended.
        httpx.HTTPError: it does not answer.
    """
    rig.scene.forget()
    crowd = Crowd(rig.scene, rig.worker.url, sessions, message_ms)
    try:
        await crowd.begin()
        # The collection that comes first makes the clients late: well before they are looked at.
        with no_garbage():
            await asyncio.sleep(pace.settle_s)
            spent = await spend(rig.worker, seconds)
        busy = await Look.at(rig)
        await crowd.end()
    finally:
        crowd.abort()
    await asyncio.sleep(pace.rest_s)
    left = await Look.at(rig)
    sights = sights_of(rig.scene.seen, spent.before.at_s, spent.after.at_s)
    wrong = [*crowd.faults, *wrong_with(crowd.speakers)]
    faults = [*wrong, *faults_of(sights)]
    costs = _costs(sessions, spent, idle, busy, left)
    return Round(
        **sights,
        **costs,
        sessions=sessions,
        seconds=seconds,
        message_ms=message_ms,
        echo=echo,
        times_echo=times_of(costs["cpu_percent_per_session"], echo),
        lost=len(wrong),
        valid=not faults,
        faults=faults + excuses(faults, spent),
    )


def _costs(sessions: int, spent: Spent, idle: Look, busy: Look, left: Look) -> Costs:
    """What the worker needed, from what it was before all sessions, with these, and after."""
    memory_mb, idle_mb = busy.usage.resident_mb, idle.usage.resident_mb
    after_mb = left.usage.resident_mb
    return Costs(
        cpu_percent=spent.percent,
        cpu_percent_per_session=spent.percent / sessions,
        clients_cpu_percent=spent.own_percent,
        waited_percent=spent.waited_percent,
        memory_mb=memory_mb,
        memory_mb_idle=idle_mb,
        memory_mb_after=after_mb,
        memory_mb_per_session=(memory_mb - idle_mb) / sessions,
        memory_mb_kept_per_session=(after_mb - idle_mb) / sessions,
        tasks_per_session=(busy.tasks - idle.tasks) / sessions,
    )
