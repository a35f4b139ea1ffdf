from __future__ import annotations

import struct
from collections.abc import Sequence

import pytest

from providers.errors import InvalidResponseError, UnsupportedFormatError
from providers.tts.ulaw_answer import UlawAnswer

AUDIO = bytes(range(256)) * 2
ULAW, ALAW = 7, 6


def wav(
    data: bytes,
    *,
    tag: int = ULAW,
    rate_hz: int = 8_000,
    size: int | None = None,
    more: bytes = b"",
) -> bytes:
    """A WAV file, such as Google's: its format takes 18 bytes, and a chunk tells of samples."""
    shape = struct.pack("<HHIIHHH", tag, 1, rate_hz, rate_hz, 1, 8, 0)
    size = len(data) if size is None else size
    chunks = b"fmt " + struct.pack("<I", len(shape)) + shape
    chunks += b"fact" + struct.pack("<II", 4, len(data))
    chunks += b"data" + struct.pack("<I", size) + data + more
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


def read(pieces: Sequence[bytes]) -> bytes:
    """What comes of an answer in these pieces."""
    answer = UlawAnswer("google")
    return b"".join(answer(piece) for piece in (*pieces, b""))


def cut(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


@pytest.mark.parametrize("size", [1, 7, 57, 58, 59, 10_000])
def test_a_header_is_left_out_however_it_comes(size: int) -> None:
    assert read(cut(wav(AUDIO), size)) == AUDIO
    assert read(cut(AUDIO, size)) == AUDIO


@pytest.mark.parametrize("more", [b"", b"LIST\x04\x00\x00\x00made"])
def test_what_stands_behind_the_data_is_left_out(more: bytes) -> None:
    assert read(cut(wav(AUDIO, more=more), 100)) == AUDIO


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF])
def test_who_does_not_say_how_much_comes_is_read_to_the_end(size: int) -> None:
    endless = wav(AUDIO, size=size)
    endless = endless[:4] + b"\xff\xff\xff\xff" + endless[8:]
    assert read([endless[:58], endless[58:]]) == AUDIO


@pytest.mark.parametrize("short", [b"", b"\xff", b"\xff" * 11, b"RIF"])
def test_what_is_shorter_than_a_header_is_audio(short: bytes) -> None:
    assert read([short]) == short


@pytest.mark.parametrize("other", [wav(AUDIO, tag=ALAW), wav(AUDIO, rate_hz=16_000)])
def test_other_audio_is_refused(other: bytes) -> None:
    with pytest.raises(UnsupportedFormatError, match="google"):
        read([other])


@pytest.mark.parametrize("broken", [wav(AUDIO)[:40], b"RIFF" + b"\0" * 60])
def test_a_file_that_cannot_be_read_is_no_audio(broken: bytes) -> None:
    with pytest.raises(InvalidResponseError, match="WAV"):
        read([broken])
