"""What a worker, and the benchmark beside it, use while a round is measured."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass

from bot.demo.worker import WorkerProcess

from .process import Usage

__all__ = ["Spent", "excuses", "spend"]

MOST_WAITED_PERCENT = 0.5
"""Where other processes had more of the worker's core, that is said of a round that failed."""


@dataclass(frozen=True, slots=True)
class Spent:
    """The worker before and after, and what the benchmark itself used, in percent of a core."""

    before: Usage
    after: Usage
    own_percent: float

    @property
    def percent(self) -> float:
        """How much of a core the worker used."""
        return self.after.percent_since(self.before)

    @property
    def waited_percent(self) -> float:
        """For how much of the time the worker waited for its core."""
        return self.after.waited_percent_since(self.before)


async def spend(worker: WorkerProcess, seconds: float) -> Spent:
    """Let everything go on, and measure what is used.

    Raises:
        WorkerFailed: the worker has ended.
    """
    pids = worker.process.pid, os.getpid()
    before = [Usage.of(pid) for pid in pids]
    await asyncio.sleep(seconds)
    worker.check()
    after = [Usage.of(pid) for pid in pids]
    return Spent(before[0], after[0], after[1].percent_since(before[1]))


def excuses(faults: Sequence[str], spent: Spent) -> list[str]:
    """What may be the reason of faults."""
    if not faults or spent.waited_percent <= MOST_WAITED_PERCENT:
        return []
    percent = spent.waited_percent
    return [f"other processes kept the worker from its core for {percent:.1f} % of the time"]
