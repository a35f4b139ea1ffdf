"""Silence found in noise and in recordings, and long recordings cut in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.audio import Samples, ulaw_to_pcm
from media.silence import Piece, Silence, SilenceFinder, Splitter, find_silence

RATE_HZ = 8000


def sound(ms: int, *, rate_hz: int = RATE_HZ, peak: int = 9000) -> Samples:
    phases = 2 * np.pi * 440 * np.arange(ms * rate_hz // 1000) / rate_hz
    samples: Samples = np.rint(peak * np.sin(phases)).astype(np.int16)
    return samples


def hush(ms: int, *, rate_hz: int = RATE_HZ) -> Samples:
    return np.zeros(ms * rate_hz // 1000, np.int16)


def noisy(samples: Samples, deviation: float) -> Samples:
    noise = np.random.default_rng(5).normal(0, deviation, len(samples))
    return np.clip(samples + noise, -32768, 32767).astype(np.int16)


def split(samples: Samples, max_ms: int, bit: int = 1000, **options: int) -> list[Piece]:
    splitter = Splitter(RATE_HZ, max_ms, **options)
    pieces: list[Piece] = []
    for first in range(0, len(samples), bit):
        pieces += splitter.feed(samples[first : first + bit])
    return pieces + list(splitter.flush())


def spans(pieces: list[Piece]) -> list[tuple[float, float]]:
    return [(p.start_ms, p.start_ms + len(p.samples) * 1000 / RATE_HZ) for p in pieces]


@pytest.mark.parametrize("deviation", [0, 20, 300, 1000])
def test_pauses_are_found_at_any_level_of_noise(deviation: float) -> None:
    speech = np.concatenate((hush(500), sound(1000), hush(400), sound(700), hush(200)))
    found = find_silence(noisy(speech, deviation), RATE_HZ)
    assert found == [Silence(0, 500), Silence(1500, 1900)]
    assert find_silence(noisy(speech, deviation), RATE_HZ, min_ms=450) == [Silence(0, 500)]
    assert find_silence(noisy(speech, deviation), RATE_HZ, min_ms=200)[-1] == Silence(2600, 2800)


def test_pauses_of_a_recording_are_found(recordings: Path) -> None:
    samples = ulaw_to_pcm((recordings / "card_three_cards.ulaw").read_bytes())
    # "Ace of spades", a pause, "three of clubs", a pause, and so on; the line hums.
    assert find_silence(samples, RATE_HZ) == [Silence(1980, 2380), Silence(2970, 3510)]


@pytest.mark.parametrize("rate_hz", [8_000, 11_025])
@pytest.mark.parametrize("bit", [333, 30_000])
def test_a_recording_that_comes_bit_by_bit_has_the_same_pauses(rate_hz: int, bit: int) -> None:
    parts = [hush(1_700, rate_hz=rate_hz), sound(900, rate_hz=rate_hz), hush(500, rate_hz=rate_hz)]
    samples = noisy(np.concatenate([*parts, parts[1]]), 100)
    finder = SilenceFinder(rate_hz)
    assert finder.silences() == []
    for first in range(0, len(samples), bit):
        finder.feed(samples[first : first + bit])
    assert finder.silences(400) == find_silence(samples, rate_hz, 400)
    assert len(finder.silences(400)) == 2
    assert len(finder.silences(600)) == 1


def test_times_do_not_drift_at_odd_rates() -> None:
    rate_hz = 11_025
    minute = sound(60_000, rate_hz=rate_hz)
    samples = np.concatenate((minute, hush(500, rate_hz=rate_hz), sound(500, rate_hz=rate_hz)))
    assert find_silence(samples, rate_hz) == [Silence(60_000, 60_500)]


def test_only_what_is_very_low_is_silence_without_any_sound() -> None:
    assert find_silence(hush(1000), RATE_HZ) == [Silence(0, 1000)]
    assert find_silence(noisy(hush(1000), 5), RATE_HZ) == [Silence(0, 1000)]
    assert find_silence(noisy(hush(1000), 2000), RATE_HZ) == []
    assert find_silence(hush(0), RATE_HZ) == []


def test_it_is_cut_in_the_longest_pause_of_the_second_half() -> None:
    parts = (sound(1000), hush(900), sound(1500), hush(600), sound(500), hush(400), sound(2000))
    pieces = split(np.concatenate(parts), 5000)
    assert spans(pieces) == [(0, 3600), (3800, 6900)]


def test_it_is_cut_in_an_early_pause_when_there_is_no_later_one() -> None:
    pieces = split(np.concatenate((sound(1000), hush(600), sound(5000))), 4000)
    assert spans(pieces)[0] == (0, 1200)
    assert spans(pieces)[1][0] == 1400


def test_without_a_pause_it_is_cut_where_it_is_least_loud() -> None:
    dip = np.concatenate((sound(3000), sound(100, peak=3000), sound(3000)))
    (_, first_end), (second_start, _) = spans(split(dip, 4000))
    assert first_end == second_start == pytest.approx(3050, abs=20)


def test_silence_at_the_ends_is_left_out_but_for_a_little() -> None:
    samples = np.concatenate((hush(1000), sound(1000), hush(1000)))
    assert spans(split(samples, 10_000)) == [(800, 2200)]
    assert spans(split(samples, 10_000, padding_ms=0)) == [(1000, 2000)]


def test_nothing_is_left_of_silence() -> None:
    assert split(hush(9000), 4000) == []
    assert split(hush(0), 4000) == []
    samples = np.concatenate((sound(1000), hush(20_000), sound(1000)))
    assert spans(split(samples, 4000)) == [(0, 1200), (20_800, 22_000)]


@given(
    lengths=st.lists(st.integers(100, 1500), min_size=1, max_size=12),
    bit=st.integers(100, 20_000),
    max_ms=st.integers(1000, 4000),
)
def test_every_sound_is_in_exactly_one_piece(lengths: list[int], bit: int, max_ms: int) -> None:
    parts = [sound(ms) if n % 2 else hush(ms) for n, ms in enumerate(lengths)]
    samples = np.concatenate(parts)
    left = samples.copy()
    end = 0
    pieces = split(samples, max_ms, bit)
    for piece in pieces:
        first = round(piece.start_ms * RATE_HZ / 1000)
        assert first >= end
        assert 0 < len(piece.samples) <= max_ms * RATE_HZ // 1000
        end = first + len(piece.samples)
        assert np.array_equal(piece.samples, samples[first:end])
        left[first:end] = 0
    # A cut may leave less sound than a window of 10 ms beside silence, for which it then passes.
    assert np.count_nonzero(left) < 10 * RATE_HZ // 1000 * (len(pieces) + 1)


def test_pieces_must_have_room_for_silence() -> None:
    with pytest.raises(ValueError, match="pieces of 900 ms are too short"):
        Splitter(RATE_HZ, 900)


def test_what_was_not_given_yet_can_be_seen() -> None:
    splitter = Splitter(RATE_HZ, 2000)
    assert len(splitter.held.samples) == 0
    audio = np.concatenate([sound(1200), hush(600), sound(900)])
    (piece,) = splitter.feed(audio)
    held = splitter.held
    assert held.start_ms == 1500  # the middle of the silence
    assert np.array_equal(held.samples, audio[12_000:])
    assert piece.start_ms == 0
