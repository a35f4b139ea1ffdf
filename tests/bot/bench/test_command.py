"""`parley bench calls` as a shell runs it, with a result that is known."""

from __future__ import annotations

import json

import pytest

import bot.bench.calls.bench
from bot.bench.calls.bench import CallsBench, result_of
from bot.bench.calls.children import ChildFailed
from bot.bench.calls.cores import Cores
from bot.bench.calls.search import Probe, Search
from bot.bench.calls.trials import Say
from tests.bot.bench.results import a_round, a_spread, a_trial, a_vad_cost, an_echo
from tests.bot.commands import Run, run

__all__ = ["run"]


def a_result(search: Search | None = None) -> CallsBench:
    bad = a_round(stt_chunk_ms=20, valid=False, faults=["9 pieces of audio were late"], late_in=9)
    trials = a_trial(a_round(), bad, search=search)
    return result_of(Cores(0, 1), trials, an_echo(), a_vad_cost())


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int | None, float]]:
    """What was to be measured; the measurement itself takes minutes."""
    asked: list[tuple[int | None, float]] = []

    async def measure(calls: int | None, seconds: float, *, say: Say) -> CallsBench:
        asked.append((calls, seconds))
        say("so many calls")
        if calls == 13:
            raise ChildFailed("the bare echo does not answer")
        if calls == 14:
            raise ExceptionGroup("a task group", [OSError("no more files")])
        if calls == 15:
            raise ExceptionGroup("outer", [ExceptionGroup("inner", [TimeoutError()])])
        faults = ["void: the phones"]
        probe = Probe(calls=150, seconds=10.0, valid=False, cpu_percent=99.0, faults=faults)
        return a_result(Search(highest=145, probes=[probe]) if calls is None else None)

    monkeypatch.setattr(bot.bench.calls.bench, "run", measure)
    return asked


def test_json_and_nothing_else(run: Run, asked: list[tuple[int | None, float]]) -> None:
    ran = run("bench", "calls", "--calls", "100", "--seconds", "5", "--json")
    assert ran.code == 0
    assert json.loads(ran.out) == json.loads(json.dumps(a_result()))
    assert ran.err == ""
    assert asked == [(100, 5.0)]


def test_the_tables_say_what_was_measured_and_what_was_missed(
    run: Run, asked: list[tuple[int | None, float]]
) -> None:
    ran = run("bench", "calls", "--calls", "100")
    assert ran.code == 0
    assert asked == [(100, 30.0)]
    for text in ("0.80", "2.0 × as much", "25%", "1.0, 2.0, 3.0", "≤ 20", "140, 150, 141"):
        assert text in ran.out
    assert "not valid, 100 calls at 20 ms: 9 pieces of audio were late" in ran.out
    assert "Highest" not in ran.out


def test_without_a_number_the_highest_is_looked_for(
    run: Run, asked: list[tuple[int | None, float]]
) -> None:
    ran = run("bench", "calls")
    assert asked == [(None, 30.0)]
    title = (
        "Highest valid number of calls: 145 with audio sent every 100 ms; every 20 ms it does not"
    )
    assert title in " ".join(ran.out.split())
    assert "void: the phones" in ran.out
    assert "≥ 100" in ran.out


@pytest.mark.parametrize(
    ("calls", "why"), [(13, "the bare echo"), (14, "no more files"), (15, "TimeoutError")]
)
def test_what_cannot_be_run_is_said(
    run: Run, asked: list[tuple[int | None, float]], calls: int, why: str
) -> None:
    ran = run("bench", "calls", "--calls", str(calls))
    assert ran.code == 1
    assert ran.out == ""
    assert why in ran.err
    assert len(ran.err.splitlines()) == 1


@pytest.mark.parametrize(
    "wrong", [["--calls", "0"], ["--calls", "401"], ["--seconds", "0"], ["--seconds", "7201"]]
)
def test_bad_usage(run: Run, wrong: list[str]) -> None:
    ran = run("bench", "calls", *wrong)
    assert ran.code == 2
    assert len(ran.err.splitlines()) == 1


def test_a_value_that_nothing_was_measured_for_is_a_dash(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def measure(calls: int | None, seconds: float, *, say: Say) -> CallsBench:
        silent = a_round(barge_in_ms=a_spread(0, 0.0, 0.0, 0.0))
        trials = a_trial(silent, silent)
        return result_of(Cores(0, 1), trials, an_echo(void=True), a_vad_cost(None))

    monkeypatch.setattr(bot.bench.calls.bench, "run", measure)
    ran = run("bench", "calls", "--calls", "1")
    (row,) = [line for line in ran.out.splitlines() if "barge-in, ms" in line]
    assert row.count("–") == 2
    (row,) = [line for line in ran.out.splitlines() if "barge-in p99, ms" in line]
    assert "–" in row
    assert "no" in row
    (row,) = [line for line in ran.out.splitlines() if "a call of the worker costs" in line]
    assert "–" in row
    assert "without its gate" not in ran.out
