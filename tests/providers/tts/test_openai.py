from __future__ import annotations

from typing import Any

import orjson
import pytest

from providers.errors import (
    MissingKeyError,
    QuotaError,
    UnsupportedError,
    UnsupportedLanguageError,
)
from providers.tts.openai import VOICES, OpenAiSpeech
from providers.types import TtsOptions

LOCAL = "http://127.0.0.1:8880/v1"
EU = "https://eu.api.openai.com/v1"


def vendor(**account: str) -> OpenAiSpeech:
    return OpenAiSpeech(**{"api_key": "the-key", **account})


def asked(options: TtsOptions, **account: str) -> dict[str, Any]:
    body: dict[str, Any] = orjson.loads(vendor(**account).request("Hello.", options).body)
    return body


def test_a_text_is_asked_for() -> None:
    request = vendor().request("Hello.", TtsOptions())
    assert (request.method, request.url) == ("POST", "https://api.openai.com/v1/audio/speech")
    assert request.headers == {
        "Authorization": "Bearer the-key",
        "Content-Type": "application/json",
    }
    assert asked(TtsOptions()) == {
        "model": "gpt-4o-mini-tts",
        "input": "Hello.",
        "voice": "alloy",
        "response_format": "pcm",
    }


@pytest.mark.parametrize(
    ("options", "account", "differs"),
    [
        ({"speed": 1.5}, {}, {"speed": 1.5}),
        ({"model": "tts-1"}, {}, {"model": "tts-1"}),
        ({}, {"tts_model": "kokoro"}, {"model": "kokoro"}),
        ({}, {"tts_voice": "af_heart"}, {"voice": "af_heart"}),
        ({"voice": "nobody"}, {"tts_voice": "af_heart"}, {"voice": "nobody"}),
        ({"voice": "voice_12"}, {}, {"voice": {"id": "voice_12"}}),
    ],
)
def test_options(options: dict[str, Any], account: dict[str, str], differs: dict[str, Any]) -> None:
    plain = asked(TtsOptions())
    assert asked(TtsOptions(**options), **account) == {**plain, **differs}


def test_the_key_is_tried_before_it_is_needed() -> None:
    request = vendor(org_id="org-1").warm_up()
    assert (request.method, request.url) == ("GET", "https://api.openai.com/v1/models")
    assert request.headers["OpenAI-Organization"] == "org-1"
    assert isinstance(
        vendor().refused(429, {}, b'{"error":{"code":"insufficient_quota"}}'), QuotaError
    )


def test_another_server_never_sees_openai_s_key() -> None:
    local = vendor(tts_base_url=LOCAL)
    assert local.request("Hello.", TtsOptions()).url == f"{LOCAL}/audio/speech"
    assert local.warm_up().headers == {}
    assert "the-key" not in str(local.request("Hello.", TtsOptions()).headers)
    hosted = vendor(tts_base_url="https://tts.example/v1", tts_api_key="its-key")
    assert hosted.warm_up().headers == {"Authorization": "Bearer its-key"}
    OpenAiSpeech(tts_base_url=LOCAL)  # needs none
    OpenAiSpeech(base_url=LOCAL)
    with pytest.raises(MissingKeyError, match="OPENAI_API_KEY"):
        OpenAiSpeech()
    with pytest.raises(MissingKeyError, match="OPENAI_TTS_API_KEY"):
        OpenAiSpeech(api_key="k", tts_base_url=EU)


def test_a_key_that_is_refused_is_called_by_its_name() -> None:
    def hint(**account: str) -> str:
        return vendor(**account).refused(401, {}, b"").hint

    assert "OPENAI_API_KEY" in hint()
    own = hint(tts_base_url=LOCAL, tts_api_key="its-key")
    assert "OPENAI_TTS_API_KEY" in own
    assert "OPENAI_API_KEY" not in own


def test_a_small_server_may_be_slow_and_know_no_models() -> None:
    local = vendor(tts_base_url=LOCAL)
    assert (local.answer_s, 404 in local.warm_by) == (10.0, True)
    for account in ({}, {"tts_base_url": EU, "tts_api_key": "k"}):
        assert (vendor(**account).answer_s, vendor(**account).warm_by) == (None, ())


def test_what_is_on_offer() -> None:
    vendor().check(TtsOptions(language="de-DE", speed=4.0))
    with pytest.raises(UnsupportedLanguageError, match="tlh"):
        vendor().check(TtsOptions(language="tlh"))
    # Another server may well speak it.
    vendor(tts_base_url=LOCAL).check(TtsOptions(language="tlh"))
    with pytest.raises(UnsupportedError, match="speed"):
        vendor(tts_base_url=LOCAL).check(TtsOptions(speed=0.2))


def test_voices() -> None:
    assert [voice.id for voice in vendor().voices()] == list(VOICES)
    (only,) = vendor(tts_base_url=LOCAL, tts_voice="af_heart").voices()
    assert only.id == "af_heart"
    assert [voice.id for voice in vendor(tts_base_url=LOCAL).voices()] == ["alloy"]


def test_openai_s_own_models_are_said_to_end() -> None:
    assert "2027-01-06" in vendor().capabilities.notice
    assert not vendor(tts_base_url=LOCAL).capabilities.notice


def test_answers_are_read_as_samples() -> None:
    read = vendor().reader()
    assert read(bytes(20)) + read(b"") == bytes(20)
