from __future__ import annotations

from providers.stt.spans import Spans


def test_speech_with_a_little_of_what_comes_before_it() -> None:
    spans = Spans(lead_in=10, slack=5)
    assert not spans
    spans.begin(100)
    assert spans
    assert spans.speaking
    assert list(spans.within(0, 200)) == [(90, 200)]
    assert list(spans.within(120, 200)) == [(120, 200)]
    assert list(spans.within(0, 50)) == []


def test_a_pause_is_part_of_the_utterance() -> None:
    spans = Spans(lead_in=10, slack=5)
    spans.begin(100)
    spans.stop(150)
    spans.begin(170)
    assert list(spans.within(0, 200)) == [(90, 200)]
    spans.stop(190)
    spans.end(200)
    assert list(spans.within(0, 300)) == [(90, 200)]


def test_an_utterance_begins_where_the_one_before_ended_at_the_earliest() -> None:
    spans = Spans(lead_in=10, slack=5)
    spans.begin(100)
    spans.stop(150)
    spans.end(200)
    spans.begin(205)
    assert list(spans.within(0, 300)) == [(90, 200), (200, 300)]
    spans.forget(200)
    assert list(spans.within(0, 300)) == [(200, 300)]


def test_who_is_cut_goes_on() -> None:
    spans = Spans(lead_in=10, slack=5)
    spans.begin(100)
    spans.end(150)
    assert list(spans.within(0, 300)) == [(90, 150), (150, 300)]


def test_what_is_answered_is_settled_though_the_vad_heard_it_a_little_longer() -> None:
    for stopped, settled in ((155, True), (156, False)):
        spans = Spans(lead_in=10, slack=5)
        spans.begin(100)
        spans.stop(stopped)
        spans.settle(150)
        assert bool(spans) is not settled


def test_a_word_behind_the_answer_is_not_settled_however_short() -> None:
    spans = Spans(lead_in=10, slack=50)
    spans.begin(160)
    spans.stop(165)
    spans.settle(150)
    assert list(spans.within(150, 200)) == [(150, 200)]


def test_who_still_speaks_is_not_settled() -> None:
    spans = Spans(lead_in=10, slack=5)
    spans.begin(100)
    spans.settle(150)
    assert list(spans.within(150, 200)) == [(150, 200)]
