"""`parley bench stt` as a shell runs it, with a result that is known."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest

import bot.bench.stt.bench
from bot.bench.calls.children import ChildFailed
from bot.bench.calls.trials import Say
from bot.bench.stt.bench import SttBench
from bot.bench.stt.budgets import budgets_of
from bot.bench.stt.measured import Echo, Round
from tests.bot.bench.results import a_spread
from tests.bot.commands import Run, run

__all__ = ["run"]


def a_round(**values: Any) -> Round:
    """A round in which all was well, but for `values`."""
    echo = Echo(
        cpu_percent=20.0,
        cpu_percent_per_session=0.1,
        echo_ms=a_spread(),
        clients_late_ms=a_spread(),
        void=False,
    )
    figures: dict[str, Any] = {
        "sessions": 200,
        "seconds": 20.0,
        "message_ms": 100,
        "echo": echo,
        "times_echo": 3.0,
        "lost": 0,
        "valid": True,
        "faults": [],
        "strange": 0,
    }
    for name in Round.__annotations__.keys() - figures.keys():
        figures[name] = a_spread() if name.endswith("_ms") else 0.3
    return cast(Round, figures | values)


def a_result(first: Round) -> SttBench:
    return SttBench(
        python="3.11",
        machine="a machine",
        cores=(0, 1),
        sessions=200,
        seconds=20.0,
        valid=first["valid"],
        valid_fine=False,
        rounds=[first, a_round(message_ms=20, valid=False, faults=["void: the clients"])],
        budgets=budgets_of(first),
    )


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, float]]:
    """What was to be measured; the measurement itself takes minutes."""
    asked: list[tuple[int, float]] = []

    async def measure(sessions: int, seconds: float, *, say: Say) -> SttBench:
        asked.append((sessions, seconds))
        say("so many clients")
        if sessions == 13:
            raise ChildFailed("the bare echo does not answer")
        return a_result(a_round())

    monkeypatch.setattr(bot.bench.stt.bench, "run", measure)
    return asked


def test_it_is_200_sessions(run: Run, asked: list[tuple[int, float]]) -> None:
    ran = run("bench", "stt")
    assert ran.code == 0
    assert asked == [(200, 20.0)]
    assert "200 sessions for 20 s" in ran.out
    assert "connection to session_started p99" in ran.out
    assert "not valid, messages of 20 ms: void: the clients" in ran.out


def test_json_is_one_object(run: Run, asked: list[tuple[int, float]]) -> None:
    ran = run("bench", "stt", "--sessions", "7", "--seconds", "2", "--json")
    assert asked == [(7, 2.0)]
    told = json.loads(ran.out)
    assert told == {**a_result(a_round()), "cores": [0, 1]}


def test_what_cannot_be_run_is_said(run: Run, asked: list[tuple[int, float]]) -> None:
    ran = run("bench", "stt", "--sessions", "13")
    assert ran.code == 1
    assert "the bare echo does not answer" in ran.err


def test_budgets_are_met_by_valid_rounds_alone() -> None:
    assert [budget["met"] for budget in budgets_of(a_round())] == [True] * 5
    void = budgets_of(a_round(valid=False))
    assert [budget["measured"] for budget in void] == [None] * 4 + [0]
    slow = budgets_of(a_round(overhead_ms=a_spread(p50=4.0, p99=11.0)))
    assert [budget["met"] for budget in slow] == [True, True, True, False, True]
    lost = budgets_of(a_round(valid=False, lost=2))
    assert (lost[-1]["measured"], lost[-1]["met"]) == (2, False)
