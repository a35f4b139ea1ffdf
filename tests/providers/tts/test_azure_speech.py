from __future__ import annotations

from typing import Any

import pytest

from providers.errors import AuthenticationError, UnsupportedError, UnsupportedLanguageError
from providers.tts.azure_speech import AzureSpeech
from providers.tts.azure_ssml import Style
from providers.tts.azure_voices import VOICES
from providers.types import TtsOptions

AVA = "en-US-AvaMultilingualNeural"


def speech(**more: Any) -> AzureSpeech:
    return AzureSpeech(speech_key="k", speech_region="westeurope", **more)


def voice(tts_voice: str | None = None, **options: Any) -> str:
    return speech(tts_voice=tts_voice).style(TtsOptions(**options)).voice


def test_who_speaks() -> None:
    assert voice() == "en-US-JennyNeural"
    assert voice(language="de-AT") == "de-AT-IngridNeural"
    assert voice(voice="x") == "x"
    assert voice("en-US-GuyNeural") == "en-US-GuyNeural"
    assert voice("en-US-GuyNeural", language="en-GB") == "en-US-GuyNeural"
    assert voice("en-US-GuyNeural", language="de") == "de-DE-KatjaNeural"
    assert voice(AVA, language="de") == AVA
    assert voice("Contoso", language="de") == "Contoso"


def test_a_voice_of_several_languages_is_told_which() -> None:
    with_ava = speech(tts_voice=AVA)
    assert with_ava.style(TtsOptions()) == Style(voice=AVA, locale="en-US")
    assert with_ava.style(TtsOptions(language="en-GB")).foreign is False
    german = Style(voice=AVA, locale="de-DE", foreign=True)
    assert with_ava.style(TtsOptions(language="de")) == german
    assert with_ava.style(TtsOptions(language="sq-AL")).locale == "sq-AL"
    assert speech().style(TtsOptions(voice="Contoso", language="pt")).locale == "pt"


def test_languages() -> None:
    assert speech().capabilities.languages == tuple(VOICES)
    albanian = speech(tts_voice="sq-AL-AnilaNeural")
    assert albanian.capabilities.languages == ("sq-AL", *VOICES)
    albanian.check(TtsOptions(language="sq"))
    speech().check(TtsOptions(language="qaa", voice="Contoso"))
    with pytest.raises(UnsupportedLanguageError, match="qaa") as raised:
        speech().check(TtsOptions(language="qaa"))
    assert "en-US" in raised.value.hint


def test_prosody() -> None:
    def told(**options: Any) -> dict[str, str]:
        return dict(speech().style(TtsOptions(**options)).prosody)

    assert told() == told(volume=1.0, pitch=0.0) == {}
    assert told(speed=1.25, pitch=2, volume=0.5) == {
        "rate": "1.25",
        "pitch": "+2st",
        "volume": "50",
    }
    assert told(pitch=-1.5) == {"pitch": "-1.5st"}
    for wrong in ({"speed": 2.1}, {"speed": 0.4}, {"pitch": 8}, {"pitch": -13}, {"volume": 1.1}):
        with pytest.raises(UnsupportedError, match="it may be"):
            speech().check(TtsOptions(**wrong))


def test_style() -> None:
    assert speech().style(TtsOptions(style=0.5)).express_as == {}
    assert "style" not in speech().capabilities.options
    warm = speech(tts_style="customerservice")
    assert "style" in warm.capabilities.options
    assert warm.style(TtsOptions()).express_as == {"style": "customerservice"}
    degrees = [warm.style(TtsOptions(style=style)).express_as for style in (0, 0.5, 1)]
    assert [degree["styledegree"] for degree in degrees] == ["0.01", "1", "2"]
    with pytest.raises(UnsupportedError, match="style"):
        warm.check(TtsOptions(style=1.1))


def test_what_is_known_without_asking() -> None:
    first = speech().voices()[0]
    assert (first.id, first.name, first.language) == ("en-US-JennyNeural", "Jenny", "en-US")
    assert isinstance(speech().refused(401, {}, b""), AuthenticationError)
