from __future__ import annotations

import numpy as np
import pytest

from media.audio import (
    PCM16_8K,
    PCM16_16K,
    ULAW_8K,
    AudioFormat,
    Encoding,
    decode,
    encode,
)
from providers.conversion import Converter, wanted_format

PCM16_24K = AudioFormat(Encoding.PCM16, 24_000)
PCM16_48K = AudioFormat(Encoding.PCM16, 48_000)
ALAW_8K = AudioFormat(Encoding.ALAW, 8_000)


@pytest.mark.parametrize(
    ("audio", "offered", "wanted"),
    [
        # A telephone's goes as the vendor likes it best.
        (ULAW_8K, (ULAW_8K, PCM16_16K), ULAW_8K),
        (ULAW_8K, (PCM16_16K, ULAW_8K), PCM16_16K),
        (ALAW_8K, (ULAW_8K, ALAW_8K), ULAW_8K),
        # Other audio goes as it is,
        (PCM16_16K, (ULAW_8K, PCM16_8K, PCM16_16K), PCM16_16K),
        # at a rate at which nothing is lost,
        (PCM16_16K, (ULAW_8K, PCM16_48K, PCM16_24K), PCM16_24K),
        # or at the best there is.
        (PCM16_48K, (ULAW_8K, PCM16_8K, PCM16_24K), PCM16_24K),
        (PCM16_48K, (ULAW_8K,), ULAW_8K),
    ],
)
def test_the_format_that_is_chosen(
    audio: AudioFormat, offered: tuple[AudioFormat, ...], wanted: AudioFormat
) -> None:
    assert wanted_format(offered, audio) == wanted


def tone(audio: AudioFormat, ms: int = 1_000) -> bytes:
    at_s = np.arange(audio.sample_rate_hz * ms // 1000) / audio.sample_rate_hz
    return encode((8000 * np.sin(2 * np.pi * 440 * at_s)).astype(np.int16), audio.encoding)


@pytest.mark.parametrize("source", [ULAW_8K, PCM16_16K, PCM16_48K])
@pytest.mark.parametrize("target", [ULAW_8K, ALAW_8K, PCM16_16K, PCM16_24K])
def test_a_tone_stays_a_tone(source: AudioFormat, target: AudioFormat) -> None:
    converter, audio = Converter(source, target), tone(source)
    step = source.byte_count(20)
    pieces = [converter.convert(audio[at : at + step]) for at in range(0, len(audio), step)]
    converted = b"".join([*pieces, converter.rest()])
    assert target.duration_ms(len(converted)) == pytest.approx(1_000, abs=2)
    spectrum = np.abs(np.fft.rfft(decode(converted, target.encoding).astype(float)))
    assert np.argmax(spectrum) == pytest.approx(440, abs=1)


def test_what_needs_no_conversion_is_untouched() -> None:
    converter = Converter(ULAW_8K, ULAW_8K)
    assert converter.convert(b"anything") == b"anything"
    assert converter.rest() == b""


def test_an_utterance_does_not_go_on_from_the_one_before() -> None:
    used, fresh = Converter(ULAW_8K, PCM16_16K), Converter(ULAW_8K, PCM16_16K)
    used.convert(tone(ULAW_8K, 333))
    used.restart()
    assert used.convert(tone(ULAW_8K)) == fresh.convert(tone(ULAW_8K))


def test_a_call_waits_for_no_audio() -> None:
    assert len(Converter(ULAW_8K, PCM16_16K).convert(tone(ULAW_8K, 20))) == 640


def test_two_channels_are_refused() -> None:
    with pytest.raises(ValueError, match="one channel"):
        Converter(AudioFormat(Encoding.PCM16, 16_000, 2), PCM16_16K)
