"""A worker is killed in the middle of a call, or the phone loses the stream: the call goes on.

    python -m tests.bot.survival killed --times 20

kills -9 the worker that holds the call while the bot speaks, while the dialog's hook runs, and
while the caller speaks, so many times each, at random moments; then the phone loses the stream in
each of its four ways. Every time: the call goes on within 2 s, no greeting is said again, the
sentence that was cut is, the open turn is answered exactly once, history and state are whole, and
speech that was lost is reported.
"""

from __future__ import annotations

import argparse
import asyncio
import random
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from bot.phone.clip import Clip
from bot.phone.events import EventKind
from bot.phone.result import CallResult
from bot.phone.steps import HangUp, Lose, LossKind, Play, Step, Wait, WaitForBot

from .deployment import Deployment, deployment
from .dialogs import HOOK_S
from .judging import BROKEN_PIPE, Harm
from .rounds import Round, keep_evidence, report, summary
from .scene import FRIDAY, TALK, TALK_TWICE, WHEN
from .verdict import GAP_MS, Expected, judge, known_voice
from .voice import Voice

__all__ = ["KILLED", "LOSSES", "add_arguments", "kill", "lose", "main"]

ENDPOINTING_MS = 450

LOSSES: tuple[LossKind, ...] = ("close", "reset", "refused", "timeout")
TIMEOUT_MS = 2_000
KILLED = Expected((BROKEN_PIPE,))
# The phone itself takes a while to find out that a handshake gets no answer.
LOST = {
    "close": Expected(()),
    "reset": Expected(()),
    "refused": Expected((31902,)),
    "timeout": Expected((31901,), GAP_MS + TIMEOUT_MS),
}


async def kill(
    house: Deployment, known: Voice, instant: str, name: str, chance: random.Random
) -> tuple[Round, CallResult]:
    """One call whose worker is killed."""
    caller = await house.call(TALK_TWICE if instant == "caller" else TALK)
    await WHEN[instant](caller, house, chance)
    fault = house.harm(caller)
    house.revive(fault.worker)
    result = await caller.result()
    harm = Harm(fault.at_ms, fault.zero_ms, fault.pid)
    return judge(
        house.journal.of(result.call_sid), known, name, instant, result, harm, KILLED
    ), result


async def lose(
    house: Deployment, known: Voice, how: LossKind, instant: str, name: str, chance: random.Random
) -> tuple[Round, CallResult]:
    """One call whose stream the phone loses."""
    lost = Lose(how, TIMEOUT_MS) if how == "timeout" else Lose(how)
    caller = await house.call(_losing(lost, instant, chance))
    result = await caller.result()
    ended = next(event for event in caller.events if event.kind is EventKind.STREAM_ENDED)
    harm = Harm(ended.at_ms, caller.zero_ms, None)
    return judge(
        house.journal.of(result.call_sid), known, name, instant, result, harm, LOST[how]
    ), result


def _losing(lost: Lose, instant: str, chance: random.Random) -> tuple[Step, ...]:
    match instant:
        case "greeting":
            return (Wait(chance.randrange(200, 4_300)), lost, *TALK)
        case "hook":
            late = Wait(ENDPOINTING_MS + 150 + chance.randrange(int(HOOK_S * 1000) - 200))
            return (WaitForBot(), Play(FRIDAY), late, lost, WaitForBot(), HangUp())
        case _:
            cut = Clip("friday, cut", FRIDAY.audio[: 8 * chance.randrange(700, 1_000)])
            return (WaitForBot(), Play(cut), lost, WaitForBot(4_000), *TALK[1:])


# The command


@dataclass(frozen=True, slots=True)
class Plan:
    """A round to be done: who does the harm, and when in the call."""

    name: str
    how: str
    instant: str


def plans(times: int, only: Sequence[str]) -> list[Plan]:
    """All rounds, in the order in which they are done."""
    found: list[Plan] = []
    for instant in ("bot", "hook", "caller"):
        for number in range(times):
            when = ("greeting", "answer")[number % 2] if instant == "bot" else instant
            found.append(Plan(f"{instant} {number + 1}", "kill", when))
    for how in LOSSES:
        for number in range(times):
            when = ("greeting", "hook", "caller")[number % 3]
            found.append(Plan(f"{how} {number + 1}", how, when))
    return [plan for plan in found if not only or plan.name.split()[0] in only]


async def run(
    times: int, seed: int, lanes: int, only: Sequence[str], out: Path | None
) -> list[Round]:
    """Do all rounds, in so many deployments at the same time."""
    known = await known_voice()
    waiting = plans(times, only)
    done: list[Round] = []

    async def lane(house: Deployment) -> None:
        while waiting:
            plan = waiting.pop(0)
            chance = random.Random(f"{seed} {plan.name}")
            await house.revived()
            if plan.how == "kill":
                outcome, result = await kill(house, known, plan.instant, plan.name, chance)
            else:
                how = next(kind for kind in LOSSES if kind == plan.how)
                outcome, result = await lose(house, known, how, plan.instant, plan.name, chance)
            report(outcome)
            keep_evidence(out, outcome, house, [result])
            done.append(outcome)
        await house.revived()

    async with AsyncExitStack() as stack:
        houses = [
            await stack.enter_async_context(deployment("Steady"))
            for _ in range(min(lanes, len(waiting)))
        ]
        async with asyncio.TaskGroup() as group:
            for house in houses:
                group.create_task(lane(house))
    return done


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--times", type=int, default=20, help="rounds of each kind")
    parser.add_argument("--lanes", type=int, default=2, help="deployments at the same time")
    parser.add_argument(
        "--only",
        nargs="+",
        default=(),
        choices=("bot", "hook", "caller", *LOSSES),
        help="these kinds only",
    )


def main(arguments: argparse.Namespace) -> int:
    rounds = asyncio.run(
        run(arguments.times, arguments.seed, arguments.lanes, arguments.only, arguments.out)
    )
    return summary(rounds)
