"""A piece of audio here is as many bytes of one value; 8 of them last a millisecond."""

from __future__ import annotations

import pytest

from media.audio import ULAW_8K
from providers.stt.backlog import MAX_MS, QUIET_MS, Backlog
from providers.types import Boundary, EndOfTurn, SttCapabilities, Transcript

EVERYTHING = SttCapabilities(boundary="word")
UTTERANCES = SttCapabilities(utterances=True)


def final(text: str = "", end_ms: int = 0) -> Transcript:
    return Transcript(text, True, 0, end_ms)


def fill(backlog: Backlog, *seconds: int) -> None:
    """Audio of a second each, heard when it was spoken."""
    for second in seconds:
        backlog.add(bytes([second]) * 8_000, second * 1_000)


def given(backlog: Backlog) -> list[tuple[int, float] | None]:
    """What a stream gets: each second's value and how much of it, and the ends."""
    got: list[tuple[int, float] | None] = []
    for piece in backlog.unsent():
        if piece is None:
            got.append(None)
            continue
        assert len(piece) <= 8_000
        got += [(value, piece.count(value) / 8_000) for value in sorted(set(piece))]
    return got


def new() -> Backlog:
    return Backlog(ULAW_8K, 1_000)


def streaming(*seconds: int, wants: SttCapabilities = EVERYTHING) -> Backlog:
    """A stream is open and got so much of a caller who speaks."""
    backlog = new()
    assert backlog.opened(wants) == 0
    backlog.speech_started(0)
    fill(backlog, *seconds)
    assert given(backlog) == [(second, 1) for second in seconds]
    return backlog


def test_all_is_given_once_and_in_order() -> None:
    backlog = new()
    fill(backlog, 0, 1)
    backlog.end_utterance()
    fill(backlog, 2)
    assert backlog.opened(EVERYTHING) == 0
    assert given(backlog) == [(0, 1), (1, 1), None, (2, 1)]
    fill(backlog, 3)
    assert given(backlog) == [(3, 1)]


def test_another_stream_gets_what_no_final_transcript_held() -> None:
    backlog = streaming(0, 1, 2)
    backlog.understood(Transcript("not sure yet", False, 0, 2_900))
    backlog.understood(final("said", 1_500))
    backlog.understood(EndOfTurn(1_500))
    backlog.end_utterance()
    fill(backlog, 3)
    assert given(backlog) == [None, (3, 1)]
    assert backlog.opened(EVERYTHING) == 0
    assert given(backlog) == [(1, 0.5), (2, 0.5), (2, 0.5), None, (3, 1)]


def test_a_transcript_that_was_asked_for_answers_for_all_that_came_before() -> None:
    backlog = streaming(0, 1)
    backlog.end_utterance()
    backlog.end_utterance()
    fill(backlog, 2)
    assert given(backlog) == [None, None, (2, 1)]
    backlog.understood(final("one", 700))
    assert backlog.opened(EVERYTHING) == 0
    assert given(backlog) == [None, (2, 1)]


def test_an_end_of_turn_is_no_answer() -> None:
    backlog = streaming(0, 1)
    backlog.end_utterance()
    assert given(backlog) == [None]
    backlog.understood(final("one", 700))
    backlog.understood(EndOfTurn(700))
    assert backlog.opened(EVERYTHING) == 0
    assert given(backlog) == [(0, 0.3), (1, 0.7), (1, 0.3), None]


@pytest.mark.parametrize("told", [True, False])
def test_an_end_of_turn_that_does_not_say_where(told: bool) -> None:
    backlog = streaming(0, 1)
    if told:
        backlog.speech_stopped(1_500)
    backlog.understood(final("one"))
    backlog.understood(EndOfTurn())
    backlog.opened(EVERYTHING)
    assert given(backlog) == ([(1, 0.5)] if told else [(0, 1), (1, 1)])


def test_a_transcript_that_nobody_asked_for() -> None:
    backlog = streaming(0, 1)
    backlog.understood(final("one", 700))
    backlog.opened(EVERYTHING)
    assert given(backlog) == [(0, 0.3), (1, 0.7), (1, 0.3)]


def test_times_are_not_relied_on_when_only_an_answer_counts() -> None:
    backlog = streaming(0, 1, wants=SttCapabilities(boundary="commit"))
    backlog.understood(final("one", 700))
    backlog.opened(EVERYTHING)
    assert given(backlog) == [(0, 1), (1, 1)]


def test_no_more_is_answered_than_was_given() -> None:
    backlog = streaming(0, 1)
    backlog.understood(final("one", 60_000))
    fill(backlog, 2)
    backlog.opened(EVERYTHING)
    assert given(backlog) == [(2, 1)]


