from __future__ import annotations

import pytest

from bot.api.stt.encodings import ALIASES, ENCODINGS, encoding_named, raw
from bot.api.stt.faults import Fault
from media.audio import Encoding


@pytest.mark.parametrize(
    ("name", "encoding"),
    [
        ("LINEAR16", "pcm_s16le"),
        ("pcm", "pcm_s16le"),
        ("MULAW", "mulaw"),
        ("alaw", "alaw"),
        ("OGG_OPUS", "ogg"),
        ("WEBM_OPUS", "webm"),
        ("FLAC", "flac"),
        (" auto ", "auto"),
        ("audio/webm;codecs=opus", "webm"),
        ("audio/x-wav", "wav"),
        ("audio/mpeg", "mp3"),
    ],
)
def test_names_of_encodings(name: str, encoding: str) -> None:
    assert encoding_named(name) == encoding


def test_every_alias_is_of_an_encoding_that_is_taken() -> None:
    assert {encoding_named(alias) for alias in ALIASES} < set(ENCODINGS)
    assert all(encoding_named(encoding) == encoding for encoding in ENCODINGS)


@pytest.mark.parametrize("name", ["", "amr", "audio/mp4", "pcm_s24le", "SPEEX_WITH_HEADER_BYTE"])
def test_what_is_not_taken_is_answered_with_what_is(name: str) -> None:
    with pytest.raises(Fault) as caught:
        encoding_named(name)
    assert caught.value.code == "bad_encoding"
    assert {*ENCODINGS} <= {*caught.value.allowed}


def test_bare_samples_are_told_from_containers() -> None:
    assert raw("mulaw") is Encoding.ULAW
    assert [name for name in ENCODINGS if raw(name) is None] == [
        "ogg",
        "webm",
        "wav",
        "flac",
        "mp3",
        "auto",
    ]
