"""Levels and the noise floor."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from media.noise import NoiseFloor, levels_db
from tests.media.hearing import noise, silence, sines, windows

FIRST = np.array([0], np.intp)


def test_levels_of_known_signals() -> None:
    square = np.full((1, 256), -32768, np.int16)
    sine = windows(sines(0.032, 1000, peak=32767))
    batch = np.concatenate([square, sine, np.zeros((1, 256), np.int16)])
    assert levels_db(batch) == pytest.approx([0.0, -3.01, -100.0], abs=0.01)


def follow(floor: NoiseFloor, levels: Sequence[float], voice: int = 0) -> float:
    whose = np.array([voice], np.intp)
    for level in levels:
        last = floor.follow(np.array([level], np.float32), whose)
    return float(last[0])


def test_the_first_window_is_the_floor_and_it_falls_at_once() -> None:
    floor = NoiseFloor()
    floor.reserve(1)
    assert follow(floor, [-30]) == -30
    assert follow(floor, [-20, -50]) == -50


def test_it_rises_five_db_a_second() -> None:
    floor = NoiseFloor()
    floor.reserve(1)
    assert follow(floor, [-60] + [-20] * 31) == pytest.approx(-55, abs=0.1)


def test_it_hugs_white_noise() -> None:
    floor = NoiseFloor()
    floor.reserve(1)
    levels = levels_db(windows(noise(5, -40)))
    floors = [float(floor.follow(levels[n : n + 1], FIRST)[0]) for n in range(len(levels))]
    assert min(floors[10:]) > -42
    assert max(floors[10:]) < -39.5


def test_voices_have_floors_of_their_own_and_keep_them_when_there_is_more_room() -> None:
    floor = NoiseFloor()
    floor.reserve(2)
    follow(floor, [-30], voice=0)
    follow(floor, [-60], voice=1)
    floor.reserve(4)
    assert follow(floor, [-20], voice=0) == pytest.approx(-29.84)
    assert follow(floor, [-20], voice=1) == pytest.approx(-59.84)
    assert follow(floor, [-20], voice=3) == -20


def test_somebody_new_starts_again() -> None:
    floor = NoiseFloor()
    floor.reserve(1)
    follow(floor, [-60])
    floor.forget(0)
    assert follow(floor, [-20]) == -20


def test_silence_is_not_minus_infinity() -> None:
    assert levels_db(windows(silence(0.1))) == pytest.approx([-100.0] * 3)
