"""What is found out about an attempt, and when."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.campaign.reconcile import (
    FEW_QUEUED,
    LONGEST_MS,
    SLACK_MS,
    TAKEN_BACK_MS,
    Step,
    Timings,
    are_over,
    candidates,
    listed_for_certain_ms,
    next_step,
    possible,
)
from bot.campaign.spec import CampaignSpec
from bot.campaign.types import Attempt, AttemptState, Campaign, CampaignState
from bot.telephony.rest_resources import RestCall

NOW = 1_795_248_000_000
SID = "CA" + "0" * 32
TIMINGS = Timings()
SPEC = CampaignSpec(
    name="Autumn", from_numbers=("+15551110000",), ring_timeout_s=30, time_limit_s=600
)
CAMPAIGN = Campaign("abcd1234", SPEC, "running", "", NOW, NOW, None)


def attempt(state: AttemptState, **fields: Any) -> Attempt:
    given = {"claimed_ms": NOW, "lease_until_ms": NOW + 10_000, "until_ms": NOW + 3_600_000}
    return Attempt(
        "a" * 20, "abcd1234", "+15552220000", "+15551110000", state=state, **{**given, **fields}
    )


def step(
    known: Attempt, after_ms: int, state: CampaignState = "running", timings: Timings = TIMINGS
) -> Step:
    return next_step(known, replace(CAMPAIGN, state=state), NOW + after_ms, timings)


def test_nobody_touches_an_attempt_whose_dialer_may_be_at_work() -> None:
    assert step(attempt("claimed"), 9_999) == Step("wait", NOW + 10_000)
    assert step(attempt("claimed"), 10_000).task == "lose"


@pytest.mark.parametrize(
    ("state", "task"),
    [("unknown", "search"), ("ended", "settle"), ("settled", "nothing"), ("void", "nothing")],
)
def test_a_state_says_what_is_next(state: AttemptState, task: str) -> None:
    assert step(attempt(state), 0).task == task


def test_a_call_that_rings_is_asked_about_when_it_should_have_stopped() -> None:
    ringing = attempt("placed", status="ringing", placed_ms=NOW + 500)
    assert step(ringing, 60_499) == Step("wait", NOW + 60_500)
    assert step(ringing, 60_500).task == "fetch"


def test_a_call_in_progress_is_asked_about_when_its_time_limit_is_over() -> None:
    talking = attempt("placed", status="in-progress", placed_ms=NOW, answered_ms=NOW + 5000)
    assert step(talking, 634_999) == Step("wait", NOW + 635_000)
    assert step(talking, 635_000).task == "fetch"


@pytest.mark.parametrize("status", ["", "queued"])
def test_a_call_that_still_waits_when_nobody_may_be_called_is_taken_back(status: str) -> None:
    waiting = attempt("placed", status=status, placed_ms=NOW, until_ms=NOW + 20_000)
    over_ms = 20_000 - TAKEN_BACK_MS
    # The queue may grow.
    assert step(waiting, 0) == Step("wait", NOW + over_ms // 2)
    assert step(waiting, over_ms - 500) == Step("wait", NOW + over_ms)
    assert step(waiting, over_ms).task == "unqueue"


def test_the_more_calls_wait_the_sooner_they_are_taken_back() -> None:
    waiting = attempt("placed", status="queued", placed_ms=NOW, until_ms=NOW + 3_600_000)
    patient = replace(TIMINGS, slack_ms=3_600_000)
    assert step(waiting, 0, timings=patient) == Step("wait", NOW + 3_600_000 - LONGEST_MS)
    for queued, before_ms in [(FEW_QUEUED, 3_000), (1_040, 28_000), (100_000, LONGEST_MS)]:
        over_ms = waiting.until_ms - before_ms
        before = next_step(waiting, CAMPAIGN, over_ms - 1, patient, queued)
        assert before == Step("wait", over_ms)
        assert next_step(waiting, CAMPAIGN, over_ms, patient, queued).task == "unqueue"


def test_a_call_that_rings_when_the_window_closes_goes_on() -> None:
    ringing = attempt("placed", status="ringing", placed_ms=NOW, until_ms=NOW + 20_000)
    assert step(ringing, 20_000) == Step("wait", NOW + 60_000)


@pytest.mark.parametrize(
    ("status", "task"),
    [("queued", "take_back"), ("ringing", "take_back"), ("in-progress", "wait")],
)
def test_a_canceled_campaign_takes_back_what_is_not_answered(status: str, task: str) -> None:
    placed = attempt("placed", status=status, placed_ms=NOW)
    assert step(placed, 0, "canceled").task == task


def test_a_list_is_proof_when_the_longest_ringing_is_long_over() -> None:
    assert listed_for_certain_ms(attempt("unknown"), CAMPAIGN, TIMINGS) == NOW + 90_000


def call(**fields: Any) -> RestCall:
    given: dict[str, Any] = {
        "sid": SID,
        "status": "queued",
        "to_number": "+15552220000",
        "from_number": "+15551110000",
        "direction": "outbound-api",
        "created_ms": NOW,
        "answered_by": None,
    }
    return RestCall(**{**given, **fields})


@pytest.mark.parametrize(
    "other",
    [
        call(direction="inbound"),
        call(direction="outbound-dial"),
        call(created_ms=None),
        call(created_ms=NOW - SLACK_MS - 1),
        call(to_number="+15552220001"),
        call(from_number="+15551110001"),
    ],
)
def test_another_call_is_none_of_it(other: RestCall) -> None:
    assert candidates([other], attempt("unknown")) == []


def test_a_call_is_its_attempts_however_its_network_writes_the_number() -> None:
    dialled = replace(attempt("unknown"), number="+525512345678")
    old = call(to_number="+5215512345678")
    assert candidates([old], dialled) == [old]


@pytest.mark.parametrize(
    ("other", "may_be"),
    [
        (call(created_ms=None), True),
        (call(created_ms=NOW - 86_400_000), True),
        (call(created_ms=NOW - 86_400_001), False),
        (call(to_number="15552220000"), True),
        (call(direction="inbound"), False),
    ],
)
def test_a_call_that_may_be_it_is_no_proof_of_its_absence(other: RestCall, may_be: bool) -> None:
    assert bool(possible([other], attempt("unknown"))) is may_be


def test_of_calls_that_are_over_nothing_comes() -> None:
    assert are_over([call(status="canceled"), call(status="completed")])
    assert not are_over([call(status="canceled"), call(status="ringing")])


def test_the_call_nearest_to_the_claim_is_the_likeliest() -> None:
    # Twilio tells whole seconds, so that a call may seem older than its claim.
    near, far, old = (
        call(created_ms=NOW - 900),
        call(created_ms=NOW + 8000),
        call(created_ms=NOW - 50_000),
    )
    assert candidates([old, far, near], attempt("unknown")) == [near, far, old]
