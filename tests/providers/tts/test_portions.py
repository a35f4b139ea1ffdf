from __future__ import annotations

import pytest

from providers.errors import UnsupportedError
from providers.tts.elevenlabs import ElevenLabsSynthesizer
from providers.tts.elevenlabs_http import ElevenLabsHttpSynthesizer
from providers.tts.portions import portions
from providers.types import TtsOptions

SPEAKS_SSML = ElevenLabsSynthesizer(api_key="k")
PLAIN = ElevenLabsHttpSynthesizer(api_key="k")
SENTENCE = "Nine bytes. "
LONG = SENTENCE * 200


def test_a_text_is_cut_and_what_has_no_sound_is_left_out() -> None:
    assert list(portions(SPEAKS_SSML, "One. Two.", TtsOptions())) == ["One. Two."]
    assert list(portions(SPEAKS_SSML, " … ", TtsOptions())) == []
    parts = list(portions(SPEAKS_SSML, LONG, TtsOptions()))
    assert "".join(parts) == LONG
    assert [len(part) for part in parts] == [1200, 1200]
    slowly = list(portions(SPEAKS_SSML, LONG, TtsOptions(speed=0.5)))
    assert max(map(len, slowly)) <= 600


def test_ssml_is_spoken_whole_or_not_at_all() -> None:
    ssml = TtsOptions(ssml=True)
    text = f"<speak>{SENTENCE * 99}<break time='1s'/></speak>"
    assert list(portions(SPEAKS_SSML, text, ssml)) == [text]
    with pytest.raises(UnsupportedError, match="2400 bytes"):
        portions(SPEAKS_SSML, LONG, ssml)
    # Whom it is nothing but text to, it is a text.
    assert len(list(portions(PLAIN, LONG * 2, ssml))) > 1
