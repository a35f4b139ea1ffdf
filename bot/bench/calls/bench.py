"""The whole benchmark: calls with a worker, twice; the same with the bare echo; the VAD alone."""

from __future__ import annotations

import os
import platform
from typing import TypedDict

import orjson

from .baseline import run_echo
from .budgets import Budget, budgets_of
from .children import output_of
from .cores import Cores, two_cores
from .measured import Echo, Round
from .recordings import load_material
from .rounds import Pace
from .search import Search
from .trials import Say, Trials, run_trials
from .vad_share import VadCost

__all__ = ["CallsBench", "TooFewCores", "result_of", "run"]

VAD_MODULE = "bot.bench.calls.vad_share"
VAD_DEADLINE_S = 600.0
ONE_CORE = "there is one core alone, which the worker shares with the phones"


class TooFewCores(Exception):
    """What was asked for cannot be found on one core."""


class CallsBench(TypedDict):
    """All of the benchmark, ready for JSON.

    Attributes:
        cores: the worker's and that of the phones; None when there is one alone.
        valid: whether the first round counts, and nothing was late or lost in it; `valid_fine`
            says it of the second.
        rounds: with audio sent to the recognizer every 100 ms, and every 20 ms.
        search: for the highest number that is valid with audio sent every 100 ms; None when the
            number of calls was given.
        judged: two more rounds, which the budgets are judged by: with a hundred calls, or with
            fewer where a hundred are not valid. They are `rounds` when the number was given.
        times_echo: the CPU time of a call, in that of the bare echo; None when that run is void.
        vad_share: what part of the worker's CPU time the VAD takes, and what part it would take
            without its gate.
    """

    python: str
    machine: str
    cores: tuple[int, int] | None
    calls: int
    seconds: float
    valid: bool
    valid_fine: bool
    rounds: list[Round]
    search: Search | None
    judged: list[Round]
    echo: Echo
    times_echo: float | None
    vad: VadCost
    vad_share: float
    vad_share_ungated: float | None
    budgets: list[Budget]


async def run(
    calls: int | None,
    seconds: float,
    *,
    say: Say = lambda _: None,
    pace: Pace | None = None,
    vad_s: float = 20.0,
) -> CallsBench:
    """Measure.

    Args:
        calls: how many at a time; None finds the highest number first.
        seconds: how long each round is measured.
        say: is told what is being done, in a few words.
        pace: how long the parts of a round take that are not measured.
        vad_s: how much of each caller's audio the VAD alone is measured with.

    Raises:
        TooFewCores: there is one core alone, and no number was given.
        WorkerFailed, ChildFailed, RedisServerError: a process does not start or run.
        httpx.HTTPError: the worker does not answer.
        OSError: something cannot be read or written, or no port be had.
    """
    material = load_material()
    pace = pace or Pace()
    with two_cores() as cores:
        if cores is None and calls is None:
            raise TooFewCores(f"{ONE_CORE}: no number of calls would count; try --calls")
        trials = await run_trials(material, cores, calls, seconds, pace, say)
        calls = trials.rounds[0]["calls"]
        say(f"{calls} phones with the bare echo")
        echo = await run_echo(material.track, calls, seconds, pace.settle_s, cores)
        say(f"the voice activity of {calls} callers alone")
        vad = await _vad_alone(calls, vad_s, cores)
    return result_of(cores, trials, echo, vad)


async def _vad_alone(calls: int, seconds: float, cores: Cores | None) -> VadCost:
    core = None if cores is None else cores.worker
    output = await output_of(
        VAD_MODULE, str(calls), str(seconds), core=core, deadline_s=VAD_DEADLINE_S
    )
    cost: VadCost = orjson.loads(output)
    return cost


def result_of(cores: Cores | None, trials: Trials, echo: Echo, vad: VadCost) -> CallsBench:
    """Put together what was measured."""
    rounds = trials.rounds
    first, fine = rounds
    if cores is None:
        for measured in rounds:
            measured["valid"] = False
            measured["faults"].append(ONE_CORE)
    per_call, ungated = first["cpu_percent_per_call"], vad["ungated_percent"]
    more = 0.0 if ungated is None else ungated - vad["gated_percent"]
    return CallsBench(
        python=platform.python_version(),
        machine=f"{platform.machine()}, {os.cpu_count()} cores",
        cores=None if cores is None else (cores.worker, cores.phones),
        calls=first["calls"],
        seconds=first["seconds"],
        valid=first["valid"],
        valid_fine=fine["valid"],
        rounds=rounds,
        search=trials.search,
        judged=trials.judged,
        echo=echo,
        times_echo=None if echo["void"] else per_call / echo["cpu_percent_per_call"],
        vad=vad,
        vad_share=vad["gated_percent"] / per_call,
        vad_share_ungated=None if ungated is None else ungated / (per_call + more),
        budgets=budgets_of(trials.judged[0], trials.judged[1], trials.search),
    )
