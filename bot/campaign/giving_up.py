"""Giving up attempts whose calls Twilio's lists do not show."""

from __future__ import annotations

import random

import structlog

from .planning import next_plan, plan_after
from .store import CampaignStore
from .types import Attempt, Campaign

__all__ = ["count_as_failed", "give_up"]

log = structlog.get_logger(__name__)


async def count_as_failed(store: CampaignStore, attempt: Attempt, campaign: Campaign) -> None:
    """There are calls that may be the attempt's if a clock is wrong, or somebody else's.

    So it counts, and its contact is called again as after a call that failed: nobody heard
    anything in it, or Twilio would have asked us what to say, and told us whose call it is.

    Raises:
        StoreUnavailable: Redis does not answer.
    """
    contact = await store.contact(attempt.campaign, attempt.number)
    plan = None
    if contact is not None:
        now_ms = await store.now_ms()
        plan = next_plan(campaign.spec, contact, "failed", now_ms, jitter=random.random())
    reason = "nobody knows whether Twilio placed the call"
    if await store.settle(attempt.id, "failed", plan, reason=reason, token=attempt.token):
        log.warning("call cannot be told from another", attempt=attempt.id)


async def give_up(store: CampaignStore, attempt: Attempt, campaign: Campaign, now_ms: int) -> None:
    """There is no call: the attempt does not count, and its contact is called when they may be.

    Raises:
        StoreUnavailable: Redis does not answer.
    """
    contact = await store.contact(attempt.campaign, attempt.number)
    plan = None if contact is None else plan_after(campaign.spec, contact, 0, now_ms)
    reason = "Twilio never placed the call"
    if await store.void(attempt.id, attempt.token, plan, reason=reason):
        log.info("call was never placed", attempt=attempt.id, campaign=attempt.campaign)
