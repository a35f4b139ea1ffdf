"""The whole benchmark: calls with a worker, twice; the same with the bare echo; the VAD alone."""

from __future__ import annotations

import os
import platform
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypedDict

import orjson

from .baseline import run_echo
from .budgets import Budget, budgets_of
from .children import output_of
from .cores import Cores, two_cores
from .measured import Echo, Round
from .recordings import load_material
from .rig import Rig, rig
from .rounds import Pace, run_round, warm_up
from .script import Material
from .search import MOST_CALLS, Search, find_highest
from .vad_share import VadCost

__all__ = ["CallsBench", "result_of", "run"]

CHUNK_MS, FINE_CHUNK_MS = 100, 20
"""How much audio goes to the recognizer at a time: what the budgets are for, and the other way."""
LONGEST_PROBE_S = 10.0
VAD_MODULE = "bot.bench.calls.vad_share"
VAD_DEADLINE_S = 600.0
ONE_CORE = "there is one core alone: the worker shared it with the phones"

Say = Callable[[str], None]


class CallsBench(TypedDict):
    """All of the benchmark, ready for JSON.

    Attributes:
        cores: the worker's and that of the phones; None when there is one alone.
        rounds: with audio sent to the recognizer every 100 ms, and every 20 ms.
        search: None when the number of calls was given.
        times_echo: the CPU time of a call, in that of the bare echo.
        vad_share: what part of the worker's CPU time the VAD takes, and what part it would take
            without its gate.
        valid: whether the first round counts, and nothing was late or lost in it.
    """

    python: str
    machine: str
    cores: tuple[int, int] | None
    calls: int
    seconds: float
    valid: bool
    rounds: list[Round]
    search: Search | None
    echo: Echo
    times_echo: float
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
        WorkerFailed, ChildFailed, RedisServerError: a process does not start or run.
        httpx.HTTPError: the worker does not answer.
        OSError: something cannot be read or written, or no port be had.
    """
    material = load_material()
    pace = pace or Pace()
    with two_cores() as cores:
        rounds, search = await _worker_rounds(material, cores, calls, seconds, pace, say)
        calls = rounds[0]["calls"]
        say(f"{calls} phones with the bare echo")
        echo = await run_echo(material.track, calls, seconds, pace.settle_s, cores)
        say(f"the voice activity of {calls} callers alone")
        vad = await _vad_alone(calls, vad_s, cores)
    return result_of(cores, rounds, search, echo, vad)


async def _worker_rounds(
    material: Material, cores: Cores | None, calls: int | None, seconds: float, pace: Pace, say: Say
) -> tuple[list[Round], Search | None]:
    """The rounds with audio sent every 100 and every 20 ms, each with a worker of its own."""
    rounds: list[Round] = []
    search: Search | None = None
    most = calls or MOST_CALLS
    for chunk_ms in (CHUNK_MS, FINE_CHUNK_MS):
        with tempfile.TemporaryDirectory(prefix="parley-") as folder:
            say("starting a worker")
            async with rig(material, most, chunk_ms, cores, Path(folder)) as ready:
                await warm_up(ready, most, pace)
                if calls is None:
                    search, measured = await _search(ready, seconds, pace, say)
                    calls = measured["calls"]
                else:
                    say(f"{calls} calls, audio sent every {chunk_ms} ms")
                    measured = await run_round(ready, calls, seconds, pace)
                rounds.append(measured)
    return rounds, search


async def _search(ready: Rig, seconds: float, pace: Pace, say: Say) -> tuple[Search, Round]:
    """The highest number of calls, and its round."""

    async def try_short(calls: int) -> Round:
        say(f"{calls} calls")
        return await run_round(ready, calls, min(seconds, LONGEST_PROBE_S), pace)

    async def try_whole(calls: int) -> Round:
        say(f"{calls} calls for {seconds:g} s")
        return await run_round(ready, calls, seconds, pace)

    return await find_highest(try_short, try_whole)


async def _vad_alone(calls: int, seconds: float, cores: Cores | None) -> VadCost:
    core = None if cores is None else cores.worker
    output = await output_of(
        VAD_MODULE, str(calls), str(seconds), core=core, deadline_s=VAD_DEADLINE_S
    )
    cost: VadCost = orjson.loads(output)
    return cost


def result_of(
    cores: Cores | None, rounds: list[Round], search: Search | None, echo: Echo, vad: VadCost
) -> CallsBench:
    """Put together what was measured; what it is judged by is the first round."""
    first = rounds[0]
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
        rounds=rounds,
        search=search,
        echo=echo,
        times_echo=per_call / echo["cpu_percent_per_call"],
        vad=vad,
        vad_share=vad["gated_percent"] / per_call,
        vad_share_ungated=None if ungated is None else ungated / (per_call + more),
        budgets=budgets_of(first, search),
    )
