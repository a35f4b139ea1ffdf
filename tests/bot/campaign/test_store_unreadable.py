"""A campaign whose rules another version of Parley wrote stops itself alone."""

from __future__ import annotations

from collections.abc import AsyncIterator

import orjson
import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from bot.campaign.importing.contacts import import_contacts
from bot.campaign.importing.faults import ContactsError
from bot.campaign.packing import UNREADABLE
from bot.campaign.store import CampaignStore
from bot.campaign.types import Attempt, Campaign

from .campaigns import MINUTE_MS, Clock, claimed, number, people, plan, running


async def spoil(redis: Redis, prefix: str, campaign: Campaign) -> None:
    """Add a rule of a later version."""
    name = f"{prefix}campaign:{campaign.id}"
    rules = campaign.spec.model_dump(mode="json") | {"never_on": "full moon"}
    await redis.hset(name, "spec", orjson.dumps(rules))


@pytest.fixture
async def spoiled(
    campaigns: CampaignStore, redis: Redis, redis_prefix: str
) -> tuple[Campaign, Attempt]:
    """A campaign that runs and cannot be read, and a live attempt of it."""
    campaign = await running(campaigns, 2)
    attempt = await claimed(campaigns, campaign)
    await spoil(redis, redis_prefix, campaign)
    return campaign, attempt


async def test_the_others_go_on(
    campaigns: CampaignStore, spoiled: tuple[Campaign, Attempt]
) -> None:
    other = await running(campaigns, people(1, first=5))
    with capture_logs() as logs:
        for _ in range(3):
            assert [found.id for found in await campaigns.running()] == [other.id]
    assert [(line["event"], line["campaign"]) for line in logs] == [
        ("campaign stands still", spoiled[0].id)
    ]
    listed = {found.id: found for found in await campaigns.campaigns()}
    assert (listed[spoiled[0].id].unreadable, listed[other.id].unreadable) == (True, False)
    assert listed[spoiled[0].id].reason == UNREADABLE


async def test_nothing_is_decided_by_rules_that_are_not_known(
    campaigns: CampaignStore, spoiled: tuple[Campaign, Attempt]
) -> None:
    async def lines() -> AsyncIterator[bytes]:
        yield b"number\n+15551000007\n"

    campaign, _ = spoiled
    assert await campaigns.campaign(campaign.id) is None
    listed = await campaigns.campaign(campaign.id, readable=False)
    assert listed is not None
    with pytest.raises(ContactsError, match="rules"):
        await import_contacts(campaigns, listed, lines())


async def test_it_can_be_canceled_and_deleted(
    campaigns: CampaignStore, clock: Clock, spoiled: tuple[Campaign, Attempt]
) -> None:
    campaign, attempt = spoiled
    canceled = await campaigns.change(campaign.id, "canceled", allowed=["running"])
    assert canceled is not None
    assert (canceled.state, canceled.unreadable) == ("canceled", True)
    # Its calls are seen to.
    assert await campaigns.campaign(campaign.id) == canceled
    assert [found.id for found in await campaigns.clearing()] == [campaign.id]
    clock.pass_ms(MINUTE_MS)
    assert [found.id for found in await campaigns.look(1, MINUTE_MS)] == [attempt.id]
    await campaigns.settle(attempt.id, "canceled", None)
    assert await campaigns.delete(campaign.id)
    assert await campaigns.campaigns() == []


async def test_it_goes_on_when_it_can_be_read_again(
    campaigns: CampaignStore, redis: Redis, redis_prefix: str
) -> None:
    campaign = await running(campaigns)
    await spoil(redis, redis_prefix, campaign)
    assert await campaigns.running() == []
    name = f"{redis_prefix}campaign:{campaign.id}"
    await redis.hset(name, "spec", campaign.spec.model_dump_json())
    assert await campaigns.running() == [campaign]
    attempt = await claimed(campaigns, campaign)
    assert attempt.number == number(0)
    assert await campaigns.void(attempt.id, 1, plan())
