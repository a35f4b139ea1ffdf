"""When a contact is called again: by outcome, so often, on so many days."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.campaign.planning import first_plan, next_plan, plan_after, replan
from bot.campaign.spec import RETRIED, CampaignSpec, Retried
from bot.campaign.types import Contact, Outcome, Plan

from .wall_clock import may_call, ms, on_the_wall

BERLIN = ("Europe/Berlin",)
NOON = ms("2026-06-01T12:00+02:00")  # a Monday
MINUTE_MS = 60_000


def spec(**others: Any) -> CampaignSpec:
    return CampaignSpec.model_validate(
        {"name": "x", "from_numbers": ["+12125550100"], "attempts_per_day": 5, **others}
    )


def called(today: int = 1, **others: Any) -> Contact:
    """Somebody who was called today at noon."""
    known: dict[str, Any] = {"attempts": today, "today": today, "day": "2026-06-01", **others}
    return Contact(number="+4930123456", zones=BERLIN, **known)


def delay_s(plan: Plan | None) -> float:
    assert plan is not None
    return (plan.due_ms - NOON) / 1000


def test_somebody_is_called_first_when_their_window_opens() -> None:
    sunday = ms("2026-05-31T12:00+02:00")
    assert first_plan(spec(), BERLIN, sunday) == Plan(
        ms("2026-06-01T09:00+02:00"), ms("2026-06-01T20:00+02:00"), "2026-06-01"
    )
    assert first_plan(spec(ends_at="2026-06-01T00:00+00:00"), BERLIN, sunday) is None


@pytest.mark.parametrize(
    ("outcome", "usual_s"), [("busy", 900), ("no_answer", 7200), ("failed", 1800)]
)
def test_each_outcome_has_its_delay(outcome: Retried, usual_s: int) -> None:
    usual, own = spec(), spec(retry={outcome: {"after_s": 77}})
    assert delay_s(next_plan(usual, called(), outcome, NOON, jitter=0)) == usual_s
    assert delay_s(next_plan(own, called(), outcome, NOON, jitter=0)) == 77


@pytest.mark.parametrize(("jitter", "waited_s"), [(0, 1000), (0.5, 1250), (1, 1500)])
def test_jitter_makes_it_later_by_a_part_of_the_delay(jitter: float, waited_s: float) -> None:
    rules = spec(retry={"busy": {"after_s": 1000}}, retry_jitter=0.5)
    assert delay_s(next_plan(rules, called(), "busy", NOON, jitter=jitter)) == waited_s


@pytest.mark.parametrize("outcome", sorted(set(get_args(Outcome)) - set(RETRIED)))
def test_nobody_is_called_after_a_final_outcome(outcome: Outcome) -> None:
    assert next_plan(spec(), called(), outcome, NOON, jitter=0) is None


@pytest.mark.parametrize("outcome", RETRIED)
def test_attempts_in_all_are_bounded_after_every_outcome(outcome: Retried) -> None:
    rules = spec(attempts=3)
    assert next_plan(rules, called(attempts=2), outcome, NOON, jitter=0)
    spent = called(attempts=3, retries={"callback": 1})
    assert next_plan(rules, spent, outcome, NOON, jitter=0, call_back_s=60) is None


def test_an_outcome_is_followed_by_another_attempt_so_many_times() -> None:
    rules = spec(retry={"busy": {"after_s": 60, "times": 2}}, attempts=9)
    for before, again in ((0, True), (1, True), (2, False)):
        contact = called(retries={"busy": before, "failed": 7})
        assert (next_plan(rules, contact, "busy", NOON, jitter=0) is not None) is again
    never = spec(retry={"voicemail": {"after_s": 60, "times": 0}})
    assert next_plan(never, called(), "voicemail", NOON, jitter=0) is None


def test_who_asks_to_be_called_back_is_called_when_they_said() -> None:
    rules = spec(retry_jitter=1, retry={"callback": {"after_s": 500}})
    assert delay_s(next_plan(rules, called(), "callback", NOON, jitter=1, call_back_s=60)) == 60
    assert delay_s(next_plan(rules, called(), "callback", NOON, jitter=1)) == 1000
    # It means nothing beside another outcome.
    assert delay_s(next_plan(rules, called(), "busy", NOON, jitter=0, call_back_s=60)) == 900


@pytest.mark.parametrize(("early_s", "waited_s"), [(3600, 3600), (30, 60)])
def test_whose_telephone_rang_for_nothing_is_not_called_sooner_than_who_hung_up_early(
    early_s: int, waited_s: int
) -> None:
    rules = spec(retry={"failed": {"after_s": 60}, "hung_up_early": {"after_s": early_s}})
    plan = next_plan(rules, called(), "failed", NOON, jitter=0, silent=True)
    assert delay_s(plan) == waited_s
    assert delay_s(next_plan(rules, called(), "failed", NOON, jitter=0)) == 60


def test_a_call_back_at_night_waits_for_the_morning() -> None:
    plan = next_plan(spec(), called(), "callback", NOON, jitter=0, call_back_s=10 * 3600)
    assert plan == Plan(ms("2026-06-02T09:00+02:00"), ms("2026-06-02T20:00+02:00"), "2026-06-02")


def test_when_the_day_has_had_its_attempts_it_is_another_day() -> None:
    rules = spec(attempts=9, attempts_per_day=2)
    assert delay_s(next_plan(rules, called(1), "busy", NOON, jitter=0)) == 900
    tomorrow = Plan(ms("2026-06-02T09:00+02:00"), ms("2026-06-02T20:00+02:00"), "2026-06-02")
    assert next_plan(rules, called(2), "busy", NOON, jitter=0) == tomorrow
    assert replan(rules, called(2), NOON) == tomorrow
    # What was spent yesterday is not today's.
    assert delay_s(next_plan(rules, called(2, day="2026-05-29"), "busy", NOON, jitter=0)) == 900


def test_who_was_not_called_in_time_is_planned_anew() -> None:
    night = ms("2026-06-05T20:00+02:00")  # a Friday
    assert replan(spec(), called(), night) == first_plan(spec(), BERLIN, night)
    assert replan(spec(ends_at="2026-06-06T00:00+00:00"), called(), night) is None


def test_an_attempt_that_is_void_takes_nothing_of_the_day() -> None:
    rules = spec(attempts=1, attempts_per_day=1)
    assert delay_s(plan_after(rules, called(1), 2.5, NOON)) == 2.5
    spent = plan_after(rules, called(2), 2.5, NOON)
    assert spent is not None
    assert spent.day == "2026-06-02"


@settings(max_examples=150)
@given(
    outcome=st.sampled_from(RETRIED),
    zone=st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]),
    after_s=st.integers(1, 3 * 86_400),
    jitter=st.floats(0, 1),
    retry_jitter=st.floats(0, 1),
    per_day=st.integers(1, 3),
    now_ms=st.integers(ms("2026-03-01T00:00Z"), ms("2026-11-30T00:00Z")),
)
def test_another_attempt_is_late_enough_and_in_the_window_and_not_too_many(
    outcome: Retried,
    zone: str,
    after_s: int,
    jitter: float,
    retry_jitter: float,
    per_day: int,
    now_ms: int,
) -> None:
    retry = {outcome: {"after_s": after_s}}
    rules = spec(retry=retry, retry_jitter=retry_jitter, attempts=50, attempts_per_day=per_day)
    contact = Contact(number="+4930123456", zones=(zone,), plan=first_plan(rules, (zone,), now_ms))
    days: list[str] = []
    for _ in range(6):
        assert contact.plan
        at_ms = contact.plan.due_ms
        wall = on_the_wall(at_ms, zone)
        assert may_call(rules, contact.zones, at_ms)
        assert may_call(rules, contact.zones, contact.plan.until_ms - 1)
        days.append(wall.date().isoformat())
        assert days.count(days[-1]) <= per_day
        contact.today = days.count(days[-1])
        contact.attempts, contact.day = contact.attempts + 1, days[-1]
        contact.plan = next_plan(rules, contact, outcome, at_ms, jitter=jitter)
        assert contact.plan
        assert contact.plan.due_ms - at_ms >= after_s * 1000
        if contact.plan.day == days[-1]:
            assert contact.plan.due_ms - at_ms <= after_s * (1 + retry_jitter) * 1000 + 1


def test_who_asks_for_a_call_at_the_last_attempt_is_called_once_more() -> None:
    rules, last = spec(attempts=2, attempts_per_day=5), called(attempts=2)
    assert delay_s(next_plan(rules, last, "callback", NOON, jitter=0, call_back_s=60)) == 60
    assert next_plan(rules, last, "callback", NOON, jitter=0) is None
    again = replace(last, retries={"callback": 1})
    assert next_plan(rules, again, "callback", NOON, jitter=0, call_back_s=60) is None
