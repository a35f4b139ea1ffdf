"""Tones and noise are no voice; a voice is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from media.audio import Samples
from media.noise import levels_db
from media.spectrum import voicelike
from tests.media.hearing import SPOKEN, noise, recorded, silence, sines, vowels, windows


@pytest.mark.parametrize(
    "signal",
    [
        sines(1, 1004),
        sines(1, 200),
        sines(1, 3000, peak=300),
        sines(1, 697, 1209),
        sines(1, 350, 440),
        noise(1, -20),
        noise(1, -50),
        silence(1),
    ],
    ids=["1004 Hz", "200 Hz", "faint", "a key", "dial tone", "noise", "faint noise", "silence"],
)
def test_tones_noise_and_silence_are_no_voice(signal: Samples) -> None:
    assert not voicelike(windows(signal)).any()


def test_vowels_are_a_voice() -> None:
    spoken = windows(vowels(2))
    assert voicelike(spoken[levels_db(spoken) > -40]).mean() > 0.9


def test_recorded_speech_is_a_voice_and_the_beep_is_not(recordings: Path) -> None:
    for name in SPOKEN:
        spoken = windows(recorded(recordings, name))
        assert voicelike(spoken[levels_db(spoken) > -38]).mean() > 0.85, name
    assert not voicelike(windows(recorded(recordings, "prompt_beep"))).any()


def test_each_window_is_judged_for_itself() -> None:
    batch = np.concatenate(
        [windows(sines(0.1, 1000)), windows(vowels(0.2)), windows(noise(0.1, -30))]
    )
    alone = [bool(voicelike(window[None])[0]) for window in batch]
    assert voicelike(batch).tolist() == alone
    assert 0 < sum(alone) < len(alone)
