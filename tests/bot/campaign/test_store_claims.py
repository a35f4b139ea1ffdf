"""What a claim checks at the moment of dialling."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from redis.asyncio import Redis

from bot.campaign.reconcile import CLOSING_MS, FEW_QUEUED, TAKING_MS
from bot.campaign.store import CampaignStore
from bot.campaign.types import Campaign, Limits, NewContact, Plan

from .alive import announce
from .campaigns import (
    DAY,
    FROM,
    MINUTE_MS,
    NO_LIMITS,
    START_MS,
    Clock,
    claim,
    claimed,
    ids,
    number,
    people,
    plan,
    running,
)


async def blocked(
    store: CampaignStore, campaign: Campaign, limits: Limits = NO_LIMITS
) -> tuple[str, int | None]:
    """Why nobody is claimed, and for how long."""
    claims = await claim(store, campaign, limits=limits)
    assert claims.attempts == []
    return claims.blocked, claims.wait_ms


def moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


# Whether the campaign may dial


async def test_only_a_campaign_that_runs_dials(campaigns: CampaignStore) -> None:
    campaign = await running(campaigns, 2)
    await campaigns.change(campaign.id, "paused", allowed=["running"])
    assert await blocked(campaigns, campaign) == ("state", None)
    await campaigns.change(campaign.id, "running", allowed=["paused"])
    await claimed(campaigns, campaign)
    await campaigns.change(campaign.id, "canceled", allowed=["running"])
    assert await blocked(campaigns, campaign) == ("state", None)
    assert (await campaigns.claim("unknown", ids(1), NO_LIMITS)).blocked == "state"


async def test_a_campaign_dials_from_its_start_until_its_end(
    campaigns: CampaignStore, clock: Clock
) -> None:
    limits = {"starts_at": moment(START_MS + 5000), "ends_at": moment(START_MS + 6000)}
    campaign = await running(campaigns, 3, **limits)
    assert await blocked(campaigns, campaign) == ("early", 5000)
    clock.pass_ms(5000)
    await claimed(campaigns, campaign)
    clock.pass_ms(999)
    await claimed(campaigns, campaign)
    clock.pass_ms(1)
    assert await blocked(campaigns, campaign) == ("over", None)


# Rates


async def test_calls_are_placed_one_after_another_at_the_campaigns_rate(
    campaigns: CampaignStore, clock: Clock
) -> None:
    campaign = await running(campaigns, 3, calls_per_second=4)
    claims = await claim(campaigns, campaign, 3)
    assert (len(claims.attempts), claims.blocked, claims.wait_ms) == (1, "rate", 250)
    clock.pass_ms(249)
    assert await blocked(campaigns, campaign) == ("rate", 1)
    clock.pass_ms(1)
    await claimed(campaigns, campaign)


async def test_the_accounts_rate_holds_for_all_campaigns_together(
    campaigns: CampaignStore, clock: Clock
) -> None:
    one, two = await running(campaigns, 2), await running(campaigns, people(2, first=2))
    limits = replace(NO_LIMITS, calls_per_second=1)
    claims = await claim(campaigns, one, 2, limits)
    assert (len(claims.attempts), claims.blocked, claims.wait_ms) == (1, "account_rate", 1000)
    assert await blocked(campaigns, two, limits) == ("account_rate", 1000)
    clock.pass_ms(1000)
    assert len((await claim(campaigns, two, 2, limits)).attempts) == 1
    assert await blocked(campaigns, one, limits) == ("account_rate", 1000)


async def test_of_two_rates_the_longer_pause_is_said(campaigns: CampaignStore) -> None:
    campaign = await running(campaigns, 3, calls_per_second=1)
    limits = replace(NO_LIMITS, calls_per_second=4)
    claims = await claim(campaigns, campaign, 2, limits)
    assert (len(claims.attempts), claims.blocked, claims.wait_ms) == (1, "rate", 1000)
    assert await blocked(campaigns, campaign, limits) == ("rate", 1000)
    assert await blocked(campaigns, campaign, replace(limits, calls_per_second=0.5)) == (
        "rate",
        1000,
    )


@pytest.mark.parametrize("rate", [7, 30])
async def test_a_rate_is_kept_in_every_second_and_used_up(
    campaigns: CampaignStore, clock: Clock, rate: int
) -> None:
    campaign = await running(campaigns, rate + 1, calls_per_second=rate)
    at_ms: list[int] = []
    while len(at_ms) <= rate:
        claims = await claim(campaigns, campaign)
        at_ms += [attempt.claimed_ms for attempt in claims.attempts]
        clock.pass_ms(claims.wait_ms or 0)
    assert at_ms[-1] - at_ms[0] in (1000, 1001)
    assert max(after - before for before, after in pairwise(at_ms)) <= 1000 // rate + 1


async def test_a_pause_earns_no_burst(campaigns: CampaignStore, clock: Clock) -> None:
    campaign = await running(campaigns, 3, calls_per_second=2)
    await claimed(campaigns, campaign)
    clock.pass_ms(60_000)
    await claimed(campaigns, campaign)
    assert await blocked(campaigns, campaign) == ("rate", 500)


async def test_a_clock_that_is_set_back_stops_nobody_for_long(
    campaigns: CampaignStore, clock: Clock
) -> None:
    contacts = [(who, plan(START_MS - 7_200_000)) for who, _ in people(2)]
    campaign = await running(campaigns, contacts, calls_per_second=2)
    await claimed(campaigns, campaign)
    clock.pass_ms(-3_600_000)
    assert await blocked(campaigns, campaign) == ("rate", 500)
    clock.pass_ms(500)
    await claimed(campaigns, campaign)


# How many at once


async def test_no_more_are_live_than_the_campaign_may_have(campaigns: CampaignStore) -> None:
    campaign = await running(campaigns, 5, max_concurrent=3)
    claims = await claim(campaigns, campaign, 5)
    assert (len(claims.attempts), claims.blocked, claims.wait_ms) == (3, "concurrency", None)
    assert await blocked(campaigns, campaign) == ("concurrency", None)
    await campaigns.settle(claims.attempts[0].id, "busy", None)
    assert len((await claim(campaigns, campaign, 5)).attempts) == 1


async def test_no_more_are_live_than_the_account_may_have(campaigns: CampaignStore) -> None:
    one, two = await running(campaigns, 2), await running(campaigns, people(2, first=2))
    limits = replace(NO_LIMITS, max_concurrent=3)
    assert (await claim(campaigns, one, 2, limits)).blocked == ""
    claims = await claim(campaigns, two, 2, limits)
    assert (len(claims.attempts), claims.blocked) == (1, "account_concurrency")
    assert await blocked(campaigns, one, limits) == ("account_concurrency", None)


async def test_nobody_is_dialled_when_no_worker_is_alive(
    campaigns: CampaignStore, redis: Redis, redis_prefix: str
) -> None:
    campaign = await running(campaigns)
    await redis.zadd(f"{redis_prefix}workers", {"w1": START_MS - 3000})
    assert await blocked(campaigns, campaign) == ("workers", None)
    await redis.zadd(f"{redis_prefix}workers", {"w1": START_MS - 2999})
    await claimed(campaigns, campaign)


async def test_room_for_inbound_calls_is_kept_free(
    campaigns: CampaignStore, redis_url: str, redis_prefix: str
) -> None:
    campaign = await running(campaigns, 10)
    limits = replace(NO_LIMITS, inbound_room=2)
    await announce(redis_url, redis_prefix, "w1", max_calls=3, inbound=1)
    await announce(redis_url, redis_prefix, "w2", max_calls=4, inbound=1)
    claims = await claim(campaigns, campaign, 5, limits)
    assert (len(claims.attempts), claims.blocked) == (3, "inbound")
    assert await blocked(campaigns, campaign, limits) == ("inbound", None)
    await announce(redis_url, redis_prefix, "w2", max_calls=4, inbound=4)
    assert await blocked(campaigns, campaign, limits) == ("inbound", None)


# Each contact


async def test_who_is_on_the_do_not_call_list_is_done_instead(campaigns: CampaignStore) -> None:
    campaign = await running(campaigns, 2)
    await campaigns.do_not_call(number(0), "a caller")
    claims = await claim(campaigns, campaign, 2)
    assert [attempt.number for attempt in claims.attempts] == [number(1)]
    refused = await campaigns.contact(campaign.id, number(0))
    assert refused is not None
    assert (refused.state, refused.outcome, refused.attempts) == ("done", "do_not_call", 0)
    progress = await campaigns.progress(campaign.id)
    assert (progress.waiting, progress.done) == (0, 1)
    assert progress.contact_outcomes == {"do_not_call": 1}


async def test_a_number_that_is_live_elsewhere_is_put_off_for_a_minute(
    campaigns: CampaignStore, clock: Clock
) -> None:
    one, two = await running(campaigns), await running(campaigns)
    attempt = await claimed(campaigns, one)
    assert await blocked(campaigns, two) == ("nothing_due", MINUTE_MS)
    await campaigns.settle(attempt.id, "answered", None)
    assert await blocked(campaigns, two) == ("nothing_due", MINUTE_MS)
    clock.pass_ms(MINUTE_MS)
    assert (await claimed(campaigns, two)).number == number(0)


async def test_who_may_not_be_called_any_more_is_given_once_a_minute_to_be_planned_anew(
    campaigns: CampaignStore, clock: Clock
) -> None:
    short = Plan(START_MS, START_MS + 1000, DAY)
    campaign = await running(campaigns, [(NewContact(number(0), ("Europe/Rome",), "Ada"), short)])
    clock.pass_ms(1000)
    claims = await claim(campaigns, campaign)
    assert (claims.attempts, claims.blocked, claims.wait_ms) == ([], "nothing_due", MINUTE_MS)
    (stale,) = claims.stale
    assert (stale.number, stale.name, stale.plan) == (number(0), "Ada", short)
    assert (await claim(campaigns, campaign)).stale == []
    clock.pass_ms(MINUTE_MS)
    assert (await claim(campaigns, campaign)).stale == [stale]
    assert await campaigns.replan(campaign.id, stale, plan(clock()))
    assert not await campaigns.replan(campaign.id, stale, None)
    assert (await claimed(campaigns, campaign)).number == number(0)


async def test_who_is_due_first_is_called_first(campaigns: CampaignStore) -> None:
    contacts = [(who, plan(START_MS - at)) for at, (who, _) in enumerate(people(5))]
    campaign = await running(campaigns, contacts)
    claims = await claim(campaigns, campaign, 3)
    assert [attempt.number for attempt in claims.attempts] == [number(4), number(3), number(2)]


async def test_one_claim_looks_at_a_hundred_contacts_at_most(campaigns: CampaignStore) -> None:
    campaign = await running(campaigns, 120)
    for index in range(110):
        await campaigns.do_not_call(number(index), "a list")
    first = await claim(campaigns, campaign)
    assert (first.attempts, first.blocked, first.wait_ms) == ([], "", 0)
    assert (await campaigns.progress(campaign.id)).done == 100
    assert (await claimed(campaigns, campaign)).number == number(110)


async def test_the_same_ids_give_the_same_attempts(campaigns: CampaignStore) -> None:
    campaign = await running(campaigns, 2)
    names = ids(3)
    first = await campaigns.claim(campaign.id, names, NO_LIMITS)
    await campaigns.add(campaign.id, people(2, first=2))
    again = await campaigns.claim(campaign.id, names, NO_LIMITS)
    assert again.attempts == first.attempts
    assert [attempt.id for attempt in first.attempts] == names[:2]
    assert (await campaigns.progress(campaign.id)).live == 2


async def test_many_claims_at_once_give_everybody_once(campaigns: CampaignStore) -> None:
    campaign = await running(campaigns, 40, max_concurrent=30)
    found = await asyncio.gather(*(claim(campaigns, campaign, 3) for _ in range(15)))
    numbers = [attempt.number for claims in found for attempt in claims.attempts]
    assert len(numbers) == len(set(numbers)) == 30


# The number to call from


async def from_numbers(store: CampaignStore, called: list[str], **spec: Any) -> list[str]:
    contacts = [
        (NewContact(to, ("America/New_York",)), plan(START_MS - 100 + at))
        for at, to in enumerate(called)
    ]
    campaign = await running(store, contacts, **spec)
    claims = await claim(store, campaign, len(called))
    return [attempt.from_number for attempt in claims.attempts]


async def test_the_number_most_like_the_called_one_calls(campaigns: CampaignStore) -> None:
    ours = ["+14155550100", "+14155550101", "+12125550100"]
    called = ["+14155559999", "+12125559999", "+14155559998", "+14155559997"]
    assert await from_numbers(campaigns, called, from_numbers=ours) == [
        ours[1],
        ours[2],
        ours[0],
        ours[1],
    ]


async def test_numbers_take_turns(campaigns: CampaignStore) -> None:
    ours = ["+14155550100", "+12125550100", FROM]
    called = ["+14155559999", "+14155559998", "+14155559997", "+14155559996"]
    spec: dict[str, Any] = {"from_numbers": ours, "caller_id": "rotate"}
    assert await from_numbers(campaigns, called, **spec) == [ours[1], ours[2], ours[0], ours[1]]


async def test_the_more_calls_wait_at_twilio_the_sooner_nobody_is_claimed_any_more(
    campaigns: CampaignStore, clock: Clock
) -> None:
    many = FEW_QUEUED + 8
    until = plan(START_MS, 60 * MINUTE_MS)
    campaign = await running(campaigns, [(who, until) for who, _ in people(many + 2)])
    attempts = (await claim(campaigns, campaign, many)).attempts
    for at, attempt in enumerate(attempts):
        await campaigns.note(attempt.id, sid=f"CA{at}", status="queued")
    assert await campaigns.queued() == many
    clock.now_ms = until.until_ms - CLOSING_MS - 8 * TAKING_MS - 1
    await claimed(campaigns, campaign)
    clock.pass_ms(1)
    claims = await claim(campaigns, campaign)
    assert (claims.attempts, len(claims.stale)) == ([], 1)
    for at, attempt in enumerate(attempts):
        await campaigns.note(attempt.id, sid=f"CA{at}", status="ringing" if at % 2 else "canceled")
    assert await campaigns.queued() == 0
