"""An utterance, cut into pieces that overlap."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from media.audio import Samples
from providers.stt.buffer import LONGEST_MS, Buffer

RATE_HZ = 8_000


def sound(duration_ms: int, level: int = 3_000) -> Samples:
    random = np.random.default_rng(duration_ms + level)
    noise: Samples = random.normal(0, level, duration_ms * RATE_HZ // 1000).astype(np.int16)
    return noise


def silence(duration_ms: int) -> Samples:
    return np.zeros(duration_ms * RATE_HZ // 1000, np.int16)


@pytest.fixture
def buffer() -> Buffer:
    return Buffer(RATE_HZ, 1_000, 200)


def test_a_piece_is_ready_when_there_is_so_much_new(buffer: Buffer) -> None:
    buffer.add(sound(999))
    assert not buffer.ready
    buffer.add(sound(1))
    assert buffer.ready
    assert (buffer.duration_ms, buffer.waiting_ms) == (1_000, 1_000)
    cut = buffer.cut()
    assert cut is not None
    assert (cut.start_ms, len(cut.samples), cut.seam, cut.again) == (0, 8_000, None, False)
    assert (buffer.ready, buffer.waiting_ms) == (False, 0)
    assert buffer.cut() is None


def test_a_piece_begins_where_it_is_quiet_in_the_one_before(buffer: Buffer) -> None:
    whole = np.concatenate([sound(700), silence(50), sound(250), sound(900)])
    buffer.add(whole[:8_000])
    buffer.cut()
    buffer.add(whole[8_000:])
    cut = buffer.cut()
    assert cut is not None
    assert cut.seam is not None
    assert 700 <= cut.start_ms <= 750
    assert (cut.samples == whole[round(cut.start_ms * 8) :]).all()
    seam = cut.seam
    assert (seam.start_ms, seam.end_ms, seam.later_ms) == (
        cut.start_ms,
        1_000,
        1_900 - cut.start_ms,
    )
    assert not seam.starts_in_sound
    assert seam.ends_in_sound


def test_where_it_is_never_quiet_it_begins_where_it_is_least_loud(buffer: Buffer) -> None:
    buffer.add(np.concatenate([sound(650), sound(40, 1_500), sound(310)]))
    buffer.cut()
    buffer.add(sound(1_000))
    cut = buffer.cut()
    assert cut is not None
    assert cut.seam is not None
    assert 650 <= cut.start_ms <= 690
    assert cut.seam.starts_in_sound


def test_what_is_silent_is_no_piece_and_has_no_words_to_share(buffer: Buffer) -> None:
    buffer.add(sound(1_000))
    assert buffer.cut() is not None
    buffer.add(silence(1_000))
    assert buffer.cut() is None
    assert buffer.waiting_ms == 0
    buffer.add(sound(1_000, 1_000))
    cut = buffer.cut()
    assert cut is not None
    assert (cut.start_ms, cut.seam) == (2_000, None)
    # So far below the rest it is the room that is heard.
    buffer.add(sound(1_000, 20))
    assert buffer.cut() is None
    buffer.add(silence(100))
    assert buffer.cut(even_silent=True) is not None


def test_a_pause_at_the_seam_has_no_words_to_share(buffer: Buffer) -> None:
    buffer.add(np.concatenate([sound(400), silence(600)]))
    buffer.cut()
    buffer.add(sound(1_000))
    cut = buffer.cut()
    assert cut is not None
    assert cut.seam is None
    assert 600 <= cut.start_ms <= 800


def test_a_short_rest_is_joined_to_the_piece_before(buffer: Buffer) -> None:
    whole = sound(2_250)
    buffer.add(whole[:8_000])
    buffer.cut()
    buffer.add(whole[8_000:16_000])
    before = buffer.cut()
    buffer.add(whole[16_000:])
    cut = buffer.cut()
    assert before is not None
    assert cut is not None
    assert cut.again
    assert cut.start_ms == before.start_ms
    assert before.seam is not None
    assert cut.seam == replace(before.seam, later_ms=2_250 - cut.start_ms)
    assert (cut.samples == whole[round(cut.start_ms * 8) :]).all()


def test_without_an_overlap_pieces_follow_one_another() -> None:
    buffer = Buffer(RATE_HZ, 500, 0)
    for start_ms in (0, 500):
        buffer.add(sound(500))
        cut = buffer.cut()
        assert cut is not None
        assert (cut.start_ms, cut.seam) == (start_ms, None)


def test_a_piece_is_no_longer_than_can_be_understood_in_time(buffer: Buffer) -> None:
    buffer.add(sound(50_000))
    lengths = []
    while (cut := buffer.cut()) is not None:
        lengths.append(len(cut.samples) / 8)
    assert lengths[0] == LONGEST_MS
    assert all(length <= LONGEST_MS + 400 for length in lengths)
    assert len(lengths) == 3


def test_a_piece_may_be_shorter_than_the_overlap() -> None:
    buffer = Buffer(RATE_HZ, 100, 200)
    for start_ms in (0, 0):
        buffer.add(sound(100))
        cut = buffer.cut()
        assert cut is not None
        assert cut.start_ms == start_ms
