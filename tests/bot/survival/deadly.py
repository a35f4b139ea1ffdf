"""A hook that kills its worker each time does not take down one worker after the other for ever.

    python -m tests.bot.survival deadly --times 3

calls a bot whose `on_turn` kills its worker. The turn is delivered again by the next worker, which
dies too; after three new streams within 30 s the call is given up: the caller hears the apology and
is connected to the fallback number. The turn that killed is in the history, and the dialog is told
of the end once. The proof starts the dead workers again, as a supervisor would.
"""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from bot.phone.result import CallResult

from .deployment import Deployment, deployment
from .rounds import Round, keep_evidence, report, summary
from .scene import TALK

__all__ = ["FALLBACK", "WORKERS", "add_arguments", "die", "main"]

FALLBACK = "+15550109999"
# The first stream, and three more.
MOST_STREAMS = 4
# One more than have to be there: it takes a while to start one.
WORKERS = 3
POLL_S = 0.02


async def die(house: Deployment, name: str) -> tuple[Round, CallResult]:
    """One call to a deadly bot; workers that die are started again while it lasts."""
    caller = await house.call(TALK)
    # As many as it takes to have somebody left who answers in the end.
    revivals = MOST_STREAMS + 1 - len(house.workers)
    reviving = asyncio.create_task(_supervise(house, revivals))
    try:
        result = await caller.result()
    finally:
        reviving.cancel()
        await asyncio.wait([reviving])
    problems = _judge(house, result)
    return Round(name, f"{result.traffic.streams} streams", None, None, tuple(problems)), result


async def _supervise(house: Deployment, revivals: int) -> None:
    """Start dead workers again, and say whether there is one to spare."""
    while True:
        for worker in house.workers:
            if not worker.running and not house.starting(worker.name) and revivals:
                house.revive(worker.name)
                revivals -= 1
        ready = sum(w.running and not house.starting(w.name) for w in house.workers)
        if ready > 1:
            house.spare.touch()
        else:
            house.spare.unlink(missing_ok=True)
        await asyncio.sleep(POLL_S)


def _judge(house: Deployment, result: CallResult) -> list[str]:
    problems: list[str] = []
    journal = house.journal.of(result.call_sid)
    asked = [entry for entry in journal if entry.kind == "asked"]
    if result.traffic.streams != MOST_STREAMS:
        problems.append(f"the call had {result.traffic.streams} streams")
    if [entry.more["retried"] for entry in asked] != [False] + [True] * (MOST_STREAMS - 1):
        problems.append(f"the turn was delivered {[entry.more['retried'] for entry in asked]}")
    if len({entry.more["turn"] for entry in asked}) != 1:
        problems.append("the turn was delivered under different ids")
    if len({entry.pid for entry in asked}) != len(asked):
        problems.append("a worker was asked twice")
    verbs = result.verbs[-3:]
    if verbs[:2] != ("Say", "Dial"):
        problems.append(f"the call ended with {result.verbs}")
    if result.record is None:
        return [*problems, "there is no record"]
    record = result.record
    if record["ended"] != {"by": "bot", "reason": "transferred"}:
        problems.append(f"the record says: ended {record['ended']}")
    texts = [entry["text"] for entry in record["history"] if entry["role"] == "caller"]
    if texts != [entry.more["text"] for entry in asked[:1]]:
        problems.append(f"the caller's turns in history are {texts}")
    if record["state"] != {"greets": 1}:
        problems.append(f"call.state is {record['state']}")
    ends = [entry.more for entry in journal if entry.kind == "end"]
    if len(ends) != 1:
        problems.append(f"the dialog was told of the end {ends}")
    return problems


# The command


async def run(times: int, out: Path | None) -> list[Round]:
    """Do so many rounds, one after another."""
    done: list[Round] = []
    fallback = {"PARLEY_FALLBACK_NUMBER": FALLBACK}
    async with deployment("Deadly", workers=WORKERS, more=fallback) as house:
        for number in range(times):
            await house.revived()
            await house.start()
            outcome, result = await die(house, f"deadly {number + 1}")
            report(outcome)
            keep_evidence(out, outcome, house, [result])
            done.append(outcome)
        await house.revived()
    return done


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--times", type=int, default=3, help="rounds")


def main(arguments: argparse.Namespace) -> int:
    return summary(asyncio.run(run(arguments.times, arguments.out)))
