"""An attempt is settled once, whatever comes late, twice or in another order."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable
from functools import partial

import pytest

from bot.campaign.ending import Endings
from bot.campaign.settling import Settling
from bot.campaign.store import CampaignStore
from bot.campaign.types import Attempt, Contact
from bot.dialog import Ended
from bot.record import Record
from bot.store import Store

from .campaigns import ALWAYS, MINUTE_MS, START_MS, Clock, claimed, is_listed, number, running

SID = "CA" + "0" * 32
HUNG_UP = Ended("caller", "hung up")


@pytest.fixture
def settling(campaigns: CampaignStore, store: Store) -> Settling:
    return Settling(campaigns, store, jitter=lambda: 0.0)


def record(attempt: Attempt, **values: object) -> Record:
    """Of the attempt's call, as it is while it lasts."""
    made = Record(SID, direction="outbound", campaign=attempt.campaign, attempt=attempt.id)
    made.answered_ms = START_MS
    for name, value in values.items():
        setattr(made, name, value)
    return made


def closed(made: Record) -> Record:
    made.close(HUNG_UP)
    made.ended_ms = START_MS + MINUTE_MS
    return made


async def contact_of(campaigns: CampaignStore, attempt: Attempt) -> Contact:
    contact = await campaigns.contact(attempt.campaign, attempt.number)
    assert contact is not None
    return contact


async def outcome(campaigns: CampaignStore, attempt: Attempt) -> str | None:
    known = await campaigns.attempt(attempt.id)
    assert known is not None
    return known.outcome


async def over(campaigns: CampaignStore, attempt: Attempt, status: str = "completed") -> None:
    await campaigns.note(attempt.id, sid=SID, status=status, duration_s=60)


async def test_a_call_is_settled_when_its_record_is_closed(
    campaigns: CampaignStore, store: Store, settling: Settling
) -> None:
    attempt = await claimed(campaigns, await running(campaigns, minute_usd=0.5))
    assert not await settling.settle(attempt.id)
    made = record(attempt, usage={"stt:echo": {"amount": 1.0, "usd": 0.25}})
    await store.commit(made)
    await over(campaigns, attempt)
    assert not await settling.settle(attempt.id), "its record is open"
    await store.commit(closed(made))
    assert await settling.settle(attempt.id)
    assert not await settling.settle(attempt.id)
    assert await outcome(campaigns, attempt) == "answered"
    known = await campaigns.attempt(attempt.id)
    assert known is not None
    assert known.usd == pytest.approx(0.75)
    assert (await contact_of(campaigns, attempt)).state == "done"


async def test_a_record_that_nobody_closes_is_not_waited_for_for_ever(
    campaigns: CampaignStore, store: Store, settling: Settling
) -> None:
    attempt = await claimed(campaigns, await running(campaigns))
    await store.commit(record(attempt, call_back_s=7200))
    await over(campaigns, attempt)
    assert await settling.settle(attempt.id, late=True)
    contact = await contact_of(campaigns, attempt)
    assert (contact.state, contact.outcome) == ("waiting", "callback")
    assert contact.plan is not None
    assert contact.plan.due_ms >= START_MS + 7200 * 1000


async def test_a_call_that_nobody_took_is_settled_at_once(
    campaigns: CampaignStore, settling: Settling
) -> None:
    attempt = await claimed(campaigns, await running(campaigns, days=["sat"]))
    await over(campaigns, attempt, "busy")
    assert await settling.settle(attempt.id)
    contact = await contact_of(campaigns, attempt)
    assert (contact.state, contact.outcome, contact.retries) == ("waiting", "busy", {"busy": 1})


async def test_who_heard_nothing_of_us_is_called_again_as_who_hung_up_early(
    campaigns: CampaignStore, settling: Settling, clock: Clock
) -> None:
    attempt = await claimed(campaigns, await running(campaigns, retry_jitter=0, **ALWAYS))
    await over(campaigns, attempt)
    assert await settling.settle(attempt.id, late=True)
    contact = await contact_of(campaigns, attempt)
    assert (contact.state, contact.outcome) == ("waiting", "failed")
    assert contact.plan is not None
    assert contact.plan.due_ms == clock.now_ms + 86_400_000


