"""A worker freezes in the middle of a call: it is moved by REST, once, and stays moved.

    python -m tests.bot.survival frozen --times 6

stops the worker that holds the call with SIGSTOP, which closes no connection, while the bot speaks,
while the hook runs, and while the caller speaks. Every time: the other worker redirects the call by
REST exactly once, it goes on within 6 s, nothing is said or answered twice, and when the worker is
woken (in every other round while the call still lasts) it closes what it had and writes nothing. In
every fifth round the caller hangs up before anybody can know that the worker is frozen.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import signal
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from bot.phone.events import EventKind
from bot.phone.result import CallResult
from bot.phone.steps import HangUp, Play, Step, Wait, WaitForBot

from .caller import Caller
from .deployment import Deployment, Fault, deployment
from .judging import Harm, judge_call
from .rounds import Round, keep_evidence, report, summary
from .scene import FRIDAY, TALK, WHEN, Moment
from .verdict import Expected, judge, known_voice
from .voice import Voice
from .workers import Worker

__all__ = ["add_arguments", "freeze", "main"]

GAP_MS = 6_000.0
WOKEN_S = 3.0
INSTANTS = ("greeting", "hook", "caller", "answer", "end")
FROZEN_MS = 700
# A caller who waits for the bot to stop would take a frozen one for one that has: so these wait for
# as long as it takes to be moved, and to be told the rest.
STEPS: dict[str, tuple[Step, ...]] = {
    "greeting": (Wait(15_000), Play(FRIDAY), WaitForBot(), HangUp()),
    "answer": (WaitForBot(), Play(FRIDAY), Wait(14_000), HangUp()),
    "hook": TALK,
    "caller": (
        *(WaitForBot(), Play(FRIDAY), WaitForBot(10_000)),
        *(Play(FRIDAY), WaitForBot(), HangUp()),
    ),
}
# Nobody closes the stream but the phone, when REST says so.
EXPECTED = Expected(gap_ms=GAP_MS)


async def freeze(
    house: Deployment,
    known: Voice,
    instant: str,
    name: str,
    chance: random.Random,
    *,
    steps: Sequence[Step],
    when: Moment,
    expected: Expected = EXPECTED,
    wake_early: bool = False,
    woken_s: float = WOKEN_S,
) -> tuple[Round, CallResult]:
    """One call whose worker freezes, and is woken while the call lasts or after it.

    Args:
        instant: for the judge.
        steps: what the caller does.
        when: waits for the moment.
        woken_s: so long may the worker take, when it is woken, to notice that its call is gone.
    """
    caller = await house.call(steps)
    await when(caller, house, chance)
    fault = house.harm(caller, signal.SIGSTOP)
    frozen = house.worker(fault.worker)
    try:
        if wake_early:
            # A call that is never moved is judged as such.
            with suppress(RuntimeError):
                await caller.reach(EventKind.STREAM_STARTED, 2)
            await asyncio.sleep(chance.uniform(0, 1))
            frozen.signal(signal.SIGCONT)
        result = await caller.result()
        problems = await _wake(house, frozen, caller, woken_s)
    finally:
        frozen.signal(signal.SIGCONT)
    harm = Harm(fault.at_ms, fault.zero_ms, None if wake_early else fault.pid)
    done = judge(house.journal.of(result.call_sid), known, name, instant, result, harm, expected)
    problems += _judge_rest(house, result) + _judge_journal(house, result, fault)
    return done.with_problems(problems), result


async def leave(house: Deployment, name: str) -> tuple[Round, CallResult]:
    """One call whose caller hangs up while the worker is frozen: the other ends it for good."""
    caller = await house.call((Wait(FROZEN_MS + 1_000), HangUp()))
    await caller.until(FROZEN_MS)
    fault = house.harm(caller, signal.SIGSTOP)
    frozen = house.worker(fault.worker)
    try:
        result = await caller.result()
        problems = await _wake(house, frozen, caller, WOKEN_S)
    finally:
        frozen.signal(signal.SIGCONT)
    problems += judge_call(result, house.journal.of(result.call_sid), ())
    problems += _judge_journal(house, result, fault)
    if updates := house.rest.updates(result.call_sid):
        problems.append(f"REST was asked {updates}")
    return Round(name, f"hung up at {FROZEN_MS + 1_000} ms", None, None, tuple(problems)), result


async def _wake(house: Deployment, frozen: Worker, caller: Caller, woken_s: float) -> list[str]:
    """Wake the worker, and compare what is kept of the call before and after."""
    others = [worker for worker in house.workers if worker is not frozen]
    before = _own(await house.record(caller.sid, others[0]))
    frozen.signal(signal.SIGCONT)
    await asyncio.sleep(woken_s)
    after = _own(await house.ask(others[0], f"/api/calls/{caller.sid}"))
    problems = [
        f"after it was woken, {key} is {_short(after.get(key))}, before {_short(before.get(key))}"
        for key in sorted(before.keys() | after.keys())
        if before.get(key) != after.get(key)
    ]
    health = await house.ask(frozen, "/health")
    if health.get("calls") != 0:
        problems.append(f"the woken worker says {health}")
    return problems


def _own(record: dict[str, Any]) -> dict[str, Any]:
    """A record without what Twilio tells of streams: that comes when it comes, to any worker."""
    return {**record, "log": [event for event in record["log"] if event["kind"] != "stream"]}


def _judge_rest(house: Deployment, result: CallResult) -> list[str]:
    updates = house.rest.updates(result.call_sid)
    # What follows a `#` is for Twilio: how often to try, and for how long.
    asked = [(each.get("Method"), each.get("Url", "").partition("#")[0]) for each in updates]
    if asked != [("POST", f"{house.public_url}/twilio/next")]:
        return [f"REST was asked {updates}"]
    return [f"REST complains: {complaint}" for complaint in house.rest.standin.complaints]


def _judge_journal(house: Deployment, result: CallResult, fault: Fault) -> list[str]:
    """The woken worker asks its dialog nothing more.

    A hook that ran may come to its end, and Twilio may tell any worker that the call is over.
    """
    frozen_ms = fault.zero_ms + fault.at_ms
    allowed = {"answered", "end"}
    late = [
        entry.kind
        for entry in house.journal.of(result.call_sid)
        if entry.pid == fault.pid and entry.at_ms > frozen_ms + 50 and entry.kind not in allowed
    ]
    return [f"the woken worker asked its dialog: {late}"] if late else []


def _short(value: Any) -> str:
    return str(value)[:200]


# The command


async def run(times: int, seed: int, out: Path | None) -> list[Round]:
    """Do so many rounds, one after another."""
    known = await known_voice()
    done: list[Round] = []
    async with deployment("Steady") as house:
        for number in range(times):
            name = f"frozen {number + 1}"
            instant = INSTANTS[number % len(INSTANTS)]
            chance = random.Random(f"{seed} {name}")
            if instant == "end":
                outcome, result = await leave(house, name)
            else:
                outcome, result = await freeze(
                    *(house, known, instant, name, chance),
                    steps=STEPS[instant],
                    when=WHEN[instant],
                    wake_early=number % 2 == 1,
                )
            report(outcome)
            keep_evidence(out, outcome, house, [result])
            done.append(outcome)
    return done


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--times", type=int, default=10, help="rounds")


def main(arguments: argparse.Namespace) -> int:
    return summary(asyncio.run(run(arguments.times, arguments.seed, arguments.out)))
