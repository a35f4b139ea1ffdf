"""What happens next in a call, case by case."""

from __future__ import annotations

from itertools import permutations
from typing import get_args

import pytest

from bot.dialog.types import Ended, Hangup, SendDigits, Transfer
from bot.telephony.decision import (
    DIALLED,
    MAX_HOPS,
    MAX_RECONNECTS,
    MAX_WAITS,
    TERMINAL,
    Apologize,
    CallFacts,
    Connect,
    Dial,
    End,
    HangUp,
    Load,
    Overflow,
    Redirect,
    Reject,
    Wait,
    decide_next,
    decide_status,
    decide_voice,
    decide_without_record,
    ended_by,
)
from bot.telephony.pending import Leaving, Move, SayByTwilio

IN_PROGRESS = "in-progress"
OVERFLOWS: tuple[Overflow, ...] = get_args(Overflow)
FULL = Load(full=True)
DRAINING = Load(draining=True)


def test_a_new_call_gets_the_first_stream() -> None:
    for overflow in OVERFLOWS:
        assert decide_voice(Load(), 0, overflow, fallback_number="+1555") == Connect(1)


BUSY = HangUp(Ended("error", "no capacity"))


@pytest.mark.parametrize(
    ("load", "hops", "overflow", "with_fallback", "without"),
    [
        (FULL, 0, "fallback", Dial("+1555"), Reject()),
        (FULL, 0, "busy", Reject(), Reject()),
        (FULL, 0, "redirect", Redirect(1), Redirect(1)),
        (FULL, MAX_HOPS - 1, "redirect", Redirect(MAX_HOPS), Redirect(MAX_HOPS)),
        (FULL, MAX_HOPS, "redirect", Dial("+1555"), Reject()),
        (DRAINING, 0, "fallback", Redirect(1), Redirect(1)),
        (DRAINING, 0, "busy", Redirect(1), Redirect(1)),
        (DRAINING, MAX_HOPS, "fallback", Dial("+1555"), Reject()),
        (DRAINING, MAX_HOPS, "busy", Reject(), Reject()),
        (DRAINING, MAX_HOPS, "redirect", Dial("+1555"), Reject()),
        (Load(full=True, draining=True), 0, "busy", Redirect(1), Redirect(1)),
    ],
)
def test_a_call_that_is_not_taken(
    load: Load, hops: int, overflow: Overflow, with_fallback: object, without: object
) -> None:
    assert decide_voice(load, hops, overflow, fallback_number="+1555") == with_fallback
    assert decide_voice(load, hops, overflow) == without


@pytest.mark.parametrize("load", [FULL, DRAINING])
@pytest.mark.parametrize("overflow", OVERFLOWS)
def test_a_call_that_is_answered_cannot_be_rejected(load: Load, overflow: Overflow) -> None:
    assert decide_voice(load, MAX_HOPS, overflow, answered=True) == BUSY


@pytest.mark.parametrize(
    ("facts", "decision"),
    [
        (CallFacts(), Connect(1)),
        (CallFacts(generation=4), Connect(5)),
        (CallFacts(pending=Hangup("done")), HangUp(Ended("bot", "done"))),
        (CallFacts(pending=Transfer("+1555", "+1666")), Dial("+1555", "+1666")),
        (CallFacts(generation=1, pending=SendDigits("1w2")), Connect(2, "1w2")),
        (CallFacts(generation=1, pending=Move()), Connect(2)),
        (CallFacts(generation=1, pending=SayByTwilio("Sorry.")), Connect(2, say="Sorry.")),
        (CallFacts(refused=True), HangUp(Ended("error", "stream refused"))),
        (CallFacts(refused=True, pending=Transfer("+1555")), Dial("+1555")),
        (CallFacts(reconnects=MAX_RECONNECTS - 1), Connect(1)),
        (CallFacts(reconnects=MAX_RECONNECTS), Apologize()),
        (CallFacts(pending=SendDigits("1"), reconnects=MAX_RECONNECTS), Connect(1, "1")),
        (CallFacts(pending=Move(), refused=True), Connect(1)),
        (CallFacts(ended=Ended("bot", "x")), HangUp(Ended("bot", "x"))),
        (CallFacts(ended=Ended("bot", "x"), pending=SendDigits("1")), HangUp(Ended("bot", "x"))),
        (CallFacts(ended=Ended("bot", "x"), pending=Transfer("+1555")), Dial("+1555")),
    ],
)
def test_next_after_a_stream(facts: CallFacts, decision: object) -> None:
    assert decide_next(facts, IN_PROGRESS) == decision


@pytest.mark.parametrize("status", sorted(TERMINAL))
def test_a_terminal_status_ends_the_call_whatever_was_pending(status: str) -> None:
    for facts in (CallFacts(), CallFacts(pending=SendDigits("1")), CallFacts(refused=True)):
        assert decide_next(facts, status) == End(ended_by(status))


