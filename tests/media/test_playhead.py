"""The position of playback, step by step."""

from __future__ import annotations

from media.playhead import Played, Playhead
from media.segment import Room, Segment

MS = 8


def start(length_ms: int = 10_000) -> tuple[Playhead, Segment]:
    said = Segment("text", True, Room(length_ms * MS))
    said.write(bytes(range(250)) * (length_ms * MS // 250))
    return Playhead(), said


def test_playback_begins_when_the_first_audio_is_sent() -> None:
    head, said = start()
    assert head.position(50.0) == 0
    assert not head.pending
    head.send(said, 200 * MS, 100.0)
    assert head.pending
    assert [head.position(at) for at in (50.0, 100.0, 150.0, 300.0, 999.0)] == [
        0,
        0,
        50 * MS,
        200 * MS,
        200 * MS,
    ]
    assert head.time_at(50 * MS) == 150.0
    assert head.time_at(200 * MS) == 300.0


def test_it_does_not_pass_a_mark_that_was_not_echoed() -> None:
    head, said = start()
    head.send(said, 200 * MS, 0.0)
    name = head.mark()
    assert head.mark_pending
    head.send(said, 200 * MS, 0.0)
    assert not head.mark_pending
    assert head.position(350.0) == 200 * MS
    assert head.time_at(200 * MS) == 200.0
    assert head.time_at(200 * MS + 1) is None
    echoed = head.echoed(name, 240.0)
    assert echoed is not None
    assert echoed[0] == 200 * MS
    assert head.position(250.0) == 210 * MS
    assert head.time_at(300 * MS) == 340.0
    assert head.time_at(100 * MS) == 240.0


def test_after_an_under_run_playback_begins_with_the_next_audio() -> None:
    head, said = start()
    head.send(said, 100 * MS, 0.0)
    head.send(said, 100 * MS, 500.0)
    assert [head.position(at) for at in (499.0, 500.0, 550.0)] == [100 * MS, 100 * MS, 150 * MS]
    assert head.time_at(150 * MS) == 550.0
    played = head.stop(550.0)
    assert [(part.start_ms, len(part.audio)) for part in played] == [(0, 100 * MS), (500, 50 * MS)]


def test_audio_sent_without_a_gap_is_played_without_one_whenever_the_echoes_come() -> None:
    head, said = start()
    names = []
    for _ in range(3):
        head.send(said, 100 * MS, 0.0)
        names.append(head.mark())
    starts = []
    for name, at_ms in zip(names, (103.0, 248.0, 301.0), strict=True):
        echoed = head.echoed(name, at_ms)
        assert echoed is not None
        starts += [part.start_ms for part in echoed[1]]
    assert starts == [0.0, 100.0, 200.0]
    assert head.played == 300 * MS


def test_a_mark_echoed_confirms_those_before_it() -> None:
    head, said = start()
    head.send(said, 100 * MS, 0.0)
    first = head.mark()
    head.send(said, 100 * MS, 0.0)
    second = head.mark()
    echoed = head.echoed(second, 210.0)
    assert echoed is not None
    assert sum(len(part.audio) for part in echoed[1]) == 200 * MS
    assert head.echoed(first, 211.0) is None
    assert head.echoed(second, 212.0) is None
    assert head.echoed("never sent", 213.0) is None


def test_a_stop_releases_what_was_heard_and_forgets_the_marks() -> None:
    head, said = start()
    audio = head.send(said, 200 * MS, 0.0)
    name = head.mark()
    assert head.stop(50.25) == (Played(0.0, audio[:402]),)
    assert head.echoed(name, 60.0) is None
    assert (head.pending, head.position(500.0), head.sent) == (False, 200 * MS, 200 * MS)
    assert said.heard_ms == 50.25
    head.send(said, 80 * MS, 70.0)
    assert head.position(100.0) == 230 * MS


def test_played_audio_never_overlaps_even_when_echoes_come_too_early() -> None:
    head, said = start()
    head.send(said, 200 * MS, 0.0)
    assert head.echoed(head.mark(), 1.0) is not None
    head.send(said, 200 * MS, 2.0)
    assert [(part.start_ms, len(part.audio)) for part in head.stop(12.0)] == [(200.0, 10 * MS)]
    head.send(said, 200 * MS, 20.0)
    assert head.stop(30.0)[0].start_ms == 210.0


def test_rounding_never_loses_the_byte_whose_time_was_asked_for() -> None:
    for start_ms in (0.1, 1234.567, 86_400_000.3):
        head, said = start()
        head.send(said, 1000 * MS, start_ms)
        for position in range(0, 1000 * MS, 7):
            at_ms = head.time_at(position)
            assert at_ms is not None
            if position:
                assert head.position(at_ms) == position
