from __future__ import annotations

import orjson
import pytest

from providers.codec import Close, Failed
from providers.errors import (
    AuthenticationError,
    DeadlineError,
    InvalidResponseError,
    QuotaError,
    UnsupportedError,
)
from providers.tts.soniox import VOICE, SonioxSynthesizer
from providers.tts.spoken import AudioEnd, ContextFailed, Spoken, Terminated
from providers.types import TtsOptions
from tests.providers.recorded import recorded

VENDOR = SonioxSynthesizer(api_key="the-key")
CODEC = VENDOR.codec(TtsOptions())


def test_a_conversation() -> None:
    *events, failed, closed = (
        e for message in recorded("soniox_tts") for e in CODEC.decode(message)
    )
    assert isinstance(failed, Terminated)
    assert events[:-1] == [
        Spoken("c1", b"\x7f~~\x7f"),
        Spoken("c2", b"\xff\xff"),
        Spoken("c1", b"\x00\x01"),
        AudioEnd("c1"),
        Terminated("c1"),
    ]
    assert isinstance(events[-1], ContextFailed)
    assert (events[-1].context, type(events[-1].error)) == ("c2", DeadlineError)
    assert isinstance(closed, Failed)
    assert isinstance(closed.error, AuthenticationError)


@pytest.mark.parametrize(
    "message",
    [
        "no JSON",
        '{"stream_id":7,"audio":""}',
        '{"stream_id":"c1","audio":"?"}',
        '{"stream_id":"c1","audio":true}',
        '{"stream_id":"c1","audio":"abc"}',
        '{"stream_id":"c1","audio":"ü"}',
    ],
)
def test_what_cannot_be_read_raises(message: str) -> None:
    with pytest.raises(InvalidResponseError):
        CODEC.decode(message)


def test_a_text_is_asked_for_whole() -> None:
    options = TtsOptions(language="de-DE", voice="Maya", speed=1.2)
    config, words = map(orjson.loads, CODEC.begin("c7", "Grüß Gott", options))
    assert config == {
        "stream_id": "c7",
        "model": "tts-rt-v2",
        "language": "de",
        "voice": "Maya",
        "audio_format": "pcm_mulaw",
        "sample_rate": 8000,
        "speed": 1.2,
    }
    assert words == {"stream_id": "c7", "text": "Grüß Gott", "text_end": True}
    plain = orjson.loads(CODEC.begin("c8", "Hi", TtsOptions())[0])
    assert (plain["voice"], "speed" in plain) == (VOICE, False)


def test_what_else_is_said() -> None:
    assert CODEC.opening() == ()
    assert orjson.loads(CODEC.keepalive()) == {"keep_alive": True}
    assert list(map(orjson.loads, CODEC.cancel("c7"))) == [{"stream_id": "c7", "cancel": True}]


def test_the_key_goes_in_the_handshake_alone() -> None:
    request = CODEC.request()
    assert request.url == "wss://tts-rt.soniox.com/tts-websocket"
    assert request.headers == {"Authorization": "Bearer the-key"}
    other = SonioxSynthesizer(api_key="the-key", tts_url="ws://127.0.0.1:1/x")
    assert other.codec(TtsOptions()).request().url == "ws://127.0.0.1:1/x"
    assert isinstance(CODEC.refused(402, {}, b""), QuotaError)
    assert CODEC.closed(Close(1000)) == ()


def test_what_is_on_offer() -> None:
    VENDOR.check(TtsOptions(language="en-GB", speed=0.7))
    with pytest.raises(UnsupportedError, match="language"):
        VENDOR.check(TtsOptions(language="tlh"))
    for speed in (0.69, 1.31, float("nan")):
        with pytest.raises(UnsupportedError, match="speed"):
            VENDOR.check(TtsOptions(speed=speed))
    assert [voice.id for voice in VENDOR.voices()] == [VOICE]


def test_one_connection_is_for_every_voice() -> None:
    spoken = (TtsOptions(), TtsOptions(voice="Nina", language="de", speed=0.8))
    assert len({VENDOR.route(options) for options in spoken}) == 1
    assert isinstance(VENDOR.refused(401, {}, b""), AuthenticationError)
