from __future__ import annotations

from typing import Any

import pytest

from providers.errors import UnsupportedError, UnsupportedLanguageError
from providers.tts.google import GoogleSynthesizer
from providers.types import TtsOptions

from .test_google_speech import LISTED

ULAW_8K = {"audio_encoding": 5, "sample_rate_hertz": 8_000}
KORE = {"language_code": "en-US", "name": "en-US-Chirp3-HD-Kore"}


def google(**account: Any) -> GoogleSynthesizer:
    return GoogleSynthesizer(api_key="k", **account)


def test_a_text_is_said_in_a_stream_of_its_own() -> None:
    call = google().call("Good morning.", TtsOptions())
    assert call.method == "streaming_synthesize"
    assert call.messages == [
        {"streaming_config": {"voice": KORE, "streaming_audio_config": ULAW_8K}},
        {"input": {"text": "Good morning."}},
    ]
    assert "morning" not in repr(call)


def test_a_speed_is_asked_for() -> None:
    config, _ = google().call("Good morning.", TtsOptions(speed=1.5)).messages
    audio = config["streaming_config"]["streaming_audio_config"]
    assert audio == {**ULAW_8K, "speaking_rate": 1.5}


def test_a_voice_of_another_language_does_not_speak_this_one() -> None:
    voice = google(voice="de-DE-Chirp3-HD-Puck").voice(TtsOptions())
    assert voice == KORE


@pytest.mark.parametrize(
    ("account", "voice"), [({}, "en-US-Neural2-F"), ({"voice": "en-US-Standard-C"}, None)]
)
def test_other_voices_cannot_be_streamed(account: dict[str, Any], voice: str | None) -> None:
    with pytest.raises(UnsupportedError, match="google-once"):
        google(**account).check(TtsOptions(voice=voice))


def test_chirp_and_gemini_can() -> None:
    google().check(TtsOptions(voice="fr-FR-Chirp3-HD-Leda", language="fr"))
    google(tts_model="gemini-2.5-flash-tts").check(TtsOptions(voice="Leda"))


def test_languages_that_chirp_does_not_speak_are_refused() -> None:
    assert not google().capabilities.speaks("af-ZA")
    with pytest.raises(UnsupportedLanguageError):
        google().check(TtsOptions(language="af-ZA"))


def test_only_chirp_is_listed() -> None:
    chirp = {**LISTED, "name": "en-US-Chirp3-HD-Kore"}
    (voice,) = google().voices_of([LISTED, chirp])
    assert (voice.id, voice.name) == ("en-US-Chirp3-HD-Kore", "Chirp3-HD-Kore")


def test_no_text_needs_longer_than_others() -> None:
    assert google().answer_s("Good morning." * 99, 2.0) == 2.0
