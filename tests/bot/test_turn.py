"""A conversation of half a minute is played here in microseconds: time is an argument."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.turn import (
    Bot,
    Command,
    EndCall,
    Finalize,
    FinishTurn,
    Interrupt,
    PromptIdle,
    Resume,
    TurnSettings,
    TurnTaking,
)

SETTINGS = TurnSettings(
    endpointing_ms=500,
    barge_in_ms=160,
    final_timeout_ms=1_500,
    no_words_timeout_ms=6_000,
    idle_ms=10_000,
    idle_prompts=2,
    max_utterance_ms=20_000,
    max_duration_ms=600_000,
)


@dataclass(frozen=True)
class Text:
    text: str
    final: bool = True
    confidence: float | None = None
    rejected: bool = False


def listening(now_ms: float = 0) -> TurnTaking:
    """A machine whose bot has greeted and is silent."""
    turn = TurnTaking(SETTINGS)
    assert turn.bot_started(now_ms) == []
    assert turn.bot_finished(now_ms) == []
    return turn


def speaking(now_ms: float = 0) -> TurnTaking:
    """A machine whose bot can be heard."""
    turn = TurnTaking(SETTINGS)
    assert turn.bot_started(now_ms) == []
    return turn


def test_a_turn_from_silence_and_a_final_transcript() -> None:
    turn = listening()
    assert turn.speech_started(1_000, 1_100) == []
    assert turn.transcript(Text("go for", final=False), 1_500) == []
    assert turn.speech_stopped(2_000, 2_130) == []
    assert turn.deadline_ms() == 2_500
    assert turn.tick(2_499) == []
    assert turn.tick(2_500) == [Finalize()]
    assert turn.deadline_ms() == 4_000
    assert turn.tick(2_501) == []
    assert turn.transcript(Text("go forward", confidence=0.9), 2_600) == [
        FinishTurn("go forward", 0.9, 1_000, 2_000)
    ]
    assert turn.bot is Bot.THINKING


def test_a_pause_shorter_than_the_endpointing_delay_joins() -> None:
    turn = listening()
    turn.speech_started(1_000, 1_100)
    turn.speech_stopped(2_000, 2_130)
    assert turn.speech_started(2_400, 2_480) == []
    assert turn.tick(2_600) == []
    turn.speech_stopped(3_000, 3_100)
    assert turn.tick(3_500) == [Finalize()]
    [finished] = turn.transcript(Text("all of it"), 3_600)
    assert finished == FinishTurn("all of it", None, 1_000, 3_000)


def test_audio_that_is_late_is_no_silence() -> None:
    turn = listening()
    turn.speech_started(1_000, 1_100)
    turn.speech_stopped(2_000, 2_230)
    turn.audio_judged(2_240)
    assert turn.tick(2_500) == []
    assert 2_500 < turn.deadline_ms() <= 2_530
    turn.audio_judged(2_450)
    assert turn.tick(2_530) == [Finalize()]


def test_a_caller_who_goes_on_before_the_final_came_is_still_in_the_same_turn() -> None:
    turn = listening()
    turn.speech_started(1_000, 1_100)
    turn.speech_stopped(2_000, 2_130)
    assert turn.tick(2_500) == [Finalize()]
    assert turn.speech_started(2_520, 2_600) == []
    assert turn.transcript(Text("eight of", confidence=0.8), 2_650) == []
    turn.speech_stopped(3_000, 3_100)
    assert turn.tick(3_500) == [Finalize()]
    assert turn.transcript(Text("spades", confidence=0.6, rejected=True), 3_600) == [
        FinishTurn("eight of spades", 0.6, 1_000, 3_000, rejected=True)
    ]


def test_what_was_said_last_is_finished_when_the_caller_has_left() -> None:
    turn = speaking()
    turn.speech_started(1_000, 1_100)
    turn.transcript(Text("stop", final=False), 1_200)
    assert turn.words is not None
    assert turn.words.text == "stop"
    assert turn.caller_left(1_300) == [Finalize()]
    assert turn.bot is Bot.SILENT
    # Its words are asked for once.
    assert turn.caller_left(1_310) == []
    [finished] = turn.transcript(Text("stop calling me"), 1_400)
    assert isinstance(finished, FinishTurn)
    assert finished.text == "stop calling me"


def test_a_caller_who_leaves_without_a_word_leaves_nothing() -> None:
    turn = listening()
    assert turn.words is None
    assert turn.caller_left(1_000) == []


def test_noise_without_words_starts_no_turn() -> None:
    turn = listening()
    turn.speech_started(1_000, 1_100)
    turn.speech_stopped(1_200, 1_300)
    assert turn.tick(1_700) == [Finalize()]
    assert turn.transcript(Text(""), 1_750) == []
    assert turn.bot is Bot.SILENT


def test_the_last_interim_stands_in_for_a_final_that_does_not_come() -> None:
    turn = listening()
    turn.speech_started(1_000, 1_100)
    turn.transcript(Text("book a table", final=False), 1_500)
    turn.speech_stopped(2_000, 2_100)
    assert turn.tick(2_500) == [Finalize()]
    assert turn.tick(4_000) == [FinishTurn("book a table", None, 1_000, 2_000)]
    # Its late answer is neither a new turn nor a barge-in.
    turn.bot_started(4_100)
    assert turn.transcript(Text("book a table"), 4_200) == []
    # The next one counts.
    assert turn.transcript(Text("and"), 4_300) == [Interrupt(4_300)]


@pytest.mark.parametrize("end_ms", [1_700, 1_950, 2_100, 2_400])
def test_a_turn_that_another_recognizer_says_again_by_its_own_clock_is_none(end_ms: int) -> None:
    turn = listening()
    turn.speech_started(1_000, 1_000)
    turn.transcript(Text("my name is angela", final=False), 1_900, 1_950)
    turn.speech_stopped(2_000, 2_300)
    assert turn.tick(2_500) == [Finalize()]
    assert turn.tick(4_000) == [FinishTurn("my name is angela", None, 1_000, 2_000)]
    # One final transcript answers, or two.
    assert turn.transcript(Text("my name"), 5_000, 1_500) == []
    assert turn.transcript(Text("is angela"), 5_100, end_ms) == []
    # What is said after that is new.
    assert turn.transcript(Text("hello"), 5_200, 4_800) == [Interrupt(4_800)]


def test_words_that_come_late_when_nothing_stood_in_for_them_are_a_turn() -> None:
    turn = listening()
    turn.speech_started(1_000, 1_100)
    turn.speech_stopped(2_000, 2_100)
    assert turn.tick(2_500) == [Finalize()]
    assert turn.tick(8_500) == []
    assert turn.transcript(Text("a table"), 9_200) == []
    assert turn.tick(9_700) == [Finalize()]
    assert turn.transcript(Text(""), 9_750) == [FinishTurn("a table", None, 9_200, 9_200)]


def test_words_that_come_late_are_not_lost() -> None:
    turn = listening()
    turn.speech_started(1_000, 1_100)
    turn.speech_stopped(2_000, 2_100)
    assert turn.tick(2_500) == [Finalize()]
    assert turn.deadline_ms() == 8_500
    assert turn.tick(8_000) == []
    assert turn.transcript(Text("late"), 8_100) == [FinishTurn("late", None, 1_000, 2_000)]


def test_a_recognizer_that_never_answers_does_not_hold_the_call_for_ever() -> None:
    turn = listening()
    turn.speech_started(1_000, 1_100)
    turn.speech_stopped(2_000, 2_100)
    assert turn.tick(2_500) == [Finalize()]
    assert turn.tick(8_500) == []
    assert turn.deadline_ms() == 12_100


def test_a_final_that_comes_unasked_waits_for_silence() -> None:
    turn = listening()
    turn.speech_started(1_000, 1_100)
    assert turn.transcript(Text("one"), 1_500) == []
    assert turn.transcript(Text("two"), 1_900) == []
    turn.speech_stopped(2_000, 2_100)
    assert turn.tick(2_500) == [Finalize()]
    assert turn.transcript(Text(""), 2_550) == [FinishTurn("one two", None, 1_000, 2_000)]


def test_the_recognizers_own_end_of_turn_is_taken_at_once() -> None:
    turn = listening()
    turn.speech_started(1_000, 1_100)
    turn.transcript(Text("yes"), 1_500)
    assert turn.end_of_turn(1_510) == [FinishTurn("yes", None, 1_000, 1_000)]
    # The VAD, which lags behind, must not take its tail for a barge-in.
    turn.bot_started(1_520)
    assert turn.tick(1_800) == []
    assert turn.speech_stopped(1_450, 1_801) == []


def test_an_end_of_turn_before_the_final_asks_for_it() -> None:
    turn = listening()
    turn.speech_started(1_000, 1_100)
    assert turn.end_of_turn(1_500) == [Finalize()]
    assert turn.transcript(Text("yes"), 1_600) == [FinishTurn("yes", None, 1_000, 1_000)]


def test_the_end_of_a_turn_that_the_vad_notices_late_is_no_barge_in() -> None:
    turn = listening()
    turn.transcript(Text("yes", final=True), 1_500)
    turn.end_of_turn(1_510)
    turn.bot_started(1_520)
    assert turn.speech_started(1_400, 1_540) == []
    assert turn.tick(1_900) == []
    assert turn.speech_stopped(1_480, 1_950) == []
    # What is said from then on is.
    assert turn.speech_started(2_000, 2_100) == []
    assert turn.tick(2_160) == [Interrupt(2_000)]


def test_an_end_of_turn_out_of_nowhere_is_nothing() -> None:
    assert listening().end_of_turn(1_000) == []


def test_words_of_a_caller_too_quiet_for_the_vad_are_a_turn() -> None:
    turn = listening()
    assert turn.transcript(Text("hello", final=False), 1_000) == []
    assert turn.tick(1_500) == [Finalize()]
    assert turn.transcript(Text("hello"), 1_600) == [FinishTurn("hello", None, 1_000, 1_000)]


def test_an_empty_final_out_of_nowhere_is_nothing() -> None:
    assert listening().transcript(Text(""), 1_000) == []


def test_an_endless_utterance_is_cut() -> None:
    turn = listening()
    turn.speech_started(1_000, 1_100)
    assert turn.deadline_ms() == 21_000
    assert turn.tick(21_000) == [Finalize()]
    assert turn.transcript(Text("the radio"), 21_100) == [
        FinishTurn("the radio", None, 1_000, 1_000)
    ]


def test_who_was_cut_and_has_not_paused_is_not_cut_again_soon() -> None:
    turn = listening()
    turn.speech_started(1_000, 1_100)
    assert turn.tick(21_000) == [Finalize()]
    assert turn.transcript(Text("the radio"), 21_100, 20_900) == [
        FinishTurn("the radio", None, 1_000, 20_900)
    ]
    turn.bot_finished(21_200)
    assert heard(turn, "goes on", 21_500, 21_600) == []
    assert turn.tick(30_000) == []
    assert turn.deadline_ms() == 41_500


def test_speech_over_the_bot_interrupts_it() -> None:
    turn = speaking()
    assert turn.speech_started(1_000, 1_100) == []
    assert turn.deadline_ms() == 1_160
    assert turn.tick(1_160) == [Interrupt(1_000)]
    assert turn.bot is Bot.SILENT
    assert turn.tick(1_200) == []


def test_a_sound_shorter_than_the_barge_in_delay_does_not() -> None:
    turn = speaking()
    turn.speech_started(1_000, 1_100)
    assert turn.speech_stopped(1_110, 1_150) == []
    assert turn.tick(1_300) == []
    assert turn.bot is Bot.SPEAKING


def test_words_interrupt_before_the_vad_is_sure() -> None:
    turn = speaking()
    turn.speech_started(1_000, 1_100)
    assert turn.transcript(Text("stop", final=False), 1_120) == [Interrupt(1_000)]


def test_an_interruption_without_words_is_made_good() -> None:
    turn = speaking()
    turn.speech_started(1_000, 1_200)
    turn.speech_stopped(1_400, 1_500)
    assert turn.tick(1_900) == [Finalize()]
    assert turn.transcript(Text(""), 2_000) == [Resume()]
    assert turn.bot is Bot.THINKING


def test_speech_that_may_not_be_interrupted_holds_the_turn() -> None:
    turn = speaking()
    assert turn.set_interruptible(False, 500) == []
    turn.speech_started(1_000, 1_200)
    assert turn.transcript(Text("but", final=False), 1_250) == []
    turn.speech_stopped(1_400, 1_500)
    assert turn.tick(1_900) == [Finalize()]
    assert turn.transcript(Text("but"), 2_000) == []
    assert turn.deadline_ms() == SETTINGS.max_duration_ms
    assert turn.bot_finished(3_000) == [FinishTurn("but", None, 1_000, 1_400)]


def test_speech_becomes_interruptible_under_the_callers_words() -> None:
    turn = speaking()
    turn.set_interruptible(False, 500)
    turn.speech_started(1_000, 1_200)
    assert turn.deadline_ms() == 21_000
    assert turn.set_interruptible(True, 1_300) == [Interrupt(1_000)]


def test_a_sound_does_not_undo_a_turn_but_words_do() -> None:
    turn = listening()
    turn.transcript(Text("one"), 1_000)
    turn.tick(1_500)
    assert turn.transcript(Text(""), 1_510) == [FinishTurn("one", None, 1_000, 1_000)]
    assert not turn.floor_taken
    assert turn.speech_started(1_600, 1_900) == []
    assert turn.floor_taken
    assert turn.tick(2_000) == []
    assert turn.transcript(Text("two", final=False), 2_100) == [Interrupt(1_600)]
    assert not turn.floor_taken


def test_a_turn_interrupts_a_bot_that_answers_an_older_one() -> None:
    turn = listening()
    turn.speech_started(1_000, 1_100)
    turn.transcript(Text("one", final=False), 1_200)
    turn.bot_thinking(1_300)
    turn.speech_stopped(1_500, 1_600)
    assert turn.tick(2_000) == [Finalize()]
    assert turn.tick(3_500) == [Interrupt(1_000), FinishTurn("one", None, 1_000, 1_500)]


def test_a_key_interrupts_like_speech() -> None:
    assert speaking().key_pressed(1_000) == [Interrupt(1_000)]
    assert listening().key_pressed(1_000) == []
    thinking = TurnTaking(SETTINGS)
    assert thinking.key_pressed(1_000) == []
    assert thinking.bot is Bot.THINKING


def test_a_silent_caller_is_prompted_then_the_call_ends() -> None:
    turn = listening()
    assert turn.deadline_ms() == 10_000
    assert turn.tick(10_000) == [PromptIdle(1)]
    assert turn.tick(30_000) == []
    turn.bot_started(30_100)
    turn.bot_finished(32_000)
    assert turn.tick(42_000) == [PromptIdle(2)]
    turn.bot_finished(43_000)
    assert turn.tick(53_000) == [EndCall("idle")]
    assert turn.tick(99_000) == []


def test_a_word_or_a_key_ends_the_counting() -> None:
    for answer in (
        lambda t: t.key_pressed(20_000),
        lambda t: [
            *t.transcript(Text("yes"), 19_000),
            *t.end_of_turn(19_000),
            *t.bot_finished(20_000),
        ],
    ):
        turn = listening()
        assert turn.tick(10_000) == [PromptIdle(1)]
        turn.bot_finished(11_000)
        answer(turn)
        assert turn.deadline_ms() == 30_000
        assert turn.tick(30_000) == [PromptIdle(1)]


def test_thinking_does_not_hide_that_the_bot_is_heard() -> None:
    turn = speaking()
    turn.bot_thinking(100)
    assert turn.bot is Bot.SPEAKING


def test_the_call_ends_at_its_maximum_duration() -> None:
    turn = listening()
    turn.speech_started(599_000, 599_100)
    assert turn.tick(600_000) == [EndCall("max_duration")]
    assert turn.bot_finished(600_001) == []


def heard(turn: TurnTaking, text: str, end_ms: float, now_ms: float) -> list[Command]:
    """Interim words, of which the recognizer says when the last ended."""
    return turn.transcript(Text(text, final=False), now_ms, end_ms)


def test_words_that_keep_coming_are_one_turn_though_the_vad_hears_nothing() -> None:
    turn = listening()
    for at_ms in range(1_000, 4_000, 100):
        # The recognizer lags by more than the silence that ends an utterance.
        assert heard(turn, f"words until {at_ms}", at_ms - 600, at_ms) == []
        assert turn.deadline_ms() == at_ms + 500
    assert turn.tick(4_400) == [Finalize()]
    assert turn.transcript(Text("all words"), 4_450, 3_300) == [
        FinishTurn("all words", None, 400, 3_300)
    ]


def test_words_without_a_time_that_keep_coming_are_one_turn() -> None:
    turn = listening()
    for at_ms in range(1_000, 4_000, 100):
        assert turn.transcript(Text(f"words until {at_ms}", final=False), at_ms) == []
    # The same words again are no evidence of a voice.
    assert turn.transcript(Text("words until 3900", final=False), 4_300) == []
    assert turn.tick(4_400) == [Finalize()]
    assert turn.transcript(Text("all words"), 4_450) == [
        FinishTurn("all words", None, 1_000, 3_900)
    ]


def test_words_that_come_after_the_vad_heard_them_end_do_not_delay_the_turn() -> None:
    turn = listening()
    turn.speech_started(1_000, 1_100)
    turn.speech_stopped(2_000, 2_130)
    assert heard(turn, "go forward", 2_050, 2_400) == []
    assert turn.deadline_ms() == 2_550


def test_words_beyond_what_the_vad_heard_are_waited_for() -> None:
    turn = listening()
    turn.speech_started(1_000, 1_100)
    turn.speech_stopped(2_000, 2_130)
    assert heard(turn, "go forward softly", 2_300, 2_450) == []
    assert turn.deadline_ms() == 2_950


def test_quiet_words_are_cut_where_an_utterance_is() -> None:
    turn = listening()
    for at_ms in range(1_000, 20_900, 300):
        assert heard(turn, f"the radio {at_ms}", at_ms, at_ms) == []
    assert turn.deadline_ms() == 21_000
    assert turn.tick(21_000) == [Finalize()]
    assert heard(turn, "the radio goes on", 21_050, 21_050) == []
    assert turn.transcript(Text("the radio"), 21_100, 21_000) == [
        FinishTurn("the radio", None, 1_000, 21_050)
    ]


def test_who_goes_on_before_the_recognizer_says_that_the_turn_ended_is_heard() -> None:
    turn = listening()
    turn.speech_started(1_000, 1_200)
    heard(turn, "yes", 1_500, 1_550)
    turn.speech_stopped(1_600, 1_900)
    # Speech began at 1,950; the recognizer tells at 2,000 that the turn ended at 1,500.
    assert turn.transcript(Text("yes"), 2_000, 1_500) == []
    assert turn.end_of_turn(2_000, 1_500) == [FinishTurn("yes", None, 1_000, 1_600)]
    assert turn.speech_started(1_950, 2_150) == []
    for at_ms in range(2_500, 4_000, 100):
        words = heard(turn, f"i would like {at_ms}", at_ms - 300, at_ms)
        assert words == ([Interrupt(1_950)] if at_ms == 2_500 else [])
    turn.speech_stopped(3_800, 4_000)
    assert turn.tick(4_300) == [Finalize()]
    assert turn.transcript(Text("i would like two"), 4_350, 3_700) == [
        FinishTurn("i would like two", None, 1_950, 3_800)
    ]


def test_the_recognizers_end_of_turn_is_too_late_when_the_caller_has_gone_on() -> None:
    turn = listening()
    turn.speech_started(1_000, 1_200)
    turn.speech_stopped(1_500, 1_600)
    assert turn.speech_started(1_750, 1_850) == []
    assert turn.transcript(Text("yes"), 1_900, 1_480) == []
    assert turn.end_of_turn(1_900, 1_480) == []
    turn.speech_stopped(2_500, 2_600)
    assert turn.tick(3_000) == [Finalize()]
    assert turn.transcript(Text("please"), 3_050, 2_490) == [
        FinishTurn("yes please", None, 1_000, 2_500)
    ]


def test_speech_that_began_in_an_ended_turn_and_goes_on_with_words_is_not_chopped() -> None:
    turn = listening()
    turn.speech_started(1_000, 1_200)
    turn.transcript(Text("yes"), 1_600, 1_500)
    assert turn.end_of_turn(1_600, 1_500) == [FinishTurn("yes", None, 1_000, 1_500)]
    turn.bot_finished(1_700)
    assert heard(turn, "and", 2_000, 2_100) == []
    # The VAD has heard no pause: so neither was there one that ends an utterance.
    assert turn.tick(4_000) == []
    turn.speech_stopped(4_100, 4_200)
    assert turn.tick(4_600) == [Finalize()]


def test_who_goes_on_after_the_end_was_asked_for_is_still_in_the_same_turn() -> None:
    turn = listening()
    assert heard(turn, "eight", 1_000, 1_100) == []
    assert turn.tick(1_600) == [Finalize()]
    # Of what was said before, more may be understood; of what is said after it, too.
    assert heard(turn, "eight of", 1_400, 1_650) == []
    assert turn.tick(2_200) == []
    assert heard(turn, "eight of spades", 2_150, 2_250) == []
    assert turn.transcript(Text("eight of"), 2_300, 1_400) == []
    assert turn.tick(2_750) == [Finalize()]
    assert turn.transcript(Text("spades"), 2_800, 2_150) == [
        FinishTurn("eight of spades", None, 1_000, 2_150)
    ]


def test_words_that_were_handed_over_come_again_and_are_no_turn() -> None:
    turn = listening()
    turn.speech_started(1_000, 1_100)
    heard(turn, "book a table", 1_900, 2_000)
    turn.speech_stopped(2_000, 2_130)
    assert turn.tick(2_500) == [Finalize()]
    assert turn.tick(4_000) == [FinishTurn("book a table", None, 1_000, 2_000)]
    # A connection was lost: the recognizer hears it once more, however much later.
    assert heard(turn, "book a", 1_500, 20_000) == []
    assert turn.transcript(Text("book a table"), 20_300, 1_950) == []
    assert turn.bot is Bot.THINKING
    assert not turn.floor_taken
    # What was said after it is a turn.
    assert heard(turn, "for two", 2_600, 20_400) == [Interrupt(2_600)]


def test_words_that_were_interim_and_are_not_in_the_turn_are_the_next_ones() -> None:
    turn = listening()
    assert heard(turn, "yes and", 2_000, 2_100) == []
    # The recognizer finds that the turn ended between the two words.
    assert turn.transcript(Text("yes"), 2_200, 1_500) == []
    assert turn.end_of_turn(2_200, 1_500) == [FinishTurn("yes", None, 2_000, 2_000)]
    assert heard(turn, "and", 2_000, 2_200) == [Interrupt(2_000)]


def test_a_caller_who_goes_on_while_the_turn_must_wait_is_heard_out() -> None:
    turn = speaking()
    turn.set_interruptible(False, 0)
    turn.speech_started(1_000, 1_100)
    turn.speech_stopped(1_700, 1_900)
    assert turn.transcript(Text("yes"), 2_000, 1_600) == []
    assert turn.end_of_turn(2_000, 1_600) == []
    turn.speech_started(2_500, 2_700)
    assert turn.set_interruptible(True, 2_800) == [Interrupt(2_500)]
    heard(turn, "i want a", 2_900, 3_000)
    turn.speech_stopped(3_500, 3_600)
    assert turn.transcript(Text("i want a table"), 3_700, 3_450) == []
    assert turn.end_of_turn(3_700, 3_450) == [FinishTurn("yes i want a table", None, 1_000, 3_500)]


def test_a_quiet_caller_who_goes_on_while_the_turn_must_wait_is_heard_out() -> None:
    turn = speaking()
    turn.set_interruptible(False, 0)
    turn.transcript(Text("yes"), 2_000, 1_600)
    assert turn.end_of_turn(2_000, 1_600) == []
    assert heard(turn, "i want a", 2_900, 3_000) == []
    assert turn.bot_finished(3_100) == []
    assert turn.deadline_ms() == 3_500


def test_the_answer_to_an_older_question_does_not_end_the_next_utterance() -> None:
    turn = listening()
    turn.speech_started(1_000, 1_100)
    heard(turn, "yes", 1_400, 1_500)
    turn.speech_stopped(1_500, 1_600)
    assert turn.tick(2_000) == [Finalize()]
    # The recognizer found the end itself meanwhile: it still owes the answer.
    turn.transcript(Text("yes"), 2_010, 1_400)
    assert turn.end_of_turn(2_010, 1_400) == []
    turn.speech_started(2_100, 2_300)
    heard(turn, "two tickets", 2_400, 2_450)
    turn.speech_stopped(2_500, 2_600)
    assert turn.tick(3_000) == [Finalize()]
    assert turn.transcript(Text(""), 3_010) == []
    assert turn.transcript(Text("two tickets please"), 3_200, 2_500) == [
        FinishTurn("two tickets please", None, 2_100, 2_500)
    ]


def test_the_recognizers_end_of_turn_waits_for_no_answer() -> None:
    turn = listening()
    turn.speech_started(1_000, 1_100)
    turn.speech_stopped(1_500, 1_600)
    assert turn.tick(2_000) == [Finalize()]
    assert turn.tick(8_000) == []
    turn.speech_started(9_000, 9_100)
    turn.speech_stopped(9_500, 9_600)
    assert turn.tick(10_000) == [Finalize()]
    assert turn.transcript(Text("hello"), 10_010, 9_450) == []
    assert turn.end_of_turn(10_010, 9_450) == [FinishTurn("hello", None, 9_000, 9_500)]


def test_an_older_answer_takes_no_words_away() -> None:
    turn = listening()
    turn.speech_started(1_000, 1_100)
    turn.speech_stopped(1_500, 1_600)
    assert turn.tick(2_000) == [Finalize()]
    assert turn.tick(8_000) == []
    turn.speech_started(9_000, 9_100)
    heard(turn, "hello", 9_400, 9_450)
    turn.speech_stopped(9_500, 9_600)
    assert turn.tick(10_000) == [Finalize()]
    assert turn.transcript(Text(""), 10_010) == []
    assert turn.tick(11_500) == [FinishTurn("hello", None, 9_000, 9_500)]


def half_understood() -> TurnTaking:
    """The caller has been silent for long enough; the recognizer is a second and a half behind."""
    turn = listening()
    turn.speech_started(1_000, 1_100)
    heard(turn, "i'd like", 1_500, 2_900)
    turn.speech_stopped(3_000, 3_100)
    assert turn.tick(3_500) == [Finalize()]
    assert turn.tick(5_000) == []
    assert turn.deadline_ms() == 9_500
    return turn


def test_half_a_sentence_is_no_turn_while_the_rest_may_come() -> None:
    turn = half_understood()
    assert turn.transcript(Text("i'd like an appointment"), 6_000, 2_950) == [
        FinishTurn("i'd like an appointment", None, 1_000, 3_000)
    ]


def test_half_a_sentence_is_a_turn_when_the_rest_never_comes() -> None:
    assert half_understood().tick(9_500) == [FinishTurn("i'd like", None, 1_000, 3_000)]


def test_the_answer_that_is_awaited_may_withdraw_the_words() -> None:
    turn = listening()
    turn.speech_started(1_000, 1_100)
    heard(turn, "er", 1_400, 1_450)
    turn.speech_stopped(1_500, 1_600)
    assert turn.tick(2_000) == [Finalize()]
    assert turn.transcript(Text(""), 2_100) == []
    assert turn.speaking_from_ms is None


def test_an_answer_that_never_comes_delays_only_one_more_turn() -> None:
    turn = listening()

    def say(at_ms: float) -> None:
        turn.bot_finished(at_ms)
        turn.speech_started(at_ms, at_ms + 100)
        turn.speech_stopped(at_ms + 500, at_ms + 600)
        assert turn.tick(at_ms + 1_000) == [Finalize()]

    say(1_000)
    assert turn.tick(8_000) == []
    say(10_000)
    assert turn.transcript(Text("one"), 11_100, 10_500) == []
    assert turn.tick(12_500) == [FinishTurn("one", None, 10_000, 10_500)]
    say(20_000)
    assert turn.transcript(Text("two"), 21_100, 20_500) == [FinishTurn("two", None, 20_000, 20_500)]


UNTIMED = ["start", "stop", "interim", "final", "empty", "eot", "key", "on", "off", "late"]
STEPS = st.sampled_from([*UNTIMED, "words", "said", "ended"])


def late(turn: TurnTaking, now_ms: float) -> list[Command]:
    """Not all of the caller's audio has come."""
    turn.audio_judged(now_ms - 400)
    return turn.tick(now_ms)


