from __future__ import annotations

from typing import Any

import pytest

from providers.errors import UnsupportedError
from providers.tts.google_once import GoogleOnceSynthesizer
from providers.types import TtsOptions

from .test_google_speech import LISTED

ULAW_8K = {"audio_encoding": 5, "sample_rate_hertz": 8_000}
SSML = "<speak>One <break time='1s'/> two.</speak>"


def once(**account: str) -> GoogleOnceSynthesizer:
    return GoogleOnceSynthesizer(api_key="k", **account)


def asked(text: str, **options: Any) -> dict[str, Any]:
    call = once().call(text, TtsOptions(**options))
    assert call.method == "synthesize_speech"
    (request,) = call.messages
    return dict(request)


def test_a_text_is_asked_for() -> None:
    assert asked("Good morning.") == {
        "input": {"text": "Good morning."},
        "voice": {"language_code": "en-US"},
        "audio_config": ULAW_8K,
    }


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        (SSML, SSML),
        (f"\n<?xml version='1.0'?>{SSML}", f"\n<?xml version='1.0'?>{SSML}"),
        ("One <break/> two.", "<speak>One <break/> two.</speak>"),
    ],
)
def test_ssml_is_a_document(given: str, sent: str) -> None:
    assert asked(given, ssml=True)["input"] == {"ssml": sent}


@pytest.mark.parametrize(
    ("volume", "gain_db"), [(1.0, 0.0), (0.5, -6.02), (6.0, 15.56), (0.0, -96.0), (1e-9, -96.0)]
)
def test_a_volume_is_a_gain(volume: float, gain_db: float) -> None:
    gain = asked("Good morning.", volume=volume)["audio_config"]["volume_gain_db"]
    assert gain == pytest.approx(gain_db, abs=0.01)


def test_speed_and_pitch_are_asked_for() -> None:
    audio = asked("Good morning.", speed=0.5, pitch=-3.0)["audio_config"]
    assert audio == {**ULAW_8K, "speaking_rate": 0.5, "pitch": -3.0}


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ({"pitch": 20.5}, "-20 to 20"),
        ({"pitch": -21.0}, "-20 to 20"),
        ({"pitch": 1.0, "voice": "Kore"}, "Neural2"),
        ({"volume": 6.5}, "6.3"),
        ({"speed": 3.0}, "0.25 to 2"),
    ],
)
def test_what_is_not_on_offer_is_refused(options: dict[str, Any], hint: str) -> None:
    with pytest.raises(UnsupportedError) as raised:
        once().check(TtsOptions(**options))
    assert hint in raised.value.hint


def test_every_voice_is_on_offer() -> None:
    once().check(TtsOptions(voice="en-US-Neural2-F", pitch=20.0, volume=6.3))
    once().check(TtsOptions(voice="Kore", language="de"))
    assert once().capabilities.speaks("af-ZA")
    (voice,) = once().voices_of([LISTED])
    assert (voice.id, voice.provider) == ("en-US-Neural2-F", "google-once")


def test_a_long_text_may_take_longer() -> None:
    assert once().answer_s("x" * 500, 2.0) == pytest.approx(4.0)