def test_the_times_of_another_stream_count_from_where_it_began() -> None:
    backlog = streaming(0, 1)
    backlog.understood(final("one", 700))
    backlog.opened(EVERYTHING)
    given(backlog)
    assert backlog.clock_ms(400) == 1_100
    backlog.understood(final("two", 400))
    backlog.opened(EVERYTHING)
    assert given(backlog) == [(1, 0.9)]


def test_what_a_stream_that_ended_well_has_got_is_not_given_again() -> None:
    backlog = streaming(0)
    backlog.end_utterance()
    assert given(backlog) == [None]
    fill(backlog, 1)
    backlog.end_utterance()
    backlog.drained()
    assert backlog.opened(EVERYTHING) == 0
    assert given(backlog) == [(1, 1), None]


def test_what_is_kept_is_bounded_and_what_is_lost_is_told_but_no_end() -> None:
    kept = round(MAX_MS / 1_000)
    backlog = new()
    backlog.end_utterance()
    fill(backlog, *range(kept + 3))
    assert backlog.opened(EVERYTHING) == 3_000
    assert given(backlog) == [None, *((second, 1) for second in range(3, kept + 3))]
    # It is told once.
    assert backlog.opened(EVERYTHING) == 0


def test_little_is_kept_of_what_passes_while_nobody_speaks() -> None:
    kept = round(QUIET_MS / 1_000)
    backlog = new()
    backlog.opened(EVERYTHING)
    fill(backlog, *range(20))
    given(backlog)
    assert backlog.opened(EVERYTHING) == 0
    assert given(backlog) == [(second, 1) for second in range(20 - kept, 20)]


def test_all_is_kept_of_what_may_hold_words() -> None:
    backlog = new()
    backlog.opened(EVERYTHING)
    fill(backlog, 0)
    # The VAD heard nothing.
    backlog.understood(Transcript("quiet words", False, 0, 900))
    fill(backlog, *range(1, 20))
    given(backlog)
    backlog.opened(EVERYTHING)
    assert len(given(backlog)) == 20


def test_times_on_the_owners_clock() -> None:
    backlog = new()
    backlog.opened(EVERYTHING)
    backlog.add(bytes(8_000), 5_000)
    backlog.add(bytes(8_000), 6_015)
    # Nothing came for a while.
    backlog.add(bytes(8_000), 20_000)
    assert backlog.clock_ms(0) == 5_000
    assert backlog.clock_ms(500) == 5_500
    assert backlog.clock_ms(1_900) == 6_900
    assert backlog.clock_ms(2_000) == 7_000
    assert backlog.clock_ms(2_001) == 20_001
    assert new().clock_ms(1) is None


def test_who_wants_utterances_gets_no_silence() -> None:
    backlog = new()
    backlog.opened(UTTERANCES)
    fill(backlog, 0, 1)
    assert given(backlog) == []
    # With a little of the silence before it.
    backlog.speech_started(1_750)
    fill(backlog, 2)
    assert given(backlog) == [(1, 0.5), (2, 0.5), (2, 0.5)]
    backlog.speech_stopped(2_500)
    backlog.end_utterance()
    fill(backlog, 3, 4, 5)
    assert given(backlog) == [None]
    backlog.understood(final("one", 1_000))
    backlog.speech_started(5_250)
    assert given(backlog) == [(5, 1)]
    # Times are those of what it was given.
    assert backlog.clock_ms(100) == 1_600
    assert backlog.clock_ms(1_500) == 3_000
    assert backlog.clock_ms(1_600) == 5_100


def test_who_is_cut_goes_on_in_the_next_utterance() -> None:
    backlog = streaming(0, wants=UTTERANCES)
    backlog.end_utterance()
    fill(backlog, 1)
    assert given(backlog) == [None, (1, 1)]


def test_an_utterance_that_was_not_answered_is_given_again_without_the_silence_behind() -> None:
    backlog = streaming(0, 1, wants=UTTERANCES)
    backlog.speech_stopped(1_500)
    backlog.end_utterance()
    fill(backlog, 2, 3)
    assert given(backlog) == [None]
    assert backlog.opened(UTTERANCES) == 0
    assert given(backlog) == [(0, 1), (1, 1), None]


def test_who_takes_over_from_one_that_hears_everything_gets_the_open_utterance() -> None:
    backlog = streaming(0, 1)
    backlog.speech_stopped(1_800)
    backlog.understood(final("one", 1_700))
    backlog.understood(EndOfTurn(1_700))
    fill(backlog, 2, 3)
    backlog.speech_started(2_250)
    given(backlog)
    backlog.opened(UTTERANCES)
    assert given(backlog) == [(2, 1), (3, 1)]


