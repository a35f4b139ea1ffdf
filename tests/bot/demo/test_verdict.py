"""What makes the demo fail."""

from __future__ import annotations

from dataclasses import replace

from bot.demo.verdict import booking_of, find_faults
from bot.dialog.types import Ended
from bot.phone.events import ProtocolFault
from bot.phone.result import CallResult

from .calls import BOOKING, HISTORY, LINES, WELCOME, record, result


def faults(call: CallResult) -> list[str]:
    return find_faults(call, LINES, BOOKING)


def test_a_call_as_it_should_be() -> None:
    assert faults(result()) == []
    assert booking_of(result()) == BOOKING


def test_another_booking() -> None:
    held = record(booking={"day": "monday"})
    assert faults(result(held)) == [
        "the booking's day is 'monday'; the caller said 'friday'",
        "the booking's time is None; the caller said '10:00'",
    ]


def test_no_booking_at_all() -> None:
    assert len(faults(result({**record(), "state": {}}))) == len(BOOKING)


def test_a_turn_of_the_callers_is_missing() -> None:
    held = record(HISTORY[:3] + HISTORY[4:])
    assert faults(result(held)) == ["1 of the caller's 2 turns are in the record"]


def test_an_answer_of_the_bots_is_missing() -> None:
    call = result()
    for gone, text in ((2, "on friday"), (4, "at ten")):
        turns = call.turns[:gone] + call.turns[gone + 1 :]
        assert faults(replace(call, turns=turns)) == [f"the bot's answer to '{text}' is missing"]


def test_words_of_which_nothing_was_on_the_line_are_no_answer() -> None:
    call = result()
    silent = replace(call.turns[-1], start_ms=None, end_ms=None)
    assert faults(replace(call, turns=(*call.turns[:-1], silent))) == [
        "the bot's answer to 'at ten' is missing"
    ]


def test_no_greeting() -> None:
    call = result()
    assert "the bot's greeting is missing" in faults(replace(call, turns=call.turns[1:]))
    assert "the bot's greeting is missing" in faults(replace(call, turns=()))


def test_nothing_was_cleared() -> None:
    assert faults(result(cleared=False)) == [
        "nothing was cleared, although the caller spoke over the bot"
    ]


def test_the_record_says_nothing_of_the_interruption() -> None:
    held = record(({**WELCOME, "interrupted": False}, *HISTORY[1:]))
    assert faults(result(held)) == ["the record does not say that the bot was interrupted"]


def test_the_record_keeps_something_else_than_was_heard() -> None:
    for heard in ("", WELCOME["text"], "On which day?"):
        held = record(({**WELCOME, "heard": heard}, *HISTORY[1:]))
        assert faults(result(held)) == [
            f"of the interrupted {WELCOME['text']!r} the record keeps {heard!r} as heard"
        ]


def test_somebody_else_ended_the_call() -> None:
    assert faults(replace(result(), ended=Ended("caller", "hung up"))) == [
        "the call was ended by caller (hung up), not by the bot's goodbye"
    ]


def test_a_protocol_error() -> None:
    call = replace(result(), faults=(ProtocolFault(31951, "wrong"),))
    assert faults(call) == ["protocol error 31951: wrong"]


def test_no_record() -> None:
    assert faults(replace(result(), record=None)) == ["the worker gave no record of the call"]
