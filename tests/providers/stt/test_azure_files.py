"""Azure's transcription of whole recordings."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest

from media.audio import PCM16_16K, ULAW_8K
from media.files import read_wav
from providers.errors import (
    AudioTooLargeError,
    AuthenticationError,
    InvalidResponseError,
    RateLimitError,
    UnsupportedFormatError,
    UnsupportedLanguageError,
)
from providers.results import AudioData, Word
from providers.stt.azure_files import AzureFiles
from providers.stt.wav import as_wav
from providers.types import SttOptions

FILES = AzureFiles(speech_key="the-key", speech_region="westeurope")
SECOND = AudioData(ULAW_8K.silence(1_000), ULAW_8K)
MINUTES = AudioData(ULAW_8K.silence(61_000), ULAW_8K)
PHRASE = {
    "offsetMilliseconds": 400,
    "durationMilliseconds": 1_600,
    "text": "Hello there.",
    "speaker": 1,
    "locale": "en-US",
    "confidence": 0.9,
    "words": [
        {"text": "Hello", "offsetMilliseconds": 400, "durationMilliseconds": 500},
        {"text": "there.", "offsetMilliseconds": 1_000, "durationMilliseconds": 1_000},
    ],
}


def defined(options: SttOptions) -> Any:
    ((name, definition),) = FILES.request(SECOND, options).fields
    assert name == "definition"
    return orjson.loads(definition)


def answer(*phrases: dict[str, Any]) -> bytes:
    combined = [{"text": " ".join(phrase["text"] for phrase in phrases)}] if phrases else []
    told = {"durationMilliseconds": 3_000, "combinedPhrases": combined, "phrases": phrases}
    return orjson.dumps(told)


def test_a_recording_goes_into_a_form() -> None:
    request = FILES.request(SECOND, SttOptions())
    assert request.url == (
        "https://westeurope.api.cognitive.microsoft.com/speechtotext/transcriptions:transcribe"
        "?api-version=2025-10-15"
    )
    assert request.headers == {"Ocp-Apim-Subscription-Key": "the-key"}
    assert request.upload is not None
    assert (request.upload.part, request.upload.name) == ("audio", "audio.wav")
    assert len(read_wav(request.upload.data).samples) == 8_000
    compressed = FILES.request(AudioData(b"ID3", None, "mp3"), SttOptions()).upload
    assert compressed is not None
    assert (compressed.name, compressed.content_type, compressed.data) == (
        *("audio.mp3", "audio/mpeg"),
        b"ID3",
    )


def test_what_is_asked_for_is_defined() -> None:
    assert defined(SttOptions()) == {"locales": ["en-US"], "profanityFilterMode": "None"}
    assert defined(SttOptions(language="auto")) == {"profanityFilterMode": "None"}
    either = defined(SttOptions(language="auto", languages=("de", "en-GB")))
    assert either["locales"] == ["de-DE", "en-GB"]
    asked = SttOptions(
        language="de", languages=("en",), diarization=True, profanity_filter=True, phrases=("Ja",)
    )
    assert defined(asked) == {
        "locales": ["de-DE", "en-US"],
        "profanityFilterMode": "Masked",
        "diarization": {"enabled": True, "maxSpeakers": 10},
        "phraseList": {"phrases": ["Ja"]},
    }


def test_a_recording_is_understood() -> None:
    second = {**PHRASE, "text": "Good bye.", "confidence": 0.7, "speaker": None, "words": None}
    result = FILES.result(answer(PHRASE, second), SECOND, SttOptions())
    assert result.text == "Hello there. Good bye."
    assert (result.duration_ms, result.language) == (3_000, "en-US")
    assert result.confidence == pytest.approx(0.8)
    assert result.words == (
        Word("Hello", 400, 900, 0.9, "1"),
        Word("there.", 1_000, 2_000, 0.9, "1"),
        Word("Good", 400, 1_200, 0.7),
        Word("bye.", 1_200, 2_000, 0.7),
    )


def test_nothing_may_be_said() -> None:
    result = FILES.result(answer(), SECOND, SttOptions())
    assert (result.text, result.words, result.confidence, result.language) == ("", (), None, None)
    bare = {key: PHRASE[key] for key in ("offsetMilliseconds", "durationMilliseconds", "text")}
    (first, _) = FILES.result(answer(bare), SECOND, SttOptions()).words
    assert (first.confidence, first.speaker) == (None, None)


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        (SttOptions(model="an-endpoint"), {"language": ["en-US"], "cid": ["an-endpoint"]}),
        (SttOptions(language="ar-DZ"), {"language": ["ar-DZ"]}),
    ],
    ids=["a custom model", "a language"],
)
def test_what_fast_transcription_does_not_know_goes_to_the_other_door(
    options: SttOptions, asked: dict[str, list[str]]
) -> None:
    request = FILES.request(SECOND, options)
    at = urlsplit(request.url)
    assert (at.hostname, at.path) == (
        "westeurope.stt.speech.microsoft.com",
        "/speech/recognition/conversation/cognitiveservices/v1",
    )
    assert parse_qs(at.query) == {**asked, "format": ["detailed"], "profanity": ["raw"]}
    assert request.headers["Content-Type"] == "audio/wav; codecs=audio/pcm; samplerate=16000"
    wav = read_wav(request.body)
    assert (wav.sample_rate_hz, len(wav.samples)) == (16_000, 16_000)
    assert FILES.honours(options) == {"model", "profanity_filter"}


def test_the_account_may_have_a_custom_model() -> None:
    files = AzureFiles(speech_key="k", speech_region="westus", stt_endpoint_id="one")
    assert "cid=one" in files.request(SECOND, SttOptions()).url
    # So that who splits recordings knows where to.
    assert (files.max_ms, files.containers) == (60_000, ("wav",))
    assert not files.capabilities.understands("auto")


@pytest.mark.parametrize(
    "audio", [MINUTES, AudioData(as_wav(MINUTES), None, "wav")], ids=["raw", "wav"]
)
def test_the_other_door_takes_a_minute(audio: AudioData) -> None:
    with pytest.raises(AudioTooLargeError):
        FILES.request(audio, SttOptions(model="an-endpoint"))
    assert FILES.request(audio, SttOptions()).upload is not None


def test_the_other_door_takes_wav_files_alone() -> None:
    with pytest.raises(UnsupportedFormatError):
        FILES.request(AudioData(b"ID3", None, "mp3"), SttOptions(model="an-endpoint"))


def test_what_the_other_door_answers_is_understood() -> None:
    told = {
        "RecognitionStatus": "Success",
        "Offset": 0,
        "Duration": 5_000_000,
        "DisplayText": "Hi.",
    }
    result = FILES.result(orjson.dumps(told), SECOND, SttOptions(language="de", model="one"))
    assert (result.text, result.duration_ms, result.language) == ("Hi.", 1_000, "de-DE")


def test_a_language_has_to_be_on_offer() -> None:
    asked = [SttOptions(language="qaa"), SttOptions(languages=("ar-DZ",))]
    for options in asked:
        with pytest.raises(UnsupportedLanguageError):
            FILES.request(SECOND, options)
    with pytest.raises(UnsupportedLanguageError, match="the model is of"):
        FILES.request(SECOND, SttOptions(language="auto", model="one"))


def test_what_is_honoured() -> None:
    assert FILES.honours(SttOptions(language="auto")) == FILES.capabilities.options
    many = SttOptions(key_terms=tuple(map(str, range(501))))
    assert FILES.honours(many) == FILES.capabilities.options - {"key_terms"}
    assert PCM16_16K in FILES.capabilities.audio


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"{}",
        answer({**PHRASE, "words": [{"text": "x"}]}),
        b'{"RecognitionStatus":"Success","DisplayText":3}',
    ],
)
def test_what_cannot_be_read_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidResponseError):
        FILES.result(body, SECOND, SttOptions())


def test_a_refusal_is_told() -> None:
    assert isinstance(FILES.refused(401, {}, b""), AuthenticationError)
    with pytest.raises(RateLimitError):
        FILES.result(b'{"RecognitionStatus":"TooManyRequests"}', SECOND, SttOptions())
