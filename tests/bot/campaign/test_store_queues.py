"""Who comes first of those that wait: nobody behind people who may not be called anyway."""

from __future__ import annotations

from redis.asyncio import Redis

from bot.campaign.store import CampaignStore
from bot.campaign.types import Plan

from .campaigns import (
    DAY,
    MINUTE_MS,
    START_MS,
    Clock,
    claim,
    claimed,
    number,
    people,
    plan,
    running,
)

CLOSED = Plan(START_MS - 2 * MINUTE_MS, START_MS - MINUTE_MS, DAY)


async def test_people_whose_plans_are_over_keep_nobody_waiting(campaigns: CampaignStore) -> None:
    closed = [(who, CLOSED) for who, _ in people(700)]
    opened = [(who, plan(START_MS - MINUTE_MS + at)) for at, (who, _) in enumerate(people(5, 700))]
    campaign = await running(campaigns, closed + opened)
    claims = await claim(campaigns, campaign, 3)
    assert [attempt.number for attempt in claims.attempts] == [number(700 + at) for at in range(3)]
    assert 50 <= len(claims.stale) <= 53


async def test_many_plans_are_made_anew_in_one_step(campaigns: CampaignStore) -> None:
    campaign = await running(campaigns, [(who, CLOSED) for who, _ in people(60)])
    stale = (await claim(campaigns, campaign)).stale
    later = plan(START_MS + 60 * MINUTE_MS)
    plans = [(contact, later if at % 2 else None) for at, contact in enumerate(stale)]
    assert await campaigns.replan_many(campaign.id, plans) == [True] * len(stale)
    assert await campaigns.replan_many(campaign.id, plans) == [False] * len(stale)
    kept = await campaigns.contacts_of(campaign.id, [contact.number for contact in stale])
    assert [None if one is None else one.plan for one in kept] == [new for _, new in plans]
    assert await campaigns.replan_many(campaign.id, []) == []


async def test_whoever_asked_for_a_call_at_a_time_comes_before_all_who_are_due(
    campaigns: CampaignStore, clock: Clock
) -> None:
    campaign = await running(campaigns, 30)
    first, second = (await claim(campaigns, campaign, 2)).attempts
    asked_ms = START_MS + 30 * MINUTE_MS
    await campaigns.settle(first.id, "callback", plan(asked_ms))
    await campaigns.settle(second.id, "busy", plan(asked_ms))
    progress = await campaigns.progress(campaign.id)
    assert (progress.due, progress.next_due_ms) == (28, asked_ms)
    clock.now_ms = asked_ms - 1
    assert (await claimed(campaigns, campaign)).number != first.number
    clock.now_ms = asked_ms
    assert (await campaigns.progress(campaign.id)).due == 29
    again = await claimed(campaigns, campaign)
    assert again.number == first.number
    await campaigns.settle(again.id, "no_answer", plan(asked_ms))  # they are as all others now
    assert (await claimed(campaigns, campaign)).number != first.number


async def test_whoever_calls_us_and_asks_to_be_called_later_comes_first_then(
    campaigns: CampaignStore, clock: Clock, redis: Redis, redis_prefix: str
) -> None:
    campaign = await running(campaigns, 30)
    asked = plan(START_MS + MINUTE_MS)
    assert await campaigns.call_back(campaign.id, number(20), asked)
    assert await campaigns.call_back(campaign.id, number(21), None)
    assert not await campaigns.call_back(campaign.id, number(21), asked)
    assert (await campaigns.progress(campaign.id)).contact_outcomes == {"expired": 1}
    clock.pass_ms(MINUTE_MS)
    assert (await claimed(campaigns, campaign)).number == number(20)
    await campaigns.change(campaign.id, "canceled", allowed=["running"])
    assert await redis.exists(f"{redis_prefix}campaign:{campaign.id}:asked") == 0


async def test_campaigns_take_turns_when_the_clock_was_set_back(
    campaigns: CampaignStore, clock: Clock
) -> None:
    early = [(who, plan(START_MS - 120 * MINUTE_MS)) for who, _ in people(40)]
    one, two = await running(campaigns, early[:20]), await running(campaigns, early[20:])
    await claimed(campaigns, one)
    clock.pass_ms(-60 * MINUTE_MS)
    turns = []
    for _ in range(4):
        first = (await campaigns.running())[0]
        await claimed(campaigns, first)
        turns.append(first.id)
    assert turns == [two.id, one.id, two.id, one.id]
