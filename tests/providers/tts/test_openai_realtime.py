from __future__ import annotations

from typing import Any

import orjson
import pytest

from providers.codec import Close, Failed, Reply
from providers.errors import (
    ApiError,
    AuthenticationError,
    InvalidResponseError,
    MissingKeyError,
    QuotaError,
    RateLimitError,
    UnavailableError,
    UnsupportedError,
    UnsupportedLanguageError,
)
from providers.tts.openai_realtime import OpenAiRealtimeCodec, OpenAiRealtimeSpeech
from providers.tts.spoken import AudioEnd, ContextFailed, Spoken, Terminated
from providers.types import TtsOptions
from tests.providers.recorded import recorded

PLAIN = TtsOptions()


def vendor(**account: str) -> OpenAiRealtimeSpeech:
    return OpenAiRealtimeSpeech(api_key="the-key", **account)


def codec_of(options: TtsOptions = PLAIN, **account: str) -> OpenAiRealtimeCodec:
    return vendor(**account).codec(options)


def said(**message: Any) -> str:
    return orjson.dumps(message).decode()


def created(context: str = "c1", response: str = "resp_1") -> str:
    metadata = {"context": context}
    return said(type="response.created", response={"id": response, "metadata": metadata})


def done(status: str, details: object = None, response: str = "resp_1") -> str:
    ended = {"id": response, "status": status, "status_details": details}
    return said(type="response.done", response=ended)


def test_a_text_is_read() -> None:
    codec = codec_of()
    events = [event for message in recorded("openai_realtime") for event in codec.decode(message)]
    assert events == [
        Spoken("c1", b"\x01\x02\x03"),
        Spoken("c1", b"\x04"),
        AudioEnd("c1"),
        Terminated("c1"),
    ]


def test_what_is_said_first() -> None:
    codec = codec_of()
    request = codec.request()
    assert request.url == "wss://api.openai.com/v1/realtime?model=gpt-realtime-2.1-mini"
    assert request.headers == {"Authorization": "Bearer the-key"}
    (update,) = codec.opening()
    session = orjson.loads(update)["session"]
    assert "word for word" in session.pop("instructions")
    assert session == {
        "type": "realtime",
        "output_modalities": ["audio"],
        "audio": {
            "input": {"turn_detection": None},
            "output": {"format": {"type": "audio/pcmu"}, "voice": "marin", "speed": 1.0},
        },
    }
    assert "the-key" not in update
    assert codec.keepalive() == update


def test_a_text_is_a_response_outside_any_conversation() -> None:
    (create,) = codec_of().begin("c1", "Hello.", PLAIN)
    assert orjson.loads(create) == {
        "type": "response.create",
        "event_id": "c1",
        "response": {
            "conversation": "none",
            "input": [
                {
                    "type": "message",
                    "role": "user",
                    "content": [{"type": "input_text", "text": "Hello."}],
                }
            ],
            "metadata": {"context": "c1"},
        },
    }


def test_a_connection_has_one_model_voice_and_speed() -> None:
    assert vendor().route(PLAIN) == vendor().route(TtsOptions(language="de", voice="marin"))
    others = [TtsOptions(voice="cedar"), TtsOptions(speed=1.2), TtsOptions(model="gpt-realtime-2")]
    assert len({vendor().route(options) for options in [PLAIN, *others]}) == 4
    (update,) = codec_of(TtsOptions(voice="voice_1", speed=1.2)).opening()
    output = orjson.loads(update)["session"]["audio"]["output"]
    assert (output["voice"], output["speed"]) == ({"id": "voice_1"}, 1.2)
    assert "model=gpt+x" in codec_of(realtime_model="gpt x").request().url


@pytest.mark.parametrize(
    ("set_voice", "spoken_by"),
    [
        ("cedar", "cedar"),
        ("voice_1", {"id": "voice_1"}),
        # Voices of OpenAI's speech over HTTP, and of another server, are none of its.
        ("nova", "marin"),
        ("af_heart", "marin"),
    ],
)
def test_who_speaks_when_nobody_is_chosen(set_voice: str, spoken_by: object) -> None:
    (update,) = codec_of(tts_voice=set_voice).opening()
    assert orjson.loads(update)["session"]["audio"]["output"]["voice"] == spoken_by


