from __future__ import annotations

import base64
from typing import Any

import orjson
import pytest

from media.audio import PCM16_16K, ULAW_8K, AudioFormat
from providers.codec import Close, Failed
from providers.errors import (
    ApiError,
    AuthenticationError,
    InvalidResponseError,
    MissingKeyError,
    QuotaError,
    UnavailableError,
    UnsupportedError,
    UnsupportedFormatError,
    UnsupportedLanguageError,
)
from providers.openai_account import PCM16_24K
from providers.stt.heard import Finalized, Finished, Heard, Ready, Token
from providers.stt.openai import ALAW_8K, OpenAiRecognizer, OpenAiSttCodec
from providers.types import SttOptions
from tests.providers.recorded import recorded

ULAW = SttOptions(audio=ULAW_8K)


def codec_of(options: SttOptions = ULAW, **account: str) -> OpenAiSttCodec:
    return OpenAiRecognizer(api_key="the-key", **account).codec(options)


def configured(options: SttOptions = ULAW, **account: str) -> dict[str, Any]:
    (frame,) = codec_of(options, **account).opening()
    session: dict[str, Any] = orjson.loads(frame)["session"]
    assert session.pop("type") == "transcription"
    heard: dict[str, Any] = session["audio"]["input"]
    return heard


def said(**message: Any) -> str:
    return orjson.dumps(message).decode()


def test_a_conversation() -> None:
    codec = codec_of()
    messages = iter(recorded("openai_stt"))

    def hears(count: int) -> list[object]:
        return [event for _ in range(count) for event in codec.decode(next(messages))]

    assert not codec.ready
    assert hears(2) == [Ready()]
    assert codec.ready
    codec.audio(bytes(8_000))
    assert hears(3) == [
        Heard((), [Token(" Hel", 0, 1000)]),
        Heard((), [Token(" Hello", 0, 1000)]),
        Heard((), [Token(" Hello", 0, 1000)]),
    ]
    codec.finalize()
    codec.audio(bytes(4_000))
    codec.finalize()
    assert hears(5) == []
    first = [Token(f" {word}", 0, 1000, language="en") for word in ("Hello,", "there.")]
    second = Token(" Second.", 1000, 1500)
    assert hears(1) == [
        Heard(first, [second]),
        Finalized(all_heard=True),
        Heard([second], []),
        Finalized(all_heard=True),
    ]
    codec.audio(bytes(160))
    # Nobody owes anything, and there is too little: no need to ask.
    assert codec.finalize() is None
    codec.audio(bytes(8_000))
    codec.finalize()
    assert hears(1) == [Heard([], []), Finalized()]
    codec.closing()
    assert hears(2) == [Heard([], []), Finished()]


def test_what_is_said_first() -> None:
    codec = codec_of()
    request = codec.request()
    assert request.url == "wss://api.openai.com/v1/realtime?intent=transcription"
    assert request.headers == {"Authorization": "Bearer the-key"}
    assert "the-key" not in str(codec.opening())
    assert configured() == {
        "format": {"type": "audio/pcmu"},
        "transcription": {"model": "gpt-live-transcribe", "language": "en"},
        "turn_detection": None,
    }
    assert codec.keepalive() == codec.opening()[0]


@pytest.mark.parametrize(
    ("audio", "name"),
    [
        (ULAW_8K, {"type": "audio/pcmu"}),
        (ALAW_8K, {"type": "audio/pcma"}),
        (PCM16_24K, {"type": "audio/pcm", "rate": 24000}),
    ],
)
def test_audio_has_three_formats(audio: AudioFormat, name: dict[str, Any]) -> None:
    assert configured(SttOptions(audio=audio))["format"] == name


@pytest.mark.parametrize(
    ("options", "account", "transcription"),
    [
        ({"language": "auto"}, {}, {"model": "gpt-live-transcribe"}),
        (
            {"language": "nb-NO", "languages": ("en", "en-GB")},
            {},
            {"model": "gpt-live-transcribe", "languages": ["no", "en"]},
        ),
        (
            {"key_terms": ("Parley", "Twilio"), "phrases": ("Twilio", "yes")},
            {},
            {
                "model": "gpt-live-transcribe",
                "language": "en",
                "keywords": ["Parley", "Twilio", "yes"],
            },
        ),
        (
            {"languages": ("de",), "key_terms": ("Parley",)},
            {"stt_model": "gpt-realtime-whisper"},
            {"model": "gpt-realtime-whisper", "language": "en"},
        ),
        ({"model": "gpt-transcribe"}, {}, {"model": "gpt-transcribe", "language": "en"}),
    ],
)
def test_options(
    options: dict[str, Any], account: dict[str, str], transcription: dict[str, Any]
) -> None:
    asked = SttOptions(audio=ULAW_8K, **options)
    assert configured(asked, **account)["transcription"] == transcription


