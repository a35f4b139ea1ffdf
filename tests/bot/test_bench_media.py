"""The media benchmark runs, prints, and its quality figures, which no machine changes, hold."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from bot.bench.media import MediaBench, Quality, render, run


@pytest.fixture(scope="module")
def result() -> MediaBench:
    return run(frames=3, rounds=1)


def quality(result: MediaBench, name: str) -> Quality:
    return next(row for row in result["resamplers"] if row["name"] == name)


def test_our_resampler_meets_the_budgets_of_quality(result: MediaBench) -> None:
    ours = quality(result, "half-band (ours)")
    assert ours["image_rejection_db"] >= 60
    assert ours["ripple_db"] <= 0.1
    assert ours["delay_ms"] == pytest.approx(29 / 16)
    assert ours["burst_ms"] == 20
    assert [item["met"] for item in result["budgets"][1:]] == [True, True, True]


def test_the_figures_tell_good_resamplers_from_bad(result: MediaBench) -> None:
    """What is known of the others: linear interpolation leaves images, soxr comes in bursts."""
    linear = quality(result, "audioop.ratecv")
    assert linear["image_rejection_db"] < 20
    assert linear["ripple_db"] > 3
    best = quality(result, "soxr VHQ")
    assert best["image_rejection_db"] > 100
    assert best["ripple_db"] < 0.01
    assert best["delay_ms"] > 50
    assert best["burst_ms"] > 50


def test_every_stage_is_timed_beside_audioop(result: MediaBench) -> None:
    stages = {stage["name"]: stage for stage in result["stages"]}
    assert stages["audioop alone: ulaw2lin and ratecv"]["ratio"] == 1
    assert len(stages) == 8
    assert all(stage["us_per_frame"] > 0 for stage in stages.values())


def test_a_budget_that_is_missed_is_shown(result: MediaBench) -> None:
    missed = MediaBench(
        **{**result, "budgets": [{**result["budgets"][0], "measured": 99.0, "met": False}]}
    )
    text = shown(missed)
    assert "99" in text
    assert " no " in text


def test_the_tables_and_the_json_hold_everything(result: MediaBench) -> None:
    assert json.loads(json.dumps(result)) == result
    text = shown(result)
    rows = [*result["stages"], *result["resamplers"], *result["budgets"]]
    assert all(row["name"] in text for row in rows)


def shown(result: MediaBench) -> str:
    console = Console(file=io.StringIO(), width=120)
    render(result, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()
