"""Tones made and found: ITU-T Q.23's frequencies, Q.24's limits, and no tone in speech."""

from __future__ import annotations

import math
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.audio import Samples, pcm_to_ulaw, ulaw_to_pcm
from media.dtmf import DIGITS, DtmfDetector, DtmfTone, tones

ALL = "123A456B789C*0#D"
LOW_HZ, HIGH_HZ = (697, 770, 852, 941), (1209, 1336, 1477, 1633)
Q23 = dict(zip(ALL, product(LOW_HZ, HIGH_HZ), strict=True))


def detect(samples: Samples, cuts: list[int] | None = None) -> list[DtmfTone]:
    detector = DtmfDetector()
    edges = [0, *(cuts or []), len(samples)]
    return [tone for a, b in pairwise(edges) for tone in detector.process(samples[a:b])]


def heard(samples: Samples) -> str:
    return "".join(tone.digit for tone in detect(samples))


def signal(
    digit: str,
    tone_ms: int,
    *,
    lead: int = 400,
    off_tune: tuple[float, float] = (0.0, 0.0),
    level_dbm0: tuple[float, float] = (-13.0, -13.0),
) -> Samples:
    """A tone out of the ordinary after `lead` samples of silence, with 50 ms of it after."""
    wave = np.zeros(lead + tone_ms * 8 + 400)
    for hz, off, level in zip(Q23[digit], off_tune, level_dbm0, strict=True):
        amplitude = 32124 * 10 ** ((level - 3.17) / 20)
        sine = np.sin(2 * np.pi * hz * (1 + off) * np.arange(tone_ms * 8) / 8000 + 1)
        wave[lead : lead + tone_ms * 8] += amplitude * sine
    assert np.abs(wave).max() <= 32767
    return np.rint(wave).astype(np.int16)


def noisy(samples: Samples, snr_db: float, tone_power: float) -> Samples:
    scale = math.sqrt(tone_power / 10 ** (snr_db / 10))
    noise = np.random.default_rng(4).standard_normal(len(samples)) * scale
    return np.rint(samples + noise).astype(np.int16)


@pytest.mark.parametrize("digit", ALL)
def test_a_tone_is_two_sines_of_q23_at_13_dbm0(digit: str) -> None:
    wave = tones(digit, tone_ms=1000, pause_ms=0)
    spectrum = np.abs(np.fft.rfft(wave)) / 4000
    assert sorted(np.argsort(spectrum)[-2:].tolist()) == sorted(Q23[digit])
    level = 20 * np.log10(spectrum[list(Q23[digit])] / 32124) + 3.17
    assert level == pytest.approx([-13, -13], abs=0.02)


def test_the_default_tone_lasts_100_ms_and_the_pause_50() -> None:
    wave = tones("5")
    assert len(wave) == 150 * 8
    assert np.any(wave[790:800])
    assert not np.any(wave[800:])


def test_w_waits() -> None:
    assert len(tones("wW")) == 1500 * 8
    assert not np.any(tones("wW"))
    assert [tone.digit for tone in detect(tones("w1W2"))] == ["1", "2"]


def test_nothing_is_dialled_for_no_digits() -> None:
    assert len(tones("")) == 0


def test_what_is_no_key_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot dial 'x': only 0-9, A-D"):
        tones("12x")


def test_a_level_too_high_is_clipped() -> None:
    assert tones("5", level_dbm0=3.0).max() == 32767


def test_every_key_is_found_once_and_in_its_place() -> None:
    found = detect(tones(ALL))
    assert "".join(tone.digit for tone in found) == ALL
    assert set(ALL) == DIGITS
    for index, tone in enumerate(found):
        assert abs(tone.at_ms - 150 * index) <= 10


def test_tones_survive_mulaw() -> None:
    assert heard(ulaw_to_pcm(pcm_to_ulaw(tones(ALL)))) == ALL


def test_a_held_key_is_told_once_and_a_double_press_twice() -> None:
    assert heard(tones("7", tone_ms=2000)) == "7"
    assert heard(tones("77")) == "77"


