from __future__ import annotations

import pytest

from media.audio import ULAW_8K, AudioFormat, Encoding
from providers.stt.google_messages import APIS, Asked


def asked(audio_format: AudioFormat | None) -> Asked:
    return Asked("", "long", ["en-US"], audio_format)


@pytest.mark.parametrize(("version", "number"), [(1, 3), (2, 2)])
def test_the_versions_have_numbers_of_their_own(version: int, number: int) -> None:
    assert APIS[version].encodings[Encoding.ULAW] == number


def test_raw_audio_is_described() -> None:
    described = {"encoding": 2, "sample_rate_hertz": 8_000, "audio_channel_count": 1}
    assert APIS[2].config(asked(ULAW_8K))["explicit_decoding_config"] == described
    assert APIS[1].config(asked(ULAW_8K)).items() >= {**described, "encoding": 3}.items()


def test_a_file_says_itself_what_it_is() -> None:
    config = APIS[2].config(asked(None))
    assert config["auto_decoding_config"] == {}
    assert "explicit_decoding_config" not in config
    assert "encoding" not in APIS[1].config(asked(None))