def apply(turn: TurnTaking, step: str, now: float) -> list[Command]:
    steps: dict[str, Callable[[], list[Command]]] = {
        "start": lambda: turn.speech_started(now - 50, now),
        "stop": lambda: turn.speech_stopped(now - 50, now),
        "interim": lambda: turn.transcript(Text("a", final=False), now),
        "final": lambda: turn.transcript(Text("b"), now),
        "empty": lambda: turn.transcript(Text(""), now),
        "eot": lambda: turn.end_of_turn(now),
        "words": lambda: heard(turn, f"until {now}", now - 300, now),
        "said": lambda: turn.transcript(Text("c"), now, now - 300),
        "ended": lambda: turn.end_of_turn(now, now - 300),
        "key": lambda: turn.key_pressed(now),
        "on": lambda: turn.bot_started(now),
        "off": lambda: turn.bot_finished(now),
        "late": lambda: late(turn, now),
    }
    return steps[step]()


@given(st.lists(st.tuples(STEPS, st.integers(0, 700)), max_size=60))
def test_it_never_sticks_whatever_comes(steps: list[tuple[str, int]]) -> None:
    """Finals are always awaited with a deadline, and a deadline that is due is acted on."""
    turn = TurnTaking(SETTINGS)
    now = 0.0
    for step, wait in steps:
        now += wait
        commands = apply(turn, step, now)
        commands += turn.tick(now)
        assert turn.deadline_ms() > now
        assert all(c.text for c in commands if isinstance(c, FinishTurn))
    turn.speech_stopped(now, now)
    turn.bot_finished(now)
    ended = False
    for _ in range(100):
        now = turn.deadline_ms()
        commands = turn.tick(now)
        if any(isinstance(c, FinishTurn | PromptIdle | Resume) for c in commands):
            turn.bot_finished(now)
        ended |= any(isinstance(c, EndCall) for c in commands)
        if ended:
            break
    assert ended


