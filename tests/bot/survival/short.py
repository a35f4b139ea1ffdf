"""Every proof once, small, and some at the same time: what the suite runs.

    python -m tests.bot.survival short

Three calls on one worker that is killed: while the bot speaks, while the hook runs, while the
caller speaks. One call on a worker that freezes. A worker that stops under two calls, and a third
that begins. Two calls under which Redis hangs. A bot that kills its worker each time.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.phone.clip import Clip
from bot.phone.events import EventKind
from bot.phone.result import CallResult
from bot.phone.steps import HangUp, Play, Press, Step, Wait, WaitForBot
from tests.bot.redis_process import redis_process

from .caller import Caller
from .deadly import FALLBACK, WORKERS, die
from .deployment import Deployment, deployment
from .dialogs import ANSWER, GREETING, KEY_ANSWER, TALK
from .drained import Drain, drain
from .frozen import GAP_MS, freeze
from .judging import BROKEN_PIPE, Harm
from .lateness import Arrivals, watched_arrivals
from .redis_away import Kept, slower
from .rounds import Round, broken_off, keep_evidence, report, summary
from .scene import FRIDAY
from .scene import TALK as ASK
from .verdict import Expected, judge
from .voice import Voice

__all__ = ["SHORT", "add_arguments", "main", "run"]

LONG = "+15550100003"
"""Who calls this number is greeted by `Steady`; the others by `Brief`."""
LISTEN: tuple[Step, ...] = (WaitForBot(), HangUp())
BRIEF = GREETING[:1]
# Speech without a pause, long enough to be harmed in on a busy machine too.
SPEECH = Clip("on friday, on friday", FRIDAY.audio[8 * 140 : 8 * 980] * 4)
SPEAK: tuple[Step, ...] = (WaitForBot(), Play(SPEECH), WaitForBot(), HangUp())
# Long enough for a call to begin and to be hung up by the bot, on a busy machine too.
HANG_S = 6.5
# Redis answers or fails within 300 ms: audio that waited for it would be later than this beyond
# what a worker is late whose Redis answers, on this machine and at this time. That is allowed for
# up to a limit: who is later than both together is late for whatever reason.
LATE_MS = 250.0
MOST_BUSY_MS = 500.0
# So much longer than with Redis may anybody wait: two waits for Redis, and the machine's noise.
SLOWER_MS = 1_000.0
# All at once they would keep two cores too busy for what has to happen at its moment: the others
# begin when the first of these is over.
FIRST = ("killed", "drained")


def conclude(
    out: Path | None, house: Deployment, rounds: list[Round], results: list[CallResult]
) -> list[Round]:
    """Print the rounds, and keep evidence while the deployment is there."""
    for each in rounds:
        report(each)
        keep_evidence(out, each, house, results)
    return rounds


@asynccontextmanager
async def staged(
    out: Path | None, name: str, dialog: str, **more: Any
) -> AsyncIterator[Deployment]:
    """A deployment whose logs are kept when something in it breaks off."""
    async with deployment(dialog, warm=True, **more) as house:
        try:
            yield house
        except Exception as error:
            keep_evidence(out, broken_off(name, error), house, [])
            raise


async def killed(known: Voice, out: Path | None) -> list[Round]:
    """Three calls lose their worker at once, each at another instant."""
    processes = {"PARLEY_POCKETSPHINX_PROCESSES": "3"}
    async with staged(out, "killed", "Brief", numbers={LONG: "Steady"}, more=processes) as house:
        asking = await house.call(ASK)
        await asyncio.sleep(1.0)
        speaking = await house.call(SPEAK)
        await asking.reach(EventKind.STEP_STARTED)
        listening = await house.call(LISTEN, LONG)
        await house.journal.wait(asking.sid, "asked")
        spoken = await speaking.reach(EventKind.STEP_STARTED)
        await speaking.until(spoken.at_ms + 700)
        await listening.reach(EventKind.BOT_STARTED)
        callers = {"greeting": listening, "hook": asking, "caller": speaking}
        pid = house.holder(asking).pid
        harms = {name: Harm(each.now_ms, each.zero_ms, pid) for name, each in callers.items()}
        house.harm(asking)
        results = {name: await each.result() for name, each in callers.items()}
        faults = (BROKEN_PIPE,)
        expected = {
            "greeting": Expected(faults, answer=()),
            "hook": Expected(faults, greeting=BRIEF),
            "caller": Expected(faults, greeting=BRIEF, repeats=False),
        }
        rounds = [
            sure(
                judge(
                    house.journal.of(results[name].call_sid),
                    *(known, f"killed {name}", name, results[name], harms[name], expected[name]),
                )
            )
            for name in callers
        ]
        if not await house.workers[0].childless():
            rounds[0] = rounds[0].with_problems(["the killed worker left processes behind"])
        return conclude(out, house, rounds, list(results.values()))


def sure(done: Round) -> Round:
    """There is no other round of its kind: what was to be harmed must have been going on."""
    if done.struck:
        return done
    return done.with_problems([f"the harm was not done during the {done.instant!r}"])


async def frozen(known: Voice, out: Path | None) -> list[Round]:
    """One call whose worker freezes at the beginning of the greeting."""

    async def soon(caller: Caller, _house: Deployment, _chance: random.Random) -> None:
        begun = await caller.reach(EventKind.BOT_STARTED)
        await caller.until(begun.at_ms + 200)

    async with staged(out, "frozen", "Brief") as house:
        expected = Expected(gap_ms=GAP_MS, greeting=BRIEF, answer=())
        outcome, result = await freeze(
            house,
            known,
            "greeting",
            "frozen",
            random.Random(1),
            steps=(Wait(8_000), HangUp()),
            when=soon,
            expected=expected,
            woken_s=1.5,
        )
        return conclude(out, house, [sure(outcome)], [result])


async def drained(known: Voice, out: Path | None) -> list[Round]:
    """A worker stops under a call that ends in time and one that does not."""
    plan = Drain(1, 1, (0.0,), drain_s=2.0, settle_ms=4_000, after_ms=2_500)
    async with staged(out, "drained", "Talker", more=plan.settings) as house:
        rounds, results = await drain(house, known, plan, random.Random(1))
        return conclude(out, house, rounds, results)


async def redis(_known: Voice, out: Path | None) -> list[Round]:
    """Redis hangs while one call is answered, and another begins and is hung up by the bot.

    A third is answered at the same time by a worker of its own, whose Redis answers.
    """
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(redis_process())
        arrivals = stack.enter_context(watched_arrivals())
        house = await stack.enter_async_context(
            staged(
                *(out, "redis", "Brief"),
                workers=1,
                redis_url=server.url,
                more={"PARLEY_POCKETSPHINX_PROCESSES": "2"},
            )
        )
        calm = await stack.enter_async_context(staged(out, "redis control", "Brief", workers=1))
        asking, control = await asyncio.gather(_timed(house, ASK), _timed(calm, ASK))
        await asking.caller.reach(EventKind.STEP_STARTED)
        server.hang()
        try:
            beginning = await _timed(house, (WaitForBot(), Press("#"), WaitForBot()))
            await asyncio.sleep(HANG_S - beginning.answered_ms / 1000)
        finally:
            server.go_on()
        usual = await _kept(calm, control, arrivals)
        kept = [await _kept(house, each, arrivals) for each in (asking, beginning)]
        rounds = [
            _judge_redis("redis asks", kept[0], usual, _ASKED, ("the greeting", "answers")),
            _judge_redis("redis begins", kept[1], usual, _HUNG_UP, ("the greeting", _WEBHOOK)),
        ]
        return conclude(out, house, rounds, [each.result for each in kept])


@dataclass(frozen=True, slots=True)
class _Timed:
    caller: Caller
    answered_ms: float


async def _timed(house: Deployment, steps: Sequence[Step]) -> _Timed:
    began_s = time.monotonic()
    caller = await house.call(steps)
    return _Timed(caller, 1000 * (time.monotonic() - began_s))


async def _kept(house: Deployment, call: _Timed, arrivals: Arrivals) -> Kept:
    result = await call.caller.result()
    record = await house.record(result.call_sid, house.workers[0])
    return Kept(result, record, arrivals.latest_ms(result), call.answered_ms)


def _judge_redis(
    name: str, kept: Kept, usual: Kept, expected: dict[str, Any], waits: Sequence[str]
) -> Round:
    problems = [f"fault {fault}" for fault in kept.result.faults]
    problems += _compare(kept.record, expected)
    most_ms = LATE_MS + min(usual.late_ms, MOST_BUSY_MS)
    if kept.late_ms > most_ms:
        problems.append(f"audio came {kept.late_ms:.0f} ms late")
    now, then = ({what: each.waits_ms[what] for what in waits} for each in (kept, usual))
    problems += slower(now, then, SLOWER_MS)
    moment = f"audio late by at most {kept.late_ms:4.1f} ms, allowed are {most_ms:4.1f} ms"
    return Round(name, moment, None, None, tuple(problems))


_WEBHOOK = "the first webhook"
_ASKED: dict[str, Any] = {
    "history": [BRIEF[0], "on friday", " ".join(ANSWER)],
    "state": {"greets": 1, "asked": ["1"], "answered": ["1"]},
    "ended": {"by": "caller", "reason": "hung up"},
    "status": "completed",
}
_HUNG_UP: dict[str, Any] = {
    "history": [BRIEF[0], KEY_ANSWER],
    "state": {"greets": 1, "keys": "#"},
    "ended": {"by": "bot", "reason": "key"},
    "status": "completed",
}


def _compare(record: dict[str, Any], expected: dict[str, Any]) -> list[str]:
    """Whether the record of a call is whole that went on without Redis."""
    state = {
        key: [turn.rpartition("-")[2] for turn in value] if isinstance(value, list) else value
        for key, value in record["state"].items()
    }
    found = {**record, "history": [e["heard"] for e in record["history"]], "state": state}
    return [
        f"{key} is {found[key]}, not {value}"
        for key, value in expected.items()
        if found[key] != value
    ]


async def deadly(_known: Voice, out: Path | None) -> list[Round]:
    """A bot kills its worker each time, until its caller is given to somebody else."""
    more = {
        "PARLEY_FALLBACK_NUMBER": FALLBACK,
        # The phone takes its time to say it.
        "PARLEY_FAREWELL": "Goodbye.",
    }
    async with staged(out, "deadly", "Deadly", workers=WORKERS, more=more) as house:
        outcome, result = await die(house, "deadly")
        done = conclude(out, house, [outcome], [result])
        await house.revived()
        return done


SHORT: dict[str, Callable[[Voice, Path | None], Awaitable[list[Round]]]] = {
    "killed": killed,
    "frozen": frozen,
    "drained": drained,
    "redis": redis,
    "deadly": deadly,
}


async def run(out: Path | None = None) -> dict[str, list[Round]]:
    """Do them all, some at the same time: the rounds of each."""
    known = await Voice.learn([*GREETING, *ANSWER, *TALK])
    async with asyncio.TaskGroup() as group:
        doing = {name: group.create_task(_do(name, known, out)) for name in SHORT if name in FIRST}
        await asyncio.wait(doing.values(), return_when=asyncio.FIRST_COMPLETED)
        for name in SHORT.keys() - doing.keys():
            doing[name] = group.create_task(_do(name, known, out))
    return {name: task.result() for name, task in doing.items()}


async def _do(name: str, known: Voice, out: Path | None) -> list[Round]:
    """One proof; that it broke off is no reason to know nothing of the others."""
    try:
        return await SHORT[name](known, out)
    except Exception as error:
        broken = broken_off(name, error)
        report(broken)
        return [broken]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    pass


def main(arguments: argparse.Namespace) -> int:
    rounds = asyncio.run(run(arguments.out))
    return summary([each for some in rounds.values() for each in some])
