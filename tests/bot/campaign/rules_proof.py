"""The rules of campaigns, in virtual time: `python -m tests.bot.campaign.rules_proof --help`.

Several campaigns with windows, zones, rates and priorities of their own share an account, some
numbers and a real Redis; dialers claim at the same moments, everybody's fate is seeded, days pass
in minutes, and a judge (`rules_judge`) checks every claim and every plan.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bot.campaign.store import CampaignStore
from bot.redis_server import private_redis, wait_until_stopped

from .alive import announce
from .campaigns import Clock
from .rules_run import Run
from .rules_world import PLACES, START_MS, WORKERS

__all__ = ["prove", "report"]


async def prove(
    url: str, prefix: str, contacts: int, workers: int, seed: int, tell: Callable[[str], None]
) -> Run:
    """The world from its beginning to its end; its judge says whether all was right."""
    clock = Clock()
    clock.now_ms = START_MS
    for index, (max_calls, inbound) in enumerate(WORKERS):
        await announce(url, prefix, f"w{index}", max_calls=max_calls, inbound=inbound)
    stores = [CampaignStore(url, prefix=prefix, deadline_s=30, clock=clock) for _ in range(workers)]
    try:
        proof = Run(stores, clock, seed)
        await proof.create(contacts)
        await proof.run(tell)
        await proof.finish()
    finally:
        for store in stores:
            await store.aclose()
    return proof


def report(proof: Run, took_s: float) -> str:
    """What happened, what was checked, and what was wrong, a line for each."""
    judge, days = proof.judge, (proof.clock.now_ms - START_MS) / 86_400_000
    lines = [f"{days:.1f} days in {took_s:.0f} s"]
    lines += [f"{count:>10,} {name}" for name, count in sorted(proof.counts.items())]
    lines += ["outcomes:"]
    lines += [f"{count:>10,} {name}" for name, count in proof.outcomes.most_common()]
    lines += ["at the same time, at most:", f"{judge.most_live:>10,} calls ({PLACES} places)"]
    for ledger in judge.ledgers.values():
        most = ledger.spec.max_concurrent
        lines.append(f"{ledger.most_live:>10,} of {ledger.spec.name} (allowed: {most})")
    lines += ["checked:"]
    lines += [f"{count:>10,} {rule}" for rule, count in sorted(judge.counts.items())]
    return "\n".join([*lines, f"faults: {len(judge.faults)}", *judge.faults[:20]])


def main() -> int:
    """The command; 1 when a rule was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.bot.campaign.rules_proof")
    parser.add_argument("--contacts", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=4, help="dialers")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    end = "\r" if sys.stderr.isatty() else ""

    def tell(progress: str) -> None:
        if end:
            print(progress, end=end, file=sys.stderr, flush=True)

    async def run() -> Run:
        with tempfile.TemporaryDirectory() as state_dir:
            async with private_redis(Path(state_dir)) as url:
                proof = await prove(url, "proof:", asked.contacts, asked.workers, asked.seed, tell)
            await wait_until_stopped(Path(state_dir), 10)
            return proof

    began_s = time.monotonic()
    proof = asyncio.run(run())
    print(report(proof, time.monotonic() - began_s))
    return 1 if proof.judge.faults else 0


if __name__ == "__main__":
    sys.exit(main())
