"""The budgets of calls, beside what was measured."""

from __future__ import annotations

from typing import TypedDict

from .measured import Round
from .search import Search

__all__ = ["BUDGET_CALLS", "Budget", "budgets_of"]

BUDGET_CALLS = 100
"""What was promised was promised for so many calls at a time."""


class Budget(TypedDict):
    """A promise of the design: `measured` must not be above `limit` (or below, if `at_least`).

    It is None where nothing was measured, or in a round that is not valid; the promise is not met
    then.
    """

    name: str
    limit: float
    measured: float | None
    at_least: bool
    met: bool


def budgets_of(coarse: Round, fine: Round, search: Search | None) -> list[Budget]:
    """What was promised for a hundred calls, and what was measured.

    Args:
        coarse, fine: with audio sent to the recognizer every 100 ms, and every 20 ms: the first
            shows the last frame of each piece alone to be in time, the second every frame.
        search: how the highest number of calls was found.
    """

    def at_most(name: str, limit: float, of: Round, value: float, count: int = 1) -> Budget:
        measured = value if of["valid"] and count else None
        met = measured is not None and measured <= limit
        return Budget(name=name, limit=limit, measured=measured, at_least=False, met=met)

    response, barge_in = coarse["response_ms"], coarse["barge_in_ms"]
    responses, barge_ins = response["count"], barge_in["count"]
    kept_mb = coarse["memory_mb_kept_per_call"]
    budgets = [
        at_most("CPU for a call, % of a core", 1.0, coarse, coarse["cpu_percent_per_call"]),
        at_most("pieces of audio late on the way in", 0, coarse, coarse["late_in"]),
        at_most("single frames late on the way in", 0, fine, fine["late_in"]),
        at_most("gaps in replies", 0, coarse, coarse["out_gaps_ms"]["count"]),
        at_most("added response p50, ms", 5.0, coarse, response["p50"], responses),
        at_most("added response p99, ms", 20.0, coarse, response["p99"], responses),
        at_most("barge-in p99, ms", 20.0, coarse, barge_in["p99"], barge_ins),
        at_most("memory for a call, MB", 0.5, coarse, coarse["memory_mb_per_call"]),
        # A fifth of what a call may take.
        at_most("memory not given back by a call, MB", 0.1, coarse, kept_mb),
    ]
    if search is not None:
        highest = search["highest"]
        met = highest >= BUDGET_CALLS
        budgets.append(
            Budget(name="calls", limit=BUDGET_CALLS, measured=highest, at_least=True, met=met)
        )
    return budgets
