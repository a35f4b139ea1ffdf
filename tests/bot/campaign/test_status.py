from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.campaign.spec import CampaignSpec
from bot.campaign.status import Status
from bot.campaign.types import Campaign, CampaignState, Progress

from .campaigns import FROM, MINUTE_MS, START_MS

NOBODY = Progress(
    contacts=100, waiting=100, live=0, done=0, attempts=0, outcomes={}, talked_s=0, usd=0.0,
    due=0, next_due_ms=None, placed_lately=0, undelivered=0,
)  # fmt: skip


def status(state: CampaignState = "running", started_ms: int = 0, **progress: Any) -> Status:
    spec = CampaignSpec(name="Test", from_numbers=(FROM,))
    campaign = Campaign("abcdefgh", spec, state, "", 0, started_ms, None)
    return Status(campaign, replace(NOBODY, **progress), START_MS)


def test_who_waits_when_a_campaign_is_canceled_is_canceled() -> None:
    outcomes = {"answered": 3, "canceled": 1}
    shown = status("canceled", waiting=5, done=4, due=2, next_due_ms=7, outcomes=outcomes)
    assert shown.progress.outcomes == {"answered": 3, "canceled": 6}
    assert (shown.progress.waiting, shown.progress.done) == (0, 9)
    assert (shown.progress.due, shown.progress.next_due_ms) == (0, None)
    assert shown.over
    assert not status("canceled", live=1).over


def test_the_answer_rate_is_of_the_calls_that_are_over() -> None:
    outcomes = {"answered": 2, "callback": 1, "busy": 3, "refused": 9, "do_not_call": 9}
    assert status(outcomes=outcomes).answer_rate == 0.5
    assert status(outcomes={"expired": 1}).answer_rate is None


@pytest.mark.parametrize(
    ("ago_ms", "per_minute"),
    [(0, 360.0), (2 * MINUTE_MS, 30.0), (60 * MINUTE_MS, 6.0)],
)
def test_the_rate_is_of_the_last_ten_minutes_at_most(ago_ms: int, per_minute: float) -> None:
    assert status(started_ms=START_MS - ago_ms, placed_lately=60).calls_per_minute == per_minute


def test_it_will_be_done_when_who_is_left_was_called_as_often_and_as_fast() -> None:
    shown = status(waiting=50, live=10, done=40, attempts=60, placed_lately=100, due=50)
    estimate = shown.estimate
    assert estimate is not None
    # 100 contacts at 1.5 calls are 150, of which 60 are placed; 10 a minute.
    assert estimate.done_ms == START_MS + 9 * MINUTE_MS
    assert estimate.not_before_ms is None
    assert estimate.basis.startswith("90 calls are left at 1.5 a contact, as until now, and 10.0 a")


def test_while_nobody_may_be_called_it_begins_with_the_next_window() -> None:
    opens_ms = START_MS + 60 * MINUTE_MS
    estimate = status(next_due_ms=opens_ms, placed_lately=100).estimate
    assert estimate is not None
    assert estimate.not_before_ms == opens_ms
    assert estimate.done_ms == opens_ms + 10 * MINUTE_MS


def test_without_a_call_nothing_is_estimated() -> None:
    estimate = status(due=100).estimate
    assert estimate is not None
    assert (estimate.done_ms, estimate.basis) == (
        None,
        "no call was placed in the last ten minutes",
    )
    assert status("paused", placed_lately=5).estimate is None


def test_with_nobody_left_it_is_done() -> None:
    estimate = status(waiting=0, done=100).estimate
    assert estimate is not None
    assert estimate.done_ms == START_MS


def test_it_is_json() -> None:
    values = status(placed_lately=100).values()
    assert (values["id"], values["state"], values["spec"]["window"]) == (
        "abcdefgh",
        "running",
        "09:00-20:00",
    )
    assert values["progress"]["contacts"] == 100
    assert values["estimate"]["done_ms"] == START_MS + 10 * MINUTE_MS
