"""The budgets of the service, beside what was measured."""

from __future__ import annotations

from bot.bench.calls.budgets import Budget

from .measured import Round

__all__ = ["budgets_of"]


def budgets_of(measured: Round) -> list[Budget]:
    """What was promised for 200 sessions, and what was measured."""

    def at_most(name: str, limit: float, value: float, count: int = 1) -> Budget:
        seen = value if measured["valid"] and count else None
        met = seen is not None and seen <= limit
        return Budget(name=name, limit=limit, measured=seen, at_least=False, met=met)

    started, first = measured["started_ms"], measured["first_interim_ms"]
    overhead = measured["overhead_ms"]
    lost = measured["lost"]
    return [
        at_most("connection to session_started p99, ms", 100.0, started["p99"], started["count"]),
        at_most("first interim after speech begins p99, ms", 500.0, first["p99"], first["count"]),
        at_most("session overhead p50, ms", 10.0, overhead["p50"], overhead["count"]),
        at_most("session overhead p99, ms", 10.0, overhead["p99"], overhead["count"]),
        Budget(
            name="sessions with gaps, lost or doubled words",
            limit=0,
            measured=lost,
            at_least=False,
            met=not lost,
        ),
    ]
