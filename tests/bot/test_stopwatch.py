from __future__ import annotations

import pytest

from bot.parts import Counts, Latency
from bot.stopwatch import Stopwatch


@pytest.fixture
def counts() -> Counts:
    return Counts()


@pytest.fixture
def stopwatch(counts: Counts) -> Stopwatch:
    return Stopwatch(counts, barge_in_ms=200)


def test_an_answer_is_timed_once(stopwatch: Stopwatch, counts: Counts) -> None:
    stopwatch.answered(500)  # a greeting: nobody has asked
    stopwatch.finished(1_000, 1_450)
    stopwatch.answered(1_480)
    stopwatch.answered(1_700)
    assert counts.latencies == [Latency(450, 30)]


def test_an_answer_that_is_not_waited_for_any_more_is_not_timed(
    stopwatch: Stopwatch, counts: Counts
) -> None:
    stopwatch.finished(1_000, 1_450)
    stopwatch.forget()
    stopwatch.answered(1_480)
    assert counts.latencies == []


@pytest.mark.parametrize(
    ("told_ms", "now_ms", "waited_ms"),
    [
        (1_100, 1_210, 50),  # there was enough speech at 1,200
        (1_230, 1_231, 20),  # the VAD told of it late
        (1_100, 1_150, 100),  # words interrupted before there was enough of it
    ],
)
def test_a_barge_in_is_timed_from_its_decision(
    stopwatch: Stopwatch, counts: Counts, told_ms: float, now_ms: float, waited_ms: float
) -> None:
    stopwatch.voice(told_ms)
    stopwatch.decided(1_000, now_ms)
    decided_ms = stopwatch.decision()
    assert stopwatch.decision() is None
    stopwatch.cleared(decided_ms, 1_250)
    stopwatch.cleared(None, 2_000)
    assert counts.barge_ins_ms == [waited_ms]


def test_words_that_the_vad_has_not_heard_are_not_timed(
    stopwatch: Stopwatch, counts: Counts
) -> None:
    stopwatch.voice(900)
    stopwatch.voice(None)
    stopwatch.decided(1_000, 1_210)
    assert stopwatch.decision() is None