def test_who_takes_over_when_all_is_answered_gets_no_silence() -> None:
    backlog = streaming(0, 1)
    # Without an end of turn it is not known where the utterance ends.
    backlog.understood(final("one", 1_400))
    backlog.speech_stopped(1_600)
    fill(backlog, 2, 3)
    given(backlog)
    backlog.opened(EVERYTHING)
    backlog.opened(UTTERANCES)
    assert given(backlog) == []


def test_who_hears_everything_takes_over_from_one_of_utterances() -> None:
    backlog = streaming(0, 1, wants=UTTERANCES)
    backlog.speech_stopped(900)
    backlog.end_utterance()
    fill(backlog, 2)
    given(backlog)
    backlog.opened(EVERYTHING)
    assert given(backlog) == [(0, 1), (1, 1), None, (2, 1)]


def test_silence_that_nobody_wants_is_not_lost() -> None:
    backlog = new()
    fill(backlog, *range(20))
    backlog.speech_started(20_000)
    fill(backlog, *range(20, 40))
    assert backlog.opened(UTTERANCES) == 0
    assert given(backlog)[0] == (19, 0.25)


def test_what_is_said_while_one_that_is_behind_ends_a_turn_is_not_cut() -> None:
    backlog = streaming(0, 1)
    backlog.speech_stopped(900)
    backlog.understood(final("one", 800))
    backlog.understood(EndOfTurn(800))
    # The VAD is late: what it noticed began before the turn was ended.
    backlog.speech_started(1_500)
    backlog.opened(UTTERANCES)
    assert given(backlog) == [(1, 0.75)]


def test_what_waits_for_a_stream() -> None:
    backlog = streaming(0, 1)
    assert (backlog.waits, backlog.waiting_ms) == (False, 0)
    fill(backlog, 2)
    assert (backlog.waits, backlog.waiting_ms) == (True, 1_000)
    given(backlog)
    backlog.end_utterance()
    assert (backlog.waits, backlog.waiting_ms) == (True, 0)
    assert given(backlog) == [None]
    assert not backlog.waits


@pytest.mark.parametrize("boundary", ["word", "item", "commit"])
def test_how_far_all_is_understood_is_known_at_once(boundary: Boundary) -> None:
    backlog = streaming(0, 1, 2, wants=SttCapabilities(boundary=boundary))
    assert backlog.covered_ms == 0
    backlog.understood(final("one", 1_500))
    # Who does not tell words apart may have heard more than it gave.
    assert backlog.covered_ms == (0 if boundary == "commit" else 1_500)
    backlog.end_utterance()
    assert given(backlog) == [None]
    backlog.understood(final("two", 2_500))
    assert backlog.covered_ms == 3_000
    fill(backlog, 3)
    assert given(backlog) == [(3, 1)]
    backlog.drained()
    assert backlog.covered_ms == 4_000


def test_what_may_be_a_turns_own_covers_no_more_than_it_says() -> None:
    backlog = streaming(0, 1, wants=SttCapabilities(boundary="word", end_of_turn=True))
    backlog.end_utterance()
    assert given(backlog) == [None]
    backlog.understood(final("one", 700))
    assert backlog.covered_ms == 700
    backlog.understood(EndOfTurn(800))
    assert backlog.covered_ms == 800


def test_what_no_end_of_turn_followed_covers_all_that_was_asked_for() -> None:
    backlog = streaming(0, 1, wants=SttCapabilities(boundary="word", end_of_turn=True))
    backlog.end_utterance()
    assert given(backlog) == [None]
    backlog.understood(final("one", 700))
    backlog.settle()
    assert backlog.covered_ms == 2_000
    backlog.settle()
    assert backlog.covered_ms == 2_000


def test_who_ends_no_turns_has_answered_at_once() -> None:
    backlog = streaming(0, 1)
    backlog.end_utterance()
    assert given(backlog) == [None]
    backlog.understood(final("one", 700))
    assert backlog.covered_ms == 2_000


@pytest.mark.parametrize("settled", [True, False])
def test_nothing_answers_what_was_asked_for_after_it(settled: bool) -> None:
    backlog = streaming(0, 1)
    backlog.understood(final("one", 700))
    if settled:
        backlog.settle()
    backlog.end_utterance()
    assert given(backlog) == [None]
    assert backlog.covered_ms == 700
    backlog.opened(EVERYTHING)
    assert given(backlog) == [(0, 0.3), (1, 0.7), (1, 0.3), None]
