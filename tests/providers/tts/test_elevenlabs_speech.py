from __future__ import annotations

from typing import Any

import pytest

from providers.elevenlabs import ElevenLabsAccount
from providers.errors import UnsupportedError, UnsupportedLanguageError
from providers.tts.elevenlabs_speech import Speech, spoken_languages
from providers.types import TtsOptions

ACCOUNT = ElevenLabsAccount(api_key="k", voice_id="mine")


def speech(**options: Any) -> Speech:
    return Speech("elevenlabs", ACCOUNT, TtsOptions(**options))


def test_what_is_asked_for_by_default() -> None:
    plain = speech()
    assert (plain.voice, plain.model, plain.language) == ("mine", "eleven_flash_v2_5", "en")
    assert plain.settings() == {}


def test_all_that_can_be_asked_for() -> None:
    asked = speech(
        language="nb-NO",
        voice="hers",
        model="eleven_v3",
        speed=1.1,
        stability=0.0,
        similarity=0.75,
        style=0.2,
        speaker_boost=False,
        pronunciations=("d1", "d2:v7"),
    )
    assert (asked.voice, asked.model, asked.language) == ("hers", "eleven_v3", "no")
    assert asked.settings() == {
        "voice_settings": {
            "stability": 0.0,
            "similarity_boost": 0.75,
            "style": 0.2,
            "use_speaker_boost": False,
            "speed": 1.1,
        },
        "pronunciation_dictionary_locators": [
            {"pronunciation_dictionary_id": "d1"},
            {"pronunciation_dictionary_id": "d2", "version_id": "v7"},
        ],
    }


def test_the_language_is_told_to_those_that_take_it_alone() -> None:
    assert speech(language="de", model="eleven_multilingual_v2").language is None
    assert speech(language="de", model="eleven_turbo_v2_5").language == "de"
    with pytest.raises(UnsupportedLanguageError, match="eleven_flash_v2 does not speak 'de'"):
        speech(language="de", model="eleven_flash_v2")
    assert "hu" not in spoken_languages("eleven_multilingual_v2")
    assert "th" in spoken_languages("eleven_v9")


@pytest.mark.parametrize(
    "wrong",
    [
        {"speed": 0.69},
        {"speed": 1.21},
        {"speed": float("nan")},
        {"stability": 1.1},
        {"similarity": -0.1},
        {"style": 2},
        {"pronunciations": ("a", "b", "c", "d")},
    ],
)
def test_what_it_does_not_take(wrong: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedError, match=next(iter(wrong))[:9]):
        speech(**wrong)
