"""The pauses after streams, from a tape alone."""

from __future__ import annotations

from bot.phone.gaps import Gap, gaps
from bot.phone.tape import StreamSpan, Tape

from .sounds import quiet, tone


def test_until_the_next_stream_and_the_bots_next_sound() -> None:
    # What is left of the sound before the gap is no answer to it: the bot speaks at 1400.
    tape = Tape(bot=bytearray(tone(600) + quiet(800) + tone(300)))
    tape.streams = [
        StreamSpan(0, 20.0, 510.5, "lost", lost=True),
        StreamSpan(50, 1_020.0, 1_700.0, "over"),
    ]
    assert gaps(tape) == (Gap("lost", 510.5, 509.5, 889.5),)


def test_the_end_of_the_last_stream_is_a_gap_if_it_was_a_loss() -> None:
    tape = Tape(streams=[StreamSpan(0, 20.0, 500.0, "over")])
    assert gaps(tape) == ()
    tape.streams[0].lost = True
    assert gaps(tape) == (Gap("over", 500.0, None, None),)


def test_an_end_that_another_stream_follows_is_a_gap() -> None:
    tape = Tape(
        bot=bytearray(quiet(2_000) + tone(200)),
        streams=[
            StreamSpan(0, 20.0, 500.0, "digits"),
            StreamSpan(50, None, 1_010.0, "lost", lost=True),
            StreamSpan(60, 1_220.0, 3_000.0, "over"),
        ],
    )
    # A stream in which nothing was heard leaves the gap before it open.
    assert gaps(tape) == (
        Gap("digits", 500.0, None, 1_500.0),
        Gap("lost", 1_010.0, 210.0, 990.0),
    )


def test_a_call_without_streams_and_a_bot_that_stays_silent() -> None:
    assert gaps(Tape()) == ()
    streams = [StreamSpan(0, 20.0, 500.0, "a"), StreamSpan(30, 620.0, 900.0, "b")]
    assert gaps(Tape(bot=bytearray(tone(600)), streams=streams)) == (Gap("a", 500.0, 120.0, None),)


def test_of_two_ends_the_first_counts() -> None:
    span = StreamSpan(0)
    span.end(100.0)
    span.end(200.0)
    assert span.ended_ms == 100.0
