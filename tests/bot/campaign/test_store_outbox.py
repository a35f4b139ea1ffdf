"""Numbers that are never called, and the events that owners are told of."""

from __future__ import annotations

from typing import Any

import pytest
from redis.asyncio import Redis

from bot.campaign.store import CampaignStore
from bot.campaign.types import Campaign

from .campaigns import (
    MINUTE_MS,
    START_MS,
    Clock,
    claim,
    claimed,
    is_listed,
    number,
    people,
    plan,
    running,
)

HOOK: dict[str, Any] = {"webhook_url": "https://example.com/hook"}


async def told(store: CampaignStore) -> dict[tuple[str, str], list[str]]:
    """The types of all events that are due, by campaign and number; they are leased then."""
    found = await store.next_events(100, MINUTE_MS)
    return {(name, to): [event["type"] for event in events] for name, to, events in found}


async def first_event(store: CampaignStore, campaign: Campaign, to: str = "") -> dict[str, Any]:
    """The first event of that number, of those that are due."""
    found = await store.next_events(100, MINUTE_MS)
    (events,) = [events for name, of, events in found if (name, of) == (campaign.id, to)]
    return events[0]


# Do not call


async def test_a_number_is_put_on_the_list_once_and_taken_off(campaigns: CampaignStore) -> None:
    assert not await is_listed(campaigns, number(0))
    assert await campaigns.do_not_call(number(0), "said so")
    assert not await campaigns.do_not_call(number(0), "pressed 9")
    assert await is_listed(campaigns, number(0))
    listed = [entry async for entry in campaigns.refused()]
    assert listed == [(number(0), {"source": "said so", "at_ms": START_MS})]
    assert await campaigns.allow(number(0))
    assert not await campaigns.allow(number(0))
    assert not await is_listed(campaigns, number(0))


async def test_a_request_in_one_call_stops_a_dial_that_is_due_in_another_campaign(
    campaigns: CampaignStore, clock: Clock
) -> None:
    one, two = await running(campaigns, **HOOK), await running(campaigns, **HOOK)
    attempt = await claimed(campaigns, one)
    await told(campaigns)
    await campaigns.do_not_call(number(0), "said so")
    assert await told(campaigns) == {(one.id, number(0)): ["contact.do_not_call"]}
    assert (await claim(campaigns, two)).attempts == []
    refused = await campaigns.contact(two.id, number(0))
    assert refused is not None
    assert (refused.state, refused.outcome) == ("done", "do_not_call")
    await campaigns.settle(attempt.id, "do_not_call", None)
    clock.pass_ms(MINUTE_MS)
    assert (await claim(campaigns, two)).blocked == "nothing_due"


@pytest.mark.parametrize("status", ["", "queued", "ringing"])
async def test_a_request_has_a_call_that_nobody_has_answered_looked_at_now(
    campaigns: CampaignStore, clock: Clock, status: str
) -> None:
    attempt = await claimed(campaigns, await running(campaigns))
    await campaigns.note(attempt.id, sid="CA1", status=status)
    await campaigns.watch(attempt.id, clock() + MINUTE_MS)
    await campaigns.do_not_call(number(0), "api")
    (looked_at,) = await campaigns.look(10, MINUTE_MS)
    assert (looked_at.id, looked_at.unwanted) == (attempt.id, True)


async def test_a_call_that_is_placed_after_the_request_is_looked_at_now(
    campaigns: CampaignStore, clock: Clock
) -> None:
    campaign = await running(campaigns, 2)
    first, second = (await claim(campaigns, campaign, 2)).attempts
    await campaigns.void(second.id, 1, plan(clock() + MINUTE_MS))
    for attempt in (first, second):  # the one is being asked for, the other was given up
        await campaigns.do_not_call(attempt.number, "api")
        await campaigns.watch(attempt.id, clock() + MINUTE_MS)
        placed = await campaigns.note(attempt.id, sid=f"CA{attempt.id}", status="queued")
        assert placed is not None
        assert placed.unwanted
    looked_at = await campaigns.look(10, MINUTE_MS)
    assert {found.id for found in looked_at} == {first.id, second.id}


@pytest.mark.parametrize(("status", "source"), [("in-progress", "api"), ("ringing", "CA1")])
async def test_the_call_in_which_somebody_asks_goes_on(
    campaigns: CampaignStore, status: str, source: str
) -> None:
    attempt = await claimed(campaigns, await running(campaigns))
    await campaigns.note(attempt.id, sid="CA1", status=status)
    await campaigns.do_not_call(number(0), source)
    asked = await campaigns.attempt(attempt.id)
    assert asked is not None
    assert not asked.unwanted


# Events


async def test_events_that_nobody_delivers_do_not_vanish(
    campaigns: CampaignStore, redis: Redis, redis_prefix: str
) -> None:
    campaign = await running(campaigns, **HOOK)
    assert await redis.ttl(f"{redis_prefix}campaign:{campaign.id}:outbox:") == -1
    assert (await campaigns.progress(campaign.id)).undelivered == 1


