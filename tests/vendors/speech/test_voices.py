"""Who speaks, without a socket; eSpeak is heard in the stand-ins' own tests."""

from __future__ import annotations

import pytest

from media.audio import PCM16_16K, ULAW_8K, AudioFormat, Encoding, encode

from .voices import CHUNK_MS, EspeakVoice, ToneVoice, sayable, spoken, tones

TEXT = "One. Two! Three"


def test_a_voice_may_want_whole_sentences() -> None:
    pytest.importorskip("espeakng_loader")
    voice = EspeakVoice()
    assert sayable(voice, TEXT, ended=False) == ("One. ", "Two! Three")
    assert sayable(voice, "Three", ended=False) == ("", "Three")
    assert sayable(voice, TEXT, ended=True) == (TEXT, "")
    assert sayable(ToneVoice(), TEXT, ended=False) == (TEXT, "")


@pytest.mark.parametrize("audio_format", [ULAW_8K, PCM16_16K, AudioFormat(Encoding.PCM16, 24_000)])
async def test_what_is_spoken_comes_in_chunks(audio_format: AudioFormat) -> None:
    chunks = [chunk async for chunk in spoken(ToneVoice(), TEXT, audio_format, speed=2.0)]
    samples = tones(TEXT, audio_format.sample_rate_hz, 2.0)
    assert b"".join(chunks) == encode(samples, audio_format.encoding)
    assert {len(chunk) for chunk in chunks[:-1]} == {audio_format.byte_count(CHUNK_MS)}
