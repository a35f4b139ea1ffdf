"""The frames between the parent and a worker process."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.stt.local_wire import (
    Command,
    Failure,
    FrameReader,
    Report,
    Result,
    WireError,
    frame,
)


@given(st.lists(st.tuples(st.sampled_from(Command), st.binary(max_size=50))), st.data())
def test_frames_come_out_whole_however_the_stream_is_cut(
    sent: list[tuple[Command, bytes]], data: st.DataObject
) -> None:
    stream = b"".join(frame(kind, payload) for kind, payload in sent)
    reader = FrameReader()
    received = []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        received += reader.feed(stream[:size])
        stream = stream[size:]
    assert received == [(kind.value, payload) for kind, payload in sent]


def test_an_absurd_length_is_refused_before_it_is_waited_for() -> None:
    with pytest.raises(WireError, match="4294967295 bytes"):
        FrameReader().feed(Report.RESULT.value + b"\xff\xff\xff\xff")


def test_a_result_survives_the_pipe() -> None:
    result = Result("ten o'clock", True, 20, 900, 0.7, (("ten", 20, 400, 0.9),), rejected=True)
    assert Result.from_json(result.to_json()) == result


def test_why_a_worker_ends_survives_the_pipe() -> None:
    failure = Failure("no such model", "get it", lasting=True)
    assert Failure.from_json(failure.to_json()) == failure
