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
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import bot.demo
from bot.phone.clip import Clip, load_clip
from bot.phone.events import EventKind
from bot.phone.result import CallResult
from bot.phone.steps import HangUp, Lose, LossKind, Play, Step, Wait, WaitForBot

from .caller import Caller
from .deployment import Deployment, deployment
from .dialogs import ANSWER, GREETING, HOOK_S
from .journal import Entry
from .judging import (
    BROKEN_PIPE,
    CONFIRMED_MS,
    Harm,
    judge_call,
    judge_gap,
    judge_resumed,
    measure_gap,
    repeated,
)
from .rounds import Round, keep_evidence, report, summary
from .voice import Voice

__all__ = [
    "FRIDAY",
    "KILLED",
    "LOSSES",
    "TALK",
    "TALK_TWICE",
    "WHEN",
    "Expected",
    "add_arguments",
    "judge",
    "kill",
    "lose",
    "main",
    "voice",
]

FRIDAY = load_clip(Path(bot.demo.__file__).parent / "friday.ulaw")
GAP_MS = 2_000.0
ENDPOINTING_MS = 450
# The recognizer notices speech, and the record tells of it, a moment after it has begun.
NOTICED_MS = 500

LOSSES: tuple[LossKind, ...] = ("close", "reset", "refused", "timeout")
TIMEOUT_MS = 2_000

TALK: tuple[Step, ...] = (WaitForBot(), Play(FRIDAY), WaitForBot(), HangUp())
# A caller who was not heard says it again.
TALK_TWICE: tuple[Step, ...] = (
    *(WaitForBot(), Play(FRIDAY), WaitForBot(5_000)),
    *(Play(FRIDAY), WaitForBot(), HangUp()),
)


@dataclass(frozen=True, slots=True)
class Expected:
    """What a kind of harm brings: Twilio's error numbers, and the longest gap that is allowed."""

    faults: tuple[int, ...]
    gap_ms: float = GAP_MS


KILLED = Expected((BROKEN_PIPE,))
# The phone itself takes a while to find out that a handshake gets no answer.
LOST = {
    "close": Expected(()),
    "reset": Expected(()),
    "refused": Expected((31902,)),
    "timeout": Expected((31901,), GAP_MS + TIMEOUT_MS),
}


async def voice() -> Voice:
    """What the caller is expected to hear."""
    return await Voice.learn([*GREETING, *ANSWER])


# When


async def in_greeting(caller: Caller, house: Deployment, chance: random.Random) -> None:
    begun = await caller.reach(EventKind.BOT_STARTED)
    await caller.until(begun.at_ms + chance.uniform(0, 4_300))


async def in_answer(caller: Caller, house: Deployment, chance: random.Random) -> None:
    await house.journal.wait(caller.sid, "answered")
    await asyncio.sleep(chance.uniform(0.05, 2.9))


async def in_hook(caller: Caller, house: Deployment, chance: random.Random) -> None:
    await caller.reach(EventKind.STEP_STARTED)
    await house.journal.wait(caller.sid, "asked")
    await asyncio.sleep(chance.uniform(0, HOOK_S))


async def in_speech(caller: Caller, house: Deployment, chance: random.Random) -> None:
    begun = await caller.reach(EventKind.STEP_STARTED)
    await caller.until(begun.at_ms + chance.uniform(0, len(FRIDAY.audio) / 8))


WHEN: dict[str, Callable[[Caller, Deployment, random.Random], Awaitable[None]]] = {
    "greeting": in_greeting,
    "answer": in_answer,
    "hook": in_hook,
    "caller": in_speech,
}


# Rounds


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
    return judge(house, known, name, instant, result, harm, KILLED), result


async def lose(
    house: Deployment, known: Voice, how: LossKind, instant: str, name: str, chance: random.Random
) -> tuple[Round, CallResult]:
    """One call whose stream the phone loses."""
    lost = Lose(how, TIMEOUT_MS) if how == "timeout" else Lose(how)
    caller = await house.call(_losing(lost, instant, chance))
    result = await caller.result()
    ended = next(event for event in caller.events if event.kind is EventKind.STREAM_ENDED)
    harm = Harm(ended.at_ms, caller.zero_ms, None)
    return judge(house, known, name, instant, result, harm, LOST[how]), result


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


def judge(
    house: Deployment,
    known: Voice,
    name: str,
    instant: str,
    result: CallResult,
    harm: Harm,
    expected: Expected,
) -> Round:
    """Whether the call went on as it should have."""
    journal = house.journal.of(result.call_sid)
    problems = judge_call(result, journal, expected.faults)
    gap = measure_gap(result, harm)
    if gap.ms is None or gap.ms > expected.gap_ms:
        problems.append(f"the gap lasted {gap.ms} ms")
    problems += judge_gap(result, gap, harm, lost=_lost(instant, result, journal, harm))
    answered = {entry.more["turn"] for entry in journal if entry.kind == "answered"}
    if instant == "hook" and not _asked(journal, harm):
        # The recognizer was slower than the phone expected: what was said is lost.
        problems += repeated(known, result, GREETING, harm)
        problems += ["a turn was answered"] if answered else []
    elif instant == "caller":
        problems += repeated(known, result, GREETING, harm)
        problems += _heard_after_the_caller(known, result)
    else:
        problems += repeated(known, result, (*GREETING, *ANSWER), harm)
        if len(answered) != 1:
            problems.append(f"{len(answered)} turns were answered")
    if instant in ("greeting", "answer") and result.record is not None:
        said = GREETING if instant == "greeting" else ANSWER
        done = sum(
            any(span.end_ms < harm.at_ms - CONFIRMED_MS for span in known.heard(track, text))
            for track, text in ((result.tape.bot, text) for text in said)
        )
        problems += judge_resumed(result.record, said, done)
    if harm.pid is not None and journal[-1].pid == harm.pid:
        problems.append("the dead worker ended the call")
    moment = f"{instant} at {harm.at_ms:5.0f} ms"
    return Round(name, moment, gap.ms, gap.audible_ms, tuple(problems))


def _asked(journal: Sequence[Entry], harm: Harm) -> bool:
    """Whether the hook was running, or had run, before the harm."""
    begun_ms = [e.at_ms for e in journal if e.kind == "asked" and not e.more["retried"]]
    return any(at_ms < harm.zero_ms + harm.at_ms for at_ms in begun_ms)


def _lost(instant: str, result: CallResult, journal: Sequence[Entry], harm: Harm) -> bool | None:
    """Whether the caller's speech must have been reported as lost."""
    if instant == "hook":
        return not _asked(journal, harm)
    if instant != "caller":
        return False
    speech = result.sound.steps[0].speech if result.sound.steps else None
    if speech is None or not speech.start_ms + NOTICED_MS < harm.at_ms < speech.end_ms:
        return None
    return True


def _heard_after_the_caller(known: Voice, result: CallResult) -> list[str]:
    said_ms = result.tape.steps[-1].span.end_ms
    return [
        f"not heard after the caller had said it again: {text!r}"
        for text in ANSWER
        if not any(span.start_ms > said_ms for span in known.heard(result.tape.bot, text))
    ]


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
    known = await voice()
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
