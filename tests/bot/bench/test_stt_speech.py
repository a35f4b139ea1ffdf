"""What clients of the service's benchmark say, and where in their audio."""

from __future__ import annotations

import numpy as np
import pytest

from bot.bench.calls.recordings import load_material
from bot.bench.stt.speech import BYTES_PER_MS, Speech, make_speech, word, word_number
from media.audio import bytes_to_pcm, rms_dbfs


@pytest.fixture(scope="module")
def speech() -> Speech:
    return make_speech(load_material().track)


def test_it_is_the_track_of_calls_at_twice_its_rate(speech: Speech) -> None:
    assert speech.size == 40_000 * BYTES_PER_MS
    for number in range(4):
        utterance = speech.utterance(0, number)
        begin = utterance.begin_ms * BYTES_PER_MS
        said = speech.between(0, begin, begin + 4_500 * BYTES_PER_MS)
        silent = speech.between(0, begin + 4_600 * BYTES_PER_MS, begin + 9_900 * BYTES_PER_MS)
        assert rms_dbfs(bytes_to_pcm(said)) > rms_dbfs(bytes_to_pcm(silent)) + 10


def test_any_part_is_one_slice(speech: Speech) -> None:
    whole = bytes_to_pcm(speech.twice)
    second = 1_000 * BYTES_PER_MS
    # Across the end of the track, and after many rounds of it.
    for offset_ms, start in ((39_500, 0), (39_500, 5 * speech.size), (0, 0)):
        part = bytes_to_pcm(speech.between(offset_ms, start, start + second))
        at = offset_ms * BYTES_PER_MS // 2
        np.testing.assert_array_equal(part, whole[at : at + second // 2])


def test_words_are_over_every_300_ms(speech: Speech) -> None:
    utterance = speech.utterance(0, 1)
    assert (utterance.begin_ms, utterance.end_ms, utterance.first) == (10_000, 14_700, 15)
    assert utterance.words[0] == (10_300, 15)
    assert utterance.words[-1] == (14_500, 29)


def test_a_word_that_began_before_the_audio_is_not_said(speech: Speech) -> None:
    # 1 s into the second cycle: three words are over, and the fourth has begun.
    utterance = speech.utterance(11_000, 0)
    assert utterance.begin_ms == -1_000
    assert utterance.words[0] == (500, 15 + 4)
    assert speech.utterance_of(11_000, 19) == utterance
    assert speech.utterance_of(11_000, 30) == speech.utterance(11_000, 1)
    # Nor one that is over by the noise with which each audio begins.
    assert speech.utterance(10_000, 0).words[0] == (600, 16)


def test_words_have_numbers() -> None:
    assert [word_number(text) for text in ("w7", "w7 w8", "w9 w10 w11")] == [7, 8, 11]
    assert word(12) == "w12"
