"""How many calls at a time a worker can carry: short rounds, more and more calls, then between."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypedDict

from .measured import Round

__all__ = ["MOST_CALLS", "Probe", "Search", "find_highest"]

MOST_CALLS = 400
STEP_CALLS = 50
FINEST_CALLS = 5


class Probe(TypedDict):
    """One short round."""

    calls: int
    valid: bool
    cpu_percent: float
    faults: list[str]


class Search(TypedDict):
    """The highest number of calls with a valid round, 0 if there was none; and all rounds."""

    highest: int
    probes: list[Probe]


async def find_highest(try_round: Callable[[int], Awaitable[Round]]) -> Search:
    """Find the highest number of calls that is valid, to the nearest five, up to 400.

    A number that fails is tried once more: one late frame may be the machine's fault.

    Args:
        try_round: makes a round with so many calls.
    """
    probes: list[Probe] = []

    async def valid(calls: int) -> bool:
        for _ in range(2):
            result = await try_round(calls)
            probes.append(
                Probe(
                    calls=calls,
                    valid=result["valid"],
                    cpu_percent=result["cpu_percent"],
                    faults=result["faults"],
                )
            )
            if result["valid"]:
                return True
        return False

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
    return Search(highest=good, probes=probes)
