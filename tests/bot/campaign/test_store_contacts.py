"""Contacts as the store keeps them: added once, read, planned anew, finished."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.campaign.spec import CampaignSpec
from bot.campaign.store import CampaignStore, NotOpen
from bot.campaign.types import Contact, NewContact

from .campaigns import (
    DAY,
    FROM,
    MINUTE_MS,
    START_MS,
    claim,
    claimed,
    number,
    people,
    plan,
    running,
)

DRAFT = CampaignSpec(name="Test", from_numbers=(FROM,))


async def test_contacts_are_kept_as_they_were_given(campaigns: CampaignStore) -> None:
    campaign = await campaigns.create(DRAFT)
    zones = ("America/Detroit", "America/New_York")
    variables = {"a|b": "c\nd", "ü": '"', "long": "x" * 500}
    odd = NewContact(number(0), zones, "O'Neil | \n Ünï", "de-CH", variables)
    plain = NewContact(number(1), ("UTC",))
    contacts = [(odd, plan()), (plain, plan())]
    assert await campaigns.add(campaign.id, contacts) == ["added", "added"]
    found = await campaigns.contact(campaign.id, number(0))
    assert found == Contact(number(0), zones, odd.name, "de-CH", variables, plan=plan())
    assert await campaigns.contact(campaign.id, number(7)) is None
    numbers = [number(1), number(7), number(0)]
    several = await campaigns.contacts_of(campaign.id, numbers)
    assert several == [Contact(number(1), ("UTC",), plan=plan()), None, found]
    assert await campaigns.contacts_of(campaign.id, []) == []
    started = await campaigns.change(campaign.id, "running", allowed=["draft"])
    assert started is not None
    assert len((await claim(campaigns, started, 2)).attempts) == 2
    after = await campaigns.contact(campaign.id, number(0))
    assert after is not None
    live = replace(found, state="live", attempts=1, today=1, day=DAY, plan=None)
    assert after == replace(live, attempt=after.attempt)


async def test_nobody_is_added_twice_or_against_their_will(campaigns: CampaignStore) -> None:
    campaign = await campaigns.create(DRAFT)
    await campaigns.do_not_call(number(2), "a list")
    contacts = people(3)
    assert await campaigns.add(campaign.id, [contacts[0], *contacts]) == [
        "added",
        "duplicate",
        "added",
        "do_not_call",
    ]
    assert await campaigns.add(campaign.id, contacts) == ["duplicate", "duplicate", "do_not_call"]
    progress = await campaigns.progress(campaign.id)
    assert (progress.contacts, progress.waiting) == (2, 2)
    other = await campaigns.create(DRAFT)
    assert await campaigns.add(other.id, contacts[:1]) == ["added"]


async def test_a_campaign_that_is_over_takes_no_more_contacts(campaigns: CampaignStore) -> None:
    campaign = await running(campaigns, 0)
    await campaigns.change(campaign.id, "canceled", allowed=["running"])
    for name in (campaign.id, "unknown"):
        with pytest.raises(NotOpen):
            await campaigns.add(name, people(1))


async def test_all_contacts_are_read_once_each(campaigns: CampaignStore) -> None:
    campaign = await campaigns.create(DRAFT)
    await campaigns.add(campaign.id, people(1000))
    numbers = [contact.number async for contact in campaigns.contacts(campaign.id)]
    assert sorted(numbers) == [number(index) for index in range(1000)]


async def test_a_waiting_contact_is_planned_anew_only_from_the_plan_that_was_seen(
    campaigns: CampaignStore,
) -> None:
    campaign = await running(campaigns)
    seen = await campaigns.contact(campaign.id, number(0))
    assert seen is not None
    later = plan(START_MS + MINUTE_MS)
    assert await campaigns.replan(campaign.id, seen, later)
    assert not await campaigns.replan(campaign.id, seen, plan())
    assert (await claim(campaigns, campaign)).wait_ms == MINUTE_MS
    now = await campaigns.contact(campaign.id, number(0))
    assert now is not None
    assert now.plan == later
    assert await campaigns.replan(campaign.id, now, None)
    done = await campaigns.contact(campaign.id, number(0))
    assert done is not None
    assert (done.state, done.outcome, done.plan) == ("done", "expired", None)
    assert not await campaigns.replan(campaign.id, done, plan())
    assert not await campaigns.replan(campaign.id, replace(now, number=number(1)), plan())
    assert (await campaigns.progress(campaign.id)).contact_outcomes == {"expired": 1}


async def test_only_a_waiting_contact_is_finished(campaigns: CampaignStore) -> None:
    campaign = await running(campaigns, 2)
    attempt = await claimed(campaigns, campaign)
    waiting = number(1) if attempt.number == number(0) else number(0)
    assert await campaigns.finish_contact(campaign.id, waiting, "called_back")
    assert not await campaigns.finish_contact(campaign.id, waiting, "called_back")
    assert not await campaigns.finish_contact(campaign.id, number(5), "called_back")
    progress = await campaigns.progress(campaign.id)
    assert (progress.waiting, progress.done, progress.outcomes) == (0, 1, {})
    assert progress.contact_outcomes == {"called_back": 1}


@pytest.mark.parametrize("outcome", ["no_answer", "void"])
async def test_who_calls_back_while_they_are_being_called_is_not_called_again(
    campaigns: CampaignStore, outcome: str
) -> None:
    campaign = await running(campaigns)
    attempt = await claimed(campaigns, campaign)
    assert await campaigns.finish_contact(campaign.id, attempt.number, "called_back")
    if outcome == "void":
        assert await campaigns.void(attempt.id, 1, plan())
    else:
        await campaigns.note(attempt.id, sid="CA1", status="no-answer")
        assert await campaigns.settle(attempt.id, "no_answer", plan())
    contact = await campaigns.contact(campaign.id, attempt.number)
    assert contact is not None
    assert (contact.state, contact.outcome) == ("done", "called_back")