def test_a_text_is_cancelled_by_its_response() -> None:
    codec = codec_of()
    codec.decode(created())
    (frame,) = codec.cancel("c1")
    cancel = {"type": "response.cancel", "event_id": "cancel-c1", "response_id": "resp_1"}
    assert orjson.loads(frame) == cancel
    assert codec.decode(done("cancelled")) == [Terminated("c1")]


def test_a_text_is_cancelled_before_it_has_a_response() -> None:
    codec = codec_of()
    assert codec.cancel("c1") == ()
    (reply,) = codec.decode(created())
    assert isinstance(reply, Reply)
    assert orjson.loads(reply.frame)["response_id"] == "resp_1"
    # It was over before that was heard.
    error = {"type": "invalid_request_error", "event_id": "cancel-c1"}
    assert codec.decode(said(type="error", error=error)) == ()
    # The next one is another.
    assert codec.decode(created("c2", "resp_2")) == ()


def test_a_cancelled_text_may_have_been_refused() -> None:
    codec = codec_of()
    codec.cancel("c1")
    (failed,) = codec.decode(said(type="error", error={"event_id": "c1", "code": "c"}))
    assert isinstance(failed, ContextFailed)
    assert codec.decode(created("c1")) == ()


@pytest.mark.parametrize(
    ("status", "details", "kind", "retryable"),
    [
        ("failed", {"error": {"code": "rate_limit_exceeded"}}, RateLimitError, True),
        ("failed", {"error": {"code": "insufficient_quota"}}, QuotaError, False),
        ("failed", None, ApiError, False),
        ("incomplete", {"reason": "max_output_tokens"}, UnavailableError, True),
        ("incomplete", {"reason": "content_filter"}, UnavailableError, False),
        ("completed", None, UnavailableError, True),  # and nothing was said
    ],
)
def test_a_text_that_was_not_read(
    status: str, details: object, kind: type[Exception], retryable: bool
) -> None:
    codec = codec_of()
    codec.decode(created())
    (failed,) = codec.decode(done(status, details))
    assert isinstance(failed, ContextFailed)
    assert failed.context == "c1"
    assert (type(failed.error), failed.error.retryable) == (kind, retryable)


@pytest.mark.parametrize("event_id", [None, "", "session"])
def test_an_error_may_concern_the_connection(event_id: str | None) -> None:
    error = {"type": "server_error", "event_id": event_id}
    (failed,) = codec_of().decode(said(type="error", error=error))
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, UnavailableError)


def test_other_responses_are_nobody_s() -> None:
    codec = codec_of()
    delta = said(type="response.output_audio.delta", response_id="resp_9", delta="AQ==")
    assert list(codec.decode(delta)) == list(codec.decode(done("completed"))) == []


@pytest.mark.parametrize(
    "message",
    [
        "no JSON",
        "{}",
        '{"type":[]}',
        '{"type":"error","error":7}',
        '{"type":"error","error":"down"}',
        '{"type":"response.created","response":{"id":"r","metadata":null}}',
        '{"type":"response.output_audio.delta","response_id":"resp_1","delta":"!"}',
        '{"type":"response.output_audio.delta","response_id":"resp_1","delta":"é"}',
        '{"type":"response.output_audio.delta","response_id":"resp_1","delta":7}',
        '{"type":"response.output_audio.delta","response_id":[],"delta":7}',
        '{"type":"response.done","response":{"id":"resp_1"}}',
    ],
)
def test_what_cannot_be_read_raises(message: str) -> None:
    codec = codec_of()
    codec.decode(created())
    with pytest.raises(InvalidResponseError):
        codec.decode(message)


def test_what_is_on_offer() -> None:
    vendor().check(TtsOptions(language="de-DE", speed=1.5))
    with pytest.raises(UnsupportedLanguageError, match="tlh"):
        vendor().check(TtsOptions(language="tlh"))
    with pytest.raises(UnsupportedError, match="speed"):
        vendor().check(TtsOptions(speed=2.0))
    with pytest.raises(MissingKeyError):
        OpenAiRealtimeSpeech()
    names = [voice.id for voice in vendor().voices()]
    assert "marin" in names
    assert "nova" not in names
    assert "other words" in vendor().capabilities.notice


def test_refusals_and_goodbyes() -> None:
    assert isinstance(codec_of().refused(401, {}, b""), AuthenticationError)
    assert isinstance(vendor().refused(401, {}, b""), AuthenticationError)
    assert list(codec_of().closed(Close(1000))) == []
