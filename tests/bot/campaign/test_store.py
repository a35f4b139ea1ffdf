"""The way of a contact through the store, on a real Redis."""

from __future__ import annotations

from bot.campaign.store import CampaignStore
from bot.campaign.types import Contact

from .campaigns import (
    DAY,
    FROM,
    MINUTE_MS,
    START_MS,
    Clock,
    claim,
    claimed,
    number,
    plan,
    running,
)


async def test_a_contact_is_claimed_called_settled_and_called_again(
    campaigns: CampaignStore, clock: Clock
) -> None:
    campaign = await running(campaigns)
    assert (campaign.state, campaign.started_ms) == ("running", START_MS)
    first = await claimed(campaigns, campaign)
    assert (first.state, first.ordinal, first.token) == ("claimed", 1, 1)
    assert (first.number, first.from_number, first.campaign) == (number(0), FROM, campaign.id)
    assert (first.claimed_ms, first.lease_until_ms) == (START_MS, START_MS + 10_000)
    assert first.until_ms == plan().until_ms
    assert await campaigns.contact(campaign.id, number(0)) == Contact(
        number(0),
        ("America/New_York",),
        state="live",
        attempts=1,
        today=1,
        day=DAY,
        attempt=first.id,
    )
    placed = await campaigns.note(first.id, sid="CA1", status="queued")
    assert placed is not None
    assert (placed.state, placed.sid, placed.placed_ms) == ("placed", "CA1", START_MS)
    clock.pass_ms(20_000)
    ended = await campaigns.note(first.id, sid="CA1", status="no-answer", duration_s=0)
    assert ended is not None
    assert (ended.state, ended.status, ended.ended_ms) == ("ended", "no-answer", START_MS + 20_000)
    assert await campaigns.look(10, MINUTE_MS) == [ended]  # its lease is over
    assert await campaigns.look(10, MINUTE_MS) == []
    again = plan(START_MS + 7_200_000)
    assert await campaigns.settle(first.id, "no_answer", again, usd=0.01)
    assert not await campaigns.settle(first.id, "failed", None)
    contact = await campaigns.contact(campaign.id, number(0))
    assert contact is not None
    assert (contact.state, contact.plan, contact.outcome) == ("waiting", again, "no_answer")
    assert contact.retries == {"no_answer": 1}
    nobody = await claim(campaigns, campaign)
    assert (nobody.attempts, nobody.blocked, nobody.wait_ms) == ([], "nothing_due", 7_180_000)
    clock.now_ms = again.due_ms
    second = await claimed(campaigns, campaign)
    assert (second.number, second.ordinal) == (number(0), 2)
    assert await campaigns.settle(second.id, "answered", None)
    done = await campaigns.contact(campaign.id, number(0))
    assert done is not None
    assert (done.state, done.attempts, done.plan) == ("done", 2, None)
    kept = [attempt async for attempt in campaigns.attempts(campaign.id)]
    assert [(item.id, item.outcome) for item in kept] == [
        (first.id, "no_answer"),
        (second.id, "answered"),
    ]
    progress = await campaigns.progress(campaign.id)
    assert (progress.contacts, progress.waiting, progress.live, progress.done) == (1, 0, 0, 1)
    assert (progress.attempts, progress.usd) == (2, 0.01)
    assert progress.outcomes == {"no_answer": 1, "answered": 1}