@pytest.mark.parametrize("dial_status", ["completed", "answered"])
def test_the_call_is_over_when_the_transfer_is(dial_status: str) -> None:
    facts = CallFacts(pending=Transfer("+1555"))
    assert decide_next(facts, IN_PROGRESS, dial_status) == HangUp(Ended("bot", "transferred"))


@pytest.mark.parametrize("dial_status", ["busy", "no-answer", "failed"])
def test_a_transfer_that_does_not_come_about_gives_the_caller_back_to_the_bot(
    dial_status: str,
) -> None:
    facts = CallFacts(generation=2, pending=Transfer("+1555"), refused=True)
    assert decide_next(facts, IN_PROGRESS, dial_status) == Connect(3, dial_status=dial_status)


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param(CallFacts(), id="the fallback number, dialled by the worker"),
        pytest.param(
            CallFacts(pending=Transfer("+1555"), fallback_number="+1555"),
            id="the fallback number, dialled by the bot",
        ),
        pytest.param(
            CallFacts(pending=Transfer("+1555"), reconnects=MAX_RECONNECTS), id="again and again"
        ),
        pytest.param(CallFacts(pending=Transfer("+1555"), ended=Ended("unknown", "x")), id="ended"),
        pytest.param(CallFacts(pending=Hangup("done")), id="hung up meanwhile"),
    ],
)
def test_a_transfer_without_a_way_back_ends_the_call(facts: CallFacts) -> None:
    ended = HangUp(Ended("bot", "transfer failed: busy"))
    assert decide_next(facts, IN_PROGRESS, "busy") == ended


def test_without_redis_next_waits_a_bounded_number_of_times() -> None:
    waits = 0
    while isinstance(decision := decide_without_record(IN_PROGRESS, "", waits), Wait):
        assert decision.attempt == waits + 1
        waits = decision.attempt
    assert (waits, decision) == (MAX_WAITS, Apologize(MAX_WAITS + 1))


@pytest.mark.parametrize("waits", [0, MAX_WAITS, MAX_WAITS + 1])
def test_without_redis_an_end_is_still_an_end(waits: int) -> None:
    hung_up = End(Ended("caller", "hung up"))
    assert decide_without_record("completed", "", waits) == hung_up
    assert decide_without_record("completed", "busy", waits) == hung_up
    for dial_status in DIALLED:
        transferred = HangUp(Ended("bot", "transferred"))
        assert decide_without_record(IN_PROGRESS, dial_status, waits) == transferred


@pytest.mark.parametrize("dial_status", ["busy", "no-answer", "failed", "canceled", "new"])
def test_without_redis_a_failed_transfer_waits_for_what_the_record_says(dial_status: str) -> None:
    assert decide_without_record(IN_PROGRESS, dial_status, 0) == Wait(1, dial_status)
    last = decide_without_record(IN_PROGRESS, dial_status, MAX_WAITS - 1)
    assert last == Wait(MAX_WAITS, dial_status)
    given_up = decide_without_record(IN_PROGRESS, dial_status, MAX_WAITS)
    assert given_up == Apologize(MAX_WAITS + 1)
    # The fallback number, which comes with the apology, does not answer either.
    assert decide_without_record(IN_PROGRESS, "busy", given_up.attempt) == HangUp(
        Ended("bot", "transfer failed: busy")
    )


@pytest.mark.parametrize("terminal", sorted(TERMINAL))
def test_statuses_in_any_order_end_terminal(terminal: str) -> None:
    for order in permutations(["initiated", "ringing", IN_PROGRESS, terminal]):
        known = ""
        for status in order:
            if decide_status(known, status):
                known = status
        assert known == terminal


def test_only_a_later_status_is_news() -> None:
    assert decide_status("initiated", "ringing")
    assert not decide_status("ringing", "ringing")
    assert not decide_status(IN_PROGRESS, "ringing")
    assert not decide_status("completed", "failed")
    assert not decide_status("", "something new")


@pytest.mark.parametrize(
    ("status", "pending", "ended"),
    [
        ("completed", None, Ended("caller", "hung up")),
        ("completed", SendDigits("1"), Ended("caller", "hung up")),
        ("completed", Move(), Ended("caller", "hung up")),
        ("completed", Hangup("done"), Ended("bot", "done")),
        ("completed", Transfer("+1555"), Ended("bot", "transferred")),
        ("failed", None, Ended("error", "failed")),
        ("busy", None, Ended("twilio", "busy")),
        ("canceled", Hangup("done"), Ended("twilio", "canceled")),
    ],
)
def test_who_ended_the_call(status: str, pending: Leaving | None, ended: Ended) -> None:
    assert ended_by(status, pending) == ended
