"""How many calls at a time a worker can carry: more and more calls, then between, then for long."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypedDict

from .measured import Round

__all__ = ["MOST_CALLS", "Probe", "Search", "TryRound", "find_highest"]

MOST_CALLS = 400
STEP_CALLS = 50
FINEST_CALLS = 5


MOST_STEPS_DOWN = 6
STEP_DOWN = 0.95

TryRound = Callable[[int], Awaitable[Round]]
"""Makes a round with so many calls."""


class Probe(TypedDict):
    """One round."""

    calls: int
    seconds: float
    valid: bool
    cpu_percent: float
    faults: list[str]


class Search(TypedDict):
    """The highest number of calls with a valid round, 0 if there was none; and all rounds."""

    highest: int
    probes: list[Probe]


async def find_highest(try_short: TryRound, try_whole: TryRound) -> tuple[Search, Round]:
    """Find the highest number of calls that is valid, up to 400, and the whole round that says so.

    Short rounds find it to the nearest five. A number that fails is tried once more: one late
    frame may be the machine's fault. What holds for a short while need not hold for long, so whole
    rounds follow, each with 5 % fewer calls, until one is valid; six of them at most.
    """
    probes: list[Probe] = []

    async def tried(calls: int, try_round: TryRound) -> Round:
        result = await try_round(calls)
        probes.append(_probe(result))
        return result

    async def valid(calls: int) -> bool:
        for _ in range(2):
            if (await tried(calls, try_short))["valid"]:
                return True
        return False

    calls = max(await _bisect(valid), 1)
    for _ in range(MOST_STEPS_DOWN):
        whole = await tried(calls, try_whole)
        if whole["valid"]:
            return Search(highest=calls, probes=probes), whole
        calls = max(int(calls * STEP_DOWN), 1)
    return Search(highest=0, probes=probes), whole


async def _bisect(valid: Callable[[int], Awaitable[bool]]) -> int:
    """The highest number that is valid, to the nearest five below."""
    good, bad = 0, MOST_CALLS + FINEST_CALLS
    while good + STEP_CALLS < bad:
        if await valid(good + STEP_CALLS):
            good += STEP_CALLS
        else:
            bad = good + STEP_CALLS
    while bad - good > FINEST_CALLS:
        middle = (good + bad) // 2 // FINEST_CALLS * FINEST_CALLS
        if await valid(middle):
            good = middle
        else:
            bad = middle
    return good


def _probe(result: Round) -> Probe:
    return Probe(
        calls=result["calls"],
        seconds=result["seconds"],
        valid=result["valid"],
        cpu_percent=result["cpu_percent"],
        faults=result["faults"],
    )
