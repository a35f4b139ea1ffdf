"""What a round has shown, and when it counts."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest

from bot.bench.calls.bench import CallsBench, TooFewCores, result_of, run
from bot.bench.calls.budgets import budgets_of
from bot.bench.calls.cores import Cores
from bot.bench.calls.line import Seen
from bot.bench.calls.measured import Round, faults_of, sights_of, spread
from bot.bench.calls.search import Search
from bot.bench.calls.series import Series, percentile
from bot.bench.calls.trials import Trials
from tests.bot.bench.results import a_round, a_spread, a_trial, a_vad_cost, an_echo


def seen(**values: list[float]) -> Seen:
    """One value a second of each series, from the first second on."""
    made = Seen()
    for name, series in values.items():
        for at_s, value in enumerate(series, 1):
            getattr(made, name).add(at_s, value)
    return made


def test_values_within_a_time() -> None:
    series = Series()
    for at_s in (1.0, 2.0, 3.0, 4.0):
        series.add(at_s, at_s * 10)
    assert series.within(2.0, 4.0).tolist() == [20.0, 30.0]


def test_percentiles() -> None:
    assert percentile(np.arange(101.0), 99) == 99
    assert percentile(np.empty(0), 99) == 0
    assert spread(np.arange(101.0)) == a_spread(101, 50.0, 99.0, 100.0)
    assert spread(np.empty(0)) == a_spread(0, 0.0, 0.0, 0.0)


def test_a_round_in_which_all_was_well() -> None:
    sights = sights_of(seen(late_in=[99.0, 19.9, 20.0, 1.0], frame_lateness=[9.0, 1.0]), 2, 9)
    assert sights["in_ms"] == spread(np.array([19.9, 20.0, 1.0]))
    assert sights["phones_late_ms"]["most"] == 1
    assert faults_of(sights) == []


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({"late_in": [20.1]}, "1 pieces of audio were late on the way in"),
        ({"gaps_out": [30.0, 40.0]}, "2 times nothing was there to be played"),
        ({"frame_lateness": [5.1]}, "void: the phones were 5.1 ms late themselves"),
        ({"piece_lateness": [5.1]}, "void: the vendors were 5.1 ms late themselves"),
    ],
)
def test_what_makes_a_round_invalid(values: dict[str, list[float]], fault: str) -> None:
    (found,) = faults_of(sights_of(seen(**values), 0, 9))
    assert fault in found


def test_turns_without_a_reply_make_a_round_invalid() -> None:
    assert faults_of(sights_of(Seen(), 0, 9), unanswered=3) == ["3 turns were not answered"]


def test_replies_without_an_end_make_a_round_invalid() -> None:
    made = Seen()
    made.counts["unfinished"] = 2
    assert faults_of(sights_of(made, 0, 9)) == ["2 replies did not come to their end"]


def test_what_is_nobodys_makes_a_round_invalid() -> None:
    made = Seen()
    made.counts["strange"] = 1
    (found,) = faults_of(sights_of(made, 0, 9))
    assert found == "1 streams or texts of the worker's belonged to no call or turn"


def met(search: Search | None = None, **values: Any) -> dict[str, bool]:
    budgets = budgets_of(a_round(**values), a_round(late_in=values.get("late_in", 0)), search)
    return {item["name"]: item["met"] for item in budgets}


def unknown(coarse: Round, fine: Round) -> set[str]:
    """The budgets for which nothing was measured."""
    budgets = budgets_of(coarse, fine, None)
    assert not any(item["met"] for item in budgets if item["measured"] is None)
    assert all(item["met"] for item in budgets if item["measured"] is not None)
    return {item["name"] for item in budgets if item["measured"] is None}


def test_budgets() -> None:
    assert all(met().values())
    assert not any(
        met(
            Search(highest=95, probes=[]),
            cpu_percent_per_call=1.01,
            late_in=1,
            out_gaps_ms=a_spread(),
            response_ms=a_spread(p50=5.1, p99=20.1),
            barge_in_ms=a_spread(p99=30.0),
            memory_mb_per_call=0.51,
            memory_mb_kept_per_call=0.11,
        ).values()
    )
    assert met(Search(highest=100, probes=[]))["calls"]


def test_a_budget_is_not_met_by_what_was_not_measured() -> None:
    nothing = a_spread(0, 0.0, 0.0, 0.0)
    silent = a_round(response_ms=nothing, barge_in_ms=nothing)
    responses = {"added response p50, ms", "added response p99, ms"}
    assert unknown(silent, a_round()) == responses | {"barge-in p99, ms"}


def test_a_budget_is_not_met_by_a_round_that_is_not_valid() -> None:
    invalid = a_round(valid=False)
    assert unknown(a_round(), invalid) == {"single frames late on the way in"}
    assert unknown(invalid, invalid) == set(met())


def test_budgets_are_judged_by_their_own_rounds() -> None:
    trials = Trials([a_round(calls=250, cpu_percent_per_call=1.5)] * 2, [a_round(), a_round()])
    result = result_of(Cores(0, 1), trials, an_echo(), a_vad_cost())
    assert (result["calls"], result["judged"][0]["calls"]) == (250, 100)
    assert result["budgets"][0]["measured"] == 0.8


def test_a_void_echo_gives_no_ratio() -> None:
    trials = a_trial(a_round(), a_round())
    result = result_of(Cores(0, 1), trials, an_echo(void=True), a_vad_cost())
    assert result["times_echo"] is None


def whole(*, alone: bool = False, ungated_percent: float | None = 0.4) -> CallsBench:
    trials = a_trial(a_round(), a_round(stt_chunk_ms=20, cpu_percent_per_call=1.2, valid=False))
    cores = None if alone else Cores(0, 1)
    return result_of(cores, trials, an_echo(), a_vad_cost(ungated_percent))


def test_shares_and_the_ratio_to_the_echo_are_those_of_the_first_round() -> None:
    result = whole()
    assert result["times_echo"] == pytest.approx(2.0)
    assert result["vad_share"] == pytest.approx(0.25)
    # Without the gate a call would take 0.2 % more.
    assert result["vad_share_ungated"] == pytest.approx(0.4)
    assert result["valid"]
    assert not result["valid_fine"]


def test_a_model_without_a_gate() -> None:
    assert whole(ungated_percent=None)["vad_share_ungated"] is None


def test_on_one_core_no_run_is_valid() -> None:
    result = whole(alone=True)
    assert not result["valid"]
    assert not any(measured["valid"] for measured in result["rounds"])
    assert "one core" in result["rounds"][0]["faults"][0]
    assert [item["measured"] for item in result["budgets"]] == [None] * len(result["budgets"])


async def test_on_one_core_no_highest_number_is_looked_for() -> None:
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        with pytest.raises(TooFewCores, match="--calls"):
            await run(None, 1.0)
    finally:
        os.sched_setaffinity(0, before)
