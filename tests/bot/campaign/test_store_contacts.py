"""Contacts as the store keeps them: added once, read, planned anew, finished."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import pytest

from bot.campaign.reconcile import Timings, next_step
from bot.campaign.spec import CampaignSpec
from bot.campaign.store import CampaignStore, NotOpen
from bot.campaign.types import Attempt, Contact, NewContact, NoConsent, Outcome, Plan

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


async def add_no(campaigns: CampaignStore, campaign: str) -> str:
    (result,) = await campaigns.add(campaign, [NoConsent(number(0))])
    return result


async def test_who_does_not_consent_any_more_is_not_claimed(campaigns: CampaignStore) -> None:
    campaign = await running(campaigns, webhook_url="https://example.com/events")
    assert await add_no(campaigns, campaign.id) == "withdrawn"
    found = await campaigns.contact(campaign.id, number(0))
    assert found is not None
    assert (found.state, found.outcome, found.plan) == ("done", "no_consent", None)
    assert not (await claim(campaigns, campaign)).attempts
    progress = await campaigns.progress(campaign.id)
    assert (progress.waiting, progress.done, progress.undelivered) == (0, 1, 2)
    # Neither a yes nor a call back of theirs changes it, and a no once more nothing.
    assert await campaigns.add(campaign.id, people(1)) == ["duplicate"]
    assert not await campaigns.call_back(campaign.id, number(0), plan())
    assert await add_no(campaigns, campaign.id) == "withdrawn"
    assert await campaigns.progress(campaign.id) == progress


async def test_who_waits_for_a_call_that_they_asked_for_may_withdraw(
    campaigns: CampaignStore,
) -> None:
    campaign = await running(campaigns)
    assert await campaigns.call_back(campaign.id, number(0), plan())
    assert await add_no(campaigns, campaign.id) == "withdrawn"
    assert not (await claim(campaigns, campaign)).attempts
    assert (await campaigns.progress(campaign.id)).due == 0


async def test_who_is_done_for_another_reason_stays_so(campaigns: CampaignStore) -> None:
    campaign = await running(campaigns)
    await campaigns.settle((await claimed(campaigns, campaign)).id, "answered", None)
    assert await add_no(campaigns, campaign.id) == "no_consent"
    assert (await campaigns.progress(campaign.id)).contact_outcomes == {"answered": 1}


@pytest.mark.parametrize(
    ("ended", "becomes"),
    [("busy", "no_consent"), ("callback", "no_consent"), ("answered", "answered")],
)
async def test_who_does_not_consent_while_they_are_called_is_not_called_again(
    campaigns: CampaignStore, ended: Outcome, becomes: Outcome
) -> None:
    campaign = await running(campaigns)
    attempt = await claimed(campaigns, campaign)
    await campaigns.call_back(campaign.id, number(0), plan())
    assert await add_no(campaigns, campaign.id) == "withdrawn"
    # What they talk about with us meanwhile is not about consent.
    await campaigns.call_back(campaign.id, number(0), plan())
    noted = await campaigns.note(attempt.id, sid="CA1", status="queued")
    assert noted is not None
    assert noted.unwanted
    assert next_step(noted, campaign, START_MS, Timings()).task == "take_back"
    await campaigns.settle(attempt.id, ended, None if ended == "answered" else plan())
    found = await campaigns.contact(campaign.id, number(0))
    assert found is not None
    assert (found.state, found.outcome) == ("done", becomes)


async def test_who_does_not_consent_before_a_call_is_placed_is_not_called_again(
    campaigns: CampaignStore,
) -> None:
    campaign = await running(campaigns)
    attempt = await claimed(campaigns, campaign)
    assert await add_no(campaigns, campaign.id) == "withdrawn"
    assert await campaigns.void(attempt.id, 1, plan())
    assert (await campaigns.progress(campaign.id)).contact_outcomes == {"no_consent": 1}


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
@pytest.mark.parametrize("after", [plan(), None], ids=["again", "last"])
async def test_who_calls_back_while_they_are_being_called_is_not_called_again(
    campaigns: CampaignStore, outcome: str, after: Plan | None
) -> None:
    campaign = await running(campaigns, webhook_url="https://owner.example/events")
    attempt = await claimed(campaigns, campaign)
    for _ in range(2):  # an answer of Redis's may be lost
        assert await campaigns.finish_contact(campaign.id, attempt.number, "called_back")
    if outcome == "void":
        assert await campaigns.void(attempt.id, 1, after)
    else:
        await campaigns.note(attempt.id, sid="CA1", status="no-answer")
        assert await campaigns.settle(attempt.id, "no_answer", after)
    contact = await campaigns.contact(campaign.id, attempt.number)
    assert contact is not None
    assert (contact.state, contact.outcome) == ("done", "called_back")
    told = [event["type"] for _, _, of in await campaigns.next_events(9, 0) for event in of]
    assert told.count("contact.called_back") == 1


ASKED = plan(START_MS + 7 * MINUTE_MS)


async def over(campaigns: CampaignStore, attempt: Attempt, outcome: str, after: Plan | None) -> str:
    """Its contact's state and outcome, and when they are called."""
    if outcome == "void":
        assert await campaigns.void(attempt.id, 1, after)
    else:
        assert await campaigns.settle(attempt.id, cast(Outcome, outcome), after)
    contact = await campaigns.contact(attempt.campaign, attempt.number)
    assert contact is not None
    at = "" if contact.plan is None else f" at {(contact.plan.due_ms - START_MS) // MINUTE_MS}"
    return f"{contact.state}: {contact.outcome}{at}"