def test_a_call_that_cannot_be_ended_goes_on_and_is_to_end_a_while_later() -> None:
    turn = listening()
    assert turn.tick(600_000) == [EndCall("max_duration")]
    assert turn.deadline_ms() == math.inf
    assert turn.tick(605_000) == []
    assert turn.go_on(606_000) == []
    # Nobody is asked whether they are there, and the call is not ended again, before that.
    assert turn.deadline_ms() == 616_000
    assert turn.tick(615_999) == []
    assert turn.tick(616_000) == [EndCall("max_duration")]


def test_going_on_does_not_shorten_a_call() -> None:
    turn = listening()
    for at_ms in (10_000, 20_000):
        assert [type(command) for command in turn.tick(at_ms)] == [PromptIdle]
        assert turn.bot_finished(at_ms) == []
    assert turn.tick(30_000) == [EndCall("idle")]
    assert turn.go_on(31_000) == []
    assert turn.speech_started(32_000, 32_000) == []
    assert turn.tick(50_000) == []


def test_since_when_the_caller_has_been_saying_what_no_turn_tells() -> None:
    turn = TurnTaking(SETTINGS)
    turn.bot_finished(0)
    assert turn.speaking_from_ms is None
    turn.speech_started(1_000, 1_200)
    assert turn.speaking_from_ms == 1_000
    turn.speech_stopped(1_500, 1_700)
    turn.tick(2_000)
    assert turn.speaking_from_ms == 1_000
    assert isinstance(turn.transcript(Text("hello"), 2_100)[0], FinishTurn)
    assert turn.speaking_from_ms is None


def test_a_later_stream_ends_when_the_call_has_lasted_too_long() -> None:
    turn = TurnTaking(SETTINGS, 599_000)
    turn.bot_finished(599_000)
    assert turn.tick(599_999) == []
    assert turn.tick(600_000) == [EndCall("max_duration")]
