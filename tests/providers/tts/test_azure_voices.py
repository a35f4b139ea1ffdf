from __future__ import annotations

import orjson
import pytest

from providers.errors import InvalidResponseError
from providers.tts.azure_speech import AzureSpeech
from providers.tts.azure_voices import VOICES, default_voice, is_multilingual, locale_of
from providers.types import Voice

PAGES = AzureSpeech(speech_key="the-key", speech_region="westeurope").voice_pages
JENNY = {
    "Name": "Microsoft Server Speech Text to Speech Voice (en-US, JennyNeural)",
    "DisplayName": "Jenny",
    "LocalName": "Jenny",
    "ShortName": "en-US-JennyNeural",
    "Gender": "Female",
    "Locale": "en-US",
    "LocaleName": "English (United States)",
    "StyleList": ["assistant", "customerservice"],
    "SampleRateHertz": "24000",
    "VoiceType": "Neural",
    "Status": "GA",
    "VoiceTag": {"TailoredScenarios": ["Chat"], "VoicePersonalities": ["Sincere", "Pleasant"]},
    "WordsPerMinute": "152",
}
AVA = {
    "ShortName": "en-US-AvaMultilingualNeural",
    "DisplayName": "Ava Multilingual",
    "Locale": "en-US",
    "SecondaryLocaleList": ["de-DE", "fr-FR"],
}


def test_who_speaks_a_language() -> None:
    assert default_voice("en") == default_voice("en-US") == VOICES["en-US"] == "en-US-JennyNeural"
    assert default_voice("en_gb") == "en-GB-SoniaNeural"
    assert default_voice("de-LI") == "de-DE-KatjaNeural"
    assert default_voice("qaa") is None


def test_what_a_name_says() -> None:
    assert locale_of("fil-PH-BlessicaNeural") == "fil-PH"
    assert locale_of("zh-CN-liaoning-XiaobeiNeural") == "zh-CN-liaoning"
    assert locale_of("en-US-Ava:DragonHDLatestNeural") == "en-US"
    assert locale_of("my-own-custom") is not None
    assert locale_of("Contoso") is locale_of("Contoso-Own-Voice") is None
    assert is_multilingual("en-US-AvaMultilingualNeural")
    assert is_multilingual("en-US-Ava:DragonHDLatestNeural")
    assert not is_multilingual("en-US-JennyNeural")


def test_the_voices_that_azure_lists() -> None:
    request = PAGES.request(None)
    assert request.url == (
        "https://westeurope.tts.speech.microsoft.com/cognitiveservices/voices/list"
    )
    assert (request.method, request.headers) == ("GET", {"Ocp-Apim-Subscription-Key": "the-key"})
    assert PAGES.read(orjson.dumps([JENNY, AVA])) == (
        [
            Voice(
                "en-US-JennyNeural",
                "Jenny",
                "en-US",
                gender="female",
                description="Sincere; Pleasant; styles: assistant, customerservice",
                use_cases=("Chat",),
                provider="azure",
            ),
            Voice("en-US-AvaMultilingualNeural", "Ava Multilingual", "", provider="azure"),
        ],
        None,
    )


@pytest.mark.parametrize("body", [b"<html>", b"7", b"[7]", b"[{}]", b'[{"ShortName":"x"}]'])
def test_what_is_no_list_of_voices(body: bytes) -> None:
    with pytest.raises(InvalidResponseError):
        PAGES.read(body)
