"""The whole benchmark: sessions with a worker, twice, and the same with the bare echo."""

from __future__ import annotations

import os
import platform
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypedDict

from bot.bench.calls.bench import ONE_CORE
from bot.bench.calls.budgets import Budget
from bot.bench.calls.cores import two_cores
from bot.bench.calls.recordings import load_material
from bot.bench.calls.rounds import Pace

from .baseline import run_echo
from .budgets import budgets_of
from .measured import Round
from .rig import rig
from .rounds import run_round, warm_up
from .speech import make_speech

__all__ = ["MESSAGES_MS", "SttBench", "run"]

MESSAGES_MS = (100, 20)
"""How much audio a client's message has: what the budgets are judged by, and the other way."""


class SttBench(TypedDict):
    """All of the benchmark, ready for JSON.

    Attributes:
        cores: the worker's and that of clients and vendor; None when there is one alone.
        valid: whether the first round counts, and nothing was lost in it; `valid_fine` says it of
            the second.
        rounds: with messages of 100 ms, and of 20 ms; each has a worker of its own.
    """

    python: str
    machine: str
    cores: tuple[int, int] | None
    sessions: int
    seconds: float
    valid: bool
    valid_fine: bool
    rounds: list[Round]
    budgets: list[Budget]


async def run(
    sessions: int,
    seconds: float,
    *,
    say: Callable[[str], None] = lambda _: None,
    pace: Pace | None = None,
) -> SttBench:
    """Measure.

    Args:
        sessions: how many at a time.
        seconds: how long each round is measured.
        say: is told what is being done, in a few words.
        pace: how long the parts of a round take that are not measured.

    Raises:
        WorkerFailed, ChildFailed, RedisServerError: a process does not start or run.
        httpx.HTTPError: the worker does not answer.
        OSError: something cannot be read or written, or no port be had.
    """
    material, pace = load_material(), pace or Pace()
    rounds = []
    with two_cores() as cores:
        for message_ms in MESSAGES_MS:
            what = f"{sessions} clients, messages of {message_ms} ms"
            say(f"{what}, with the bare echo")
            speech = make_speech(material.track)
            echo = await run_echo(speech, sessions, message_ms, seconds, pace.settle_s, cores)
            say("starting a worker")
            with tempfile.TemporaryDirectory(prefix="parley-") as folder:
                async with rig(material, sessions, cores, Path(folder)) as ready:
                    idle = await warm_up(ready, sessions, pace)
                    say(f"{what}, for {seconds:g} s")
                    rounds.append(
                        await run_round(ready, sessions, message_ms, seconds, pace, idle, echo)
                    )
    if cores is None:
        for measured in rounds:
            measured["valid"] = False
            measured["faults"].append(ONE_CORE)
    return SttBench(
        python=platform.python_version(),
        machine=f"{platform.machine()}, {os.cpu_count()} cores",
        cores=None if cores is None else (cores.worker, cores.phones),
        sessions=sessions,
        seconds=seconds,
        valid=rounds[0]["valid"],
        valid_fine=rounds[1]["valid"],
        rounds=rounds,
        budgets=budgets_of(rounds[0]),
    )
