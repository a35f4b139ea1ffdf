from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest

from providers.codec import Close, Failed, Reply
from providers.errors import (
    AuthenticationError,
    InvalidResponseError,
    QuotaError,
    UnavailableError,
    UnsupportedError,
)
from providers.tts.elevenlabs import ElevenLabsSynthesizer
from providers.tts.spoken import AudioEnd, Spoken, Terminated
from providers.types import TtsOptions, WordPosition
from tests.providers.recorded import recorded

VENDOR = ElevenLabsSynthesizer(api_key="the-key")
PLAIN = TtsOptions()
CLOSE_C1 = Reply('{"context_id":"c1","close_context":true}')


def test_a_conversation() -> None:
    codec = VENDOR.codec(PLAIN)
    for context, text in (("c1", "Hi you"), ("c2", "Oh"), ("c3", "…")):
        codec.begin(context, text, PLAIN)
    *events, failed = (e for message in recorded("elevenlabs_tts") for e in codec.decode(message))
    assert events == [
        Spoken("c1", b"\x7f~~\x7f", (WordPosition(0, 2, 0), WordPosition(3, 6, 60))),
        CLOSE_C1,
        Spoken("c2", b"\xff\xff"),
        Reply('{"context_id":"c2","close_context":true}'),
        Spoken("c1", b"\x00\x01"),
        AudioEnd("c1"),
        Terminated("c1"),
        AudioEnd("c2"),
        Terminated("c2"),
        # Without audio it was not spoken.
        Terminated("c3"),
        Reply('{"context_id":"kept","text":" "}'),
    ]
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, QuotaError)


@pytest.mark.parametrize(
    "message",
    [
        "no JSON",
        '{"contextId":7,"audio":""}',
        '{"contextId":"c1","audio":"?"}',
        '{"contextId":"c1","audio":true}',
        '{"contextId":"c1","audio":"//8=","alignment":7}',
        '{"contextId":"c1","audio":"//8=","alignment":{"chars":["a"],"charStartTimesMs":[]}}',
        '{"contextId":"c1","audio":"//8=","alignment":{"chars":["a"],"charStartTimesMs":["0"]}}',
    ],
)
def test_what_cannot_be_read_raises(message: str) -> None:
    codec = VENDOR.codec(PLAIN)
    codec.begin("c1", "a", PLAIN)
    with pytest.raises(InvalidResponseError):
        codec.decode(message)


def test_what_is_not_known_is_no_event() -> None:
    codec = VENDOR.codec(PLAIN)
    assert codec.decode('{"contextId":"c9","audio":"?"}') == []
    assert codec.decode('{"warning":"new"}') == []


def test_a_text_is_asked_for_whole() -> None:
    options = TtsOptions(voice="v2", speed=1.1, stability=0.4)
    codec = VENDOR.codec(options)
    first, words = map(orjson.loads, codec.begin("c7", "Grüß Gott", options))
    assert first == {
        "context_id": "c7",
        "text": " ",
        "voice_settings": {"stability": 0.4, "speed": 1.1},
    }
    assert words == {"context_id": "c7", "text": "Grüß Gott ", "flush": True}


def test_a_context_is_closed_once() -> None:
    codec = VENDOR.codec(PLAIN)
    codec.begin("c1", "Hi", PLAIN)
    codec.begin("c2", "Hi", PLAIN)
    assert codec.cancel("c1") == [CLOSE_C1.frame]
    assert codec.cancel("c1") == ()
    # What was on its way still comes, and is not answered.
    assert codec.decode('{"contextId":"c1","audio":"//8="}') == [Spoken("c1", b"\xff\xff")]
    codec.decode('{"contextId":"c2","audio":"//8="}')
    assert codec.cancel("c2") == ()
    codec.decode('{"contextId":"c2","isFinal":true}')
    assert codec.cancel("c2") == ()


def test_a_connection_is_kept_by_a_context_of_its_own() -> None:
    codec = VENDOR.codec(PLAIN)
    assert list(map(orjson.loads, codec.opening())) == [{"context_id": "kept", "text": " "}]
    keepalive = codec.keepalive()
    assert orjson.loads(keepalive) == {"context_id": "kept", "text": ""}


def address_of(**options: Any) -> tuple[str, dict[str, list[str]]]:
    request = VENDOR.codec(TtsOptions(**options)).request()
    assert request.headers == {"xi-api-key": "the-key"}
    address = urlsplit(request.url)
    return f"{address.scheme}:{address.path}", parse_qs(address.query)


def test_voice_model_and_language_stand_in_the_address() -> None:
    path, query = address_of(voice="v/2", language="de-DE", ssml=True)
    assert path == "wss:/v1/text-to-speech/v%2F2/multi-stream-input"
    assert query == {
        "model_id": ["eleven_flash_v2_5"],
        "output_format": ["ulaw_8000"],
        "inactivity_timeout": ["180"],
        "auto_mode": ["true"],
        "sync_alignment": ["true"],
        "language_code": ["de"],
        "enable_ssml_parsing": ["true"],
    }
    _, query = address_of(model="eleven_multilingual_v2")
    assert query.keys().isdisjoint({"language_code", "enable_ssml_parsing"})


def test_texts_that_agree_in_the_address_share_a_connection() -> None:
    plain = VENDOR.route(PLAIN)
    assert VENDOR.route(TtsOptions(language="en-GB", speed=1.1, stability=1)) == plain
    for other in ({"voice": "x"}, {"model": "eleven_turbo_v2"}, {"language": "de"}, {"ssml": True}):
        assert VENDOR.route(TtsOptions(**other)) != plain


def test_what_is_on_offer() -> None:
    VENDOR.check(PLAIN)
    for model in ("eleven_v3", "eleven_v3_conversational", "eleven_v4_turbo"):
        with pytest.raises(UnsupportedError, match="elevenlabs-http"):
            VENDOR.codec(TtsOptions(model=model))
    assert VENDOR.voices() == ()


def test_refusals() -> None:
    codec = VENDOR.codec(PLAIN)
    assert isinstance(codec.refused(401, {}, b""), AuthenticationError)
    assert isinstance(VENDOR.refused(401, {}, b""), AuthenticationError)
    (failed,) = codec.closed(Close(1008, "Maximum simultaneous contexts exceeded"))
    assert isinstance(failed.error, UnavailableError)
    assert "contexts" in failed.error.reason
    assert codec.closed(Close(1008)) == codec.closed(Close(1000, "bye")) == ()
