from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.campaign.spec import CampaignSpec
from bot.campaign.status import Estimate, Status
from bot.campaign.types import Campaign, CampaignState, Progress

from .campaigns import FROM, MINUTE_MS, START_MS

NOBODY = Progress(
    contacts=100, waiting=100, live=0, done=0, attempts=0, done_attempts=0, outcomes={},
    contact_outcomes={}, talked_s=0, usd=0.0, due=0, next_due_ms=None, last_due_ms=None,
    placed_lately=0, lately_from_ms=None, undelivered=0,
)  # fmt: skip


def status(
    state: CampaignState = "running",
    started_ms: int = 0,
    spec: dict[str, Any] | None = None,
    **progress: Any,
) -> Status:
    """Of a campaign whose account may place 30 calls a minute."""
    fields = {"name": "Test", "from_numbers": (FROM,), **(spec or {})}
    made = CampaignSpec.model_validate(fields)
    campaign = Campaign("abcdefgh", made, state, "", 0, started_ms, None)
    if "placed_lately" in progress:
        progress.setdefault("lately_from_ms", START_MS - 10 * MINUTE_MS)
    return Status(campaign, replace(NOBODY, **progress), START_MS, account_per_second=0.5)


def estimated(shown: Status) -> Estimate:
    estimate = shown.estimate
    assert estimate is not None
    return estimate


def test_who_waits_when_a_campaign_is_canceled_is_canceled() -> None:
    outcomes = {"answered": 3, "canceled": 1}
    calls = {"answered": 3, "busy": 7}
    shown = status(
        "canceled",
        waiting=5,
        done=4,
        due=2,
        next_due_ms=7,
        contact_outcomes=outcomes,
        outcomes=calls,
    )
    assert shown.progress.contact_outcomes == {"answered": 3, "canceled": 6}
    assert shown.progress.outcomes == calls
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


def test_the_rate_is_not_thinned_by_the_time_before_it_was_resumed() -> None:
    shown = status(placed_lately=60, lately_from_ms=START_MS - 2 * MINUTE_MS)
    assert shown.calls_per_minute == 30.0
    assert status(due=1).calls_per_minute == 0.0


@pytest.mark.parametrize(
    ("progress", "calls"),
    [
        ({}, 100),
        # As often as those who are done: 60 contacts at 1.5 calls, of which they had 10.
        ({"waiting": 50, "live": 10, "done": 40, "done_attempts": 60, "attempts": 70}, 80),
        # All but one were called once, and are called again.
        ({"waiting": 99, "done": 1, "done_attempts": 1, "attempts": 100}, 99),
        ({"waiting": 99, "done": 1, "done_attempts": 3, "attempts": 102}, 198),
        # One call each is left to nine, whatever the others needed.
        ({"waiting": 9, "done": 91, "done_attempts": 91, "attempts": 109}, 9),
        ({"waiting": 0, "live": 5, "done": 95, "done_attempts": 95, "attempts": 110}, 0),
    ],
)
def test_nobody_needs_more_calls_than_they_may_have(progress: dict[str, Any], calls: int) -> None:
    assert status(**progress).calls_left == calls


def test_it_will_be_done_when_who_is_left_was_called_as_often_and_as_fast() -> None:
    shown = status(
        waiting=50, live=10, done=40, attempts=70, done_attempts=60, placed_lately=100, due=50
    )
    estimate = estimated(shown)
    assert estimate.done_ms == START_MS + 8 * MINUTE_MS
    assert estimate.not_before_ms is None
    assert estimate.basis.startswith("about 80 calls are left, 10.0 a minute, as lately; closed")


@pytest.mark.parametrize(
    ("per_second", "lately", "minutes"),
    [(None, 1000, 100 / 30), (0.1, 1000, 100 / 6), (0.1, 10, 100.0), (100.0, 0, 100 / 30)],
)
def test_it_goes_no_faster_than_the_campaign_and_the_account_allow(
    per_second: float | None, lately: int, minutes: float
) -> None:
    given: dict[str, Any] = {"placed_lately": lately} if lately else {"started_ms": START_MS}
    shown = status(spec={"calls_per_second": per_second}, due=100, **given)
    assert estimated(shown).done_ms == START_MS + round(minutes * MINUTE_MS)


@pytest.mark.parametrize("live", [0, 1])
def test_while_nobody_may_be_called_it_begins_with_the_next_window(live: int) -> None:
    opens_ms = START_MS + 60 * MINUTE_MS
    progress: dict[str, Any] = {"waiting": 100 - live, "live": live, "attempts": live}
    estimate = estimated(status(next_due_ms=opens_ms, placed_lately=100, **progress))
    assert estimate.not_before_ms == opens_ms
    assert estimate.done_ms == opens_ms + round((100 - live) / 10 * MINUTE_MS)
    # Also before the first call.
    estimate = estimated(status(next_due_ms=opens_ms))
    assert estimate.done_ms == opens_ms + round(100 / 30 * MINUTE_MS)
    assert "30.0 a minute at most" in estimate.basis


def test_it_is_not_done_before_the_last_is_due_nor_after_its_end() -> None:
    last_ms = START_MS + 300 * MINUTE_MS
    assert estimated(status(due=99, last_due_ms=last_ms, placed_lately=9)).done_ms == last_ms
    ends = {"ends_at": "2026-11-21T08:01:00Z"}
    estimate = estimated(status(spec=ends, due=99, last_due_ms=last_ms, placed_lately=9))
    assert estimate.done_ms == START_MS + MINUTE_MS
    assert estimate.basis.startswith("it ends then, perhaps before everybody is called: about 100")


def test_nothing_is_said_rather_than_nonsense() -> None:
    estimate = estimated(status(due=100))
    assert (estimate.done_ms, estimate.basis) == (
        None,
        "no call was placed in the last ten minutes",
    )
    estimate = estimated(status(spec={"calls_per_second": 1e-300}, due=100, placed_lately=1))
    assert estimate.done_ms is None
    assert estimate.basis.endswith("calls are left, 6e-299 a minute, as lately: that takes months")
    assert status("paused", placed_lately=5).estimate is None


def test_with_nobody_left_it_is_done() -> None:
    assert estimated(status(waiting=0, done=100)).done_ms == START_MS


def test_it_is_json() -> None:
    values = status(placed_lately=100, due=100).values()
    assert (values["id"], values["state"], values["spec"]["window"]) == (
        "abcdefgh",
        "running",
        "09:00-20:00",
    )
    assert values["progress"]["contacts"] == 100
    assert values["estimate"]["done_ms"] == START_MS + 10 * MINUTE_MS
