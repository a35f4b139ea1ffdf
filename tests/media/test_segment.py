"""A segment as the synthesizer and the ledger use it."""

from __future__ import annotations

import pytest

from media.segment import PlayoutFull, Room, Segment
from tests.media.test_heard import At


def segment(text: str = "Good morning", limit: int = 80_000) -> tuple[Segment, Room]:
    room = Room(limit)
    return Segment(text, True, room), room


def test_audio_comes_out_in_order_and_gives_its_room_back() -> None:
    said, room = segment()
    said.write(b"abc")
    said.write(b"defgh")
    assert (said.waiting, room.taken) == (8, 8)
    assert said.send(5) == b"abcde"
    assert said.send(5) == b"fgh"
    assert (said.waiting, room.taken) == (0, 0)


def test_more_than_fits_is_refused_whole() -> None:
    said, room = segment(limit=16)
    said.write(b"x" * 8)
    with pytest.raises(PlayoutFull, match="2 ms of audio do not fit: room for 1 ms, 1 ms wait"):
        said.write(b"x" * 16)
    assert (said.waiting, room.free) == (8, 8)
    said.write(b"x" * 8)
    assert room.free == 0


def test_a_closed_segment_takes_no_more() -> None:
    said, _ = segment()
    said.close()
    with pytest.raises(ValueError, match="the segment is closed"):
        said.write(b"x")


def test_what_was_heard_is_counted_with_its_times() -> None:
    said, _ = segment()
    said.write(b"x" * 1600)
    said.send(1600)
    assert (said.heard, said.heard_ms, said.heard_from_ms, said.heard_to_ms) == ("", 0, None, None)
    said.count_heard(800, 1000.0, 1100.0)
    said.close()
    assert (said.heard, said.heard_ms, said.whole) == ("Good morning", 100, False)
    said.count_heard(800, 1150.0, 1250.0)
    assert (said.heard_ms, said.heard_from_ms, said.heard_to_ms) == (200, 1000, 1250)
    assert said.whole


def test_a_dropped_segment_forgets_and_ignores_audio() -> None:
    said, room = segment()
    said.write(b"x" * 1600)
    said.drop()
    assert said.dropped
    said.write(b"x" * 1600)
    assert (said.waiting, room.taken) == (0, 0)


def test_closing_a_dropped_segment_does_not_make_it_whole() -> None:
    said, _ = segment("Good morning, how can I help?")
    said.write(b"x" * 1600)
    said.send(1600)
    said.count_heard(1600, 0.0, 200.0)
    said.drop()
    said.close()
    assert not said.whole
    assert said.heard == "Good"


def test_a_segment_heard_to_its_end_is_not_dropped() -> None:
    said, _ = segment()
    said.write(b"x" * 8)
    said.close()
    said.send(8)
    said.count_heard(8, 0.0, 1.0)
    said.drop()
    assert not said.dropped


def test_a_segment_that_was_cut_is_never_heard_whole() -> None:
    said, _ = segment("Good morning to all of you")
    said.write(b"x" * 4000)
    said.close(cut=True)
    said.send(4000)
    said.count_heard(4000, 0, 500)
    assert said.closed
    assert not said.whole
    assert said.heard == "Good morning"


def test_what_was_not_sent_can_be_written_anew() -> None:
    said, room = segment()
    said.write(b"x" * 8, [At(0, 12, 0.0)])
    assert said.restart()
    assert (said.waiting, room.taken) == (0, 0)
    said.write(b"abcd", [At(0, 4, 0.0)])
    assert said.send(2) == b"ab"
    said.count_heard(2, 0, 1)
    assert said.heard == "Good"
    # The caller may have heard that.
    assert not said.restart()
    assert said.waiting == 2
