"""Campaigns as the store keeps them: states, order, numbers, time to live, deletion."""

from __future__ import annotations

import pytest
from redis.asyncio import Redis

from bot.campaign import store_campaigns
from bot.campaign.campaign_scripts import DELETE
from bot.campaign.spec import CampaignSpec
from bot.campaign.store import CampaignStore
from bot.campaign.types import CampaignState
from bot.redis_link import StoreUnavailable

from .campaigns import (
    FROM,
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

RETENTION_S = 30 * 86_400


def spec(name: str = "Test", priority: int = 0) -> CampaignSpec:
    return CampaignSpec(name=name, from_numbers=(FROM,), priority=priority)


async def states(store: CampaignStore, campaign: str, *path: CampaignState) -> list[str]:
    """The states that a campaign can be moved to, from those before it."""
    came = []
    for to in path:
        if await store.change(campaign, to, allowed=["draft", "running", "paused", "done"]):
            came.append(to)
    return [str(state) for state in came]


# Campaigns


async def test_a_new_campaign_is_a_draft(campaigns: CampaignStore) -> None:
    written = CampaignSpec.model_validate(
        {
            "name": "Ünïcode | and \n lines",
            "from_numbers": [FROM, "+441632960000"],
            "calls_per_second": 0.3,
            "starts_at": "2026-12-01T09:00:00+01:00",
            "retry": {"busy": {"after_s": 60, "times": 2}},
            "holidays": ["US-CA", "2026-12-25"],
            "webhook_url": "https://example.com/hook",
        }
    )
    campaign = await campaigns.create(written)
    assert len(campaign.id) == 8
    assert campaign.id.isalnum()
    assert (campaign.spec, campaign.state, campaign.reason) == (written, "draft", "")
    assert (campaign.created_ms, campaign.started_ms, campaign.ended_ms) == (START_MS, None, None)
    assert not campaign.accepted_loss
    assert await campaigns.campaign(campaign.id) == campaign
    assert await campaigns.campaign("unknown") is None


async def test_campaigns_are_listed_newest_first(campaigns: CampaignStore, clock: Clock) -> None:
    assert await campaigns.campaigns() == []
    created = []
    for name in "abc":
        created.append(await campaigns.create(spec(name)))
        clock.pass_ms(1)
    assert await campaigns.campaigns() == created[::-1]


async def test_a_campaign_moves_only_from_where_it_may(
    campaigns: CampaignStore, clock: Clock
) -> None:
    campaign = (await campaigns.create(spec())).id
    assert await campaigns.change(campaign, "running", allowed=["paused"]) is None
    clock.pass_ms(1000)
    started = await campaigns.change(campaign, "running", allowed=["draft"], accepted_loss=True)
    assert started is not None
    assert (started.started_ms, started.accepted_loss) == (START_MS + 1000, True)
    clock.pass_ms(1000)
    paused = await campaigns.change(campaign, "paused", allowed=["running"], reason="lunch")
    assert paused is not None
    assert (paused.state, paused.reason) == ("paused", "lunch")
    resumed = await campaigns.change(campaign, "running", allowed=["paused"])
    assert resumed is not None
    assert (resumed.reason, resumed.started_ms) == ("", START_MS + 1000)
    assert resumed.accepted_loss
    assert await campaigns.change("unknown", "running", allowed=["draft"]) is None


async def test_what_is_over_stays_over(campaigns: CampaignStore) -> None:
    canceled, done = await running(campaigns), await running(campaigns, 0)
    assert await states(campaigns, canceled.id, "canceled", "running", "paused") == ["canceled"]
    assert await states(campaigns, done.id, "done", "running", "canceled") == ["done"]


async def test_a_campaign_is_not_done_before_everybody_is(campaigns: CampaignStore) -> None:
    campaign = await running(campaigns)
    assert await states(campaigns, campaign.id, "done") == []  # one waits
    attempt = await claimed(campaigns, campaign)
    assert await states(campaigns, campaign.id, "done") == []  # one is live
    await campaigns.settle(attempt.id, "answered", None)
    assert await states(campaigns, campaign.id, "done") == ["done"]


async def test_a_campaign_is_done_at_its_end_when_nobody_is_live(
    campaigns: CampaignStore, clock: Clock
) -> None:
    campaign = await running(campaigns, 2, ends_at="2026-11-21T09:00:00Z")
    attempt = await claimed(campaigns, campaign)
    clock.pass_ms(60 * MINUTE_MS)
    assert await states(campaigns, campaign.id, "done") == []
    await campaigns.settle(attempt.id, "busy", plan())
    assert await states(campaigns, campaign.id, "done") == ["done"]
    assert (await campaigns.progress(campaign.id)).waiting == 2


async def test_campaigns_run_by_priority_and_take_turns(
    campaigns: CampaignStore, clock: Clock
) -> None:
    low = await running(campaigns, people(3), priority=-1)
    one = await running(campaigns, people(3, first=3))
    two = await running(campaigns, people(3, first=6))
    await campaigns.create(spec("draft"))
    for first, second in ((one, two), (two, one)):
        await claimed(campaigns, first)
        clock.pass_ms(1)
        order = [campaign.id for campaign in await campaigns.running()]
        assert order == [second.id, first.id, low.id]
    await campaigns.change(two.id, "paused", allowed=["running"])
    assert [campaign.id for campaign in await campaigns.running()] == [one.id, low.id]


# Progress


async def test_progress_tells_who_is_due_and_when_the_next_one_is(
    campaigns: CampaignStore, clock: Clock
) -> None:
    contacts = [(who, plan(START_MS + at * 1000)) for at, (who, _) in enumerate(people(4))]
    campaign = await running(campaigns, contacts)
    clock.pass_ms(1500)
    progress = await campaigns.progress(campaign.id)
    assert (progress.contacts, progress.waiting, progress.due) == (4, 4, 2)
    assert (progress.next_due_ms, progress.placed_lately) == (START_MS + 2000, 0)
    assert len((await claim(campaigns, campaign, 4)).attempts) == 2
    clock.pass_ms(3000)
    progress = await campaigns.progress(campaign.id)
    assert (progress.waiting, progress.live, progress.due) == (2, 2, 2)
    assert (progress.next_due_ms, progress.placed_lately) == (None, 2)
    clock.pass_ms(10 * MINUTE_MS)
    assert (await campaigns.progress(campaign.id)).placed_lately == 0
    assert (await campaigns.progress("unknown")).contacts == 0


# Time to live, and deletion


async def test_attempts_are_kept_as_long_as_their_campaign_goes_on(
    campaigns: CampaignStore, redis: Redis, redis_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_campaigns, "BATCH", 2)
    campaign = await running(campaigns, 5)
    claims = await claim(campaigns, campaign, 5)
    for attempt in claims.attempts:
        await campaigns.note(attempt.id, sid=f"CA{attempt.id}", status="completed")
        await campaigns.settle(attempt.id, "answered", None)
    parts = ["attempt:{id}", "dial:sid:CA{id}", "called:{number}:" + FROM]
    names = [
        redis_prefix + part.format(id=attempt.id, number=attempt.number)
        for attempt in claims.attempts
        for part in parts
    ]
    assert not await campaigns.retire(campaign.id)
    assert {await redis.ttl(name) for name in names} == {-1}
    await campaigns.change(campaign.id, "done", allowed=["running"])
    assert [await campaigns.retire(campaign.id) for _ in range(3)] == [True, True, False]
    names.append(f"{redis_prefix}campaign:{campaign.id}")
    assert all([0 < await redis.ttl(name) <= RETENTION_S for name in names])


async def test_a_call_back_goes_to_the_campaign_that_called_last(
    campaigns: CampaignStore, redis: Redis, redis_prefix: str
) -> None:
    one, two = await running(campaigns), await running(campaigns)
    for campaign in (one, two):
        attempt = await claimed(campaigns, campaign)
        await campaigns.note(attempt.id, sid=f"CA{attempt.id}", status="completed")
        await campaigns.settle(attempt.id, "answered", None)
    await campaigns.change(one.id, "done", allowed=["running"])
    await campaigns.retire(one.id)
    assert await redis.ttl(f"{redis_prefix}called:{number(0)}:{FROM}") == -1


@pytest.mark.parametrize("part", ["campaign", "attempt"])
async def test_what_is_gone_keeps_no_number(
    campaigns: CampaignStore, redis: Redis, redis_prefix: str, clock: Clock, part: str
) -> None:
    campaign, other = await running(campaigns), await running(campaigns)
    attempt = await claimed(campaigns, campaign)
    assert (await claim(campaigns, other)).attempts == []
    gone = {"campaign": campaign.id, "attempt": attempt.id}[part]
    await redis.delete(f"{redis_prefix}{part}:{gone}")
    clock.pass_ms(MINUTE_MS)
    assert await campaigns.look(10, MINUTE_MS) == []
    assert (await claimed(campaigns, other)).number == number(0)


async def test_a_campaign_that_is_being_deleted_gets_no_call(campaigns: CampaignStore) -> None:
    campaign = await running(campaigns)
    attempt = await claimed(campaigns, campaign)
    await campaigns.void(attempt.id, 1, plan())
    await campaigns.change(campaign.id, "canceled", allowed=["running"])
    assert await campaigns._scripts.run(DELETE, {"campaign": campaign.id})  # and there it died
    late = await campaigns.note(attempt.id, sid="CA1", status="ringing")
    assert late is not None
    assert late.state == "void"
    assert await campaigns.delete(campaign.id)
    assert await campaigns.attempt_of("CA1") is None


async def test_what_is_over_expires_and_nothing_else(
    campaigns: CampaignStore, redis: Redis, redis_prefix: str
) -> None:
    campaign = await running(campaigns, 3)
    first, second = (await claim(campaigns, campaign, 2)).attempts
    await campaigns.note(first.id, sid="CA1", status="completed")

    async def lasting() -> set[str]:
        names = [name async for name in redis.scan_iter(f"{redis_prefix}*")]
        return {name.removeprefix(redis_prefix) for name in names if await redis.ttl(name) == -1}

    await campaigns.settle(first.id, "answered", None)
    assert {f"attempt:{first.id}", "dial:sid:CA1"} <= await lasting()
    await campaigns.change(campaign.id, "canceled", allowed=["running"])
    assert not await campaigns.retire(campaign.id)
    assert await lasting() == {
        "campaigns",
        "campaigns:clearing",
        "workers",
        "worker:w1",
        "dial:account",
        "dial:live",
        "dial:numbers",
        "dial:watch",
        f"attempt:{second.id}",
        f"campaign:{campaign.id}:live",
    }
    await campaigns.settle(second.id, "busy", plan())
    await campaigns.cleared(campaign.id)
    assert await lasting() == {"campaigns", "workers", "worker:w1", "dial:account"}
    assert await redis.ttl(f"{redis_prefix}attempt:{first.id}") <= RETENTION_S
    await redis.delete(f"{redis_prefix}campaign:{campaign.id}")
    assert await campaigns.campaigns() == []
    assert await redis.exists(f"{redis_prefix}campaigns") == 0


async def test_a_deleted_campaign_leaves_nothing(
    campaigns: CampaignStore, redis: Redis, redis_prefix: str
) -> None:
    other = await running(campaigns, people(1, first=9), webhook_url="https://example.com")
    campaign = await running(campaigns, 3, webhook_url="https://example.com")
    attempt = await claimed(campaigns, campaign)
    await campaigns.note(attempt.id, sid="CA1", status="completed")
    assert not await campaigns.delete(campaign.id)  # it runs
    await campaigns.change(campaign.id, "canceled", allowed=["running"])
    assert not await campaigns.delete(campaign.id)  # a call is live
    await campaigns.settle(attempt.id, "answered", None)
    assert await campaigns.delete(campaign.id)
    assert not await campaigns.delete(campaign.id)
    names = [name async for name in redis.scan_iter(f"{redis_prefix}*{campaign.id}*")]
    assert [name for name in names if ":minute:" not in name] == []
    assert await campaigns.attempt(attempt.id) is None
    assert await campaigns.attempt_of("CA1") is None
    assert await campaigns.last_called(number(0), FROM) is None
    assert await campaigns.campaigns() == [other]
    assert [found[0] for found in await campaigns.next_events(10, 1000)] == [other.id]


async def test_a_draft_is_deleted(campaigns: CampaignStore) -> None:
    campaign = await campaigns.create(spec())
    await campaigns.add(campaign.id, people(2))
    assert await campaigns.delete(campaign.id)
    assert await campaigns.campaign(campaign.id) is None
    assert await campaigns.contact(campaign.id, number(0)) is None


async def test_whose_deletion_was_broken_off_is_not_kept_for_ever(
    campaigns: CampaignStore, redis: Redis, redis_prefix: str
) -> None:
    campaign = await campaigns.create(spec())
    await campaigns.add(campaign.id, people(2))
    assert await campaigns._scripts.run(DELETE, {"campaign": campaign.id})
    assert not await campaigns.retire(campaign.id)  # and there it died
    names = [name async for name in redis.scan_iter(f"{redis_prefix}campaign:{campaign.id}*")]
    assert len(names) == 3
    for name in names:
        assert 0 < await redis.ttl(name) <= RETENTION_S


# The clock, and a Redis that is away


async def test_redis_says_what_time_it_is(redis_url: str, redis_prefix: str, redis: Redis) -> None:
    store = CampaignStore(redis_url, prefix=redis_prefix, deadline_s=10)
    try:
        before_s, _ = await redis.time()
        now_ms = await store.now_ms()
        created_ms = (await store.create(spec())).created_ms
        after_s, _ = await redis.time()
    finally:
        await store.aclose()
    assert before_s * 1000 <= now_ms <= created_ms < (after_s + 1) * 1000


async def test_a_redis_that_forgot_the_scripts_is_sent_them(
    campaigns: CampaignStore, redis: Redis
) -> None:
    campaign = await running(campaigns, 2)
    await redis.script_flush()
    await claimed(campaigns, campaign)


async def test_a_redis_that_is_away_is_said() -> None:
    store = CampaignStore("unix:///nonexistent/redis.sock")
    for question in (store.create(spec()), store.now_ms(), store.allow(number(0))):
        with pytest.raises(StoreUnavailable):
            await question
    await store.aclose()
