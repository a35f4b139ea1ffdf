from __future__ import annotations

from providers.stt.timeline import Timeline


def test_silence_of_ours_is_left_out() -> None:
    timeline = Timeline()
    timeline.send(1_000)
    timeline.add(20)
    timeline.send(500)
    timeline.add(200)
    timeline.send(100)
    assert (timeline.sent_ms, timeline.stream_ms) == (1_820, 1_600)
    assert [timeline.place(at) for at in (0, 1_000, 1_010, 1_020, 1_520, 1_600, 1_820)] == [
        *(0, 1_000, 1_000, 1_000, 1_500, 1_500, 1_600),
    ]


def test_what_is_forgotten_still_counts() -> None:
    timeline = Timeline()
    for _ in range(3):
        timeline.send(1_000)
        timeline.add(100)
    timeline.forget(2_200)
    assert [timeline.place(at) for at in (2_300, 3_250)] == [2_100, 3_000]
    timeline.forget(10_000)
    assert timeline.place(3_300) == 3_000


def test_silence_may_come_bit_by_bit() -> None:
    timeline = Timeline()
    timeline.add(50)
    timeline.send(100)
    timeline.add(80)
    timeline.add(20)
    timeline.send(100)
    assert (timeline.sent_ms, timeline.stream_ms) == (350, 200)
    # The vendor's: 0-50 silence, -150 audio, -250 silence, -350 audio.
    times = {0: 0, 30: 0, 50: 0, 90: 40, 150: 100, 200: 100, 250: 100, 260: 110, 350: 200}
    assert {ms: timeline.place(ms) for ms in times} == times
    timeline.forget(249)
    assert timeline.place(250) == 100
    timeline.forget(250)
    assert timeline.place(260) == 110
