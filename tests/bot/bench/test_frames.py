"""Frames are what the library that everybody uses takes and sends."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from bot.bench.calls.frames import BINARY, CLOSE, PING, TEXT, FrameError, Unframer, frame


def read_by_library(data: bytes, *, mask: bool) -> Frame:
    reader = StreamReader()
    reader.feed_data(data)
    parser = Frame.parse(reader.read_exact, mask=mask)
    with pytest.raises(StopIteration) as stopped:
        next(parser)
    read = stopped.value.value
    assert isinstance(read, Frame)
    return read


@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535])
def test_the_library_reads_what_is_written(size: int, masked: bool) -> None:
    payload = bytes(number % 251 for number in range(size))
    read = read_by_library(frame(BINARY, payload, masked=masked), mask=masked)
    assert (read.opcode, read.data, read.fin) == (Opcode.BINARY, payload, True)


@settings(max_examples=50)
@given(
    messages=st.lists(
        st.tuples(st.sampled_from([TEXT, BINARY, PING, CLOSE]), st.binary(max_size=100))
        | st.tuples(st.sampled_from([TEXT, BINARY]), st.binary(min_size=130, max_size=400)),
        max_size=6,
    ),
    mask=st.booleans(),
    cuts=st.lists(st.integers(1, 60)),
)
def test_what_the_library_writes_is_read_however_it_is_cut(
    messages: list[tuple[int, bytes]], mask: bool, cuts: list[int]
) -> None:
    data = b"".join(
        Frame(Opcode(opcode), payload).serialize(mask=mask) for opcode, payload in messages
    )
    unframer, read = Unframer(), []
    for size in cuts:
        read += unframer.feed(data[:size])
        data = data[size:]
    assert read + unframer.feed(data) == messages


def test_a_message_of_more_than_64_kb_is_read() -> None:
    data = Frame(Opcode.TEXT, b"x" * 70_000).serialize(mask=True)
    unframer = Unframer()
    assert unframer.feed(data[:5]) == unframer.feed(data[5:-1]) == []
    assert unframer.feed(data[-1:]) == [(TEXT, b"x" * 70_000)]


@pytest.mark.parametrize("first", [0x01, 0x80])
def test_fragments_are_refused(first: int) -> None:
    with pytest.raises(FrameError):
        Unframer().feed(bytes((first, 1)) + b"x")
