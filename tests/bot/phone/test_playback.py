"""The play-out buffer, told the time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.phone.playback import PlayoutBuffer


def test_audio_is_played_in_real_time_and_silence_follows() -> None:
    track = bytearray()
    buffer = PlayoutBuffer(track)
    buffer.put(b"abcdef")
    assert buffer.advance(4) == []
    assert (bytes(track), buffer.played_bytes, buffer.queued_bytes) == (b"abcd", 4, 2)
    assert not buffer.empty
    buffer.advance(8)
    assert bytes(track) == b"abcdef\xff\xff"
    assert buffer.empty


def test_audio_that_comes_late_is_played_from_then_on() -> None:
    track = bytearray()
    buffer = PlayoutBuffer(track)
    buffer.put(b"ab")
    buffer.advance(5)
    buffer.put(b"cd")
    buffer.advance(8)
    assert bytes(track) == b"ab\xff\xff\xffcd\xff"


def test_a_time_that_was_reached_already_changes_nothing() -> None:
    track = bytearray()
    buffer = PlayoutBuffer(track)
    buffer.put(b"abcd")
    buffer.advance(3)
    assert buffer.advance(2) == []
    assert bytes(track) == b"abc"


def test_a_mark_is_reached_when_the_audio_before_it_has_been_played() -> None:
    buffer = PlayoutBuffer(bytearray())
    buffer.put(b"abcd")
    assert buffer.mark("one") == []
    buffer.put(b"ef")
    assert buffer.mark("two") == []
    assert buffer.mark("three") == []
    assert buffer.advance(3) == []
    assert buffer.advance(4) == ["one"]
    assert buffer.advance(9) == ["two", "three"]


def test_a_mark_is_reached_at_once_when_nothing_is_queued() -> None:
    buffer = PlayoutBuffer(bytearray())
    assert buffer.mark("first") == ["first"]
    buffer.put(b"")
    assert buffer.mark("second") == ["second"]
    buffer.put(b"ab")
    buffer.advance(2)
    assert buffer.mark("third") == ["third"]


def test_clear_drops_what_was_not_played_and_returns_the_marks_that_waited() -> None:
    track = bytearray()
    buffer = PlayoutBuffer(track)
    buffer.put(b"abcd")
    buffer.mark("one")
    buffer.put(b"efgh")
    buffer.mark("two")
    buffer.advance(2)
    assert buffer.clear() == ["one", "two"]
    assert buffer.empty
    buffer.put(b"xy")
    buffer.advance(6)
    assert bytes(track) == b"abxy\xff\xff"
    assert buffer.played_bytes == 4
    assert buffer.clear() == []


def test_a_later_stream_goes_on_with_the_track() -> None:
    track = bytearray(b"abc")
    buffer = PlayoutBuffer(track, start_sample=5)
    buffer.put(b"xy")
    buffer.advance(4)
    assert bytes(track) == b"abc\xff\xff"
    buffer.advance(7)
    assert bytes(track) == b"abc\xff\xffxy"
    assert buffer.played_bytes == 2


@given(
    st.lists(
        st.one_of(
            st.binary(min_size=1, max_size=40).map(lambda audio: ("put", audio)),
            st.integers(1, 50).map(lambda step: ("wait", step)),
            st.just(("mark", None)),
            st.just(("clear", None)),
        ),
        max_size=40,
    )
)
def test_nothing_is_lost_or_doubled(actions: list[tuple[str, bytes | int | None]]) -> None:
    track = bytearray()
    buffer = PlayoutBuffer(track)
    now = sent = dropped = marks = 0
    echoed: list[str] = []
    for action, value in actions:
        if isinstance(value, bytes):
            buffer.put(value)
            sent += len(value)
        elif isinstance(value, int):
            now += value
            echoed += buffer.advance(now)
        elif action == "mark":
            echoed += buffer.mark(str(marks))
            marks += 1
        else:
            dropped += buffer.queued_bytes
            echoed += buffer.clear()
        assert len(track) == now
        assert sent == buffer.played_bytes + buffer.queued_bytes + dropped
    echoed += buffer.advance(now + sent + 1)
    assert echoed == [str(number) for number in range(marks)]
