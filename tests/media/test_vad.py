"""When speech starts and stops, given how likely each window is to be speech."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.vad import WINDOW_MS, SpeechDetector, SpeechStarted, SpeechStopped
from tests.media.hearing import detect

probabilities = st.lists(st.floats(0, 1, width=32), max_size=200)


def test_three_windows_of_speech_are_a_start_dated_back_to_the_first() -> None:
    assert detect([0, 0, 0.5, 0.9, 0.9]) == [SpeechStarted(at_ms=64, detected_ms=160)]


def test_two_windows_of_speech_are_none() -> None:
    assert detect([0, 0.9, 0.9, *[0] * 5, 0.9, 0.9, 0]) == []


def test_just_under_the_threshold_is_no_start() -> None:
    assert detect([0.499] * 50) == []


def test_weak_windows_between_do_not_delay_a_start() -> None:
    assert detect([0.9, 0.1, 0.9, 0.1, 0.9]) == [SpeechStarted(at_ms=0, detected_ms=160)]


def test_three_windows_too_far_apart_are_no_start() -> None:
    assert detect([0.9, 0, 0, 0.9, 0, 0, 0, 0.9]) == []


def test_a_late_start_is_dated_from_its_own_windows() -> None:
    events = detect([0.9, *[0] * 6, 0.9, 0.9, 0.9])
    assert events == [SpeechStarted(at_ms=224, detected_ms=320)]


def test_speech_stays_at_a_lower_threshold_and_stops_below_it() -> None:
    events = detect([0.9] * 3 + [0.35] * 20 + [0.349] * 7)
    assert events[1:] == [SpeechStopped(at_ms=23 * 32, detected_ms=30 * 32)]


def test_a_gap_shorter_than_the_silence_asked_for_is_no_stop() -> None:
    assert len(detect(([0.9] * 5 + [0.0] * 6) * 3)) == 1


@pytest.mark.parametrize(("min_silence_ms", "windows"), [(1, 1), (96, 3), (97, 4), (320, 10)])
def test_the_silence_asked_for_in_whole_windows(min_silence_ms: int, windows: int) -> None:
    events = detect([0.9] * 3 + [0.0] * 20, SpeechDetector(min_silence_ms=min_silence_ms))
    assert events[1] == SpeechStopped(at_ms=96, detected_ms=96 + windows * 32)


@pytest.mark.parametrize(("min_speech_ms", "windows"), [(1, 1), (32, 1), (33, 2), (200, 7)])
def test_the_speech_asked_for_in_whole_windows(min_speech_ms: int, windows: int) -> None:
    events = detect([0.9] * 20, SpeechDetector(min_speech_ms=min_speech_ms))
    assert events == [SpeechStarted(at_ms=0, detected_ms=windows * 32)]


def test_speech_starts_again_after_a_stop_by_the_same_rule() -> None:
    speech, pause = [0.9] * 3, [0.0] * 10
    kinds = [type(event) for event in detect((speech + pause) * 2 + [0.9, 0.9])]
    assert kinds == [SpeechStarted, SpeechStopped] * 2


def test_windows_before_a_stop_do_not_count_towards_the_next_start() -> None:
    events = detect([0.9] * 3 + [0.0] + [0.9] * 2, SpeechDetector(min_silence_ms=32))
    assert [type(event) for event in events] == [SpeechStarted, SpeechStopped]


def heard(detector: SpeechDetector) -> tuple[bool, int | None]:
    return detector.speaking, detector.last_speech_ms


def test_it_knows_when_speech_was_last_heard() -> None:
    detector = SpeechDetector()
    assert heard(detector) == (False, None)
    detect([0.9, 0.9], detector)
    assert heard(detector) == (False, None)
    detector.feed(0.9, 96)
    assert heard(detector) == (True, 96)
    detector.feed(0.4, 128)
    detector.feed(0.2, 160)
    assert heard(detector) == (True, 128)
    detector.feed(0.2, 1000)
    assert heard(detector) == (False, 128)


@given(probabilities)
def test_starts_and_stops_alternate_and_time_goes_forward(chances: list[float]) -> None:
    events = detect(chances)
    times = [time for event in events for time in (event.at_ms, event.detected_ms)]
    assert times == sorted(times)
    for number, event in enumerate(events):
        assert isinstance(event, SpeechStopped if number % 2 else SpeechStarted)


@given(probabilities)
def test_a_start_is_decided_within_seven_windows_of_where_it_lies(chances: list[float]) -> None:
    for event in detect(chances):
        if isinstance(event, SpeechStarted):
            assert 3 * WINDOW_MS <= event.detected_ms - event.at_ms <= 7 * WINDOW_MS


@pytest.mark.parametrize(("start", "stay"), [(0.5, 0.0), (0.5, 0.6), (1.1, 0.5)])
def test_wrong_thresholds_are_refused(start: float, stay: float) -> None:
    with pytest.raises(ValueError, match="0 < stay ≤ start ≤ 1"):
        SpeechDetector(start=start, stay=stay)


@pytest.mark.parametrize("times", [{"min_speech_ms": 0}, {"min_silence_ms": -1}])
def test_times_that_are_not_positive_are_refused(times: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must be positive"):
        SpeechDetector(start=0.5, stay=0.35, **times)
