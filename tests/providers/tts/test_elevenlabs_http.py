from __future__ import annotations

import orjson
import pytest

from providers.errors import AuthenticationError, UnsupportedError
from providers.tts.elevenlabs_http import ElevenLabsHttpSynthesizer
from providers.types import TtsOptions

VENDOR = ElevenLabsHttpSynthesizer(api_key="the-key", voice_id="v1")


def test_a_request() -> None:
    options = TtsOptions(language="de-DE", model="eleven_v3", stability=0.5)
    request = VENDOR.request("Grüß Gott", options)
    path = "/v1/text-to-speech/v1/stream"
    assert request.url == f"https://api.elevenlabs.io{path}?output_format=ulaw_8000"
    assert request.headers == {"xi-api-key": "the-key", "content-type": "application/json"}
    assert orjson.loads(request.body) == {
        "text": "Grüß Gott",
        "model_id": "eleven_v3",
        "language_code": "de",
        "voice_settings": {"stability": 0.5},
    }
    untold = VENDOR.request("Hi", TtsOptions(model="eleven_multilingual_v2"))
    assert orjson.loads(untold.body) == {"text": "Hi", "model_id": "eleven_multilingual_v2"}


def test_what_warms_a_connection() -> None:
    request = VENDOR.warm_up()
    assert (request.method, request.url) == ("GET", "https://api.elevenlabs.io/v1/models")
    assert request.headers == {"xi-api-key": "the-key"}


def test_what_is_on_offer() -> None:
    VENDOR.check(TtsOptions(model="eleven_v4_turbo"))
    with pytest.raises(UnsupportedError, match="speed"):
        VENDOR.check(TtsOptions(speed=3))
    assert VENDOR.voices() == ()
    assert VENDOR.reader()(b"\xff") == b"\xff"
    assert isinstance(VENDOR.refused(401, {}, b""), AuthenticationError)
