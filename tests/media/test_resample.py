"""The resamplers: quality measured by FFT, and the same bits however the input is cut."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from media.audio import Samples
from media.resample import (
    UPSAMPLER_DELAY_MS,
    Downsampler,
    Resampler,
    Upsampler,
    resample,
    upsample,
)

CUTS = st.lists(st.integers(0, 2000), max_size=30).map(sorted)


def noise(count: int, seed: int = 1, loudness: int = 8000) -> Samples:
    values = np.random.default_rng(seed).standard_normal(count) * loudness
    return np.clip(values, -32768, 32767).astype(np.int16)


def tone(hz: float, rate_hz: int, count: int, amplitude: float = 12000) -> Samples:
    values = amplitude * np.sin(2 * np.pi * hz * np.arange(count) / rate_hz)
    return np.rint(values).astype(np.int16)


def in_pieces(resampler: Upsampler | Resampler, samples: Samples, cuts: list[int]) -> Samples:
    pieces = [samples[a:b] for a, b in pairwise([0, *cuts, len(samples)])]
    return np.concatenate([*map(resampler.process, pieces), resampler.flush()])


def response() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The upsampler's gain at each frequency, from its answer to an impulse."""
    impulse = np.zeros(200, np.int16)
    impulse[0] = 32767
    upsampler = Upsampler()
    out = np.concatenate((upsampler.process(impulse), upsampler.flush())) / 32767 / 2
    gain: NDArray[np.float64] = np.abs(np.fft.rfft(out, 1 << 15))
    return np.arange(len(gain)) * 16_000 / (1 << 15), gain


def test_the_pass_band_is_flat_to_3400_hz() -> None:
    hz, gain = response()
    band = 20 * np.log10(gain[hz <= 3400])
    assert band.max() - band.min() <= 0.01
    assert abs(band.mean()) <= 0.01


def test_images_are_down_by_more_than_70_db() -> None:
    hz, gain = response()
    assert 20 * np.log10(gain[hz >= 4600].max()) <= -70


@pytest.mark.parametrize("hz", [200, 1000, 2500, 3400])
def test_a_tone_comes_out_at_its_level_without_its_image(hz: int) -> None:
    """With 16-bit rounding and all: a whole number of periods, so that the FFT has no leakage."""
    out = upsample(tone(hz, 8000, 8000))[4000:12_000]
    spectrum = np.abs(np.fft.rfft(out)) / 4000
    assert 20 * np.log10(spectrum[hz // 2] / 12000) == pytest.approx(0, abs=0.01)
    assert 20 * np.log10(spectrum[(8000 - hz) // 2] / 12000) <= -70


def test_the_delay_is_under_2_ms() -> None:
    assert pytest.approx(1.8125) == UPSAMPLER_DELAY_MS
    impulse = np.zeros(100, np.int16)
    impulse[0] = 10_000
    assert int(np.argmax(Upsampler().process(impulse))) == 29


def test_every_sample_in_gives_two_out_at_once() -> None:
    upsampler = Upsampler()
    assert [len(upsampler.process(noise(count))) for count in (160, 0, 1, 37)] == [320, 0, 2, 74]


@given(cuts=CUTS)
@example(cuts=list(range(2000)))
def test_the_upsampler_is_bit_exact_whatever_the_cuts(cuts: list[int]) -> None:
    samples = noise(2000, loudness=30_000)
    assert np.array_equal(
        in_pieces(Upsampler(), samples, cuts), in_pieces(Upsampler(), samples, [])
    )


def test_originals_pass_and_the_sum_between_them_is_exact() -> None:
    """Against the definition, in whole numbers: half of the output is the input itself."""
    taps = [14, -29, 59, -105, 175, -275, 415, -608, 870, -1230, 1740, -2509, 3823, -6739, 20788]
    samples = noise(300)
    out = upsample(samples)
    assert np.array_equal(out[0::2], samples)
    exact = np.convolve(samples.astype(int), taps + taps[::-1])[15 : 15 + 285] / 32768
    assert np.array_equal(out[1::2][:285], np.clip(np.rint(exact), -32768, 32767))


def test_a_loud_signal_saturates_and_does_not_wrap() -> None:
    square = np.where(np.arange(400) % 4 < 2, 32767, -32768).astype(np.int16)
    out = upsample(square)[100:700].astype(int)
    assert out.max() == 32767
    assert out.min() == -32768
    # Between two neighbours of one sign the wave never crosses zero.
    same = np.sign(out[0:-2:2]) == np.sign(out[2::2])
    assert np.all(np.sign(out[1:-1:2])[same] == np.sign(out[0:-2:2])[same])


def test_flush_gives_the_delayed_rest_and_starts_afresh() -> None:
    upsampler = Upsampler()
    first = np.concatenate((upsampler.process(noise(160)), upsampler.flush()))
    second = np.concatenate((upsampler.process(noise(160)), upsampler.flush()))
    assert len(first) == 2 * 160 + 29
    assert np.array_equal(first, second)


@pytest.mark.parametrize("rate_hz", [11_025, 16_000, 22_050, 24_000, 44_100, 48_000])
def test_downsampling_keeps_speech_and_removes_what_would_fold(rate_hz: int) -> None:
    kept = resample(tone(1000, rate_hz, rate_hz), rate_hz, 8000)
    assert len(kept) == 8000
    spectrum = np.abs(np.fft.rfft(kept[2000:6000])) / 2000
    assert 20 * np.log10(spectrum[500] / 12000) == pytest.approx(0, abs=0.02)
    # 5 kHz would appear at 3 kHz.
    folded = resample(tone(5000, rate_hz, rate_hz), rate_hz, 8000)[2000:6000]
    assert np.abs(folded).max() <= 12  # 60 dB down


@settings(deadline=None)
@given(cuts=CUTS, rate_hz=st.sampled_from([7000, 16_000, 22_050, 24_000, 48_000]))
def test_downsampling_is_bit_exact_whatever_the_cuts(cuts: list[int], rate_hz: int) -> None:
    samples = noise(2000, loudness=30_000)
    whole = in_pieces(Downsampler(rate_hz), samples, [])
    assert np.array_equal(in_pieces(Downsampler(rate_hz), samples, cuts), whole)
    assert np.array_equal(resample(samples, rate_hz, 8000), whole)


def test_long_audio_sample_by_sample_is_bit_exact() -> None:
    samples = noise(22_050)
    pieces = in_pieces(Downsampler(22_050), samples, list(range(22_050)))
    assert np.array_equal(pieces, resample(samples, 22_050, 8000))
    assert len(pieces) == 8000


def test_a_resampler_may_be_used_again_after_flush() -> None:
    resampler = Resampler(24_000, 8000)
    first = in_pieces(resampler, noise(4800), [])
    assert len(first) == 1600
    assert np.array_equal(in_pieces(resampler, noise(4800), [1000]), first)


def test_downsampling_saturates() -> None:
    square = np.where(np.arange(24_000) % 48 < 24, 32767, -32768).astype(np.int16)
    out = resample(square, 24_000, 8000)[1000:7000].astype(int)
    assert (out.max(), out.min()) == (32767, -32768)
    assert np.abs(np.diff(np.sign(out))).sum() / 2 == pytest.approx(6000 / 8, abs=2)


def test_equal_rates_pass_untouched() -> None:
    samples = noise(500)
    assert np.array_equal(in_pieces(Downsampler(8000), samples, [7, 200]), samples)


@pytest.mark.parametrize("rates", [(0, 8000), (8000, -1)])
def test_impossible_rates_are_refused(rates: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=f"must be positive, got {rates[0]} and {rates[1]} Hz"):
        Resampler(*rates)
