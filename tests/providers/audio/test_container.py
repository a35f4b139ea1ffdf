"""What a file is in, by its first bytes, and by its name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.audio import ULAW_8K, AudioFormat, Encoding
from providers.audio.container import container_named, detect, raw_format
from providers.results import Container

MP3_FRAME = b"\xff\xfb\x90\x64"
ADTS_FRAME = b"\xff\xf1\x50\x80"


@pytest.mark.parametrize(
    ("head", "container"),
    [
        (b"RIFF\x24\x08\x00\x00WAVEfmt ", "wav"),
        (b"RF64\xff\xff\xff\xffWAVE", "wav"),
        (b"fLaC\x00\x00\x00\x22", "flac"),
        (b"OggS\x00\x02", "ogg"),
        (b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81", "webm"),
        (b"\x00\x00\x00\x20ftypisom", "m4a"),
        (MP3_FRAME, "mp3"),
        (b"\xff\xe3\x18\xc4", "mp3"),  # MPEG 2.5, as at 8 kHz
        (ADTS_FRAME, "aac"),
        (b"\xff\xf9\x50\x80", "aac"),
        (b"ID3\x04\x00\x00\x00\x00\x00\x03tag" + MP3_FRAME, "mp3"),
        (b"ID3\x04\x00\x00\x00\x00\x00\x03tag" + ADTS_FRAME, "aac"),
        (b"ID3\x04\x00\x00\x00\x00\x00\x03tagfLaC", "flac"),
        (b"ID3\x04\x00\x00\x00\x00\x02\x01" + bytes(257) + ADTS_FRAME, "aac"),
        (b"ID3\x04\x00\x00\x00\x7f\x7f\x7f a picture", "mp3"),
        (b"ID3\x04\x00\x00\x00\x00\x00\x00" * 7_000, "mp3"),
        (b"ID3\x04\x00\x00\x00\x00\x00\x00" * 7_000 + ADTS_FRAME, "aac"),
    ],
)
def test_the_first_bytes_tell(head: bytes, container: Container) -> None:
    assert detect(head) == container


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\xff",
        b"text",
        b"#EXTM3U\nhttp://169.254.169.254/",
        b"ffconcat version 1.0\nfile /etc/passwd",
        b"FORM\x00\x00\x00\x00AIFF",
        b"\xff\xff\xff\xff",  # silence in µ-law
        b"\xff\xe8\x90\x64",  # a version, and three values below, that no MPEG audio has
        b"\xff\xfb\xf0\x64",
        b"\xff\xfb\x00\x64",
        b"\xff\xfb\x9c\x64",
    ],
)
def test_what_they_do_not_tell_is_not_guessed(head: bytes) -> None:
    assert detect(head) is None


@given(st.binary(max_size=300))
def test_no_bytes_break_it(head: bytes) -> None:
    for start in (b"", b"ID3", b"\xff\xfb"):
        detect(start + head)


@pytest.mark.parametrize(
    ("name", "container"),
    [
        ("a.wav", "wav"),
        ("a.b.FLAC", "flac"),
        ("x/y.mp4", "m4a"),
        ("a.opus", "ogg"),
        ("a.ulaw", "raw"),
        ("a.pcm", "raw"),
        ("a.raw", "raw"),
        ("wav", None),
        ("a.doc", None),
    ],
)
def test_names_tell(name: str, container: Container | None) -> None:
    assert container_named(name) == container


def test_names_tell_a_telephones_formats() -> None:
    assert raw_format("call.ulaw") == raw_format("call.UL") == ULAW_8K
    assert raw_format("call.alaw") == AudioFormat(Encoding.ALAW, 8_000)
    assert raw_format("call.pcm") is None