@pytest.mark.parametrize(
    ("outcome", "after", "became"),
    [
        ("void", plan(), "waiting: callback at 7"),
        ("no_answer", plan(), "waiting: callback at 7"),
        ("no_answer", None, "waiting: callback at 7"),
        ("callback", plan(START_MS + 9 * MINUTE_MS), "waiting: callback at 9"),
        ("answered", None, "done: answered"),
    ],
)
async def test_a_call_that_is_asked_for_while_they_are_being_called_is_made(
    campaigns: CampaignStore, outcome: str, after: Plan | None, became: str
) -> None:
    attempt = await claimed(campaigns, await running(campaigns))
    assert await campaigns.call_back(attempt.campaign, attempt.number, ASKED)
    assert await over(campaigns, attempt, outcome, after) == became


async def test_a_call_that_is_asked_for_is_not_made_when_its_campaign_is_canceled(
    campaigns: CampaignStore,
) -> None:
    attempt = await claimed(campaigns, await running(campaigns))
    assert await campaigns.call_back(attempt.campaign, attempt.number, ASKED)
    await campaigns.change(attempt.campaign, "canceled", allowed=["running"])
    assert await over(campaigns, attempt, "no_answer", None) == "done: no_answer"


async def test_who_called_back_and_then_asks_for_a_call_gets_it(campaigns: CampaignStore) -> None:
    attempt = await claimed(campaigns, await running(campaigns))
    assert await campaigns.finish_contact(attempt.campaign, attempt.number, "called_back")
    assert await over(campaigns, attempt, "callback", ASKED) == "waiting: callback at 7"


async def test_a_call_that_waits_for_somebody_who_has_called_us_is_taken_back(
    campaigns: CampaignStore,
) -> None:
    campaign = await running(campaigns, 2)
    placed, claimed_only = (await claim(campaigns, campaign, 2)).attempts
    await campaigns.note(placed.id, sid="CA1", status="queued")
    for attempt in (placed, claimed_only):
        assert await campaigns.finish_contact(campaign.id, attempt.number, "called_back")
    looked_at = {found.id: found for found in await campaigns.look(9, MINUTE_MS)}
    assert set(looked_at) == {placed.id, claimed_only.id}
    step = next_step(looked_at[placed.id], campaign, START_MS, Timings())
    assert step.task == "take_back"
    noted = await campaigns.note(claimed_only.id, sid="CA2", status="queued")
    assert noted is not None
    assert [found.id for found in await campaigns.look(9, MINUTE_MS)] == [noted.id]
