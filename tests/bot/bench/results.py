"""Results of rounds that nobody made."""

from __future__ import annotations

from typing import Any, cast

from bot.bench.calls.measured import Echo, Round, Spread
from bot.bench.calls.search import Search
from bot.bench.calls.trials import Trials
from bot.bench.calls.vad_share import VadCost

__all__ = ["a_round", "a_spread", "a_trial", "a_vad_cost", "an_echo"]


def a_spread(count: int = 100, p50: float = 1.0, p99: float = 2.0, most: float = 3.0) -> Spread:
    return Spread(count=count, p50=p50, p99=p99, most=most)


def a_round(**values: Any) -> Round:
    """A round in which all was well, but for `values`."""
    figures: dict[str, Any] = {
        "calls": 100,
        "seconds": 30.0,
        "stt_chunk_ms": 100,
        "valid": True,
        "faults": [],
        "cpu_percent": 80.0,
        "cpu_percent_per_call": 0.8,
        "phones_cpu_percent": 50.0,
        "tasks_per_call": 4.0,
        "waited_percent": 0.1,
        "memory_mb": 150.0,
        "memory_mb_idle": 140.0,
        "memory_mb_after": 141.0,
        "memory_mb_per_call": 0.1,
        "memory_mb_kept_per_call": 0.01,
        "late_in": 0,
        "out_gaps_ms": a_spread(0, 0.0, 0.0, 0.0),
        "turns": 300,
        "begun": 299,
        "barged": 70,
        "again": 0,
        "unfinished": 0,
        "strange": 0,
    }
    names = ("in_ms", "response_ms", "barge_in_ms", "phones_late_ms", "vendors_late_ms")
    figures |= {name: a_spread() for name in names} | values
    assert figures.keys() == Round.__annotations__.keys()
    return cast(Round, figures)


def an_echo(*, void: bool = False) -> Echo:
    return Echo(
        calls=100,
        seconds=30.0,
        cpu_percent=40.0,
        cpu_percent_per_call=0.4,
        echo_ms=a_spread(),
        phones_late_ms=a_spread(),
        void=void,
    )


def a_vad_cost(ungated_percent: float | None = 0.4) -> VadCost:
    return VadCost(
        model="silero",
        calls=100,
        gated_percent=0.2,
        ungated_percent=ungated_percent,
        passed_share=0.5,
    )


def a_trial(*rounds: Round, search: Search | None = None) -> Trials:
    """Rounds with audio sent every 100 ms, and every 20 ms, which the budgets are judged by."""
    return Trials(list(rounds), list(rounds), search)
