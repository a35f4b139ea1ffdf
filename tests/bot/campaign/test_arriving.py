"""Whether the call of an attempt goes on when it arrives."""

from __future__ import annotations

import pytest
from redis.asyncio import Redis

from bot.campaign.arriving import CALL_BACK_DAYS, Arrivals, CallNews
from bot.campaign.store import CampaignStore
from bot.campaign.types import Attempt, CampaignState, NewContact, NoConsent
from bot.dialog.types import Ended
from bot.telephony.identity import CallIdentity

from .campaigns import FROM, Clock, claim, claimed, number, plan, running

ANSWERED = CallNews(sid="CA1", status="in-progress")


@pytest.fixture
def arrivals(campaigns: CampaignStore) -> Arrivals:
    return Arrivals(campaigns, deadline_s=10)


async def turned_away(arrivals: Arrivals, attempt: Attempt) -> Ended | None:
    """How the attempt's call ends at once, if it does."""
    return (await arrivals.arrive(attempt.id, ANSWERED)).turned_away


async def test_a_call_that_was_placed_goes_on(campaigns: CampaignStore, arrivals: Arrivals) -> None:
    attempt = await claimed(campaigns, await running(campaigns))
    assert await turned_away(arrivals, attempt) is None


async def test_whoever_asked_not_to_be_called_while_their_call_waited_is_not_talked_to(
    campaigns: CampaignStore, arrivals: Arrivals
) -> None:
    attempt = await claimed(campaigns, await running(campaigns))
    await campaigns.note(attempt.id, sid="CA1", status="queued")
    await campaigns.do_not_call(number(0), "api")
    ended = await turned_away(arrivals, attempt)
    assert ended == Ended("bot", "they asked not to be called")


async def test_whoever_does_not_consent_any_more_is_talked_to_only_in_a_call_that_they_took(
    campaigns: CampaignStore, arrivals: Arrivals
) -> None:
    campaign = await running(campaigns, 2)
    attempt, other = (await claim(campaigns, campaign, 2)).attempts
    assert await turned_away(arrivals, attempt) is None
    await campaigns.note(other.id, sid="CA2", status="queued")
    await campaigns.add(campaign.id, [NoConsent(number(0)), NoConsent(number(1))])
    # Another worker takes it over, say.
    assert await turned_away(arrivals, attempt) is None
    arrival = await arrivals.arrive(other.id, CallNews(sid="CA2", status="in-progress"))
    assert arrival.turned_away == Ended("bot", "they asked not to be called")


async def test_the_call_in_which_somebody_asks_not_to_be_called_may_arrive_again(
    campaigns: CampaignStore, arrivals: Arrivals
) -> None:
    attempt = await claimed(campaigns, await running(campaigns))
    assert await turned_away(arrivals, attempt) is None
    await campaigns.do_not_call(number(0), "CA1")
    assert await turned_away(arrivals, attempt) is None


async def test_a_call_that_turns_up_when_its_contact_is_done_is_turned_away(
    campaigns: CampaignStore, arrivals: Arrivals
) -> None:
    campaign = await running(campaigns)
    attempt = await claimed(campaigns, campaign)
    await campaigns.void(attempt.id, 1, plan())
    second = await claimed(campaigns, campaign)
    await campaigns.settle(second.id, "answered", None)
    assert await turned_away(arrivals, attempt) == Ended("bot", "the contact is done")


async def test_a_call_that_was_taken_for_failed_is_turned_away_when_it_turns_up(
    campaigns: CampaignStore, arrivals: Arrivals
) -> None:
    attempt = await claimed(campaigns, await running(campaigns))
    await campaigns.note(attempt.id, sid="CA1", status="failed")
    await campaigns.settle(attempt.id, "failed", plan())
    assert await turned_away(arrivals, attempt) == Ended("bot", "the attempt was given up")


@pytest.mark.parametrize("caller", ["+525512345678", "+5215512345678"])
async def test_a_call_back_is_one_however_its_network_writes_its_number(
    campaigns: CampaignStore, arrivals: Arrivals, caller: str
) -> None:
    person = NewContact("+525512345678", ("America/Mexico_City",))
    attempt = await claimed(campaigns, await running(campaigns, [(person, plan())]))
    await campaigns.note(attempt.id, sid="CA1", status="busy")
    call = CallIdentity(
        sid="CA2", account_sid="AC", from_number=caller, to_number=FROM, direction="inbound"
    )
    arrival = await arrivals.call_back(call)
    assert arrival is not None
    assert arrival.attempt == attempt.id


async def test_a_call_goes_on_whatever_is_wrong_with_a_campaign(
    campaigns: CampaignStore, arrivals: Arrivals, redis: Redis, redis_prefix: str
) -> None:
    attempt = await claimed(campaigns, await running(campaigns))
    await campaigns.note(attempt.id, sid="CA1", status="in-progress")
    await redis.hset(f"{redis_prefix}attempt:{attempt.id}", "token", "no number")
    assert await turned_away(arrivals, attempt) is None
    assert not await arrivals.note(attempt.id, ANSWERED)
    called_back = CallIdentity(
        sid="CA2", account_sid="AC", from_number=number(0), to_number=FROM, direction="inbound"
    )
    assert await arrivals.call_back(called_back) is None


async def test_what_was_said_of_a_machine_before_the_call_arrived_counts(
    campaigns: CampaignStore, arrivals: Arrivals
) -> None:
    attempt = await claimed(campaigns, await running(campaigns, voicemail="hang_up"))
    await arrivals.note(attempt.id, CallNews(sid="CA1", answered_by="machine_start"))
    assert await turned_away(arrivals, attempt) == Ended("bot", "voicemail")


@pytest.mark.parametrize("state", ["running", "canceled"])
async def test_calls_are_about_a_campaign_for_some_days_after_its_end(
    campaigns: CampaignStore, arrivals: Arrivals, clock: Clock, state: CampaignState
) -> None:
    campaign = await running(campaigns)
    attempt = await claimed(campaigns, campaign)
    await campaigns.note(attempt.id, sid="CA1", status="busy")
    await campaigns.settle(attempt.id, "busy", None)
    await campaigns.change(campaign.id, state, allowed=["running"])
    call = CallIdentity(
        sid="CA2", account_sid="AC", from_number=number(0), to_number=FROM, direction="inbound"
    )
    assert await arrivals.call_back(call) is not None
    clock.now_ms += (CALL_BACK_DAYS + 1) * 86_400_000
    assert (await arrivals.call_back(call) is None) is (state == "canceled")
