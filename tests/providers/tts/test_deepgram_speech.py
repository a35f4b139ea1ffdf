from __future__ import annotations

import pytest

from providers.errors import (
    InvalidResponseError,
    QuotaError,
    UnsupportedError,
    UnsupportedLanguageError,
)
from providers.tts.deepgram_speech import LANGUAGES, VOICES, DeepgramSpeech
from providers.types import TtsOptions, Voice
from tests.providers.recorded import recorded


def voice(options: TtsOptions, **account: str) -> str:
    return dict(DeepgramSpeech(api_key="k", **account).query(options))["model"]


def test_who_speaks() -> None:
    assert voice(TtsOptions()) == VOICES["en"]
    assert voice(TtsOptions(language="de-AT")) == VOICES["de"]
    assert voice(TtsOptions(voice="aura-2-zeus-en", model="x")) == "aura-2-zeus-en"
    assert voice(TtsOptions(model="aura-2-zeus-en")) == "aura-2-zeus-en"
    assert voice(TtsOptions(), tts_model="aura-2-zeus-en") == "aura-2-zeus-en"
    # The voice of the settings speaks English.
    assert voice(TtsOptions(language="de"), tts_model="aura-2-zeus-en") == VOICES["de"]
    assert voice(TtsOptions(language="de"), tts_model="of-our-own") == "of-our-own"
    assert voice(TtsOptions(language="sv", model="aura-3-x-sv")) == "aura-3-x-sv"


def test_a_voice_of_the_settings_brings_its_language() -> None:
    swedish = DeepgramSpeech(api_key="k", tts_model="aura-2-astrid-sv")
    assert swedish.capabilities.languages[0] == "sv"
    swedish.check(TtsOptions(language="sv-SE"))
    assert voice(TtsOptions(language="sv"), tts_model="aura-2-astrid-sv") == "aura-2-astrid-sv"
    assert voice(TtsOptions(), tts_model="aura-2-astrid-sv") == VOICES["en"]
    with pytest.raises(UnsupportedLanguageError, match="sv, en"):
        swedish.check(TtsOptions(language="fi"))
    DeepgramSpeech(api_key="k", tts_model="of-our-own").check(TtsOptions(language="fi"))


def test_what_is_not_on_offer() -> None:
    speech = DeepgramSpeech(api_key="k")
    with pytest.raises(UnsupportedLanguageError, match="tlh"):
        speech.check(TtsOptions(language="tlh"))
    speech.check(TtsOptions(language="tlh", voice="custom"))
    for options in (
        TtsOptions(speed=0.6),
        TtsOptions(speed=1.6),
        TtsOptions(language="de", speed=1.1),
    ):
        with pytest.raises(UnsupportedError, match=r"0\.7 to 1\.5"):
            speech.check(options)
    speech.check(TtsOptions(language="es", speed=1.5))
    assert "speed" not in dict(speech.query(TtsOptions()))


def test_the_voices_that_deepgram_lists() -> None:
    speech = DeepgramSpeech(api_key="the-key")
    request = speech.voice_pages.request(None)
    assert (request.method, request.url) == ("GET", "https://api.deepgram.com/v1/models")
    assert request.headers == {"Authorization": "Token the-key"}
    (models,) = recorded("deepgram_models")
    assert speech.voice_pages.read(models.encode()) == (
        [
            Voice(
                "aura-2-thalia-en",
                "thalia",
                "en-US",
                gender="female",
                description="clear, confident",
                age="Adult",
                accent="American",
                use_cases=("Casual chat", "IVR"),
                provider="deepgram",
            ),
            Voice("aura-zeus-en", "zeus", "en", gender="male", provider="deepgram"),
            Voice("custom-1", "custom-1", "", provider="deepgram"),
        ],
        None,
    )


@pytest.mark.parametrize("body", [b"<html>", b'{"stt":[]}', b'{"tts":7}', b'{"tts":[7]}'])
def test_what_is_no_list_of_voices(body: bytes) -> None:
    with pytest.raises(InvalidResponseError):
        DeepgramSpeech(api_key="k").voice_pages.read(body)


def test_what_is_known_without_asking() -> None:
    speech = DeepgramSpeech(api_key="k")
    assert [found.language for found in speech.voices()] == list(LANGUAGES)
    assert speech.voices()[0] == Voice("aura-2-thalia-en", "thalia", "en", provider="deepgram")
    assert isinstance(speech.refused(402, {}, b""), QuotaError)
