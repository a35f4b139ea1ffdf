from __future__ import annotations

import io
from typing import Any

import orjson
import pytest

from media.audio import PCM16_8K, PCM16_16K, ULAW_8K, AudioFormat, ulaw_to_pcm
from media.files import read_wav
from providers.errors import (
    AuthenticationError,
    InvalidResponseError,
    UnsupportedLanguageError,
)
from providers.results import AudioData, Word
from providers.stt.elevenlabs_files import ElevenLabsFiles
from providers.types import SttOptions

VENDOR = ElevenLabsFiles(api_key="the-key")
FLAC = AudioData(b"fLaC", container="flac")
ANSWER: dict[str, Any] = {
    "language_code": "deu",
    "language_probability": 0.98,
    "text": "Guten Tag. ",
    "words": [
        {"text": "Guten", "start": 0.1, "end": 0.4, "type": "word", "logprob": 0.0},
        {"text": " ", "start": 0.4, "end": 0.5, "type": "spacing", "logprob": 0.0},
        {"text": "Tag.", "start": 0.5, "end": 0.9, "type": "word", "speaker_id": "speaker_1"},
    ],
    "audio_duration_secs": 1.25,
}


def test_a_request() -> None:
    options = SttOptions(
        language="de-DE", languages=("en",), diarization=True, key_terms=("Winterbottom",)
    )
    request = VENDOR.request(FLAC, options)
    assert (request.method, request.url) == ("POST", "https://api.elevenlabs.io/v1/speech-to-text")
    assert request.headers == {"xi-api-key": "the-key"}
    assert request.fields == [
        ("model_id", "scribe_v2"),
        ("timestamps_granularity", "word"),
        ("tag_audio_events", "false"),
        ("diarize", "true"),
        ("language_code", "de"),
        ("secondary_language_codes", "en"),
        ("keyterms", "Winterbottom"),
        ("file_format", "other"),
    ]
    assert request.upload is not None
    assert (request.upload.name, request.upload.data) == ("audio.flac", b"fLaC")
    plain = dict(VENDOR.request(FLAC, SttOptions(language="auto", model="scribe_v3")).fields)
    assert (plain["model_id"], plain["diarize"]) == ("scribe_v3", "false")
    assert "language_code" not in plain
    with pytest.raises(UnsupportedLanguageError):
        VENDOR.request(FLAC, SttOptions(language="tlh"))


@pytest.mark.parametrize("audio_format", [ULAW_8K, PCM16_8K])
def test_raw_audio_is_wrapped(audio_format: AudioFormat) -> None:
    data = bytes(range(256))
    upload = VENDOR.request(AudioData(data, audio_format), SttOptions()).upload
    assert upload is not None
    wav = read_wav(io.BytesIO(upload.data))
    assert (upload.name, wav.sample_rate_hz) == ("audio.wav", 8_000)
    if audio_format == ULAW_8K:
        assert (wav.samples[:, 0] == ulaw_to_pcm(data)).all()
    else:
        assert upload.data[44:] == data


def test_linear_audio_at_16_khz_goes_as_it_is() -> None:
    request = VENDOR.request(AudioData(b"\1\0" * 8, PCM16_16K), SttOptions())
    assert dict(request.fields)["file_format"] == "pcm_s16le_16"
    assert request.upload is not None
    assert request.upload.data == b"\1\0" * 8


def test_a_result() -> None:
    result = VENDOR.result(orjson.dumps(ANSWER), FLAC, SttOptions())
    assert (result.text, result.language, result.provider) == ("Guten Tag.", "de", "elevenlabs")
    assert result.words == (
        Word("Guten", 100, 400, 1.0),
        Word("Tag.", 500, 900, None, "speaker_1"),
    )
    assert (result.confidence, result.duration_ms) == (1.0, 1_250)


def test_how_long_a_recording_is() -> None:
    raw = AudioData(bytes(16_000), ULAW_8K)
    assert VENDOR.result(orjson.dumps(ANSWER), raw, SttOptions()).duration_ms == 2_000
    untold = {name: value for name, value in ANSWER.items() if name != "audio_duration_secs"}
    assert VENDOR.result(orjson.dumps(untold), FLAC, SttOptions()).duration_ms == 900
    nothing = VENDOR.result(b'{"text":"","words":null}', FLAC, SttOptions())
    assert (nothing.duration_ms, nothing.words, nothing.confidence) == (0, (), None)


@pytest.mark.parametrize(
    "body", [b"no JSON", b"{}", b'{"text":7}', b'{"text":"a","words":[{"type":"word"}]}']
)
def test_what_cannot_be_read_raises(body: bytes) -> None:
    with pytest.raises(InvalidResponseError):
        VENDOR.result(body, FLAC, SttOptions())


def test_a_refusal() -> None:
    assert isinstance(VENDOR.refused(401, {}, b""), AuthenticationError)
