"""All rounds with a worker: with the calls that were asked for, or in search of the most."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from .budgets import BUDGET_CALLS
from .cores import Cores
from .measured import Round
from .rig import Rig, rig
from .rounds import Look, Pace, run_round, warm_up
from .script import Material
from .search import MOST_CALLS, Search, TryRound, find_highest

__all__ = ["Say", "Trials", "confirm", "find", "run_trials"]

CHUNKS_MS = (100, 20)
"""How much audio goes to the recognizer at a time: what the budgets are for, and the other way."""
LONGEST_PROBE_S = 10.0

Say = Callable[[str], None]


@dataclass(slots=True)
class Trials:
    """The rounds, each with audio sent every 100 ms and every 20 ms.

    Attributes:
        rounds: with the calls that were asked for, or the most.
        judged: what the budgets are judged by: with a hundred calls, or the most if that is less,
            after a search; else `rounds`.
        search: None when the number of calls was given.
    """

    rounds: list[Round] = field(default_factory=list)
    judged: list[Round] = field(default_factory=list)
    search: Search | None = None


@dataclass(frozen=True, slots=True)
class _Table:
    """A rig that was warmed up, and how rounds are made with it."""

    ready: Rig
    idle: Look
    seconds: float
    pace: Pace
    say: Say

    async def short(self, calls: int) -> Round:
        return await self._round(calls, min(self.seconds, LONGEST_PROBE_S))

    async def whole(self, calls: int) -> Round:
        return await self._round(calls, self.seconds)

    async def _round(self, calls: int, seconds: float) -> Round:
        self.say(f"{calls} calls for {seconds:g} s, audio sent every {self.ready.chunk_ms} ms")
        return await run_round(self.ready, calls, seconds, self.pace, self.idle)


async def run_trials(
    material: Material, cores: Cores | None, calls: int | None, seconds: float, pace: Pace, say: Say
) -> Trials:
    """Make the rounds, with a worker of its own for each size of piece.

    Args:
        calls: how many at a time; None finds the highest number.

    Raises:
        WorkerFailed, RedisServerError: a process does not start or run.
        httpx.HTTPError: the worker does not answer.
        OSError: something cannot be read or written, or no port be had.
    """
    trials = Trials()
    for chunk_ms in CHUNKS_MS:
        with tempfile.TemporaryDirectory(prefix="parley-") as folder:
            say("starting a worker")
            most = calls or MOST_CALLS
            async with rig(material, most, chunk_ms, cores, Path(folder)) as ready:
                idle = await warm_up(ready, most, pace)
                table = _Table(ready, idle, seconds, pace, say)
                if calls is not None:
                    trials.rounds.append(await table.whole(calls))
                elif trials.search is None:
                    await find(trials, table.short, table.whole)
                else:
                    await confirm(trials, table.whole)
    if calls is not None:
        trials.judged = trials.rounds
    return trials


async def find(trials: Trials, try_short: TryRound, try_whole: TryRound) -> None:
    """Find the highest number of calls; the budgets' number comes first, to a fresh worker."""
    judged = await _at_best(BUDGET_CALLS, try_whole)
    trials.search, highest = await find_highest(try_short, try_whole)
    trials.rounds.append(highest)
    trials.judged.append(judged if highest["calls"] > BUDGET_CALLS else highest)


async def confirm(trials: Trials, try_whole: TryRound) -> None:
    """Make the rounds again that `find` has ended with, the audio being sent the other way."""
    calls, judged_calls = trials.rounds[0]["calls"], trials.judged[0]["calls"]
    trials.judged.append(await _at_best(judged_calls, try_whole))
    same = calls == judged_calls
    trials.rounds.append(trials.judged[-1] if same else await try_whole(calls))


async def _at_best(calls: int, try_whole: TryRound) -> Round:
    """A round, made once more if it is not valid: one late frame may be the machine's fault."""
    measured = await try_whole(calls)
    return measured if measured["valid"] else await try_whole(calls)
