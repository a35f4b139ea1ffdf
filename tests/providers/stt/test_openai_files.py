from __future__ import annotations

from typing import Any

import numpy as np
import orjson
import pytest
from structlog.testing import capture_logs

from media.audio import ULAW_8K, pcm_to_ulaw, ulaw_to_pcm
from media.files import read_wav, wav_header
from providers.errors import (
    AudioTooLargeError,
    InvalidResponseError,
    MissingKeyError,
    NetworkError,
    RateLimitError,
    UnsupportedLanguageError,
)
from providers.results import AudioData, Container, TranscriptionResult, Word
from providers.stt.http_files import HttpFiles
from providers.stt.openai_files import DIARIZING, MAX_BYTES, OpenAiFiles
from providers.types import SttOptions

MP3 = AudioData(b"ID3...", container="mp3")
ENGLISH = SttOptions()


def vendor(**account: str) -> OpenAiFiles:
    return OpenAiFiles(api_key="the-key", **account)


def form(options: SttOptions, **account: str) -> list[tuple[str, str]]:
    return list(vendor(**account).request(MP3, options).fields)


def understood(
    answer: object, audio: AudioData = MP3, options: SttOptions = ENGLISH
) -> TranscriptionResult:
    return vendor().result(orjson.dumps(answer), audio, options)


def test_a_file_goes_in_a_form() -> None:
    request = vendor().request(MP3, ENGLISH)
    assert (request.method, request.url) == (
        "POST",
        "https://api.openai.com/v1/audio/transcriptions",
    )
    assert request.headers == {"Authorization": "Bearer the-key"}
    assert list(request.fields) == [
        ("model", "gpt-transcribe"),
        ("language", "en"),
        ("response_format", "json"),
    ]
    assert request.upload is not None
    upload = request.upload
    assert (upload.part, upload.name, upload.content_type) == ("file", "audio.mp3", "audio/mpeg")
    assert upload.data == MP3.data


@pytest.mark.parametrize(
    ("asked", "honoured"),
    [
        ({}, {"model", "languages", "key_terms", "phrases"}),
        ({"diarization": True}, {"model", "diarization"}),
        ({"diarization": True, "model": DIARIZING}, {"model", "diarization"}),
        (
            {"diarization": True, "model": "gpt-transcribe"},
            {"model", "languages", "key_terms", "phrases"},
        ),
    ],
)
def test_no_model_does_it_all(asked: dict[str, Any], honoured: set[str]) -> None:
    assert vendor().honours(SttOptions(**asked)) == honoured
    assert vendor().capabilities.options == {"diarization", *vendor().honours(SttOptions())}


async def test_what_the_model_that_is_used_does_not_do_is_said() -> None:
    """The file is never sent: nobody listens there."""
    files = HttpFiles(vendor(base_url="http://127.0.0.1:1/v1"))
    asked = SttOptions(diarization=True, key_terms=("Parley",), languages=("de",))
    with capture_logs() as logs, pytest.raises(NetworkError):
        await files.transcribe(MP3, asked)
    await files.aclose()
    assert [log["options"] for log in logs] == [["key_terms", "languages"]]


@pytest.mark.parametrize("container", OpenAiFiles.containers)
def test_a_file_s_name_says_what_it_is(container: Container) -> None:
    request = vendor().request(AudioData(b"x", container=container), ENGLISH)
    assert request.upload is not None
    assert request.upload.name == f"audio.{container}"


def test_options() -> None:
    asked = SttOptions(language="de", languages=("en",), key_terms=("Parley",), phrases=("ja",))
    assert form(asked) == [
        ("model", "gpt-transcribe"),
        ("languages[]", "de"),
        ("languages[]", "en"),
        ("keywords[]", "Parley"),
        ("keywords[]", "ja"),
        ("response_format", "json"),
    ]
    assert form(SttOptions(language="auto", model="gpt-4o-transcribe")) == [
        ("model", "gpt-4o-transcribe"),
        ("response_format", "json"),
    ]
    assert form(SttOptions(diarization=True, language="auto")) == [
        ("model", DIARIZING),
        ("response_format", "diarized_json"),
        ("chunking_strategy", "auto"),
    ]
    assert form(SttOptions(language="auto"), files_model="whisper-1") == [
        ("model", "whisper-1"),
        ("response_format", "verbose_json"),
        ("timestamp_granularities[]", "word"),
    ]


