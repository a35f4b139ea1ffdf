"""The rules in virtual time with a real Redis, in small, and that its judge sees what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bot.campaign.spec import CampaignSpec
from bot.campaign.types import Attempt, Plan

from .campaigns import number
from .rules_judge import Book, Judge, Ledger
from .rules_proof import prove, report
from .wall_clock import ms

NOON = ms("2026-06-01T12:00+02:00")
TODAY = Plan(NOON, ms("2026-06-01T20:00+02:00"), "2026-06-01")
MINUTE_MS = 60_000


async def test_days_of_several_campaigns_keep_every_rule(redis_url: str, redis_prefix: str) -> None:
    proof = await prove(redis_url, redis_prefix, contacts=300, workers=2, seed=1, tell=print)
    assert not proof.judge.faults, report(proof, 0)
    # Everything that the world is made for did happen.
    counts, checked = proof.counts, proof.judge.counts
    assert counts["calls"] > 2 * counts["contacts"] > 590
    blocked = {name for name in counts if name.startswith("blocked: ")}
    assert {"blocked: rate", "blocked: account_rate", "blocked: early"} <= blocked
    assert counts["calls that were not placed"]
    assert counts["plans made anew"]
    assert counts["numbers of two campaigns"]
    assert checked["higher priority first"] > 100
    assert checked["plans no later"] > 100
    assert {"answered", "do_not_call", "callback", "busy", "voicemail"} < set(proof.outcomes)


def judge(**spec: Any) -> Judge:
    """A campaign that runs, `a`, and one that is more urgent, `b`, with three contacts each."""
    retry = {"busy": {"after_s": 600, "times": 2}, "callback": {"after_s": 600}}
    fields = {"name": "x", "from_numbers": ["+12125550100"], "retry": retry, "attempts_per_day": 9}
    ledgers = {}
    for name, own in (("a", spec), ("b", {"priority": 1})):
        contacts = {number(index): Book(("Europe/Berlin",), None) for index in range(3)}
        rules = CampaignSpec.model_validate(fields | own)
        ledgers[name] = Ledger(rules, frozenset({"2026-06-02"}), contacts, since_ms=0)
    return Judge(ledgers, per_second=10, most=5, places=2)


def attempt(index: int = 0, campaign: str = "a", at_ms: int = NOON) -> Attempt:
    return Attempt("x", campaign, number(index), "+12125550100", claimed_ms=at_ms)


def call(court: Judge, at_ms: int, index: int = 0, campaign: str = "a") -> None:
    court.claimed(attempt(index, campaign, at_ms), at_ms)


def call_busy(court: Judge, at_ms: int, plan: Plan | None) -> None:
    call(court, at_ms)
    court.ended(attempt(), "busy", plan, at_ms, None)


def later(minutes: float) -> Plan:
    return Plan(NOON + int(minutes * MINUTE_MS), TODAY.until_ms, TODAY.day)


def refused(court: Judge) -> None:
    court.refused.add(number(0))
    call(court, NOON)


def paused(court: Judge) -> None:
    court.ledgers["a"].since_ms = None
    call(court, NOON)


def twice_at_once(court: Judge) -> None:
    call(court, NOON)
    call(court, NOON + 1000, campaign="b")


def too_many(court: Judge) -> None:
    for index in range(3):
        call(court, NOON + 1000 * index, index)


def too_fast(court: Judge) -> None:
    call(court, NOON)
    call(court, NOON + 99, 1)


def a_little_too_fast(court: Judge) -> None:
    call(court, NOON)
    call(court, NOON + 110, 1)


def too_often(court: Judge) -> None:
    for again in range(4):
        call_busy(court, NOON + again * 3600_000, later(60 * again + 70))


def too_soon(court: Judge) -> None:
    call_busy(court, NOON, later(10))
    call(court, NOON + 599_999)


def after_the_last(court: Judge) -> None:
    call(court, NOON)
    court.ended(attempt(), "answered", None, NOON, None)
    call(court, NOON + 3600_000)


def passed_over(court: Judge) -> None:
    court.replanned("b", number(1), later(0), NOON)
    call(court, NOON)
    court.instant(NOON)


def too_soon_after_nothing(court: Judge) -> None:
    call(court, NOON)
    court.void(attempt(), later(0.9), NOON + MINUTE_MS)


WRONG: list[tuple[str, Callable[[Judge], None]]] = [
    ("in the window", lambda court: call(court, ms("2026-06-01T08:59+02:00"))),
    ("in the window", lambda court: call(court, ms("2026-06-01T20:00+02:00"))),
    ("in the window", lambda court: call(court, ms("2026-06-02T12:00+02:00"))),  # a holiday
    ("in the window", lambda court: call(court, ms("2026-06-06T12:00+02:00"))),  # a Saturday
    ("while the campaign runs", paused),
    ("not on the do-not-call list", refused),
    ("one call per number", twice_at_once),
    ("calls of the account", too_many),
    ("rate of the account", too_fast),
    ("not before the delay", too_soon),
    ("not after the last", after_the_last),
    ("attempts in all", too_often),
    ("higher priority first", passed_over),
    ("plans after the delay", lambda court: call_busy(court, NOON, later(9.9))),
    ("plans after the delay", too_soon_after_nothing),
    ("plans no later", lambda court: call_busy(court, NOON, later(12))),
    ("plans in the window", lambda court: call_busy(court, NOON, later(60 * 8))),
    ("nobody is given up", lambda court: call_busy(court, NOON, None)),
]


@pytest.mark.parametrize(("rule", "wrong"), WRONG)
def test_the_judge_sees_what_is_wrong(rule: str, wrong: Callable[[Judge], None]) -> None:
    court = judge()
    wrong(court)
    assert rule in {fault.partition(":")[0] for fault in court.faults}


@pytest.mark.parametrize(
    ("rule", "spec", "wrong"),
    [
        ("calls of a campaign", {"max_concurrent": 1}, too_fast),
        ("rate of a campaign", {"calls_per_second": 9}, a_little_too_fast),
        ("attempts per day", {"attempts_per_day": 2}, too_often),
        ("no call after the last", {"attempts": 1}, lambda c: call_busy(c, NOON, later(10))),
        ("in the window", {"ends_at": "2026-06-01T10:00+00:00"}, lambda c: call(c, NOON)),
        ("in the window", {"starts_at": "2026-06-01T10:01+00:00"}, lambda c: call(c, NOON)),
    ],
)
def test_the_judge_sees_what_a_campaign_does_not_allow(
    rule: str, spec: dict[str, Any], wrong: Callable[[Judge], None]
) -> None:
    court = judge(**spec)
    wrong(court)
    assert rule in {fault.partition(":")[0] for fault in court.faults}


def test_the_judge_has_nothing_against_what_is_right() -> None:
    court = judge()
    call_busy(court, NOON, later(10.5))
    call(court, NOON + 11 * MINUTE_MS)
    court.void(attempt(at_ms=NOON + 11 * MINUTE_MS), later(12), NOON + 12 * MINUTE_MS)
    call_busy(court, NOON + 12 * MINUTE_MS, later(22))
    call(court, NOON + 22 * MINUTE_MS)
    court.ended(attempt(), "answered", None, NOON + 23 * MINUTE_MS, None)
    court.instant(NOON + 23 * MINUTE_MS)
    assert not court.faults
