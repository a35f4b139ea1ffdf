"""Calls go on as if nothing were, while everything that a worker must bear is done to it.

Callers have the demo's conversation with a worker, first undisturbed, then while hostile messages
and webhooks come in. Each of these must be accounted for, by an answer or a metric; the calls must
be what they were undisturbed; and the worker's memory must not grow. Then come peers that say too
much, nothing at all, or do not listen.

Memory is the worker's resident set, after everything was done once at a smaller scale, and with
what the C library holds back given back each time before it is read.
"""

from __future__ import annotations

import argparse
import asyncio
import sys

from bot.demo.scene import BOOKING, DIALOG, LINES, caller_steps
from bot.demo.verdict import find_faults
from tests.bot.observed import Observed

from .calls import STAGGER_S, Conversation, Pace, attacked, undisturbed
from .sockets import huge_message, mute_connections, silent_sockets, slow_reader
from .storm import Storm, storm
from .worker import attacked_worker

MOST_GROWTH_KB = 5_000
WARM_UP = 10
"""One of so many messages and webhooks is sent before anything is measured."""

BOOKING_CALL = Conversation(caller_steps, lambda result: find_faults(result, len(LINES), BOOKING))


async def run(arguments: argparse.Namespace) -> list[str]:
    callers, faults = arguments.calls, []
    async with attacked_worker(DIALOG, callers) as worker:
        pace = await undisturbed(worker.phone, callers, BOOKING_CALL)
        print(f"undisturbed: {_shown(pace)}")
        small = arguments.messages // WARM_UP, arguments.webhooks // WARM_UP
        await storm(worker, *small, seed=arguments.seed + 1, seconds=2)
        before, _ = await worker.facts()
        attack = asyncio.create_task(_attack(worker, arguments))
        under_attack, harmed = await attacked(
            worker.phone, callers, BOOKING_CALL, pace, attack.done
        )
        after, _ = await worker.facts()
        print(f"attacked:    {_shown(under_attack)}")
        grown_kb = after.rss_kb - before.rss_kb
        faults += [*harmed, *_report(await attack), *await _peers(worker, callers)]
        print(f"memory: {before.rss_kb} KB before, {after.rss_kb} KB after ({grown_kb:+d} KB)")
        if grown_kb > MOST_GROWTH_KB:
            faults.append(f"memory grew by {grown_kb} KB, more than {MOST_GROWTH_KB}")
        faults += [f"logged: {line[:200]}" for line in worker.tracebacks()]
    return faults


async def _attack(worker: Observed, arguments: argparse.Namespace) -> Storm:
    """The storm, once all callers are on the line."""
    await asyncio.sleep(arguments.calls * STAGGER_S)
    messages, webhooks = arguments.messages, arguments.webhooks
    return await storm(worker, messages, webhooks, seed=arguments.seed, seconds=arguments.seconds)


def _shown(pace: Pace) -> str:
    return (
        f"{pace.calls} calls, greeting within {pace.greeting_ms:.0f} ms, answers p95"
        f" {pace.response_p95_ms:.0f} ms, max {pace.response_ms:.0f} ms"
        f" (the phones themselves up to {pace.phone_late_ms:.0f} ms late)"
    )


def _report(result: Storm) -> list[str]:
    print(f"stream messages, {result.messages.total()}:")
    for fate, count in result.messages.most_common():
        print(f"  {count:6d}  {fate}")
    endings = ", ".join(f"{kind} ({code}) {n}" for (kind, code), n in result.endings.items())
    print(f"  streams ended by: {endings}")
    print(f"webhooks, {result.webhooks.total()}, by answer (0: gone before it):")
    for status, count in sorted(result.webhooks.items()):
        print(f"  {count:6d}  {status}")
    print(f"{result.aimed} streams and webhooks named a call in progress")
    wrong = [status for status in result.webhooks if status >= 500]
    faults = [*result.faults, *(f"a webhook was answered {status}" for status in wrong)]
    return faults if result.aimed else [*faults, "nothing was aimed at a call in progress"]


async def _peers(worker: Observed, callers: int) -> list[str]:
    outcomes = [
        await huge_message(worker),
        await silent_sockets(worker, 500, callers=min(3, callers)),
        await mute_connections(worker, 300),
        await slow_reader(worker),
    ]
    for outcome in outcomes:
        print("\n".join(outcome.figures))
    return [fault for outcome in outcomes for fault in outcome.faults]


def main() -> int:
    description, _, more = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        prog="python -m tests.bot.hostile",
        description=description,
        epilog=more,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--calls", type=int, default=5, help="in progress at any time (5)")
    parser.add_argument("--messages", type=int, default=10_000, help="of streams (10000)")
    parser.add_argument("--webhooks", type=int, default=1_000, help="(1000)")
    parser.add_argument("--seconds", type=float, default=60, help="over which they come (60)")
    parser.add_argument("--seed", type=int, default=1, help="another one sends others (1)")
    faults = asyncio.run(run(parser.parse_args()))
    print("\n".join(faults) or "all accounted for, nobody harmed")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
