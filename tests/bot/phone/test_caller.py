"""The caller's steps, frame by frame, without a line."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bot.phone.caller import SILENT_FRAME, Caller, Deed, Sight
from bot.phone.clip import Clip
from bot.phone.steps import HangUp, Lose, Play, Press, SpeakOver, Step, Wait, WaitForBot

CLIP = Clip("clip", b"a" * 160 + b"b" * 100)
QUIET = Sight(speaking=False, queued=False, clears=0)
SPEAKING = Sight(speaking=True, queued=True, clears=0)
END = HangUp()


def run(steps: list[Step], sight: Callable[[int], Sight] = lambda _: QUIET) -> list[Deed]:
    """What the caller does in each frame up to the end."""
    caller = Caller(steps)
    deeds: list[Deed] = []
    while not deeds or deeds[-1].ending is None:
        assert len(deeds) < 2_000
        deeds.append(caller.tick(sight(len(deeds))))
    return deeds


def frames_before_speaking(step: Step, sight: Callable[[int], Sight]) -> int:
    deeds = run([step, Play(CLIP)] if not isinstance(step, SpeakOver) else [step], sight)
    return next(frame for frame, deed in enumerate(deeds) if deed.clip is not None)


def bot(start: int, end: int, clear_at: int | None = None) -> Callable[[int], Sight]:
    """A bot that speaks in these frames; `clear_at` a clear arrives."""

    def sight(frame: int) -> Sight:
        speaking = start <= frame < end
        return Sight(speaking, speaking, int(clear_at is not None and frame >= clear_at))

    return sight


def test_a_clip_is_sent_in_frames_and_its_last_one_is_filled() -> None:
    assert run([Play(CLIP)]) == [
        Deed(b"a" * 160, CLIP),
        Deed(b"b" * 100 + b"\xff" * 60, CLIP),
        Deed(SILENT_FRAME, ending=END),
    ]


def test_steps_and_what_remains_of_them() -> None:
    caller = Caller([Play(CLIP), HangUp()])
    assert (caller.remaining, caller.step) == (2, Play(CLIP))
    for _ in range(2):
        caller.tick(QUIET)
    assert caller.tick(QUIET).ending == END
    assert (caller.remaining, caller.step) == (0, END)
    assert caller.tick(QUIET).ending == END


def test_waiting_is_silence() -> None:
    assert run([Wait(60)]) == [Deed(), Deed(), Deed(), Deed(ending=END)]


def test_keys_are_pressed_five_a_second() -> None:
    deeds = run([Press("1#")])
    assert [(frame, deed.digit) for frame, deed in enumerate(deeds) if deed.digit] == [
        (0, "1"),
        (10, "#"),
    ]
    assert len(deeds) == 21


def test_a_lost_stream_is_not_the_end_of_the_steps() -> None:
    caller = Caller([Lose("reset"), Play(CLIP)])
    assert caller.tick(QUIET).ending == Lose("reset")
    assert caller.tick(QUIET).clip == CLIP


def test_the_bot_has_finished_after_a_second_of_silence() -> None:
    assert frames_before_speaking(WaitForBot(5_000), bot(20, 60)) == 60 + 49


def test_a_bot_that_still_has_audio_has_not_finished() -> None:
    def sight(frame: int) -> Sight:
        return Sight(frame < 10, frame < 200, 0)

    assert frames_before_speaking(WaitForBot(500), sight) == 200


def test_queued_silence_is_not_waited_for_without_end() -> None:
    def sight(frame: int) -> Sight:
        return Sight(frame < 10, True, 0)

    assert frames_before_speaking(WaitForBot(500), sight) == 10 + 249


def test_a_pause_between_sentences_is_not_the_end() -> None:
    def sight(frame: int) -> Sight:
        return Sight(frame < 10 or 50 <= frame < 60, False, 0)

    assert frames_before_speaking(WaitForBot(5_000), sight) == 60 + 49


def test_a_bot_that_never_speaks_is_not_waited_for() -> None:
    assert frames_before_speaking(WaitForBot(1_000), bot(500, 600)) == 50


def test_a_bot_that_is_speaking_at_the_deadline_is_heard_out() -> None:
    assert frames_before_speaking(WaitForBot(1_000), bot(40, 100)) == 100 + 49


def test_what_was_cleared_is_no_answer() -> None:
    def sight(frame: int) -> Sight:
        return Sight(frame < 10 or 100 <= frame < 120, False, int(frame >= 10))

    assert frames_before_speaking(WaitForBot(5_000), sight) == 120 + 49


def test_an_answer_that_began_in_the_step_before_is_waited_for() -> None:
    deeds = run([Wait(400), WaitForBot(10_000)], bot(10, 40))
    assert len(deeds) == 40 + 49 + 1


@pytest.mark.parametrize(("after_ms", "frame"), [(0, 10), (20, 10), (500, 34)])
def test_speaking_over_the_bot(after_ms: int, frame: int) -> None:
    assert frames_before_speaking(SpeakOver(CLIP, after_ms), bot(10, 100)) == frame


def test_a_bot_that_stops_too_early_is_spoken_to_when_it_has_stopped() -> None:
    assert frames_before_speaking(SpeakOver(CLIP, 5_000), bot(10, 30)) == 30 + 19


def test_a_bot_that_never_speaks_is_spoken_to_at_the_deadline() -> None:
    assert frames_before_speaking(SpeakOver(CLIP, 0, timeout_ms=400), bot(500, 600)) == 20


def test_a_long_pause_with_audio_queued_is_not_a_stop() -> None:
    def sight(frame: int) -> Sight:
        return Sight(frame < 10 or 60 <= frame < 100, frame < 100, 0)

    assert frames_before_speaking(SpeakOver(CLIP, 1_300), sight) == 64
