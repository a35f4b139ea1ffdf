"""A worker is told to stop under ten calls: none is cut, and what lasts too long moves.

    python -m tests.bot.survival drained

sends SIGTERM to a worker with ten calls in progress. Those that end before `PARLEY_DRAIN_S` are not
touched. The others move to the other worker at the deadline, within 2 s, and go on with the
sentence that was cut. Calls that begin meanwhile are answered by the other worker. The worker that
was stopped exits 0 and leaves no process behind.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.phone.events import EventKind
from bot.phone.result import CallResult
from bot.phone.steps import HangUp, Wait

from .caller import Caller
from .deployment import Deployment, deployment
from .dialogs import TALK
from .judging import CONFIRMED_MS, Harm, judge_call, judge_resumed, measure_gap
from .rounds import Round, keep_evidence, report, summary
from .voice import Voice
from .workers import Worker

__all__ = ["Drain", "add_arguments", "drain", "main"]

GAP_MS = 2_000.0
EARLY_MS = 300
LATE_MS = 2_500
EXIT_S = 6.0


@dataclass(frozen=True, slots=True)
class Drain:
    """A drain.

    Attributes:
        short, long: how many calls there are that end in time, and that do not.
        newcomers_s: when calls begin after the signal: the balancer finds out only after a while.
        drain_s: PARLEY_DRAIN_S.
        settle_ms: so long the calls last before the signal.
        after_ms: so long the long ones last after they were to move.
    """

    short: int = 5
    long: int = 5
    newcomers_s: tuple[float, ...] = (0.0, 0.1, 1.0)
    drain_s: float = 5.0
    settle_ms: int = 2_500
    after_ms: int = 5_000

    @property
    def settings(self) -> dict[str, str]:
        """What the workers are told."""
        # The one worker has the short and the long ones, the other the newcomers and the long ones.
        calls = self.long + max(self.short, len(self.newcomers_s))
        return {
            "PARLEY_DRAIN_S": str(self.drain_s),
            "PARLEY_POCKETSPHINX_PROCESSES": str(calls),
        }


@dataclass(frozen=True, slots=True)
class _Placed:
    kind: str
    caller: Caller
    term_ms: float


async def drain(
    house: Deployment, known: Voice, plan: Drain, chance: random.Random
) -> tuple[list[Round], list[CallResult]]:
    """One worker's drain; a round for each call, and one for the worker."""
    worker = house.workers[0]
    wait_ms = round(plan.drain_s * 1000)
    short = [plan.settle_ms + chance.randrange(200, wait_ms - 500) for _ in range(plan.short)]
    long = [plan.settle_ms + wait_ms + plan.after_ms] * plan.long
    kinds = ["short"] * plan.short + ["long"] * plan.long
    calls = await asyncio.gather(*(house.call((Wait(ms), HangUp())) for ms in (*short, *long)))
    await asyncio.gather(*(caller.reach(EventKind.BOT_STARTED) for caller in calls))
    await calls[-1].until(plan.settle_ms)
    placed = [
        _Placed(kind, caller, caller.now_ms) for kind, caller in zip(kinds, calls, strict=True)
    ]
    worker.signal(signal.SIGTERM)
    placed += await _newcomers(house, plan)
    exited = asyncio.create_task(_exit(worker, plan))
    results = [await each.caller.result() for each in placed]
    rounds = [
        _judge(house, known, f"{each.kind} {number + 1}", each, result, plan)
        for number, (each, result) in enumerate(zip(placed, results, strict=True))
    ]
    rounds.append(Round("worker", "the exit", None, None, tuple(await exited)))
    return rounds, results


async def _newcomers(house: Deployment, plan: Drain) -> list[_Placed]:
    placed: list[_Placed] = []
    before_s = 0.0
    for after_s in plan.newcomers_s:
        await asyncio.sleep(after_s - before_s)
        before_s = after_s
        caller = await house.call((Wait(round(plan.drain_s * 1000)), HangUp()))
        placed.append(_Placed("new", caller, 0.0))
    return placed


async def _exit(worker: Worker, plan: Drain) -> list[str]:
    try:
        status = await worker.ended(plan.drain_s + EXIT_S)
    except TimeoutError:
        return [f"it still runs {plan.drain_s + EXIT_S:g} s after the signal"]
    problems = [f"it exited with status {status}"] if status else []
    if not await worker.childless():
        problems.append("it left processes behind")
    return problems


def _judge(
    house: Deployment, known: Voice, name: str, each: _Placed, result: CallResult, plan: Drain
) -> Round:
    stopped = house.workers[0].pid
    journal = house.journal.of(result.call_sid)
    problems = judge_call(result, journal, ())
    greeted_by = [entry.pid for entry in journal if entry.kind == "greet"]
    if (stopped in greeted_by) is (each.kind == "new"):
        problems.append(f"greeted by process {greeted_by}, the one that stops is {stopped}")
    if each.kind != "long":
        if result.traffic.streams != 1:
            problems.append(f"the call had {result.traffic.streams} streams")
        if result.duration_s * 1000 < each.term_ms:
            problems.append("it was over before the signal")
        moment = f"signal at {each.term_ms:5.0f} ms, ended at {result.duration_s * 1000:5.0f} ms"
        return Round(name, moment, None, None, tuple(problems))
    return _judge_moved(known, name, each, result, plan, problems)


def _judge_moved(
    known: Voice,
    name: str,
    each: _Placed,
    result: CallResult,
    plan: Drain,
    problems: Sequence[str],
) -> Round:
    found = list(problems)
    if result.traffic.streams != 2:
        found.append(f"the call had {result.traffic.streams} streams")
    moved_ms = result.tape.streams[0].ended_ms or 0.0
    due_ms = each.term_ms + plan.drain_s * 1000
    if not due_ms - EARLY_MS <= moved_ms <= due_ms + LATE_MS:
        found.append(f"it moved {moved_ms - due_ms:.0f} ms after the deadline")
    harm = Harm(moved_ms, each.caller.zero_ms, None)
    gap = measure_gap(result, harm)
    if gap.ms is None or gap.ms > GAP_MS:
        found.append(f"the gap lasted {gap.ms} ms")
    heard = [known.heard(result.tape.bot, text) for text in TALK]
    done = sum(bool(spans) and spans[0].end_ms < moved_ms - CONFIRMED_MS for spans in heard)
    again = [TALK[i] for i, spans in enumerate(heard[:done]) if len(spans) != 1]
    if again:
        found.append(f"said again: {again}")
    if result.record is not None:
        found += judge_resumed(result.record, TALK, done, finished=False)
    moment = f"signal at {each.term_ms:5.0f} ms, moved at {moved_ms:5.0f} ms"
    return Round(name, moment, gap.ms, gap.audible_ms, tuple(found))


# The command


async def run(times: int, plan: Drain, seed: int, out: Path | None) -> list[Round]:
    """Drain so many times, one after another."""
    known = await Voice.learn(TALK)
    done: list[Round] = []
    async with deployment("Talker", more=plan.settings) as house:
        for number in range(times):
            await house.start()
            rounds, results = await drain(
                house, known, plan, random.Random(f"{seed} drained {number + 1}")
            )
            for each in rounds:
                report(each)
                keep_evidence(out, each, house, results)
            done += rounds
    return done


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--times", type=int, default=1, help="drains")
    parser.add_argument("--drain-s", type=float, default=5.0, help="PARLEY_DRAIN_S")


def main(arguments: argparse.Namespace) -> int:
    plan = Drain(drain_s=arguments.drain_s)
    return summary(asyncio.run(run(arguments.times, plan, arguments.seed, arguments.out)))
