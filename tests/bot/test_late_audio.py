"""Turn-taking while the caller's audio comes late, or not at all."""

from __future__ import annotations

from bot.late_audio import LOST_MS, RECHECK_MS
from bot.turn import Finalize, FinishTurn, Interrupt, PromptIdle, TurnTaking

from .test_turn import Text, listening, speaking


def fallen_silent(judged_ms: float) -> TurnTaking:
    """The caller has said something until 2,000; the audio is judged until there."""
    turn = listening()
    turn.speech_started(1_000, 1_100)
    turn.audio_judged(judged_ms)
    assert turn.speech_stopped(2_000, 2_230) == []
    return turn


def test_silence_is_counted_as_far_as_the_audio_was_judged() -> None:
    turn = fallen_silent(2_240)
    assert turn.deadline_ms() == 2_500
    assert turn.tick(2_500) == []
    # It is looked for as often as frames come.
    assert turn.deadline_ms() == 2_520
    turn.audio_judged(2_400)
    assert turn.tick(2_520) == []
    turn.audio_judged(2_500)
    assert turn.tick(2_640) == [Finalize()]


def test_a_little_lag_is_no_reason_to_wait() -> None:
    turn = fallen_silent(2_224)
    turn.audio_judged(2_400)
    assert turn.tick(2_499) == []
    assert turn.tick(2_500) == [Finalize()]


def test_speech_that_comes_late_is_still_in_the_same_turn() -> None:
    turn = fallen_silent(2_224)
    assert turn.tick(2_510) == []
    # All at once it is here, and more of it than is judged yet.
    turn.audio_judged(2_400)
    assert turn.speech_started(2_300, 2_800) == []
    turn.audio_judged(2_900)
    turn.speech_stopped(2_700, 2_930)
    assert turn.deadline_ms() == 3_200
    turn.audio_judged(3_190)
    assert turn.tick(3_200) == [Finalize()]
    [finished] = turn.transcript(Text("all of it"), 3_300)
    assert finished == FinishTurn("all of it", None, 1_000, 2_700)


def test_a_fact_that_comes_while_audio_is_awaited_does_not_end_the_utterance() -> None:
    turn = fallen_silent(2_224)
    assert turn.tick(2_500) == []
    assert turn.transcript(Text("all of", final=False), 2_530) == []
    assert turn.key_pressed(2_540) == []
    assert turn.tick(2_560) == []


def test_audio_that_never_comes_is_not_awaited_for_long() -> None:
    turn = fallen_silent(2_224)
    now_ms, ticks = 2_500.0, 0
    while (commands := turn.tick(now_ms)) == []:
        assert turn.deadline_ms() > now_ms
        now_ms, ticks = turn.deadline_ms(), ticks + 1
    assert commands == [Finalize()]
    assert now_ms == 2_500 + LOST_MS
    assert ticks <= LOST_MS / RECHECK_MS


def test_the_recognizers_end_of_turn_and_the_longest_utterance_wait_for_no_audio() -> None:
    turn = fallen_silent(2_224)
    assert turn.tick(2_600) == []
    turn.transcript(Text("hello"), 2_610)
    assert turn.end_of_turn(2_620) == [FinishTurn("hello", None, 1_000, 2_000)]
    turn = listening()
    turn.audio_judged(1_100)
    turn.speech_started(1_000, 1_100)
    assert turn.deadline_ms() == 21_000
    assert turn.tick(21_000) == [Finalize()]


def test_a_barge_in_and_a_silent_caller_are_timed_by_the_clock() -> None:
    turn = speaking()
    turn.audio_judged(1_096)
    turn.speech_started(1_000, 1_100)
    assert turn.tick(1_160) == [Interrupt(1_000)]
    turn = listening()
    turn.audio_judged(500)
    assert turn.tick(10_000) == [PromptIdle(1)]