async def test_an_owner_is_told_of_everything_in_its_order(campaigns: CampaignStore) -> None:
    campaign = await running(campaigns, **HOOK)
    attempt = await claimed(campaigns, campaign)
    for status in ("queued", "ringing", "in-progress", "in-progress", "completed"):
        await campaigns.note(attempt.id, sid="CA1", status=status)
    await campaigns.settle(attempt.id, "voicemail", plan(), reason="machine")
    second = await claimed(campaigns, campaign)
    await campaigns.settle(second.id, "answered", None)
    await campaigns.change(campaign.id, "paused", allowed=["running"], reason="lunch")
    await campaigns.change(campaign.id, "done", allowed=["paused"])
    found = {to: events for _, to, events in await campaigns.next_events(10, MINUTE_MS)}
    own = found[""]
    assert [event["type"] for event in own] == [
        "campaign.running",
        "campaign.paused",
        "campaign.done",
    ]
    assert own[1]["reason"] == "lunch"
    contact = found[number(0)]
    assert [event["type"] for event in contact] == [
        "attempt.placed",
        "attempt.answered",
        "attempt.ended",
        "attempt.ended",
        "contact.done",
    ]
    names = [event.pop("id") for event in contact + own]
    assert len(set(names)) == 8
    assert contact[2] == {
        "type": "attempt.ended",
        "at_ms": START_MS,
        "attempt": attempt.id,
        "call_sid": "CA1",
        "outcome": "voicemail",
        "reason": "machine",
    }
    done = {"type": "contact.done", "at_ms": START_MS, "attempt": second.id, "outcome": "answered"}
    assert contact[4] == done


async def test_the_breaker_and_a_call_back_are_told(campaigns: CampaignStore) -> None:
    campaign = await running(campaigns, 2, breaker=1, **HOOK)
    await campaigns.finish_contact(campaign.id, number(0), "called_back")
    attempt = await claimed(campaigns, campaign)
    await campaigns.settle(attempt.id, "failed", plan())
    assert await told(campaigns) == {
        (campaign.id, ""): ["campaign.running", "campaign.paused"],
        (campaign.id, number(0)): ["contact.called_back", "contact.done"],
        (campaign.id, number(1)): ["attempt.ended"],
    }


async def test_a_campaign_without_a_webhook_has_no_events(campaigns: CampaignStore) -> None:
    campaign = await running(campaigns)
    attempt = await claimed(campaigns, campaign)
    await campaigns.do_not_call(number(0), "said so")
    await campaigns.settle(attempt.id, "answered", None)
    assert await told(campaigns) == {}
    assert (await campaigns.progress(campaign.id)).undelivered == 0


async def test_events_are_leased_taken_and_tried_again(
    campaigns: CampaignStore, clock: Clock
) -> None:
    campaign = await running(campaigns, 0, **HOOK)
    await campaigns.change(campaign.id, "paused", allowed=["running"])
    first = await first_event(campaigns, campaign)
    assert await told(campaigns) == {}  # leased
    await campaigns.undelivered(campaign.id, "", clock() + 5000)
    clock.pass_ms(4999)
    assert await told(campaigns) == {}
    clock.pass_ms(1)
    assert await first_event(campaigns, campaign) == first
    assert (await campaigns.progress(campaign.id)).undelivered == 2
    for _ in range(2):  # the answer may have been lost
        await campaigns.delivered(campaign.id, "", first["id"])
        assert (await campaigns.progress(campaign.id)).undelivered == 1
    clock.pass_ms(MINUTE_MS)  # whoever had them has died
    second = await first_event(campaigns, campaign)
    assert second["type"] == "campaign.paused"
    await campaigns.delivered(campaign.id, "", second["id"])
    clock.pass_ms(MINUTE_MS)
    assert await told(campaigns) == {}
    await campaigns.undelivered(campaign.id, "", clock())
    assert await told(campaigns) == {}
    assert (await campaigns.progress(campaign.id)).undelivered == 0


async def test_an_event_is_due_at_once_after_those_before_it_were_taken(
    campaigns: CampaignStore,
) -> None:
    campaign = await running(campaigns, 0, **HOOK)
    first = await first_event(campaigns, campaign)
    await campaigns.delivered(campaign.id, "", first["id"])
    await campaigns.change(campaign.id, "paused", allowed=["running"])
    assert await told(campaigns) == {(campaign.id, ""): ["campaign.paused"]}


async def test_no_more_are_given_than_were_asked_for(campaigns: CampaignStore) -> None:
    campaign = await running(campaigns, people(4), **HOOK)
    for attempt in (await claim(campaigns, campaign, 4)).attempts:
        await campaigns.settle(attempt.id, "busy", plan())
    assert [len(await campaigns.next_events(3, MINUTE_MS)) for _ in range(3)] == [3, 2, 0]
