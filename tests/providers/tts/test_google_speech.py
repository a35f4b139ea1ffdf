from __future__ import annotations

from typing import Any

import pytest

from providers.errors import MissingKeyError, UnsupportedError, UnsupportedLanguageError
from providers.tts.google_speech import CHIRP_LOCALES, LOCALES, GoogleSpeech, languages_of
from providers.types import TtsOptions, Voice

LISTED: dict[str, Any] = {
    "language_codes": ["en-US"],
    "name": "en-US-Neural2-F",
    "ssml_gender": 2,
    "natural_sample_rate_hertz": 24_000,
}


def speech(**account: Any) -> GoogleSpeech:
    return GoogleSpeech(api_key="k", **account)


def test_without_a_key_there_is_no_voice() -> None:
    with pytest.raises(MissingKeyError, match="GOOGLE_API_KEY"):
        GoogleSpeech()


@pytest.mark.parametrize(
    ("language", "locale"),
    [
        ("en", "en-US"),
        ("en-GB", "en-GB"),
        ("en_gb", "en-GB"),
        ("en-NZ", "en-US"),
        ("es-MX", "es-US"),
        ("es-ES", "es-ES"),
        ("pt-PT", "pt-PT"),
        ("zh", "cmn-CN"),
        ("zh-CN", "cmn-CN"),
        ("zh-TW", "cmn-TW"),
        ("zh-HK", "yue-HK"),
        ("no", "nb-NO"),
        ("tl", "fil-PH"),
    ],
)
def test_a_language_is_spoken_in_the_nearest_locale(language: str, locale: str) -> None:
    assert speech().voice(TtsOptions(language=language)) == {"language_code": locale}


@pytest.mark.parametrize("language", ["qaa", "e", "", "english"])
def test_other_languages_are_refused(language: str) -> None:
    with pytest.raises(UnsupportedLanguageError) as raised:
        speech().check(TtsOptions(language=language))
    assert raised.value.hint


def test_every_language_has_a_locale() -> None:
    for locales in (CHIRP_LOCALES, LOCALES):
        vendor = speech()
        vendor.locales = locales
        for language in languages_of(locales):
            assert vendor.voice(TtsOptions(language=language))["language_code"] in locales


@pytest.mark.parametrize(
    ("account", "options", "voice"),
    [
        ({}, {"voice": "Puck"}, ("de-DE", "de-DE-Chirp3-HD-Puck")),
        ({}, {"voice": "en-US-Neural2-F"}, ("en-US", "en-US-Neural2-F")),
        ({"voice": "Puck"}, {}, ("de-DE", "de-DE-Chirp3-HD-Puck")),
        ({"voice": "de-DE-Neural2-G"}, {}, ("de-DE", "de-DE-Neural2-G")),
        ({"voice": "de-DE-Neural2-G"}, {"voice": "Puck"}, ("de-DE", "de-DE-Chirp3-HD-Puck")),
        ({"voice": "en-US-Neural2-F"}, {}, ("de-DE", None)),
    ],
)
def test_a_voice_has_a_name(
    account: dict[str, Any], options: dict[str, Any], voice: tuple[str, str | None]
) -> None:
    asked = speech(**account).voice(TtsOptions(language="de-DE", **options))
    assert (asked["language_code"], asked.get("name")) == voice
    assert "model_name" not in asked


@pytest.mark.parametrize(
    ("account", "options", "voice"),
    [
        ({"tts_model": "gemini-2.5-flash-tts"}, {}, ("Kore", "gemini-2.5-flash-tts")),
        ({}, {"model": "other", "voice": "en-US-Chirp3-HD-Puck"}, ("Puck", "other")),
        ({"tts_model": "one", "voice": "Leda"}, {"model": "two"}, ("Leda", "two")),
    ],
)
def test_a_model_has_voices_of_its_own(
    account: dict[str, Any], options: dict[str, Any], voice: tuple[str, str]
) -> None:
    asked = speech(**account).voice(TtsOptions(**options))
    name, model = voice
    assert asked == {"language_code": "en-US", "name": name, "model_name": model}


@pytest.mark.parametrize("speed", [0.2, 2.1])
def test_a_speed_out_of_bounds_is_refused(speed: float) -> None:
    with pytest.raises(UnsupportedError, match=r"0\.25 to 2"):
        speech().check(TtsOptions(speed=speed))
    speech().check(TtsOptions(speed=2.0))


def test_an_answer_is_read_without_its_header() -> None:
    read = speech().reader()
    assert read(b"\xff" * 20) + read(b"") == b"\xff" * 20


def test_a_list_of_voices_is_understood() -> None:
    chinese = {
        **LISTED,
        "language_codes": ["cmn-TW"],
        "name": "cmn-TW-Standard-A",
        "ssml_gender": 0,
    }
    assert speech().voices_of([LISTED, chinese]) == [
        Voice("en-US-Neural2-F", "Neural2-F", "en-US", gender="female", provider="google"),
        Voice("cmn-TW-Standard-A", "Standard-A", "zh-TW", provider="google"),
    ]
