"""Every proof once, small, and all at the same time: what the suite runs.

    python -m tests.bot.survival short

Three calls on one worker that is killed: while the bot speaks, while the hook runs, while the
caller speaks. One call on a worker that freezes. A worker that stops under two calls, and a third
that begins. Two calls under which Redis hangs. A bot that kills its worker each time.
"""

from __future__ import annotations

import argparse
import asyncio
import random
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from bot.phone.events import EventKind
from bot.phone.result import CallResult
from bot.phone.steps import HangUp, Press, Step, Wait, WaitForBot

from .caller import Caller
from .deadly import FALLBACK, WORKERS, die
from .deployment import Deployment, deployment
from .dialogs import ANSWER, GREETING, KEY_ANSWER, TALK
from .drained import Drain, drain
from .frozen import GAP_MS, freeze
from .judging import BROKEN_PIPE, Harm
from .lateness import watched_arrivals
from .redis_process import redis_process
from .rounds import Round, keep_evidence, report, summary
from .scene import TALK as ASK
from .verdict import Expected, judge
from .voice import Voice

__all__ = ["SHORT", "add_arguments", "main", "run"]

LONG = "+15550100003"
"""Who calls this number is greeted by `Steady`; the others by `Brief`."""
LISTEN: tuple[Step, ...] = (WaitForBot(), HangUp())
BRIEF = GREETING[:1]
# Long enough for a call to begin and to be hung up by the bot, on a busy machine too.
HANG_S = 6.5
# Redis answers or fails within 300 ms: audio that waited for it would be later than this. The
# machine that runs the suite has other things to do, and is late itself.
LATE_MS = 250.0


def conclude(
    out: Path | None, house: Deployment, rounds: list[Round], results: list[CallResult]
) -> list[Round]:
    """Print the rounds, and keep evidence while the deployment is there."""
    for each in rounds:
        report(each)
        keep_evidence(out, each, house, results)
    return rounds


async def killed(known: Voice, out: Path | None) -> list[Round]:
    """Three calls lose their worker at once, each at another instant."""
    processes = {"PARLEY_POCKETSPHINX_PROCESSES": "3"}
    async with deployment("Brief", numbers={LONG: "Steady"}, more=processes, warm=True) as house:
        asking = await house.call(ASK)
        await asyncio.sleep(1.3)
        speaking = await house.call(ASK)
        await asyncio.sleep(0.7)
        listening = await house.call(LISTEN, LONG)
        await house.journal.wait(asking.sid, "asked")
        spoken = await speaking.reach(EventKind.STEP_STARTED)
        await speaking.until(spoken.at_ms + 700)
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
            judge(
                house.journal.of(results[name].call_sid),
                *(known, f"killed {name}", name, results[name], harms[name], expected[name]),
            )
            for name in callers
        ]
        if not await house.workers[0].childless():
            rounds[0] = rounds[0].with_problems(["the killed worker left processes behind"])
        return conclude(out, house, rounds, list(results.values()))


async def frozen(known: Voice, out: Path | None) -> list[Round]:
    """One call whose worker freezes at the beginning of the greeting."""

    async def soon(caller: Caller, _house: Deployment, _chance: random.Random) -> None:
        begun = await caller.reach(EventKind.BOT_STARTED)
        await caller.until(begun.at_ms + 200)

    async with deployment("Brief", warm=True) as house:
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
        return conclude(out, house, [outcome], [result])


async def drained(known: Voice, out: Path | None) -> list[Round]:
    """A worker stops under a call that ends in time and one that does not."""
    plan = Drain(1, 1, (0.0,), drain_s=2.0, settle_ms=1_500, after_ms=2_500)
    async with deployment("Talker", more=plan.settings, warm=True) as house:
        rounds, results = await drain(house, known, plan, random.Random(1))
        return conclude(out, house, rounds, results)


async def redis(_known: Voice, out: Path | None) -> list[Round]:
    """Redis hangs while one call is answered, and another begins and is hung up by the bot."""
    processes = {"PARLEY_POCKETSPHINX_PROCESSES": "2"}
    async with redis_process() as server:
        with watched_arrivals() as arrivals:
            async with deployment(
                "Brief", workers=1, redis_url=server.url, more=processes, warm=True
            ) as house:
                asking = await house.call(ASK)
                await asking.reach(EventKind.STEP_STARTED)
                server.hang()
                try:
                    begun = asyncio.get_running_loop().time()
                    beginning = await house.call((WaitForBot(), Press("#"), WaitForBot()))
                    await asyncio.sleep(HANG_S - (asyncio.get_running_loop().time() - begun))
                finally:
                    server.go_on()
                results = [await asking.result(), await beginning.result()]
                rounds = []
                for name, result, expected in zip(
                    ("asks", "begins"), results, (_ASKED, _HUNG_UP), strict=True
                ):
                    record = await house.record(result.call_sid, house.workers[0])
                    problems = [f"fault {fault}" for fault in result.faults]
                    problems += _compare(record, expected)
                    late_ms = arrivals.latest_ms(result)
                    if late_ms > LATE_MS:
                        problems.append(f"audio came {late_ms:.0f} ms late")
                    moment = f"audio late by at most {late_ms:4.1f} ms"
                    rounds.append(Round(f"redis {name}", moment, None, None, tuple(problems)))
                return conclude(out, house, rounds, results)


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
    async with deployment("Deadly", workers=WORKERS, more=more, warm=True) as house:
        outcome, result = await die(house, "deadly")
        return conclude(out, house, [outcome], [result])


SHORT: dict[str, Callable[[Voice, Path | None], Awaitable[list[Round]]]] = {
    "killed": killed,
    "frozen": frozen,
    "drained": drained,
    "redis": redis,
    "deadly": deadly,
}


async def run(out: Path | None = None) -> dict[str, list[Round]]:
    """Do them all, at the same time: the rounds of each."""
    known = await Voice.learn([*GREETING, *ANSWER, *TALK])

    done = await asyncio.gather(*(proof(known, out) for proof in SHORT.values()))
    return dict(zip(SHORT, done, strict=True))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    pass


def main(arguments: argparse.Namespace) -> int:
    rounds = asyncio.run(run(arguments.out))
    return summary([each for some in rounds.values() for each in some])
