"""Speech in µ-law frames."""

from __future__ import annotations

import numpy as np
import pytest

from bot.phone.speech import Span, SpeechDetector, loud_frames, spans, speech_frames

from .sounds import quiet, tone


def flags(text: str) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return np.array([letter == "x" for letter in text], np.bool_)


def text(speech: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> str:
    return "".join("x" if flag else "." for flag in speech)


@pytest.mark.parametrize(("peak", "loud"), [(520, True), (420, False)])
def test_a_frame_is_loud_above_minus_40_dbfs(peak: int, loud: bool) -> None:
    # −40 dBFS is 1 % of full scale RMS, so a sine with a peak of 463.
    assert loud_frames(tone(20, peak)).tolist() == [loud]


def test_only_whole_frames_count() -> None:
    assert loud_frames(tone(50)).tolist() == [True, True]
    assert loud_frames(b"").tolist() == []


@pytest.mark.parametrize(
    ("loud", "speech"),
    [
        ("", ""),
        ("..x..", "....."),
        ("..xx..", "......"),
        ("..xxx..", "..xxx.."),
        (".x.x.x.", ".x.x.x."),
        ("x..x..x", "......."),
        ("xxx....x", "xxx....."),
        ("xx.x....", "xx.x...."),
        ("...xxx", "...xxx"),
    ],
)
def test_speech_is_three_loud_frames_of_five(loud: str, speech: str) -> None:
    assert text(speech_frames(flags(loud))) == speech


def test_short_pauses_belong_to_the_speech() -> None:
    speech = flags("..xxx...xx....xx")
    assert spans(speech, 0) == [Span(40, 100), Span(160, 200), Span(280, 320)]
    assert spans(speech, 60) == [Span(40, 200), Span(280, 320)]
    assert spans(speech, 80) == [Span(40, 320)]


@pytest.mark.parametrize("cut_ms", [85.0, 100.0, 159.0])
def test_a_pause_with_a_clear_in_it_is_an_end(cut_ms: float) -> None:
    assert spans(flags("..xxx...xx"), 60, (cut_ms,)) == [Span(40, 100), Span(160, 200)]


def test_a_clear_elsewhere_ends_nothing() -> None:
    assert spans(flags("..xxx...xx"), 60, (30.0, 190.0)) == [Span(40, 200)]


def test_overlap_of_spans() -> None:
    assert Span(0, 100).overlap_ms(Span(40, 200)) == 60
    assert Span(0, 100).overlap_ms(Span(130, 200)) == -30


def test_the_detector_hears_what_is_speech() -> None:
    detector = SpeechDetector()
    sound = quiet(40) + tone(100) + quiet(120)
    heard = [detector.hear(sound[place : place + 160]) for place in range(0, len(sound), 160)]
    assert text(np.array(heard)) == "....xxxxx...."
    assert not detector.speaking
