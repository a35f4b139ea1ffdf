"""Recordings as WAV files."""

from __future__ import annotations

import numpy as np
import pytest

from media.audio import PCM16_8K, PCM16_16K, ULAW_8K
from media.files import read_wav
from providers.errors import InvalidAudioError
from providers.results import AudioData
from providers.stt.wav import as_wav, duration_ms, resampled_wav

TONE = np.tile(np.array([8_000, 8_000, -8_000, -8_000], np.int16), 2_000)


def test_raw_audio_gets_a_header() -> None:
    wav = read_wav(as_wav(AudioData(TONE.tobytes(), PCM16_16K)))
    assert wav.sample_rate_hz == 16_000
    assert np.array_equal(wav.samples[:, 0], TONE)
    assert len(read_wav(as_wav(AudioData(ULAW_8K.silence(100), ULAW_8K))).samples) == 800


def test_a_rate_may_be_asked_for() -> None:
    raw = AudioData(TONE.tobytes(), PCM16_8K)
    made = read_wav(resampled_wav("azure", raw, 16_000))
    assert (made.sample_rate_hz, len(made.samples)) == (16_000, 16_000)
    again = AudioData(as_wav(raw), None, "wav")
    assert np.array_equal(read_wav(resampled_wav("azure", again, 16_000)).samples, made.samples)


def test_what_is_no_wav_file_is_refused() -> None:
    with pytest.raises(InvalidAudioError):
        resampled_wav("azure", AudioData(b"RIFF", None, "wav"), 16_000)


def test_how_long_a_recording_is() -> None:
    raw = AudioData(TONE.tobytes(), PCM16_8K)
    assert duration_ms(raw) == 1_000
    assert duration_ms(AudioData(as_wav(raw), None, "wav")) == 1_000
    assert duration_ms(AudioData(as_wav(raw)[:8_044], None, "wav")) == 500
    assert duration_ms(AudioData(b"RIFF", None, "wav")) == 0
    assert duration_ms(AudioData(b"ID3", None, "mp3")) == 0
