"""That nobody is dialled is told when it lasts, and for no longer."""

from __future__ import annotations

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from bot.campaign.standstill import LASTS_S, TOLD_FOR_S, Standstill
from bot.campaign.store import CampaignStore
from bot.campaign.types import Attempt, Blocked, Claims

FULL = Claims(blocked="inbound")
SOMEBODY = Claims([Attempt("a" * 20, "abcd1234", "+15552220000", "+15551110000")])


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


async def test_what_lasts_is_told_once_and_kept_until_it_is_over(
    campaigns: CampaignStore, redis: Redis, redis_prefix: str
) -> None:
    clock = Clock()
    standstill = Standstill(campaigns, clock)
    with capture_logs() as logs:
        for second in range(0, 200, 5):
            clock.now_s = float(second)
            await standstill.see(FULL)
            # Rates say nothing about it.
            await standstill.see(Claims(blocked="account_rate"))
            assert (await campaigns.obstacle() == "inbound") is (second >= LASTS_S)
        # Whoever tells of it may die.
        assert 0 < await redis.ttl(f"{redis_prefix}dial:obstacle") <= TOLD_FOR_S
        await standstill.see(SOMEBODY)
    assert await campaigns.obstacle() == ""
    assert [line["event"] for line in logs] == [
        "nobody is dialled",
        "nothing is in the way of dialling any more",
    ]


@pytest.mark.parametrize(
    "over", [SOMEBODY, Claims(blocked="nothing_due"), Claims(blocked="workers")]
)
async def test_what_was_over_in_between_does_not_last(
    campaigns: CampaignStore, over: Claims
) -> None:
    clock = Clock()
    standstill = Standstill(campaigns, clock)
    await standstill.see(FULL)
    clock.now_s = LASTS_S - 1
    await standstill.see(over)
    clock.now_s = LASTS_S
    await standstill.see(FULL)
    assert await campaigns.obstacle() == ""


@pytest.mark.parametrize("blocked", ["rate", "concurrency", "nothing_due", "early"])
async def test_what_is_as_its_owner_wants_it_is_not_told(
    campaigns: CampaignStore, blocked: Blocked
) -> None:
    clock = Clock()
    standstill = Standstill(campaigns, clock)
    await standstill.see(Claims(blocked=blocked))
    clock.now_s = 2 * LASTS_S
    await standstill.see(Claims(blocked=blocked))
    assert await campaigns.obstacle() == ""
