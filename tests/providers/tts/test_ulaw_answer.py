from __future__ import annotations

from collections.abc import Sequence

import pytest

from media.audio import ULAW_8K, AudioFormat, Encoding
from providers.errors import InvalidResponseError, UnsupportedFormatError
from providers.tts.ulaw_answer import UlawAnswer
from tests.vendors.speech.wav import ENDLESS, wav_header

AUDIO = bytes(range(256)) * 2


def wav(data: bytes, audio_format: AudioFormat = ULAW_8K, size: int | None = None) -> bytes:
    """A WAV file, with a header such as Google's."""
    size = len(data) if size is None else size
    return wav_header(audio_format, size, extended=True) + data


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
    assert read(cut(wav(AUDIO) + more, 100)) == AUDIO


@pytest.mark.parametrize("size", [0, ENDLESS])
def test_who_does_not_say_how_much_comes_is_read_to_the_end(size: int) -> None:
    endless = wav(AUDIO, size=size)
    endless = endless[:4] + b"\xff\xff\xff\xff" + endless[8:]
    assert read([endless[:58], endless[58:]]) == AUDIO


@pytest.mark.parametrize("short", [b"", b"\xff", b"\xff" * 11, b"RIF"])
def test_what_is_shorter_than_a_header_is_audio(short: bytes) -> None:
    assert read([short]) == short


@pytest.mark.parametrize(
    "other", [AudioFormat(Encoding.ALAW, 8_000), AudioFormat(Encoding.ULAW, 16_000)]
)
def test_other_audio_is_refused(other: AudioFormat) -> None:
    with pytest.raises(UnsupportedFormatError, match="google"):
        read([wav(AUDIO, other)])


@pytest.mark.parametrize("broken", [wav(AUDIO)[:40], b"RIFF" + b"\0" * 60])
def test_a_file_that_cannot_be_read_is_no_audio(broken: bytes) -> None:
    with pytest.raises(InvalidResponseError, match="WAV"):
        read([broken])