@settings(deadline=None, max_examples=50)
@given(cuts=st.lists(st.integers(0, 7200), max_size=40).map(sorted))
def test_the_cut_does_not_matter(cuts: list[int]) -> None:
    samples = tones("159D*0", level_dbm0=-20)
    assert detect(samples, cuts) == detect(samples)


def test_sample_by_sample() -> None:
    samples = tones("4#")
    assert detect(samples, list(range(len(samples)))) == detect(samples)


@pytest.mark.parametrize("digit", ALL)
def test_40_ms_are_enough_and_23_are_not(digit: str) -> None:
    for lead in range(400, 440, 3):
        assert heard(signal(digit, 40, lead=lead)) == digit
        assert heard(signal(digit, 23, lead=lead)) == ""


@pytest.mark.parametrize("digit", ALL)
def test_a_break_of_10_ms_is_bridged_and_a_pause_of_40_is_not(digit: str) -> None:
    tone = signal(digit, 60, lead=0)[:480]
    for gap_ms, expected in ((10, digit), (40, digit * 2)):
        samples = np.concatenate((tone, np.zeros(gap_ms * 8, np.int16), tone, np.zeros(400)))
        assert heard(samples.astype(np.int16)) == expected


@pytest.mark.parametrize("digit", ALL)
@pytest.mark.parametrize("sign", [1, -1])
def test_tuning(digit: str, sign: int) -> None:
    """Q.24: 1.5 % off must pass, 3.5 % must not."""
    assert heard(signal(digit, 50, off_tune=(0.015 * sign, 0.015 * sign))) == digit
    assert heard(signal(digit, 50, off_tune=(0.015 * sign, -0.015 * sign))) == digit
    assert heard(signal(digit, 50, off_tune=(0.035 * sign, 0))) == ""
    assert heard(signal(digit, 50, off_tune=(0, 0.035 * sign))) == ""


@pytest.mark.parametrize("digit", ALL)
def test_twist(digit: str) -> None:
    """Q.24 (AT&T): the high sine from 8 dB under the low one to 4 dB over it."""
    assert heard(signal(digit, 50, level_dbm0=(-9, -17))) == digit
    assert heard(signal(digit, 50, level_dbm0=(-17, -13))) == digit
    assert heard(signal(digit, 50, level_dbm0=(-9, -21))) == ""
    assert heard(signal(digit, 50, level_dbm0=(-21, -13))) == ""


@pytest.mark.parametrize("digit", ALL)
def test_level(digit: str) -> None:
    assert heard(signal(digit, 50, level_dbm0=(-25, -25))) == digit
    assert heard(signal(digit, 50, level_dbm0=(-3, -3))) == digit
    assert heard(signal(digit, 50, level_dbm0=(-35, -35))) == ""


@pytest.mark.parametrize("digit", ALL)
def test_noise_of_15_db_does_not_hide_a_tone(digit: str) -> None:
    tone = tones(digit, tone_ms=50)
    assert heard(noisy(tone, 15, float(np.mean(tone[:400].astype(float) ** 2)))) == digit


def test_one_sine_is_no_tone() -> None:
    sine = 8000 * np.sin(2 * np.pi * 941 * np.arange(4000) / 8000)
    assert heard(sine.astype(np.int16)) == ""


def test_noise_is_no_tone() -> None:
    noise = np.random.default_rng(5).standard_normal(40_000) * 3000
    assert heard(noise.astype(np.int16)) == ""


@pytest.mark.parametrize("gain", [0.3, 1.0, 3.0])
def test_no_tone_is_found_in_real_speech(recordings: Path, gain: float) -> None:
    files = sorted(recordings.glob("*.ulaw"))
    assert files
    for file in files:
        speech = ulaw_to_pcm(file.read_bytes()) * gain
        assert detect(np.clip(speech, -32768, 32767).astype(np.int16)) == [], file.name


def test_a_tone_is_found_over_speech_of_a_lower_level(recordings: Path) -> None:
    speech = ulaw_to_pcm((recordings / "austen_0930.ulaw").read_bytes())[4000:16_000]
    speech = (speech * (300 / np.std(speech))).astype(np.int16)
    dialled = tones("31415")
    assert heard(speech[: len(dialled)] + dialled) == "31415"
