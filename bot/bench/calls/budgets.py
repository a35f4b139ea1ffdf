"""The budgets of calls, beside what was measured."""

from __future__ import annotations

from bot.bench.media import Budget

from .measured import Round
from .search import Search

__all__ = ["Budget", "budgets_of"]


def budgets_of(measured: Round, search: Search | None) -> list[Budget]:
    """What was promised for a hundred calls, and what was measured with those of the round."""

    def at_most(name: str, limit: float, value: float) -> Budget:
        return Budget(name=name, limit=limit, measured=value, at_least=False, met=value <= limit)

    budgets = [
        at_most("CPU for a call, % of a core", 1.0, measured["cpu_percent_per_call"]),
        at_most("pieces of audio late on the way in", 0, measured["late_in"]),
        at_most("gaps in replies", 0, measured["out_gaps_ms"]["count"]),
        at_most("added response p50, ms", 5.0, measured["response_ms"]["p50"]),
        at_most("added response p99, ms", 20.0, measured["response_ms"]["p99"]),
        at_most("barge-in p99, ms", 20.0, measured["barge_in_ms"]["p99"]),
        at_most("memory for a call, MB", 0.5, measured["memory_mb_per_call"]),
    ]
    if search is not None:
        highest = search["highest"]
        budgets.append(
            Budget(name="calls", limit=100, measured=highest, at_least=True, met=highest >= 100)
        )
    return budgets