def test_headerless_audio_becomes_a_wav_file() -> None:
    ulaw = pcm_to_ulaw(np.arange(-800, 800, dtype=np.int16) * 20)
    request = vendor().request(AudioData(ulaw, ULAW_8K), ENGLISH)
    assert request.upload is not None
    assert request.upload.name == "audio.wav"
    wav = read_wav(request.upload.data)
    assert wav.sample_rate_hz == 8000
    assert np.array_equal(wav.samples[:, 0], ulaw_to_pcm(ulaw))


def test_what_is_too_large_as_a_wav_file_is_not_sent() -> None:
    with pytest.raises(AudioTooLargeError, match="split"):
        vendor().request(AudioData(bytes(MAX_BYTES // 2), ULAW_8K), ENGLISH)


def test_what_was_understood() -> None:
    answer = {
        "text": " Hello, there. ",
        "usage": {"type": "tokens", "input_tokens": 1, "output_tokens": 1, "total_tokens": 2},
        "languages": [{"code": "en"}],
    }
    assert understood(answer) == TranscriptionResult("Hello, there.", "openai", 0.0, "en")
    wav = AudioData(wav_header(16_000, 8_000, 1) + bytes(16_000), container="wav")
    assert understood({"text": "Hi"}, wav).duration_ms == 1000
    assert understood({"text": "Hi"}, AudioData(b"RIFF", container="wav")).duration_ms == 0
    assert understood({"text": "Hi"}, AudioData(bytes(8_000), ULAW_8K)).duration_ms == 1000
    assert understood({"text": "", "usage": {"type": "duration", "seconds": 2}}).duration_ms == 2000
    assert understood({"text": "", "languages": []}).language == "en-US"
    assert understood({"text": ""}, options=SttOptions(language="auto")).language is None


def test_words_have_times_where_the_model_gives_them() -> None:
    words = [{"word": "Hello", "start": 0.1, "end": 0.5}, {"word": "there", "start": 0.5, "end": 1}]
    segments = [{"id": 0, "start": 0.1, "end": 1, "text": "Hello there"}]
    answer = {"text": "Hello there", "duration": 1.5, "words": words, "segments": segments}
    result = understood(answer)
    assert result.words == (Word("Hello", 100, 500), Word("there", 500, 1000))
    assert result.duration_ms == 1500
    assert vendor(files_model="whisper-1").capabilities.word_times
    assert not vendor().capabilities.word_times


def test_who_spoke() -> None:
    segments = [
        {
            "type": "transcript.text.segment",
            "id": "0",
            "start": 0,
            "end": 1.5,
            "text": " Hello",
            "speaker": "A",
        },
        {
            "type": "transcript.text.segment",
            "id": "1",
            "start": 1.5,
            "end": 3,
            "text": "Good day",
            "speaker": "B",
        },
    ]
    result = understood({"text": "Hello Good day", "duration": 3.0, "segments": segments})
    assert result.words == (
        Word("Hello", 0, 1500, speaker="A"),
        Word("Good", 1500, 3000, speaker="B"),
        Word("day", 1500, 3000, speaker="B"),
    )


@pytest.mark.parametrize(
    "answer",
    [
        [],
        {},
        {"text": {}},
        {"text": "a", "duration": "long"},
        {"text": "a", "usage": [1]},
        {"text": "a", "words": [7]},
        {"text": "a", "languages": [{}]},
    ],
)
def test_what_cannot_be_read_raises(answer: Any) -> None:
    with pytest.raises(InvalidResponseError):
        understood(answer)


def test_what_is_not_on_offer() -> None:
    with pytest.raises(UnsupportedLanguageError, match="tlh"):
        vendor().request(MP3, SttOptions(language="tlh"))
    with pytest.raises(MissingKeyError):
        OpenAiFiles()
    assert isinstance(vendor().refused(429, {}, b""), RateLimitError)
