"""A piece of audio here is as many bytes of one value; 8 of them last a millisecond."""

from __future__ import annotations

from bot.backlog import MAX_MS, QUIET_MS, Backlog
from providers.types import EndOfTurn, Transcript


def final(text: str = "", end_ms: int = 0) -> Transcript:
    return Transcript(text, True, 0, end_ms)


def fill(backlog: Backlog, *seconds: int) -> None:
    """Audio of a second each, heard when it was spoken."""
    for second in seconds:
        backlog.add(bytes([second]) * 8_000, second * 1_000)


def given(backlog: Backlog) -> list[tuple[int, float] | None]:
    """What a stream gets: each piece's value and how long it is, and the ends."""
    return [None if piece is None else (piece[0], len(piece) / 8_000) for piece in backlog.unsent()]


def streaming(*seconds: int) -> Backlog:
    """A stream is open and got so much of a caller who speaks."""
    backlog = Backlog()
    assert backlog.opened() == 0
    backlog.speech(True)
    fill(backlog, *seconds)
    assert given(backlog) == [(second, 1) for second in seconds]
    return backlog


def test_all_is_given_once_and_in_order() -> None:
    backlog = Backlog()
    fill(backlog, 0, 1)
    backlog.end_utterance()
    fill(backlog, 2)
    assert backlog.opened() == 0
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
    assert backlog.opened() == 0
    assert given(backlog) == [(1, 0.5), (2, 1), None, (3, 1)]


def test_a_transcript_that_was_asked_for_answers_for_all_that_came_before() -> None:
    backlog = streaming(0, 1)
    backlog.end_utterance()
    backlog.end_utterance()
    fill(backlog, 2)
    assert given(backlog) == [None, None, (2, 1)]
    backlog.understood(final("one", 700))
    assert backlog.opened() == 0
    assert given(backlog) == [None, (2, 1)]


def test_an_end_of_turn_is_no_answer() -> None:
    backlog = streaming(0, 1)
    backlog.end_utterance()
    assert given(backlog) == [None]
    backlog.understood(final("one", 700))
    backlog.understood(EndOfTurn(700))
    assert backlog.opened() == 0
    assert given(backlog) == [(0, 0.3), (1, 1), None]


def test_a_transcript_that_nobody_asked_for() -> None:
    backlog = streaming(0, 1)
    backlog.understood(final("one", 700))
    backlog.opened()
    assert given(backlog) == [(0, 0.3), (1, 1)]


def test_the_times_of_another_stream_count_from_where_it_began() -> None:
    backlog = streaming(0, 1)
    backlog.understood(final("one", 700))
    backlog.opened()
    assert given(backlog) == [(0, 0.3), (1, 1)]
    assert backlog.call_ms(400) == 1_100
    backlog.understood(final("two", 400))
    backlog.opened()
    assert given(backlog) == [(1, 0.9)]


def test_what_a_stream_that_ended_well_has_got_is_not_given_again() -> None:
    backlog = streaming(0)
    backlog.end_utterance()
    assert given(backlog) == [None]
    fill(backlog, 1)
    backlog.end_utterance()
    backlog.drained()
    assert backlog.opened() == 0
    assert given(backlog) == [(1, 1), None]


def test_what_is_kept_is_bounded_and_what_is_lost_is_told_but_no_end() -> None:
    kept = round(MAX_MS / 1_000)
    backlog = Backlog()
    backlog.end_utterance()
    fill(backlog, *range(kept + 3))
    assert backlog.opened() == 3_000
    assert given(backlog) == [None, *((second, 1) for second in range(3, kept + 3))]
    # It is told once.
    assert backlog.opened() == 0


def test_little_is_kept_of_what_passes_while_nobody_speaks() -> None:
    kept = round(QUIET_MS / 1_000)
    backlog = Backlog()
    backlog.opened()
    fill(backlog, *range(20))
    given(backlog)
    assert backlog.opened() == 0
    assert given(backlog) == [(second, 1) for second in range(20 - kept, 20)]


def test_all_is_kept_of_what_may_hold_words() -> None:
    backlog = Backlog()
    backlog.opened()
    fill(backlog, 0)
    # The VAD heard nothing.
    backlog.understood(Transcript("quiet words", False, 0, 900))
    fill(backlog, *range(1, 20))
    given(backlog)
    backlog.opened()
    assert len(given(backlog)) == 20


def test_times_on_the_calls_clock() -> None:
    backlog = Backlog()
    backlog.opened()
    backlog.add(bytes(8_000), 5_000)
    backlog.add(bytes(8_000), 6_015)
    # An utterance later: what was between them is not in the stream.
    backlog.add(bytes(8_000), 20_000)
    assert backlog.call_ms(0) is None
    assert backlog.call_ms(500) == 5_500
    assert backlog.call_ms(1_900) == 6_900
    assert backlog.call_ms(2_000) == 7_000
    assert backlog.call_ms(2_001) == 20_001
    assert Backlog().call_ms(1) is None
