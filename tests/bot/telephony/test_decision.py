"""What happens next in a call, case by case."""

from __future__ import annotations

from itertools import permutations
from typing import Literal

import pytest

from bot.dialog.types import Ended, Hangup, SendDigits, Transfer
from bot.telephony.decision import (
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
    Redirect,
    Reject,
    Wait,
    decide_next,
    decide_status,
    decide_voice,
    decide_without_record,
    ended_by,
)

IN_PROGRESS = "in-progress"


def test_a_new_call_gets_the_first_stream() -> None:
    assert decide_voice(Load(), "inbound", None, 0) == Connect(1)


@pytest.mark.parametrize(
    ("load", "direction", "fallback", "hops", "decision"),
    [
        (Load(full=True), "inbound", "+1555", 0, Dial("+1555")),
        (Load(full=True), "inbound", None, 0, Reject()),
        (Load(full=True), "outbound", None, 0, HangUp(Ended("error", "no capacity"))),
        (Load(draining=True), "inbound", "+1555", 0, Redirect(1)),
        (Load(full=True, draining=True), "inbound", None, MAX_HOPS - 1, Redirect(MAX_HOPS)),
        (Load(draining=True), "inbound", "+1555", MAX_HOPS, Dial("+1555")),
        (Load(draining=True), "inbound", None, MAX_HOPS, Reject()),
    ],
)
def test_a_call_that_is_not_taken(
    load: Load,
    direction: Literal["inbound", "outbound"],
    fallback: str | None,
    hops: int,
    decision: object,
) -> None:

    assert decide_voice(load, direction, fallback, hops) == decision


@pytest.mark.parametrize(
    ("facts", "decision"),
    [
        (CallFacts(), Connect(1)),
        (CallFacts(generation=4), Connect(5)),
        (CallFacts(pending=Hangup("done")), HangUp(Ended("bot", "done"))),
        (CallFacts(pending=Transfer("+1555", "+1666")), Dial("+1555", "+1666")),
        (CallFacts(generation=1, pending=SendDigits("1w2")), Connect(2, "1w2")),
        (CallFacts(refused=True), HangUp(Ended("error", "stream refused"))),
        (CallFacts(refused=True, pending=Transfer("+1555")), Dial("+1555")),
        (CallFacts(reconnects=MAX_RECONNECTS - 1), Connect(1)),
        (CallFacts(reconnects=MAX_RECONNECTS), Apologize()),
        (CallFacts(pending=SendDigits("1"), reconnects=MAX_RECONNECTS), Connect(1, "1")),
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


@pytest.mark.parametrize(
    ("dial_status", "reason"),
    [
        ("completed", "transferred"),
        ("answered", "transferred"),
        ("busy", "transfer failed: busy"),
        ("no-answer", "transfer failed: no-answer"),
    ],
)
def test_the_call_is_over_when_the_transfer_is(dial_status: str, reason: str) -> None:
    facts = CallFacts(pending=Transfer("+1555"))
    assert decide_next(facts, IN_PROGRESS, dial_status) == HangUp(Ended("bot", reason))


def test_without_redis_next_waits_a_bounded_number_of_times() -> None:
    waits = 0
    while isinstance(decision := decide_without_record(IN_PROGRESS, "", waits), Wait):
        assert decision.attempt == waits + 1
        waits = decision.attempt
    assert (waits, decision) == (MAX_WAITS, Apologize())


def test_without_redis_an_end_is_still_an_end() -> None:
    assert decide_without_record("completed", "", 0) == End(Ended("caller", "hung up"))
    assert decide_without_record(IN_PROGRESS, "busy", 0) == HangUp(
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
        ("completed", Hangup("done"), Ended("bot", "done")),
        ("completed", Transfer("+1555"), Ended("bot", "transferred")),
        ("failed", None, Ended("error", "failed")),
        ("busy", None, Ended("twilio", "busy")),
        ("canceled", Hangup("done"), Ended("twilio", "canceled")),
    ],
)
def test_who_ended_the_call(
    status: str, pending: Hangup | Transfer | SendDigits | None, ended: Ended
) -> None:
    assert ended_by(status, pending) == ended
