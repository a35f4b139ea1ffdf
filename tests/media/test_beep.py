"""Beeps found, whatever comes before them; and none in speech or in a telephone's other tones."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.audio import Samples, pcm_to_ulaw, ulaw_to_pcm
from media.beep import Beep, BeepDetector
from media.dtmf import tones
from tests.media.hearing import recorded, vowels

Wave = npt.NDArray[np.float64]


def detect(samples: Samples, cuts: list[int] | None = None) -> list[Beep]:
    detector = BeepDetector()
    edges = [0, *(cuts or []), len(samples)]
    return [beep for a, b in pairwise(edges) for beep in detector.process(samples[a:b])]


def sine(ms: float, *hz: float, amplitude: float = 4000.0) -> Wave:
    time_s = np.arange(int(ms * 8)) / 8000
    waves = [np.sin(2 * np.pi * one * time_s + 0.7) for one in hz]
    wave: Wave = amplitude * np.sum(waves, axis=0)
    return wave


def silence(ms: float) -> Wave:
    return np.zeros(int(ms * 8))


def line(*parts: npt.ArrayLike, noise: float = 0.0) -> Samples:
    """The parts one after the other, with half a second of silence behind, as µ-law has them."""
    wave = np.concatenate([*(np.asarray(part, np.float64) for part in parts), silence(500)])
    wave += noise * np.random.default_rng(3).standard_normal(len(wave))
    return ulaw_to_pcm(pcm_to_ulaw(np.clip(np.rint(wave), -32768, 32767).astype(np.int16)))


@settings(max_examples=60)
@given(
    hz=st.one_of(st.floats(350, 385), st.floats(465, 1055), st.floats(1145, 2300)),
    ms=st.integers(120, 1800),
    after=st.sampled_from(["silence", "a voice"]),
    level_db=st.floats(-40, 0),
)
def test_a_beep_is_found_however_loud_it_is(
    hz: float, ms: int, after: str, level_db: float
) -> None:
    amplitude = 10 ** (level_db / 20)
    before = vowels(0.4) * amplitude if after == "a voice" else silence(300)
    tone = sine(ms, hz, amplitude=30000 * amplitude)
    (beep,) = detect(line(before, tone, noise=3000 * amplitude))
    assert beep.hz == pytest.approx(hz, abs=5)
    assert beep.start_ms == pytest.approx(len(before) / 8, abs=45)
    assert beep.end_ms == pytest.approx(len(before) / 8 + ms, abs=40)


def test_it_is_told_when_it_is_over() -> None:
    detector = BeepDetector()
    samples = line(silence(200), sine(300, 1000))
    told = [at for at in range(0, len(samples), 160) if detector.process(samples[at : at + 160])]
    assert len(told) == 1
    assert 500 < told[0] / 8 + 20 <= 700


@given(st.lists(st.integers(0, 8000), max_size=20).map(sorted))
def test_how_the_samples_are_cut_does_not_matter(cuts: list[int]) -> None:
    samples = line(silence(50), sine(200, 880), silence(400))
    assert detect(samples, [min(cut, len(samples)) for cut in cuts]) == detect(samples)


def test_two_beeps_are_two() -> None:
    assert len(detect(line(sine(200, 1000), silence(300), sine(200, 1000)))) == 2


def test_a_beep_cut_by_the_last_word_of_a_greeting() -> None:
    assert len(detect(line(vowels(2.0), sine(150, 1400), silence(100), vowels(1.0)))) == 1


@pytest.mark.parametrize(
    ("hz", "ms", "recorders"),
    [
        (1400, 500, True),
        (1380, 350, True),
        (1400, 200, False),
        (1400, 700, False),
        (1000, 400, False),
        (1450, 400, False),
    ],
)
def test_the_warning_tone_of_a_recorder_says_what_it_may_be(
    hz: float, ms: int, recorders: bool
) -> None:
    (beep,) = detect(line(silence(200), sine(ms, hz), noise=100.0))
    assert beep.is_recorders is recorders


SIT = ((985.2, 380), (1370.6, 380), (1776.7, 380))
NO_BEEPS: dict[str, Wave] = {
    "silence": silence(1000),
    "a click": np.concatenate([silence(100), np.full(3, 9000.0), silence(100)]),
    "a tone that is too short": sine(60, 1000),
    "a tone that goes on": sine(4000, 1000),
    "too low": sine(400, 200),
    "too high": sine(400, 2600),
    "American ringing": sine(2000, 440, 480),
    "American ringing, cut short": sine(300, 440, 480),
    "American busy": np.concatenate([sine(500, 480, 620), silence(500), sine(500, 480, 620)]),
    "British ringing": np.concatenate([sine(400, 400, 450), silence(200), sine(400, 400, 450)]),
    "American dial tone": sine(1500, 350, 440),
    "European ringing": sine(1000, 425),
    "European busy": np.concatenate([sine(500, 425), silence(500), sine(500, 425)]),
    "Chinese busy": sine(350, 450),
    "Japanese busy": sine(500, 400),
    "special information tones": np.concatenate([sine(ms, hz) for hz, ms in SIT]),
    "short ones": np.concatenate([sine(274, hz) for hz, _ in SIT]),
    "with gaps": np.concatenate([np.append(sine(330, hz), silence(30)) for hz, _ in SIT]),
    "a calling fax": np.concatenate([sine(500, 1100), silence(3000), sine(500, 1100)]),
    "a calling fax off tune": sine(500, 1135),
    "an answering modem": sine(3000, 2100),
    "its phase reversed": np.concatenate([s * sine(450, 2100) for s in (1, -1, 1, -1)]),
    "a chord": sine(600, 523.25, 659.26, 783.99),
    "a voiced note": sine(600, 392, 784, 1176),
    "a tune": np.concatenate([sine(250, hz) for hz in (523, 587, 659, 698, 784)]),
    "hiss": np.random.default_rng(5).standard_normal(8000) * 3000,
    "vowels": np.asarray(vowels(4.0), np.float64),
}


@pytest.mark.parametrize("name", NO_BEEPS)
@pytest.mark.parametrize("noise", [0.0, 100.0])
def test_no_beep(name: str, noise: float) -> None:
    assert detect(line(silence(200), NO_BEEPS[name], noise=noise)) == []


@pytest.mark.parametrize("twist_db", [-6.0, 0.0, 4.0, 8.0])
def test_keys_are_no_beeps(twist_db: float) -> None:
    assert detect(line(tones("123A456B789C*0#D", tone_ms=200))) == []
    for low, high in ((697, 1209), (941, 1633)):
        pair = sine(300, low) + sine(300, high, amplitude=4000 * 10 ** (twist_db / 20))
        assert detect(line(silence(100), pair)) == []


def test_no_beep_in_recorded_speech(recordings: Path) -> None:
    files = sorted(path for path in recordings.glob("*.ulaw") if path.stem != "prompt_beep")
    spoken = [recorded(recordings, path.stem) for path in files]
    assert detect(line(*spoken)) == []
    assert detect(line(*spoken, noise=60.0)) == []


def test_a_recorded_beep_behind_a_recorded_greeting(recordings: Path) -> None:
    greeting = recorded(recordings, "prompt_vm-intro")
    (beep,) = detect(line(greeting, silence(200), recorded(recordings, "prompt_beep")))
    assert beep.hz == pytest.approx(699, abs=2)
    assert beep.end_ms == pytest.approx(len(greeting) / 8 + 625, abs=40)
