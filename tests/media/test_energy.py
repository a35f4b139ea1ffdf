"""The fallback that goes by level."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from media.audio import Samples
from media.dtmf import tones
from media.energy import Energy
from media.vad import SpeechStarted
from tests.media.hearing import (
    SPOKEN,
    detect,
    in_a_room,
    judge,
    noise,
    onset_ms,
    recorded,
    silence,
    sines,
    vowels,
    windows,
)


@pytest.fixture
def energy() -> Energy:
    model = Energy()
    model.reserve(2)
    return model


def test_a_voice_above_the_noise_starts_speech_once(energy: Energy) -> None:
    heard = np.concatenate([noise(1, -55), vowels(2), noise(1, -55)])
    events = detect(judge(energy, heard))
    assert len(events) == 2
    assert events[0].at_ms == pytest.approx(1000, abs=64)
    assert events[1].at_ms == pytest.approx(3000, abs=96)


@pytest.mark.parametrize(
    "sound",
    [sines(2, 1000), sines(2, 350, 440), tones("159#", tone_ms=200), noise(3, -30), silence(2)],
    ids=["tone", "dial", "keys", "noise", "silence"],
)
def test_tones_noise_and_silence_start_none(energy: Energy, sound: Samples) -> None:
    assert detect(judge(energy, np.concatenate([silence(0.5), sound, silence(0.5)]))) == []


def test_the_odds_are_even_at_ten_db_over_the_floor_and_never_below_minus_fifty(
    energy: Energy,
) -> None:
    voice = windows(vowels(0.5))[4].astype(float)
    level_db = 20 * np.log10(np.sqrt(np.mean(voice**2)) / 32768)
    first = np.array([0], np.intp)

    def odds(floor_db: float, over_db: float) -> float:
        energy.forget(0)
        energy.infer(windows(noise(0.032, floor_db)), first)
        loud = voice * 10 ** ((floor_db + over_db - level_db) / 20)
        return float(energy.infer(np.rint(loud)[None].astype(np.int16), first)[0])

    assert odds(-40, 10) == pytest.approx(0.5, abs=0.05)
    assert odds(-40, 15) == pytest.approx(0.75, abs=0.05)
    assert odds(-40, 25) == 1.0
    assert odds(-75, 20) < 0.5


def test_somebody_new_brings_a_floor_of_their_own(energy: Energy) -> None:
    judge(energy, silence(1), voice=0)
    loud = windows(vowels(0.5))[4:5]
    first = np.array([0], np.intp)
    assert energy.infer(loud, first)[0] == 1.0
    energy.forget(0)
    assert energy.infer(loud, first)[0] < 0.1


def test_a_batch_is_the_same_as_one_by_one(energy: Energy) -> None:
    voices = [np.concatenate([silence(0.5), vowels(1)]), noise(1.5, -40)]
    alone = [judge(energy, voice) for voice in voices]
    both = np.array([1, 0], np.intp)
    energy.forget(0)
    energy.forget(1)
    rows = np.stack([windows(voice) for voice in voices], axis=1)
    together = np.stack([energy.infer(row, both) for row in rows], axis=1)
    np.testing.assert_allclose(together, alone, atol=1e-6)


@pytest.mark.parametrize("name", SPOKEN)
def test_recorded_speech_is_found(energy: Energy, recordings: Path, name: str) -> None:
    speech = recorded(recordings, name)
    events = detect(judge(energy, in_a_room(speech, snr_db=25)))
    assert isinstance(events[0], SpeechStarted)
    assert events[0].at_ms == pytest.approx(1000 + onset_ms(speech), abs=200)


def test_the_voicemail_beep_starts_none(energy: Energy, recordings: Path) -> None:
    beep = recorded(recordings, "prompt_beep")
    assert detect(judge(energy, np.concatenate([silence(0.5), beep, silence(0.5)]))) == []
