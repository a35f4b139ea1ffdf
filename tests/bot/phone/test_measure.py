"""Turns and latencies of calls that are written out here."""

from __future__ import annotations

import pytest

from bot.phone.measure import (
    Latencies,
    SpokenTurn,
    latencies,
    listen,
    percentile,
    spoken_turns,
)
from bot.phone.playback import Clear
from bot.phone.speech import Span
from bot.phone.tape import SpokenStep, Tape

from .sounds import quiet, tone


def track(*pieces: tuple[int, int]) -> bytearray:
    """A track with a tone from each first to each second millisecond."""
    sound = bytearray()
    for start, end in pieces:
        sound += quiet(start - len(sound) // 8) + tone(end - start)
    return sound


def tape(
    caller: list[tuple[int, int]], bot: list[tuple[int, int]], clears: list[Clear] | None = None
) -> Tape:
    """A call whose every caller's tone is a step with 100 ms of silence on both its sides."""
    steps = [SpokenStep("clip", Span(start - 100, end + 100)) for start, end in caller]
    sound = track(*caller) + quiet(100)
    return Tape(sound, track(*bot), steps, clears or [])


def measured(call: Tape) -> Latencies:
    return latencies(listen(call))


def test_a_plain_conversation() -> None:
    call = tape([(2000, 3000), (6000, 7000)], [(300, 1000), (3700, 5000), (7900, 8500)])
    assert measured(call) == Latencies(300, (700, 900), (), 0)
    assert [(turn.role, turn.span) for turn in spoken_turns(listen(call))] == [
        ("bot", Span(300, 1000)),
        ("caller", Span(2000, 3000)),
        ("bot", Span(3700, 5000)),
        ("caller", Span(6000, 7000)),
        ("bot", Span(7900, 8500)),
    ]


def test_a_caller_who_is_first_hears_no_greeting() -> None:
    assert measured(tape([(500, 1000)], [(1600, 2000)])) == Latencies(None, (600,), (), 0)


def test_nobody_speaks() -> None:
    assert measured(tape([], [])) == Latencies(None, (), (), 0)


def test_a_step_without_an_answer_has_no_response() -> None:
    assert measured(tape([(500, 1000), (3000, 4000)], [(4500, 5000)])).response == (500,)


def test_an_answer_may_come_when_the_next_clip_is_still_silent() -> None:
    assert measured(tape([(500, 1000), (3000, 4000)], [(2920, 2980)])).response == (1920,)


def test_a_step_in_which_nothing_is_loud_is_none() -> None:
    call = Tape(bytearray(quiet(1000)), track((1500, 2000)), [SpokenStep("q", Span(0, 1000))])
    assert listen(call).steps == ()
    assert measured(call).greeting == 1500


def test_a_bot_that_begins_before_the_caller_has_finished_overlaps() -> None:
    assert measured(tape([(1000, 3000)], [(2500, 4000)])) == Latencies(None, (), (), 1)


def test_a_bot_that_does_not_stop_for_the_caller_overlaps() -> None:
    assert measured(tape([(1000, 2000)], [(500, 4000)])) == Latencies(500, (), (), 1)


def test_a_barge_in_is_measured_from_the_first_speech_over_the_bot() -> None:
    clear = Clear(1260.0, 6000, 4000)
    call = tape([(1000, 2000)], [(500, 1260), (2600, 3000)], [clear])
    assert measured(call) == Latencies(500, (600,), (260.0,), 0)
    assert [turn.interrupted for turn in spoken_turns(listen(call))] == [True, False, False]


def test_a_barge_in_between_two_sentences_is_one_too() -> None:
    call = tape([(1000, 2000)], [(200, 900), (2600, 3000)], [Clear(1200.0, 6000, 4000)])
    assert measured(call) == Latencies(200, (600,), (200.0,), 0)
    assert spoken_turns(listen(call))[0].interrupted


def test_a_clip_may_be_over_before_its_clear() -> None:
    clear = Clear(1320.0, 6000, 4000)
    call = tape([(1000, 1200)], [(500, 1320), (2000, 3000)], [clear])
    assert measured(call) == Latencies(500, (800,), (320.0,), 0)


def test_a_clear_of_nothing_interrupts_nothing() -> None:
    call = tape([(1000, 2000)], [(500, 900)], [Clear(910.0, 4000, 0)])
    assert measured(call).barge_in == ()
    assert spoken_turns(listen(call))[0] == SpokenTurn("bot", Span(500, 900), False)


def test_a_worker_that_hears_the_clip_before_it_is_loud_clears_early() -> None:
    call = tape([(1000, 2000)], [(300, 950), (2600, 3000)], [Clear(950.5, 6000, 4000)])
    assert measured(call) == Latencies(300, (600,), (-49.5,), 0)


def test_a_clear_before_the_clip_is_not_its_doing() -> None:
    call = tape([(1000, 2000)], [(300, 880), (2600, 3000)], [Clear(880.0, 6000, 4000)])
    assert measured(call).barge_in == ()


def test_a_clear_of_the_next_step_is_not_this_ones() -> None:
    clears = [Clear(3300.0, 8000, 4000)]
    call = tape([(1000, 1500), (3000, 4000)], [(500, 3300)], clears)
    assert measured(call).barge_in == (300.0,)


def test_sentences_of_one_reply_are_one_turn() -> None:
    call = tape([(4800, 5500)], [(0, 1000), (2500, 3000), (6000, 6500), (9000, 9500)])
    assert [turn.span for turn in spoken_turns(listen(call)) if turn.role == "bot"] == [
        Span(0, 3000),
        Span(6000, 6500),
        Span(9000, 9500),
    ]


@pytest.mark.parametrize(
    ("percent", "expected"), [(0, 1.0), (50, 2.0), (75, 3.0), (95, 4.0), (100, 4.0)]
)
def test_percentiles_are_values_that_were_seen(percent: float, expected: float) -> None:
    assert percentile([4.0, 1.0, 3.0, 2.0], percent) == expected


def test_nothing_has_no_percentile() -> None:
    assert percentile([], 50) is None
