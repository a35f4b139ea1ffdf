"""Rounds of calls: begun, measured for a while, and ended."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from .exposition import Exposition, scrape
from .fleet import Fleet
from .measured import Costs, Round, Spread, faults_of, sights_of
from .process import Usage
from .quiet import no_garbage
from .rig import Rig
from .spent import Spent, excuses, spend
from .tally import faults_of_calls

__all__ = ["Look", "Pace", "run_round", "warm_up"]

WARM_CALLS = 8
ANSWER_S = 3.0
"""Where a reply takes longer to be asked for, there is none."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How long the parts of a round last that are not measured, in seconds.

    Attributes:
        warm_s: calls before the first round, after which whatever is loaded once is there.
        settle_s: between the last call's beginning and the measurement.
        rest_s: after the last call's end, until the worker has given back what it used.
    """

    warm_s: float = 3.0
    settle_s: float = 2.0
    rest_s: float = 3.0


@dataclass(frozen=True, slots=True)
class Look:
    """The worker at one time: what it holds, and what it has counted."""

    usage: Usage
    exposition: Exposition

    @classmethod
    async def at(cls, rig: Rig) -> Look:
        rig.worker.check()
        return cls(Usage.of(rig.worker.process.pid), await scrape(rig.client))


async def warm_up(rig: Rig, calls: int, pace: Pace) -> Look:
    """Make some calls that are not measured; what the worker is when they are over."""
    fleet = _fleet(rig, min(calls, WARM_CALLS))
    async with asyncio.TaskGroup() as group:
        group.create_task(fleet.run())
        await fleet.begun()
        await asyncio.sleep(pace.warm_s)
        fleet.hang_up()
    await asyncio.sleep(pace.rest_s)
    return await Look.at(rig)


async def run_round(rig: Rig, calls: int, seconds: float, pace: Pace, idle: Look) -> Round:
    """Make `calls` at a time, and measure for `seconds`.

    Args:
        idle: the worker before the first of all rounds, from which its memory is counted: what
            other rounds have left behind would hide what this one takes.

    Raises:
        WorkerFailed: the worker has ended.
        httpx.HTTPError: it does not answer.
    """
    rig.exchange.forget()
    before = await Look.at(rig)
    fleet = _fleet(rig, calls)
    async with asyncio.TaskGroup() as group:
        group.create_task(fleet.run())
        await fleet.begun()
        # The collection that comes first makes the phones late: well before they are looked at.
        with no_garbage():
            await asyncio.sleep(pace.settle_s)
            spent = await spend(rig.worker, seconds)
        busy = await Look.at(rig)
        unanswered = rig.exchange.unanswered(spent.after.at_s - ANSWER_S)
        lacking = faults_of_calls(rig.exchange.tallies(spent.after.at_s - ANSWER_S), rig.chunk_ms)
        fleet.hang_up()
    await asyncio.sleep(pace.rest_s)
    left = await Look.at(rig)
    sights = sights_of(rig.exchange.line.seen, spent.before.at_s, spent.after.at_s)
    faults = [*fleet.faults, *faults_of(sights, unanswered=unanswered), *lacking]
    return Round(
        **sights,
        calls=calls,
        seconds=seconds,
        stt_chunk_ms=rig.chunk_ms,
        valid=not faults,
        faults=faults + excuses(faults, spent),
        barge_in_ms=_barge_ins(before.exposition, left.exposition),
        **_costs(calls, spent, idle, busy, left),
    )


def _costs(calls: int, spent: Spent, idle: Look, busy: Look, left: Look) -> Costs:
    """What the worker needed, from what it was before all calls, with these, and after."""
    memory_mb, idle_mb = busy.usage.resident_mb, idle.usage.resident_mb
    after_mb = left.usage.resident_mb
    return Costs(
        cpu_percent=spent.percent,
        cpu_percent_per_call=spent.percent / calls,
        phones_cpu_percent=spent.own_percent,
        waited_percent=spent.waited_percent,
        memory_mb=memory_mb,
        memory_mb_idle=idle_mb,
        memory_mb_after=after_mb,
        memory_mb_per_call=(memory_mb - idle_mb) / calls,
        memory_mb_kept_per_call=(after_mb - idle_mb) / calls,
        tasks_per_call=(busy.exposition.tasks - idle.exposition.tasks) / calls,
    )


def _fleet(rig: Rig, calls: int) -> Fleet:
    worker = rig.worker
    return Fleet(rig.exchange, rig.webhooks, worker.url, worker.auth_token, calls)


def _barge_ins(before: Exposition, after: Exposition) -> Spread:
    buckets = after.barge_in_s.since(before.barge_in_s)
    if not buckets.count:
        return Spread(count=0, p50=0.0, p99=0.0, most=0.0)
    p50, p99, most = (buckets.quantile(share) * 1000 for share in (0.5, 0.99, 1.0))
    return Spread(count=buckets.count, p50=p50, p99=p99, most=most)
