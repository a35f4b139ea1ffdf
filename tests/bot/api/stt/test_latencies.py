"""Latencies: percentiles of the latest ones, of one worker or several."""

from __future__ import annotations

from collections import Counter

import pytest

from bot.api.stt.arrivals import Arrivals
from bot.api.stt.latencies import LATEST, Latencies, quantile_ms


def test_quantiles_are_right_to_a_few_percent() -> None:
    latencies = Latencies()
    for took_ms in range(1, 101):
        latencies.add(took_ms / 1000)
    counts = latencies.counts()
    assert quantile_ms(counts, 0.5) == pytest.approx(50, rel=0.03)
    assert quantile_ms(counts, 0.95) == pytest.approx(95, rel=0.03)


def test_those_of_two_workers_are_put_together() -> None:
    one, two = Latencies(), Latencies()
    for _ in range(60):
        one.add(0.010)
    for _ in range(40):
        two.add(1.0)
    both = one.counts() + two.counts()
    assert quantile_ms(both, 0.5) == pytest.approx(10, rel=0.03)
    assert quantile_ms(both, 0.95) == pytest.approx(1000, rel=0.03)


def test_what_is_long_ago_is_forgotten() -> None:
    latencies = Latencies()
    latencies.add(100.0)
    for _ in range(LATEST):
        latencies.add(0.0)
    assert latencies.counts().total() == LATEST
    assert quantile_ms(latencies.counts(), 1.0) == pytest.approx(0.1, rel=0.03)


def test_of_none_nobody_knows() -> None:
    assert quantile_ms(Counter(), 0.5) is None


def test_when_audio_came() -> None:
    arrivals = Arrivals()
    for piece in range(5_000):
        arrivals.note(piece * 20.0, 100.0 + piece * 0.02)
    assert arrivals.since_s(99_970, 201.0) == pytest.approx(1.04)
    assert arrivals.since_s(99_980, 201.0) == pytest.approx(1.02)
    assert arrivals.since_s(1_000, 201.0) is None  # too long ago
    assert Arrivals().since_s(0, 1.0) is None