def test_a_model_without_keywords_does_not_promise_them() -> None:
    assert "key_terms" in OpenAiRecognizer(api_key="k").capabilities.options
    other = OpenAiRecognizer(api_key="k", stt_model="gpt-realtime-whisper")
    assert other.capabilities.options == {"interim_results", "model"}
    assert other.honours(SttOptions()) == other.capabilities.options
    # It is the model that is asked for which counts.
    assert "key_terms" in other.honours(SttOptions(model="gpt-live-transcribe"))


def test_what_is_said_later() -> None:
    codec = codec_of()
    audio = bytes(range(200)) * 4
    assert orjson.loads(codec.audio(audio)) == {
        "type": "input_audio_buffer.append",
        "audio": base64.b64encode(audio).decode(),
    }
    commit = codec.finalize()
    assert commit is not None
    assert orjson.loads(commit) == {"type": "input_audio_buffer.commit", "event_id": "commit-1"}
    # One is owed: the order of answers is the vendor's to keep.
    assert codec.finalize() is not None
    assert orjson.loads(codec.closing())["event_id"] == "end"


def test_an_item_that_failed_is_asked_for_again() -> None:
    kind = "conversation.item.input_audio_transcription.failed"
    codec = codec_of()
    (failed,) = codec.decode(said(type=kind, item_id="item_1", error={"code": "strange"}))
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, ApiError)
    assert failed.error.retryable
    (failed,) = codec.decode(said(type=kind, item_id="i", error={"code": "insufficient_quota"}))
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, QuotaError)
    assert not failed.error.retryable


@pytest.mark.parametrize(
    ("error", "kind", "retryable"),
    [
        ({"type": "server_error"}, UnavailableError, True),
        ({"code": "session_expired"}, UnavailableError, True),
        ({"code": "model_not_found"}, UnsupportedError, False),
        ({"type": "invalid_request_error"}, ApiError, False),
    ],
)
def test_an_error_ends_the_connection(
    error: dict[str, Any], kind: type[Exception], retryable: bool
) -> None:
    (failed,) = codec_of().decode(said(type="error", error=error))
    assert isinstance(failed, Failed)
    assert (type(failed.error), failed.error.retryable) == (kind, retryable)


@pytest.mark.parametrize(
    "message",
    [
        "no JSON",
        "{}",
        '{"type":[]}',
        '{"type":"error"}',
        '{"type":"error","error":7}',
        '{"type":"error","error":"down"}',
        '{"type":"input_audio_buffer.committed"}',
        '{"type":"input_audio_buffer.committed","item_id":7}',
        '{"type":"conversation.item.input_audio_transcription.delta","item_id":"i","delta":[1]}',
        '{"type":"conversation.item.input_audio_transcription.completed","item_id":"i"}',
        '{"type":"conversation.item.input_audio_transcription.completed","item_id":"i",'
        '"transcript":"a","languages":[7]}',
        '{"type":"conversation.item.input_audio_transcription.failed","item_id":"i"}',
    ],
)
def test_what_cannot_be_read_raises(message: str) -> None:
    with pytest.raises(InvalidResponseError):
        codec_of().decode(message)


def test_refusals_and_goodbyes() -> None:
    codec = codec_of()
    assert isinstance(codec.refused(401, {}, b""), AuthenticationError)
    assert list(codec.closed(Close(1000))) == list(codec.unanswered()) == []


def test_what_is_not_on_offer() -> None:
    with pytest.raises(UnsupportedLanguageError, match="tlh"):
        codec_of(SttOptions(audio=ULAW_8K, language="tlh"))
    with pytest.raises(UnsupportedFormatError, match="µ-law"):
        codec_of(SttOptions(audio=PCM16_16K))
    with pytest.raises(MissingKeyError):
        OpenAiRecognizer()
