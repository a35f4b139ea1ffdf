"""The judge finds what a crash could have done."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.campaign.types import Attempt, Contact

from .judge import Placed, judge

NUMBER = "+15550100001"
RETRY_S = 8.0
BUSY = Placed(NUMBER, "a1", 100.0, 101.0, "busy", None, False)
TALK = Placed(NUMBER, "a2", 110.0, 115.0, "completed", 4, True)
DONE = Contact(NUMBER, ("UTC",), state="done", attempts=2, outcome="answered")
FIRST = Attempt("a1", "c", NUMBER, "+1", state="settled", token=2)
SECOND = Attempt("a2", "c", NUMBER, "+1", state="settled")


def test_a_good_campaign_is_counted() -> None:
    verdict = judge([TALK, BUSY], {NUMBER: DONE}, [FIRST, SECOND], RETRY_S)
    assert verdict.problems == []
    assert verdict.counts == {
        "contacts": 1,
        "done": 1,
        "accepted calls": 2,
        "contacts called 2 times": 1,
        "attempts": 2,
        "attempts settled": 2,
        "attempts that were unknown": 1,
    }


def test_a_refused_number_has_no_call() -> None:
    refused = replace(DONE, attempts=1, outcome="refused")
    assert judge([], {NUMBER: refused}, [FIRST], RETRY_S).problems == []


@pytest.mark.parametrize(
    ("placed", "contact", "said"),
    [
        ([BUSY, TALK], replace(DONE, state="live"), "live, not done"),
        ([BUSY, replace(TALK, at_s=108.5)], DONE, "called 7.50 s after busy"),
        ([BUSY, replace(TALK, at_s=100.5)], DONE, "called -0.50 s after busy"),
        ([BUSY, replace(TALK, attempt="a1")], DONE, "called twice for one attempt"),
        (
            [BUSY, TALK, replace(TALK, at_s=130, attempt="a3")],
            replace(DONE, attempts=3),
            "after it had been answered",
        ),
        (
            [replace(BUSY, attempt=f"a{i}", at_s=i * 100, ended_s=i * 100) for i in range(4)],
            replace(DONE, attempts=4, outcome="busy"),
            "called 4 times, not 3",
        ),
        ([BUSY, TALK], replace(DONE, attempts=3), "3 attempts counted, 2 calls made"),
        ([BUSY], replace(DONE, attempts=1), "answered, says the store"),
        ([BUSY], replace(DONE, attempts=1, outcome="busy"), "given up after 1 attempts"),
        ([BUSY, TALK, replace(BUSY, number="+1999")], DONE, "+1999: called, and no contact"),
    ],
)
def test_it_finds_what_is_wrong(placed: list[Placed], contact: Contact, said: str) -> None:
    (problem,) = judge(placed, {NUMBER: contact}, [FIRST, SECOND], RETRY_S).problems
    assert said in problem


def test_whoever_heard_nothing_may_be_called_again() -> None:
    calls = [BUSY, replace(TALK, heard=False), replace(TALK, at_s=130, attempt="a3")]
    contact = replace(DONE, attempts=3)
    assert judge(calls, {NUMBER: contact}, [FIRST, SECOND], RETRY_S).problems == []


def test_it_finds_attempts_that_are_not_settled() -> None:
    unknown = replace(SECOND, state="unknown")
    (problem,) = judge([BUSY, TALK], {NUMBER: DONE}, [FIRST, unknown], RETRY_S).problems
    assert "attempt a2 is unknown" in problem
