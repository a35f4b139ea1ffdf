"""`python -m tests.bot.campaign.crash`: the whole proof; less than an hour."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
import tempfile
from pathlib import Path

import structlog

from .plan import ProofPlan
from .proof import Outcome, prove

SHOWN = 40


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bot.campaign.crash",
        description="Kill dialers and Redis while a campaign runs, and judge by the ledger of"
        " accepted calls that nobody was called too often, too soon, or not at all.",
    )
    parser.add_argument("--contacts", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=1_000)
    parser.add_argument("--workers", type=int, default=4, help="dialers at any time")
    parser.add_argument("--per-second", type=float, default=20.0, help="calls placed at most")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--whole",
        action="store_true",
        help="have a `parley serve` answer Twilio; nobody opens a stream, so all are called again",
    )
    parser.add_argument("--out", type=Path, help="a folder for the dialers' log")
    given = parser.parse_args()
    # Everything that is logged here is meant to happen.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    logging.getLogger("uvicorn").setLevel(logging.CRITICAL)
    plan = ProofPlan(
        given.contacts, given.kills, given.workers, given.per_second, given.seed, whole=given.whole
    )
    # Whoever stops a proof does not want to be left with its processes. A shell's background job
    # ignores Ctrl-C, unless told otherwise.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    with tempfile.TemporaryDirectory(prefix="parley-crash-") as folder:
        out = given.out or Path(folder)
        out.mkdir(parents=True, exist_ok=True)
        try:
            outcome = asyncio.run(prove(plan, out, lambda line: print(line, flush=True)))
        except KeyboardInterrupt:
            print("stopped", file=sys.stderr)
            return 130
    return _say(plan, outcome)


def _say(plan: ProofPlan, outcome: Outcome) -> int:
    problems = outcome.problems
    if outcome.kills < plan.kills:
        problems.append(f"{outcome.kills} kills instead of {plan.kills}")
    share = outcome.asking / max(outcome.kills, 1)
    if share < 0.3:
        problems.append(f"{share:.0%} of them asked for a call: too few")
    print(f"seed {plan.seed}, {plan.workers} dialers, {outcome.seconds:.0f} s")
    print(
        f"killed: {outcome.kills}, {share:.0%} of them while Twilio held their request for a call"
    )
    for what, count in {**outcome.killed, **outcome.verdict.counts}.items():
        print(f"  {what}: {count}")
    for problem in problems[:SHOWN]:
        print(f"BAD {problem}")
    print(f"{len(problems)} problems" if problems else "good")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