async def test_whoever_closes_a_record_before_twilio_tells_has_it_asked(
    campaigns: CampaignStore, settling: Settling
) -> None:
    attempt = await claimed(campaigns, await running(campaigns))
    await campaigns.note(attempt.id, sid=SID, status="in-progress")
    await Endings(campaigns, settling).ended(closed(record(attempt)))
    known = await campaigns.attempt(attempt.id)
    assert known is not None
    assert known.closed_ms == START_MS


async def test_who_calls_while_they_are_being_called_and_asks_for_a_call_later_gets_it(
    campaigns: CampaignStore, settling: Settling
) -> None:
    attempt = await claimed(campaigns, await running(campaigns, days=["sat"]))
    inbound = record(attempt, direction="inbound", from_number=number(0), call_back_s=7200)
    await Endings(campaigns, settling).ended(closed(inbound))
    await over(campaigns, attempt, "no-answer")
    assert await settling.settle(attempt.id)
    contact = await contact_of(campaigns, attempt)
    assert (contact.state, contact.outcome) == ("waiting", "callback")
    assert contact.plan is not None
    assert contact.plan.due_ms >= START_MS + 7200 * 1000


async def test_a_canceled_campaign_plans_nothing(
    campaigns: CampaignStore, settling: Settling
) -> None:
    campaign = await running(campaigns)
    attempt = await claimed(campaigns, campaign)
    await campaigns.change(campaign.id, "canceled", allowed=["running"])
    await over(campaigns, attempt, "busy")
    assert await settling.settle(attempt.id)
    assert await outcome(campaigns, attempt) == "canceled"
    assert (await contact_of(campaigns, attempt)).state == "done"


async def test_a_request_that_was_not_kept_yet_is_kept_when_the_call_is_settled(
    campaigns: CampaignStore, settling: Settling
) -> None:
    attempt = await claimed(campaigns, await running(campaigns))
    await over(campaigns, attempt)
    assert await settling.settle(attempt.id, record=closed(record(attempt, do_not_call=True)))
    assert await outcome(campaigns, attempt) == "do_not_call"
    assert await is_listed(campaigns, number(0))


async def test_the_record_of_another_call_does_not_count(
    campaigns: CampaignStore, settling: Settling
) -> None:
    """Twilio has made two calls of one attempt; the second is turned away."""
    attempt = await claimed(campaigns, await running(campaigns))
    await over(campaigns, attempt, "no-answer")
    foreign = closed(record(attempt, sid="CA" + "1" * 32, do_not_call=True))
    assert await settling.settle(attempt.id, record=foreign)
    assert await outcome(campaigns, attempt) == "no_answer"


async def test_what_is_gone_is_not_settled(settling: Settling) -> None:
    assert not await settling.settle("0" * 20)


async def test_whatever_the_order_the_end_is_the_same(
    campaigns: CampaignStore, store: Store, settling: Settling, clock: Clock
) -> None:
    campaign = await running(campaigns, contacts=24)
    ends = set()
    for index, order in enumerate(itertools.permutations(range(4))):
        attempt = await claimed(campaigns, campaign)
        sid = f"CA{index:032}"
        made = closed(record(attempt, sid=sid))

        said = partial(campaigns.note, attempt.id, sid=sid, duration_s=60)
        steps: list[Callable[[], Awaitable[object]]] = [
            partial(said, status="in-progress"),
            partial(said, status="completed"),
            partial(store.commit, made),
            partial(settling.settle, attempt.id),
        ]
        for step in [*order, *order]:  # all of it twice
            await steps[step]()
        await settling.settle(attempt.id, late=True)
        settled = await campaigns.attempt(attempt.id)
        assert settled is not None
        contact = await contact_of(campaigns, attempt)
        ends.add((settled.state, settled.outcome, settled.duration_s, contact.state))
    assert len(ends) == 1
    progress = await campaigns.progress(campaign.id)
    assert (progress.outcomes, progress.live) == ({"answered": 24}, 0)
