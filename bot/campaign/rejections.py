"""What becomes of attempts whose calls Twilio did not place."""

from __future__ import annotations

import random

from .pausing import tell_paused
from .placing import Refusal
from .planning import next_plan, plan_after
from .spec import CampaignSpec
from .store import CampaignStore
from .types import Attempt, Campaign

__all__ = ["Rejections"]


class Rejections:
    """Writes down what follows from Twilio's refusals: `bot.campaign.placing` judges them."""

    def __init__(self, store: CampaignStore) -> None:
        self._store = store

    async def meet(
        self, campaign: Campaign, attempt: Attempt, refusal: Refusal, delay_s: float
    ) -> None:
        """Write down what follows from it.

        Args:
            delay_s: how long Twilio is not to be asked, where it is asked again.

        Raises:
            StoreUnavailable: Redis does not answer; the sweeper finds out.
        """
        store = self._store
        match refusal.fate:
            case "unknown":
                await store.lost_answer(attempt.id, attempt.token)
            case "refused":
                await store.settle(attempt.id, "refused", None, reason=refusal.reason)
            case "failed":
                await self._fail(campaign.spec, attempt, refusal)
            case "later":
                await self._void(campaign.spec, attempt, delay_s, refusal)
            case "paused":
                # First, so that nobody claims what is given back.
                paused = await store.change(
                    campaign.id, "paused", allowed=["running"], reason=refusal.reason
                )
                if paused is not None:
                    tell_paused(campaign.id, refusal.reason)
                await self._void(campaign.spec, attempt, 0.0, refusal)

    async def _fail(self, spec: CampaignSpec, attempt: Attempt, refusal: Refusal) -> None:
        contact = await self._store.contact(attempt.campaign, attempt.number)
        now_ms = await self._store.now_ms()
        plan = None
        if contact is not None and not refusal.for_good:
            plan = next_plan(spec, contact, "failed", now_ms, jitter=random.random())
        await self._store.settle(attempt.id, "failed", plan, reason=refusal.reason)

    async def _void(
        self, spec: CampaignSpec, attempt: Attempt, delay_s: float, refusal: Refusal
    ) -> None:
        contact = await self._store.contact(attempt.campaign, attempt.number)
        now_ms = await self._store.now_ms()
        plan = None if contact is None else plan_after(spec, contact, delay_s, now_ms)
        await self._store.void(attempt.id, attempt.token, plan, reason=refusal.reason)
