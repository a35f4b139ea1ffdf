"""The end of a campaign: when nobody is called, and nobody waits for it any more."""

from __future__ import annotations

import structlog

from .store import CampaignStore
from .types import Campaign

__all__ = ["finish"]

log = structlog.get_logger(__name__)


async def finish(store: CampaignStore, campaign: Campaign) -> None:
    """Mark a running campaign as done when it is.

    Raises:
        StoreUnavailable: Redis does not answer.
    """
    progress = await store.progress(campaign.id)
    if progress.live:
        return
    reason = ""
    if progress.waiting:
        ends_at, now_ms = campaign.spec.ends_at, await store.now_ms()
        if ends_at is None or now_ms < ends_at.timestamp() * 1000:
            return
        reason = f"its end has come; {progress.waiting} contacts were not called any more"
    if await store.change(campaign.id, "done", allowed=["running"], reason=reason):
        log.info("campaign is done", campaign=campaign.id)
